type Owners = AsyncIterable<readonly [owner: string, value: unknown]>

/** The owners of several keys of a store, each once, in the order in which it gives those of one. */
export async function* inOrder(all: readonly Owners[]): AsyncGenerator<string, void> {
  const iterators = all.map((owners) => owners[Symbol.asyncIterator]())
  const next = async (at: number) => {
    const { done, value } = await iterators[at]!.next()
    return done ? undefined : value[0]
  }
  const heads = await Promise.all(iterators.map((_, at) => next(at)))
  for (;;) {
    const first = heads.reduce((a, b) => (a === undefined || (b !== undefined && isBefore(b, a)) ? b : a), undefined)
    if (first === undefined) return
    yield first
    for (const at of heads.keys()) if (heads[at] === first) heads[at] = await next(at)
  }
}

/** By the bytes of UTF-8, as databases have it. */
function isBefore(a: string, b: string): boolean {
  return Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0
}
