import type { DatabaseSync } from 'node:sqlite'
import { type JournalRecord, recordsOf } from '../journal/journal.ts'
import type { Json } from '../world.ts'
import { condition, encodeValue, likeBefore, type Shelf, shelving, unknownId, wayTo, window } from './log-sql.ts'
import { searchedText, shelfWord } from './log-text.ts'
import { SqliteReader } from './sqlite-reader.ts'
import { type LogQuery, StorageError } from './storage.ts'

/** What a trim removed, or the id it named that is no entry. `token` is from its record. */
export interface TrimOutcome {
  readonly token: number
  readonly count: number
  readonly unknownId: string | undefined
}

type LogRecord = [
  kind: string,
  store: string,
  owner: string,
  position: number,
  at: number,
  peer: string | null,
  state: number,
]

/** A transaction ends with the batch that brings it to this many characters of records: some fifteen thousand entries, some hundred milliseconds. */
const TRANSACTION = 8 * 1024 * 1024
/** After so many characters the database is made safe against a power cut, so that the journal may let them go. */
const CHECKPOINT = 2 * TRANSACTION

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
  /** Entries up to this position are where pages find them; the others get there when the transaction ends, or when something must find them. */
  #shelved: number
  /** That of the entry applied last. */
  #value: Json = null
  /** Of the record applied last. */
  #kind = ''

  /** @param isPowerSafe each transaction is synchronised by itself */
  constructor(database: DatabaseSync, isPowerSafe: boolean) {
    this.#database = database
    this.#reader = new SqliteReader(database)
    this.#isPowerSafe = isPowerSafe
    const [cursor, position] = this.#reader.row<[number, number]>('SELECT cursor, position FROM progress')!
    this.cursor = cursor
    this.position = position
    this.#shelved = position
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
      this.#shelve()
      this.#reader.run('UPDATE progress SET cursor = ?, position = ?', cursor, this.position)
      this.#database.exec('COMMIT')
    } catch (error) {
      // A full disk has SQLite roll back by itself.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      this.#reader.forget()
      this.#trims = []
      this.position = position
      this.#shelved = position
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
    const before = this.#kind
    this.#kind = record[0]
    switch (record[0]) {
      case 'log':
        this.#value = record[7]!
        return this.#log(record as unknown as LogRecord, encodeValue(this.#value), record[8])
      // Its value is that of the entry before it, which is in the same batch; whether that one's row is still there is certain right behind it.
      case 'again':
        return this.#log(
          record as unknown as LogRecord,
          before === 'log' ? likeBefore : encodeValue(this.#value),
          record[7],
        )
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

  #log([, store, owner, position, at, peer, state]: LogRecord, value: string, isSearchable: Json | undefined): void {
    if (position > this.position) this.position = position
    const of = this.#shelf(store, owner)
    this.#reader.run(
      'INSERT INTO logs (id, store, owner, at, peer, state, value) VALUES (?, ?, ?, ?, ?, ?, ?)',
      position,
      of.store,
      of.owner,
      at,
      peer === null ? null : this.#name(peer),
      state,
      value,
    )
    if (isSearchable) this.#index(of, position, this.#value)
  }

  /** An entry without words is none of the index's business. */
  #index({ store, owner }: Shelf, position: number, value: Json): void {
    const text = typeof value === 'string' ? searchedText(value) : ''
    if (text === '') return
    this.#reader.run('INSERT INTO texts (rowid, text) VALUES (?, ?)', position, `${shelfWord(store, owner)}${text}`)
  }

  #map(store: string, owner: string, key: string, value?: Json): void {
    const id = this.#store(store)
    if (value === undefined) {
      this.#reader.run('DELETE FROM maps WHERE store = ? AND owner = ? AND key = ?', id, owner, key)
      return
    }
    this.#reader.run(
      'INSERT INTO maps VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
      id,
      owner,
      key,
      encodeValue(value),
    )
  }

  #settle(name: string, owner: string, positions: readonly number[]): void {
    const { store, owner: number } = this.#shelf(name, owner)
    for (const position of positions) {
      const of = [position, store, number] as const
      this.#reader.run('DELETE FROM logs WHERE id = ? AND store = ? AND owner = ? AND state = 2', ...of)
      this.#reader.run('UPDATE logs SET state = 0 WHERE id = ? AND store = ? AND owner = ? AND state = 1', ...of)
    }
  }

  #suspend(name: string, owner: string, positions: readonly number[]): void {
    const { store, owner: number } = this.#shelf(name, owner)
    const sql = 'UPDATE logs SET state = 1 WHERE id = ? AND store = ? AND owner = ? AND state = 0'
    for (const position of positions) this.#reader.run(sql, position, store, number)
  }

  #replace(name: string, owner: string, position: number, value: Json): void {
    const of = this.#shelf(name, owner)
    const changes = this.#reader.run(
      'UPDATE logs SET value = ? WHERE id = ? AND store = ? AND owner = ?',
      encodeValue(value),
      position,
      of.store,
      of.owner,
    )
    if (changes === 0 || !this.#reader.row('SELECT 1 FROM texts WHERE rowid = ?', position)) return
    this.#reader.run('DELETE FROM texts WHERE rowid = ?', position)
    this.#index(of, position, value)
  }

  #shelve(): void {
    if (this.#shelved === this.position) return
    for (const sql of shelving) this.#reader.run(sql, this.#shelved)
    this.#shelved = this.position
  }

  #trim(name: string, owner: string, query: LogQuery, token: number): void {
    this.#shelve()
    const of = this.#shelf(name, owner)
    const unknown = unknownId(this.#reader, of, query)
    let count = 0
    if (unknown === undefined) {
      const { sql, values } = condition(this.#reader, of, query)
      const { walked, key } = wayTo(query)
      const removal = `DELETE FROM logs WHERE id IN (SELECT ${key} FROM ${walked} WHERE ${sql} ${window(query)})`
      count = this.#reader.run(removal, ...values)
    }
    this.#trims.push({ token, count, unknownId: unknown })
  }

  #drop(prefix: string, owner: string): void {
    this.#shelve()
    const stores = this.#reader.rows<[number, string]>('SELECT id, name FROM stores')
    const number = this.#name(owner)
    for (const [id, name] of stores) {
      if (!name.startsWith(prefix)) continue
      this.#reader.run('DELETE FROM maps WHERE store = ? AND owner = ?', id, owner)
      this.#reader.run(
        'DELETE FROM logs WHERE id IN (SELECT id FROM shelves WHERE store = ? AND owner = ?)',
        id,
        number,
      )
      this.#reader.run('DELETE FROM logs WHERE store = ? AND owner = ? AND state > 0', id, number)
    }
  }

  #shelf(name: string, owner: string): Shelf {
    return { store: this.#store(name), owner: this.#name(owner) }
  }

  #name(name: string): number {
    const known = this.#reader.name(name)
    if (known !== undefined) return known
    this.#reader.run('INSERT INTO names (name) VALUES (?)', name)
    return this.#reader.name(name)!
  }

  #store(name: string): number {
    const known = this.#reader.store(name)
    if (known !== undefined) return known
    this.#reader.run('INSERT INTO stores (name) VALUES (?)', name)
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
