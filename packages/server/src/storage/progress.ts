import { StorageError } from './storage.ts'

/** How far the database has followed the journal, and who waits for it to come further. */
export class Progress {
  readonly #waiting: {
    readonly batch: number
    readonly resolve: () => void
    readonly reject: (error: Error) => void
  }[] = []
  readonly #onWait: () => void
  #isClosed = false
  /** The last batch that can be read from the database. */
  applied: number

  constructor(applied: number, onWait: () => void) {
    this.applied = applied
    this.#onWait = onWait
  }

  /** The last batch that somebody waits for. */
  get wanted(): number {
    return this.#waiting.at(-1)?.batch ?? 0
  }

  /** Resolves when the batch can be read. Callers only ever ask for the newest batch, so the queue is in order. */
  reached(batch: number): Promise<void> {
    if (batch <= this.applied) return Promise.resolve()
    if (this.#isClosed) return Promise.reject(closed())
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const at = this.#waiting.findLastIndex((one) => one.batch <= batch) + 1
    this.#waiting.splice(at, 0, { batch, resolve, reject })
    this.#onWait()
    return promise
  }

  advance(applied: number): void {
    this.applied = applied
    let count = 0
    while (count < this.#waiting.length && this.#waiting[count]!.batch <= applied) count += 1
    for (const one of this.#waiting.splice(0, count)) one.resolve()
  }

  close(): void {
    this.#isClosed = true
    for (const one of this.#waiting.splice(0)) one.reject(closed())
  }
}

function closed(): StorageError {
  return new StorageError('The storage has been closed.')
}
