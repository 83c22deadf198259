import type { JournalStore } from './journal.ts'

/**
 * Batches kept in memory, for simulations and tests. The object outlives the server that wrote to it: after a simulated crash a
 * new server is given the same object and finds what was committed.
 */
export class MemoryJournalStore implements JournalStore {
  readonly #partBatches: number
  #batches: string[] = []
  #first = 1
  #part = 1
  /** While set, `append` throws it and keeps nothing: a full disk. */
  failure: Error | undefined

  /** @param partBatches after how many batches a new part is begun */
  constructor(partBatches = 1000) {
    this.#partBatches = partBatches
  }

  get last(): number {
    return this.#first + this.#batches.length - 1
  }

  get part(): number {
    return this.#part
  }

  append(batch: string): void {
    if (this.failure) throw this.failure
    const number = this.last + 1
    if (number - this.#part >= this.#partBatches) this.#part = number
    this.#batches.push(batch)
  }

  *read(from: number): Iterable<readonly [number: number, batch: string]> {
    const last = this.last
    for (let number = Math.max(from, this.#first); number <= last; number += 1) {
      yield [number, this.#batches[number - this.#first]!]
    }
  }

  /** As with files, the part that is being written stays whole. */
  release(from: number): void {
    const keep = Math.min(from, this.#part)
    if (keep <= this.#first) return
    this.#batches.splice(0, keep - this.#first)
    this.#first = keep
  }

  /** Nothing to give back: the batches stay for the next server. */
  close(): void {}
}
