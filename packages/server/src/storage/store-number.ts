import type { SqliteReader } from './sqlite-reader.ts'

/** Which number a store has in the database. That one has none yet is remembered too: only its own writing gives it one. */
export class StoreNumber {
  readonly #reader: SqliteReader
  readonly #name: string
  #isWritten = false
  #isMissing = false

  constructor(reader: SqliteReader, name: string) {
    this.#reader = reader
    this.#name = name
  }

  /** Undefined while nothing was ever kept in the store. */
  get value(): number | undefined {
    if (this.#isMissing) return undefined
    const value = this.#reader.store(this.#name)
    this.#isMissing = value === undefined && !this.#isWritten
    return value
  }

  /** Something is to be kept in the store. */
  written(): void {
    this.#isWritten = true
    this.#isMissing = false
  }
}
