import type { DatabaseSync } from 'node:sqlite'
import { type JournalRecord, recordsOf } from '../journal/journal.ts'
import type { Json } from '../world.ts'
import { condition, encodeValue, type Shelf, unknownId, window } from './log-sql.ts'
import { SqliteReader } from './sqlite-reader.ts'
import { type LogQuery, StorageError } from './storage.ts'

/** What a trim removed, or the id it named that is no entry. `token` is from its record. */
export interface TrimOutcome {
  readonly token: number
  readonly count: number
  readonly unknownId: string | undefined
}

/** A transaction ends with the batch that brings it to this many characters of records: some ten thousand rows, some fifty milliseconds. */
const TRANSACTION = 4 * 1024 * 1024
/** After so many characters the database is made safe against a power cut, so that the journal may let them go. */
const CHECKPOINT = 4 * TRANSACTION

/** Brings the storage's records from the journal into the database, together with the number of the last batch. */
export class Applier {
  readonly #reader: SqliteReader
  readonly #database: DatabaseSync
  readonly #isPowerSafe: boolean
  #sinceCheckpoint = 0
  #trims: TrimOutcome[] = []
  /** The last batch applied. */
  cursor: number
  /** The last batch that a power cut cannot take back. */
  safeCursor = 0
  /** The greatest log position ever kept. */
  position: number

  /** @param isPowerSafe each transaction is synchronised by itself */
  constructor(database: DatabaseSync, isPowerSafe: boolean) {
    this.#database = database
    this.#reader = new SqliteReader(database)
    this.#isPowerSafe = isPowerSafe
    const [cursor, position] = this.#reader.row<[number, number]>('SELECT cursor, position FROM progress')!
    this.cursor = cursor
    this.position = position
  }

  /** Applies batches, at least one and beginning behind the cursor, in one transaction of bounded size; on an error nothing of them. */
  apply(batches: Iterable<readonly [number: number, batch: string]>): void {
    let { cursor } = this
    const { position } = this
    let size = 0
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      for (const [number, batch] of batches) {
        if (number !== cursor + 1) throw missing(cursor + 1, number)
        for (const record of recordsOf(batch)) this.#record(record)
        cursor = number
        size += batch.length
        if (size >= TRANSACTION) break
      }
      if (cursor === this.cursor) throw missing(cursor + 1)
      this.#reader.statement('UPDATE progress SET cursor = ?, position = ?').run(cursor, this.position)
      this.#database.exec('COMMIT')
    } catch (error) {
      // A full disk has SQLite roll back by itself.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      this.#reader.forget()
      this.#trims = []
      this.position = position
      throw error
    }
    this.cursor = cursor
    this.#sinceCheckpoint += size
    if (this.#isPowerSafe) this.safeCursor = cursor
    else if (this.#sinceCheckpoint >= CHECKPOINT) this.#tryCheckpoint()
  }

  /** Makes all that was applied safe against a power cut. */
  checkpoint(): void {
    this.#database.exec('PRAGMA wal_checkpoint(PASSIVE)')
    this.#sinceCheckpoint = 0
    this.safeCursor = this.cursor
  }

  /** The outcomes of the trims applied since the last call. */
  takeTrims(): TrimOutcome[] {
    return this.#trims.splice(0)
  }

  #tryCheckpoint(): void {
    try {
      this.checkpoint()
    } catch {
      // The transaction stands; the journal keeps its batches until a later checkpoint succeeds.
    }
  }

  /** Kinds of other readers of the journal are passed over. */
  #record(record: JournalRecord): void {
    switch (record[0]) {
      case 'log':
        return this.#log(...(record.slice(1) as [string, string, number, number, string | null, number, Json]))
      case 'map':
        return this.#map(...(record.slice(1) as [string, string, string, Json?]))
      case 'settle':
        return this.#settle(...(record.slice(1) as [string, string, number[]]))
      case 'suspend':
        return this.#suspend(...(record.slice(1) as [string, string, number[]]))
      case 'replace':
        return this.#replace(...(record.slice(1) as [string, string, number, Json]))
      case 'trim':
        return this.#trim(...(record.slice(1) as [string, string, LogQuery, number]))
      case 'drop':
        return this.#drop(...(record.slice(1) as [string, string]))
    }
  }

  #log(
    store: string,
    owner: string,
    position: number,
    at: number,
    peer: string | null,
    state: number,
    value: Json,
  ): void {
    if (position > this.position) this.position = position
    this.#reader
      .statement('INSERT INTO logs (id, store, owner, at, peer, state, value) VALUES (?, ?, ?, ?, ?, ?, ?)')
      .run(
        position,
        this.#store(store),
        this.#name(owner),
        at,
        peer === null ? null : this.#name(peer),
        state,
        encodeValue(value),
      )
  }

  #map(store: string, owner: string, key: string, value?: Json): void {
    const id = this.#store(store)
    if (value === undefined) {
      this.#reader.statement('DELETE FROM maps WHERE store = ? AND owner = ? AND key = ?').run(id, owner, key)
      return
    }
    this.#reader
      .statement('INSERT INTO maps VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value')
      .run(id, owner, key, encodeValue(value))
  }

  #settle(name: string, owner: string, positions: readonly number[]): void {
    const { store, owner: number } = this.#shelf(name, owner)
    for (const position of positions) {
      const of = [position, store, number] as const
      this.#reader.statement('DELETE FROM logs WHERE id = ? AND store = ? AND owner = ? AND state = 2').run(...of)
      this.#reader
        .statement('UPDATE logs SET state = 0 WHERE id = ? AND store = ? AND owner = ? AND state = 1')
        .run(...of)
    }
  }

  #suspend(name: string, owner: string, positions: readonly number[]): void {
    const { store, owner: number } = this.#shelf(name, owner)
    const sql = 'UPDATE logs SET state = 1 WHERE id = ? AND store = ? AND owner = ? AND state = 0'
    for (const position of positions) this.#reader.statement(sql).run(position, store, number)
  }

  #replace(name: string, owner: string, position: number, value: Json): void {
    const { store, owner: number } = this.#shelf(name, owner)
    this.#reader
      .statement('UPDATE logs SET value = ? WHERE id = ? AND store = ? AND owner = ?')
      .run(encodeValue(value), position, store, number)
  }

  #trim(name: string, owner: string, query: LogQuery, token: number): void {
    const of = this.#shelf(name, owner)
    const unknown = unknownId(this.#reader, of, query)
    let count = 0
    if (unknown === undefined) {
      const { sql, values } = condition(this.#reader, of, query)
      const removal = `DELETE FROM logs WHERE id IN (SELECT id FROM logs WHERE ${sql} ${window(query)})`
      count = Number(this.#reader.statement(removal).run(...values).changes)
    }
    this.#trims.push({ token, count, unknownId: unknown })
  }

  #drop(prefix: string, owner: string): void {
    const stores = this.#reader.rows<[number, string]>('SELECT id, name FROM stores')
    const number = this.#name(owner)
    for (const [id, name] of stores) {
      if (!name.startsWith(prefix)) continue
      this.#reader.statement('DELETE FROM maps WHERE store = ? AND owner = ?').run(id, owner)
      this.#reader.statement('DELETE FROM logs WHERE store = ? AND owner = ? AND state < 2').run(id, number)
      this.#reader.statement('DELETE FROM logs WHERE store = ? AND owner = ? AND state > 0').run(id, number)
    }
  }

  #shelf(name: string, owner: string): Shelf {
    return { store: this.#store(name), owner: this.#name(owner) }
  }

  #name(name: string): number {
    const known = this.#reader.name(name)
    if (known !== undefined) return known
    this.#reader.statement('INSERT INTO names (name) VALUES (?)').run(name)
    return this.#reader.name(name)!
  }

  #store(name: string): number {
    const known = this.#reader.store(name)
    if (known !== undefined) return known
    this.#reader.statement('INSERT INTO stores (name) VALUES (?)').run(name)
    return this.#reader.store(name)!
  }
}

function missing(expected: number, found?: number): StorageError {
  return new StorageError(
    `The database has followed the journal up to batch ${expected - 1}, but the journal ` +
      `${found === undefined ? 'no longer holds the next ones' : `goes on with batch ${found}`}: they do not belong together. ` +
      'Restore the whole data folder from one backup; to start without what was kept, move both away.',
  )
}
