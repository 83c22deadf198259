import type { Told } from './events.ts'

/** What can be read: a list, an archive, the items of a node. */
export interface Readable {
  /** `members …`, `archive …` */
  readonly what: string
  /** Undefined when it could not be read. */
  read(): Promise<Read | undefined>
}

type ReadEvent = Extract<Told, { kind: 'archived' | 'kept' | 'list' }>
/** What was read, without the name of the reading. */
export type Read = ReadEvent extends infer E ? (E extends ReadEvent ? Omit<E, 'reading'> : never) : never

/** Reads, and tells when that was asked for and what there was: for the checker what is not read is a violation. */
export class Readings {
  readonly #tell: (event: Told) => void
  #count = 0

  constructor(tell: (event: Told) => void) {
    this.#tell = tell
  }

  /** Names what is to be read or to happen, each time anew. */
  due(what: string): string {
    const reading = `${what}, reading ${++this.#count}`
    this.#tell({ kind: 'due', reading })
    return reading
  }

  /** One after the other; all are due from now on. */
  async read(all: readonly Readable[]): Promise<void> {
    const named = all.map((one) => [one, this.due(one.what)] as const)
    for (const [one, reading] of named) {
      const found = await one.read()
      if (found) this.#tell({ ...found, reading } as Told)
    }
  }
}
