import type { JournalStore, MemoryJournalStore } from '@jackdaw/server'

/** At which side of a commit a server dies. */
export type Death = 'before a commit' | 'after a commit'

/** One life's view of the journal: tells of each commit, and ends the life at one when it is told to. */
export class KillableJournal implements JournalStore {
  readonly #store: MemoryJournalStore
  readonly #onKept: () => void
  readonly #onDeath: () => void
  #isOver = false
  death: Death | undefined

  constructor(store: MemoryJournalStore, onKept: () => void, onDeath: () => void) {
    this.#store = store
    this.#onKept = onKept
    this.#onDeath = onDeath
  }

  get last(): number {
    return this.#store.last
  }

  get part(): number {
    return this.#store.part
  }

  append(batch: string): void {
    if (this.death === 'before a commit') this.#onDeath()
    if (this.#isOver) throw new Error('a dead server keeps nothing')
    this.#store.append(batch)
    this.#onKept()
    if (this.death === 'after a commit') this.#onDeath()
  }

  read(from: number): Iterable<readonly [number: number, batch: string]> {
    return this.#store.read(from)
  }

  release(from: number): void {
    if (!this.#isOver) this.#store.release(from)
  }

  close(): void {}

  end(): void {
    this.#isOver = true
  }
}
