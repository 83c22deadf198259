import type { JournalRecord } from '../journal/journal.ts'
import type { Json } from '../world.ts'
import { decodeValue } from './log-sql.ts'
import { Outstanding } from './outstanding.ts'
import type { Progress } from './progress.ts'
import type { SqliteReader } from './sqlite-reader.ts'
import type { MapStore } from './storage.ts'
import { StoreNumber } from './store-number.ts'

const OWNERS_AT_ONCE = 500

/** What a store needs of the storage that it belongs to. */
export interface StoreAccess {
  readonly reader: SqliteReader
  readonly progress: Progress
  /** Appends to the journal; returns the batch. */
  append(record: JournalRecord): number
  settled(): Promise<void>
}

interface Overlay<T> {
  readonly batch: number
  /** The batch in which all of the owner's values went; 0 when they did not. */
  readonly droppedIn: number
  readonly values: Outstanding<{ readonly batch: number; readonly value: T | undefined }>
}

/** A map store in SQLite behind the journal: what was edited and is not yet in the database is read from an overlay. */
export class SqliteMap<T extends Json> implements MapStore<T> {
  readonly #name: string
  readonly #access: StoreAccess
  readonly #store: StoreNumber
  readonly #overlays: Outstanding<Overlay<T>>

  constructor(name: string, access: StoreAccess) {
    this.#name = name
    this.#access = access
    this.#store = new StoreNumber(access.reader, name)
    this.#overlays = new Outstanding(access.progress)
  }

  get(owner: string, key: string): T | undefined {
    const overlay = this.#overlays.get(owner)
    if (overlay) {
      const edited = overlay.values.get(key)
      if (edited) return edited.value
      if (overlay.droppedIn > this.#access.progress.applied) return undefined
    }
    const { reader } = this.#access
    const store = this.#store.value
    if (store === undefined) return undefined
    const row = reader.row<[string]>(
      'SELECT value FROM maps WHERE store = ? AND owner = ? AND key = ?',
      store,
      owner,
      key,
    )
    return row && (decodeValue(row[0]) as T)
  }

  all(owner: string): ReadonlyMap<string, T> {
    const overlay = this.#overlays.get(owner)
    const { reader, progress } = this.#access
    const values = new Map<string, T>()
    const store = this.#store.value
    if (store !== undefined && !(overlay && overlay.droppedIn > progress.applied)) {
      const rows = reader.rows<[string, string]>(
        'SELECT key, value FROM maps WHERE store = ? AND owner = ?',
        store,
        owner,
      )
      for (const [key, value] of rows) values.set(key, decodeValue(value) as T)
    }
    if (!overlay) return values
    for (const [key, { value }] of overlay.values.entries()) {
      if (value === undefined) values.delete(key)
      else values.set(key, value)
    }
    return values
  }

  /** The owners are those at the time of the call, their values those at the time they are reached. */
  async *owners(key: string, after?: string): AsyncIterable<readonly [owner: string, value: T]> {
    await this.#access.settled()
    const { reader } = this.#access
    const store = this.#store.value
    if (store === undefined) return
    const sql = 'SELECT owner FROM maps WHERE store = ? AND key = ? AND owner > ? ORDER BY owner LIMIT ?'
    let rows = reader.rows<[string]>(
      after === undefined ? sql.replace('>', '>=') : sql,
      store,
      key,
      after ?? '',
      OWNERS_AT_ONCE,
    )
    while (rows.length > 0) {
      for (const [owner] of rows) {
        const value = this.get(owner, key)
        if (value !== undefined) yield [owner, value]
      }
      rows = reader.rows<[string]>(sql, store, key, rows.at(-1)![0], OWNERS_AT_ONCE)
    }
  }

  edit(owner: string, key: string, change: (old?: T) => T | undefined): T | undefined {
    const old = this.get(owner, key)
    const value = change(old)
    if (value !== undefined || old !== undefined) this.put(owner, key, value)
    return value
  }

  /** Undefined removes. */
  put(owner: string, key: string, value: T | undefined): void {
    this.#store.written()
    const what = ['map', this.#name, owner, key] as const
    const batch = this.#access.append(value === undefined ? what : [...what, value])
    const overlay = this.#overlays.get(owner)
    const values = overlay?.values ?? new Outstanding(this.#access.progress)
    values.set(key, { batch, value })
    this.#overlays.set(owner, { batch, droppedIn: overlay?.droppedIn ?? 0, values })
  }

  dropped(owner: string, batch: number): void {
    this.#overlays.set(owner, { batch, droppedIn: batch, values: new Outstanding(this.#access.progress) })
  }
}
