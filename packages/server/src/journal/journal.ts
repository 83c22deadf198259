import type { Clock, Json } from '../world.ts'

/** One lasting effect: what happened, then its particulars. The kinds are named by the reader that understands them. */
export type JournalRecord = readonly [kind: string, ...particulars: Json[]]

/**
 * Where batches of records are kept: a file, or memory in a simulation. A batch is the effects of one tick and is kept whole or
 * not at all.
 */
export interface JournalStore {
  /** The number of the last batch kept; 0 when there is none. */
  readonly last: number
  /** Keeps a batch under the number `last + 1`. Throws (ENOSPC, EIO) when it could not, and then nothing of it is kept. */
  append(batch: string): void
  /** The batches numbered `from` and later, in order. */
  read(from: number): Iterable<readonly [number: number, batch: string]>
  /** Batches numbered below `from` are needed by nobody any more. */
  release(from: number): void
  /** The number of the first batch of the part that is being written; grows when a new part is begun. */
  readonly part: number
  /** Whether what is written can be found again; false when somebody has removed or replaced the file, and then nothing is taken. */
  isInPlace?(): boolean
  close(): void
}

/** Called at the tick's end: `commit` may still append (counters gathered during the tick), `flush` may write to sockets. */
export interface TickEnd {
  commit?(): void
  flush?(): void
  /** The journal's own: whether `flush` is about to be called. A mark on each costs less than a set of them. */
  isAwaited?: boolean
}

export interface JournalOptions {
  readonly store: JournalStore
  readonly clock: Clock
  /** Told when a commit fails (disk full) and again, with undefined, when one succeeds after that. */
  readonly onTrouble?: (error: Error | undefined) => void
  /** Told what a flush threw. */
  readonly onFault?: (error: unknown) => void
  /** Told the number of each batch as it is kept. */
  readonly onCommit?: (number: number) => void
}

/** Characters of a batch after which the tick takes in no more: a batch is one string, and whoever waits for it waits for all of it. */
const fullSize = 16_777_216

/**
 * The journal: one tick, one commit. Effects of all the input of a tick are gathered by `append`; at the tick's end they are kept as one
 * batch, and only then do the streams that have output write it.
 *
 * While the store refuses (disk full), the batch and all output wait and `isTroubled` is true: ports pause their input, and the
 * commit is tried again every second.
 */
export class Journal {
  readonly #store: JournalStore
  readonly #clock: Clock
  readonly #options: JournalOptions
  #records: string[] = []
  #size = 0
  #committers = new Set<TickEnd>()
  #flushers: TickEnd[] = []
  #scheduled = false
  #closed = false
  #whenRelieved: (() => void)[] = []
  #whenTurned: (() => void)[] = []
  isTroubled = false

  constructor(options: JournalOptions) {
    this.#options = options
    this.#store = options.store
    this.#clock = options.clock
  }

  /** The number of the batch that now gathers. */
  get next(): number {
    return this.#store.last + 1
  }

  /** Adds an effect to this tick's batch and returns the batch's number. */
  append(record: JournalRecord): number {
    const text = JSON.stringify(record)
    this.#records.push(text)
    this.#size += text.length
    this.#schedule()
    return this.#store.last + 1
  }

  /** Calls `end.commit` before this tick's batch is kept. */
  beforeCommit(end: TickEnd): void {
    this.#committers.add(end)
    this.#schedule()
  }

  /** Calls `end.flush` once this tick's batch has been kept. */
  afterCommit(end: TickEnd): void {
    if (end.isAwaited) return
    end.isAwaited = true
    this.#flushers.push(end)
    this.#schedule()
  }

  /** Whether this tick's batch is so large that nothing more should be begun in it. */
  get isFull(): boolean {
    return this.#size > fullSize
  }

  /** Resolves when this tick's batch has been kept and its output written. Something must have been appended or put off until then. */
  turned(): Promise<void> {
    return new Promise((resolve) => this.#whenTurned.push(resolve))
  }

  /** Resolves when the store takes batches again; at once when it does. */
  relieved(): Promise<void> {
    return this.isTroubled ? new Promise((resolve) => this.#whenRelieved.push(resolve)) : Promise.resolve()
  }

  /** Commits what has gathered now, before a stop; nothing is kept after it. Throws when the store refuses. */
  close(): void {
    this.#closed = true
    try {
      this.#commit()
    } finally {
      this.#store.close()
    }
  }

  #schedule(): void {
    if (this.#scheduled || this.#closed) return
    this.#scheduled = true
    this.#clock.soon(() => this.#tick())
  }

  #tick(): void {
    if (this.#closed) return
    try {
      this.#commit()
    } catch (error) {
      if (!this.isTroubled) this.#options.onTrouble?.(error as Error)
      this.isTroubled = true
      this.#clock.after(1000, () => this.#tick())
      return
    }
    this.#scheduled = false
    if (this.isTroubled) this.#relieve()
    this.#flush()
    for (const resolve of this.#whenTurned.splice(0)) resolve()
  }

  #commit(): void {
    const committers = this.#committers
    if (committers.size > 0) {
      this.#committers = new Set()
      for (const end of committers) end.commit!()
    }
    if (this.#records.length === 0) return
    this.#store.append(this.#records.join(',\n'))
    this.#records = []
    this.#size = 0
    this.#options.onCommit?.(this.#store.last)
  }

  #flush(): void {
    const flushers = this.#flushers
    if (flushers.length === 0) return
    this.#flushers = []
    for (const end of flushers) {
      end.isAwaited = false
      try {
        end.flush!()
      } catch (error) {
        // One connection's trouble is not the others'.
        this.#options.onFault?.(error)
      }
    }
  }

  #relieve(): void {
    this.isTroubled = false
    this.#options.onTrouble?.(undefined)
    for (const resolve of this.#whenRelieved.splice(0)) resolve()
  }
}

/** The records of one batch. */
export function recordsOf(batch: string): JournalRecord[] {
  return JSON.parse(`[${batch}]`) as JournalRecord[]
}
