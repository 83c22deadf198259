import type { Awaitable, Json } from '../world.ts'
import type { LogIds } from './log-id.ts'
import { columns, condition, decodeValue, latestByPeer, namedIds, shelf, unknownId, wayTo, window } from './log-sql.ts'
import { Outstanding } from './outstanding.ts'
import type { StoreAccess } from './sqlite-map.ts'
import { StoreNumber } from './store-number.ts'
import { type Latest, type LogEntry, type LogQuery, type LogStore, type Page, UnknownIdError } from './storage.ts'

export interface LogAccess extends StoreAccess {
  readonly ids: LogIds
  /** The next position in the log of all stores, for an entry of that time. */
  position(at: number): number
  /** Whether the last entry of the batch that gathers has this value, too; from now on this one is the last. */
  isRepeated(value: Json): boolean
  /** Appends a removal; resolves with what it removed. */
  trim(store: string, owner: string, query: LogQuery): Promise<number>
}

type Row = [id: number, at: number, peer: string | null, state: number, value: string]

/** A log store in SQLite behind the journal: an owner's reads wait for what was appended for that owner before. */
export class SqliteLog<T extends Json> implements LogStore<T> {
  readonly #name: string
  readonly #access: LogAccess
  readonly #store: StoreNumber
  readonly #outstanding: Outstanding<{ readonly batch: number }>

  constructor(name: string, access: LogAccess) {
    this.#name = name
    this.#access = access
    this.#store = new StoreNumber(access.reader, name)
    this.#outstanding = new Outstanding(access.progress)
  }

  append(owner: string, entry: Parameters<LogStore<T>['append']>[1]): string {
    const { value, at, isPending, isTransient, isSearchable } = entry
    const position = this.#access.position(at)
    const state = isTransient ? 2 : isPending ? 1 : 0
    const peer = entry.with ?? null
    const record: [string, ...Json[]] = this.#access.isRepeated(value)
      ? ['again', this.#name, owner, position, at, peer, state]
      : ['log', this.#name, owner, position, at, peer, state, value]
    if (isSearchable && state < 2) record.push(1)
    this.#append(owner, record)
    return this.#access.ids.id(position)
  }

  page(owner: string, query: LogQuery): Awaitable<Page<T>> {
    this.#check(query)
    return this.#read(owner, () => this.#page(owner, query))
  }

  latest(owner: string, max: number, after?: string): Awaitable<readonly Latest[]> {
    return this.#read(owner, () => {
      const { reader, ids } = this.#access
      const of = shelf(reader, this.#store.value, owner)
      if (!of) return []
      const { store, owner: number } = of
      const first = after === undefined ? 0 : (reader.name(after) ?? 0)
      const place = [store, number] as const
      const rows = reader.rows<[string, number, number]>(latestByPeer, ...place, first, ...place, max, ...place)
      return rows.map(([peer, id, at]) => ({ with: peer, id: ids.id(id), at }))
    })
  }

  suspend(owner: string, ids: readonly string[]): void {
    if (ids.length > 0) this.#append(owner, ['suspend', this.#name, owner, this.#positions(ids)])
  }

  settle(owner: string, ids: readonly string[]): void {
    if (ids.length > 0) this.#append(owner, ['settle', this.#name, owner, this.#positions(ids)])
  }

  replace(owner: string, id: string, value: T): void {
    this.#append(owner, ['replace', this.#name, owner, this.#access.ids.position(id), value])
  }

  async *owners(): AsyncIterable<string> {
    await this.#access.settled()
    const { reader } = this.#access
    const store = this.#store.value
    if (store === undefined) return
    // One step along the index for each owner, however many entries each has.
    const next =
      'SELECT owner, name FROM shelves JOIN names ON names.id = owner WHERE store = ? AND owner > ? ORDER BY owner LIMIT 1'
    let row = reader.row<[number, string]>(next, store, 0)
    while (row) {
      yield row[1]
      row = reader.row<[number, string]>(next, store, row[0])
    }
  }

  pending(owner: string): Awaitable<number> {
    return this.#read(owner, () => {
      const { reader } = this.#access
      const of = shelf(reader, this.#store.value, owner)
      if (!of) return 0
      const counting = 'SELECT count(*) FROM logs WHERE store = ? AND owner = ? AND state > 0'
      return reader.row<[number]>(counting, of.store, of.owner)![0]
    })
  }

  trim(owner: string, query: LogQuery): Promise<number> {
    // A record that the database would choke on must never reach the journal.
    this.#check(query)
    this.#store.written()
    return this.#access.trim(this.#name, owner, query)
  }

  dropped(owner: string, batch: number): void {
    this.#outstanding.set(owner, { batch })
  }

  #positions(ids: readonly string[]): number[] {
    return ids.map((id) => this.#access.ids.position(id))
  }

  #check(query: LogQuery): void {
    this.#positions(namedIds(query))
  }

  #append(owner: string, record: Parameters<StoreAccess['append']>[0]): void {
    this.#store.written()
    this.#outstanding.set(owner, { batch: this.#access.append(record) })
  }

  #read<R>(owner: string, read: () => R): Awaitable<R> {
    const outstanding = this.#outstanding.get(owner)
    return outstanding ? this.#access.progress.reached(outstanding.batch).then(read) : read()
  }

  #page(owner: string, query: LogQuery): Page<T> {
    const { reader } = this.#access
    const of = shelf(reader, this.#store.value, owner)
    const unknown = unknownId(reader, of, query)
    if (unknown !== undefined) throw new UnknownIdError(unknown)
    if (!of) return { entries: [], isComplete: true, ...(query.count !== undefined && { count: 0 }) }
    const { sql, values } = condition(reader, of, query)
    const { walked, entries, key } = wayTo(query)
    const { rows, isComplete } = bounded(
      query,
      reader.each<Row>(`SELECT ${columns} FROM ${entries} WHERE ${sql} ${window(query, 1)}`, ...values),
    )
    if (query.fromEnd) rows.reverse()
    const page = { entries: rows.map((row) => entryOf<T>(row, this.#access.ids)), isComplete }
    if (query.count === undefined) return page
    const whole = condition(reader, of, query, true)
    const counting = `SELECT count(*) FROM (SELECT 1 FROM ${walked} WHERE ${whole.sql} LIMIT ?)`
    const count = reader.row<[number]>(counting, ...whole.values, query.count + 1)![0]
    if (count > query.count) return page
    const first = rows[0]
    if (!first) return { ...page, count }
    const before = `SELECT count(*) FROM ${walked} WHERE ${whole.sql} AND ${key} < ?`
    return { ...page, count, index: reader.row<[number]>(before, ...whole.values, first[0])![0] }
  }
}

/** No more is read than fits. */
function bounded({ max, maxBytes }: LogQuery, found: Iterable<Row>): { rows: Row[]; isComplete: boolean } {
  const rows: Row[] = []
  let size = 0
  for (const row of found) {
    if (maxBytes !== undefined) size += Buffer.byteLength(row[4])
    if (rows.length === max || (size > (maxBytes ?? Infinity) && rows.length > 0)) return { rows, isComplete: false }
    rows.push(row)
  }
  return { rows, isComplete: true }
}

function entryOf<T extends Json>([id, at, peer, state, value]: Row, ids: LogIds): LogEntry<T> {
  return {
    id: ids.id(id),
    at,
    ...(peer !== null && { with: peer }),
    value: decodeValue(value) as T,
    isPending: state > 0,
  }
}
