import type { Progress } from './progress.ts'

/**
 * What was appended and is perhaps not yet in the database, under some name: consulted before the database. Entries whose batch has
 * been applied are dropped when asked for, and in one sweep whenever the number has doubled.
 */
export class Outstanding<T extends { readonly batch: number }> {
  readonly #entries = new Map<string, T>()
  readonly #progress: Progress
  #sweepAt = 256

  constructor(progress: Progress) {
    this.#progress = progress
  }

  get(name: string): T | undefined {
    // Where there is nothing, as in most stores, the name need not be hashed.
    if (this.#entries.size === 0) return undefined
    const entry = this.#entries.get(name)
    if (!entry || entry.batch > this.#progress.applied) return entry
    this.#entries.delete(name)
    return undefined
  }

  set(name: string, entry: T): void {
    this.#entries.set(name, entry)
    if (this.#entries.size >= this.#sweepAt) this.#sweep()
  }

  /** What is not yet in the database. */
  entries(): Iterable<readonly [name: string, entry: T]> {
    this.#sweep()
    return this.#entries
  }

  #sweep(): void {
    for (const [name, entry] of this.#entries) if (entry.batch <= this.#progress.applied) this.#entries.delete(name)
    this.#sweepAt = Math.max(256, this.#entries.size * 2)
  }
}
