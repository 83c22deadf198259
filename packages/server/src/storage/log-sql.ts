import type { Json } from '../world.ts'
import { logPosition } from './log-id.ts'
import { matching } from './log-text.ts'
import type { SqliteReader } from './sqlite-reader.ts'
import type { LogQuery } from './storage.ts'

export type SqlValue = string | number

/** Conditions and what stands for their question marks. */
export interface Condition {
  readonly sql: string
  readonly values: readonly SqlValue[]
}

/** An owner's entries of a store, by their numbers. */
export interface Shelf {
  readonly store: number
  readonly owner: number
}

/** Undefined while nothing was ever kept there. */
export function shelf(reader: SqliteReader, store: number | undefined, owner: string): Shelf | undefined {
  const number = store === undefined ? undefined : reader.name(owner)
  return number === undefined ? undefined : { store: store!, owner: number }
}

const newer = 'FROM logs WHERE id > ? AND state < 2'

/**
 * Put the entries behind an id where pages find them. In order, so that a leaf is found once for all that goes into it: by owners first, who
 * tell two entries apart at once, whereas the store is mostly the same. Without the means to undo a statement alone, for a transaction that
 * fails is undone as a whole.
 */
export const shelving: readonly string[] = [
  `INSERT OR ROLLBACK INTO shelves SELECT store, owner, id, at ${newer} ORDER BY owner, store, id`,
  `INSERT OR ROLLBACK INTO peers SELECT store, owner, peer, id, at ${newer} AND peer IS NOT NULL ORDER BY owner, store, peer, id`,
]

/** How the entries of a query are found, in the order of their ids. */
export interface Way {
  /** What is walked along, which has all that is asked for. */
  readonly walked: string
  /** The same with the rest of each entry, from `logs`. */
  readonly entries: string
  readonly table: 'logs' | 'shelves' | 'peers'
  readonly key: string
}

const pending: Way = { walked: 'logs', entries: 'logs', table: 'logs', key: 'logs.id' }
const searched = 'texts CROSS JOIN logs ON logs.id = texts.rowid'
const search: Way = { walked: searched, entries: searched, table: 'logs', key: 'texts.rowid' }
const shelves: Way = along('shelves')
const peers: Way = along('peers')

function along(table: 'shelves' | 'peers'): Way {
  return { walked: table, entries: `${table} CROSS JOIN logs ON logs.id = ${table}.id`, table, key: `${table}.id` }
}

export function wayTo(query: LogQuery): Way {
  if (query.text !== undefined) return search
  if (query.isPending) return pending
  return query.with === undefined ? shelves : peers
}

/** The condition of a query on a shelf. `isWhole` leaves out `after` and `before`: what a page is a part of. */
export function condition(reader: SqliteReader, { store, owner }: Shelf, query: LogQuery, isWhole = false): Condition {
  const { table, key } = wayTo(query)
  const terms = [`${table}.store = ?`, `${table}.owner = ?`]
  // Literal because it chooses the partial index.
  if (table === 'logs') terms.push(query.isPending ? 'state > 0' : 'state < 2')
  const values: SqlValue[] = [store, owner]
  const add = (term: string, ...more: SqlValue[]): void => {
    terms.push(term)
    values.push(...more)
  }
  // A name without a number is nobody's.
  if (query.with !== undefined) add(`${table}.peer = ?`, reader.name(query.with) ?? -1)
  if (query.start !== undefined) add(`${table}.at >= ? AND ${key} >= ?`, query.start, Math.floor(query.start * 1024))
  if (query.end !== undefined) add(`${table}.at <= ?`, query.end)
  if (query.ids) add(`${key} IN (SELECT value FROM json_each(?))`, JSON.stringify(query.ids.map(logPosition)))
  if (query.after !== undefined && !isWhole) add(`${key} > ?`, logPosition(query.after))
  if (query.before !== undefined && !isWhole) add(`${key} < ?`, logPosition(query.before))
  if (query.text !== undefined) add('texts MATCH ?', matching(query.text, store, owner) ?? '""')
  return { sql: terms.join(' AND '), values }
}

/** The ids that a query names; each must be there. */
export function namedIds(query: LogQuery): readonly string[] {
  const { after, before, ids = [] } = query
  if (after === undefined && before === undefined) return ids
  return [...ids, ...(after === undefined ? [] : [after]), ...(before === undefined ? [] : [before])]
}

/** The order and number of rows: one more than the page holds tells whether it is complete. */
export function window(query: LogQuery, more = 0): string {
  const order = `ORDER BY ${wayTo(query).key} ${query.fromEnd ? 'DESC' : 'ASC'}`
  return query.max === undefined ? order : `${order} LIMIT ${Math.max(0, Math.trunc(query.max)) + more}`
}

/** In the place of a value: the same as in the row before. Two archives mostly keep the same message. */
export const likeBefore = '='

/** What a page reads of each entry. */
export const columns = `logs.id, logs.at, (SELECT name FROM names WHERE names.id = logs.peer), state,
  CASE logs.value WHEN '${likeBefore}' THEN (SELECT value FROM logs AS before WHERE before.id < logs.id ORDER BY before.id DESC LIMIT 1) ELSE logs.value END`

/** A value as column text: a string as it is, anything else (and a string that SQL text cannot hold) as JSON behind a `=`. */
export function encodeValue(value: Json): string {
  const isPlain = typeof value === 'string' && !value.startsWith('=') && value.isWellFormed()
  return isPlain ? value : `=${JSON.stringify(value)}`
}

export function decodeValue(text: string): Json {
  return text.startsWith('=') ? (JSON.parse(text.slice(1)) as Json) : text
}

/** The first id that the query names and that is no entry of this owner's; undefined when all are. */
export function unknownId(reader: SqliteReader, of: Shelf | undefined, query: LogQuery): string | undefined {
  const state = query.isPending ? '' : ' AND state < 2'
  return namedIds(query).find((id) => {
    const position = logPosition(id)
    if (!of) return true
    const { store, owner } = of
    return !reader.row(`SELECT 1 FROM logs WHERE id = ? AND store = ? AND owner = ?${state}`, position, store, owner)
  })
}

const lastOf = 'FROM peers WHERE store = ? AND owner = ? AND peer'

/** One step along the index for each peer, however many entries there are with it. */
export const latestByPeer = `
  WITH RECURSIVE others (peer) AS (
    SELECT (SELECT peer ${lastOf} > ? ORDER BY peer LIMIT 1)
    UNION ALL
    SELECT (SELECT peer ${lastOf} > others.peer ORDER BY peer LIMIT 1) FROM others WHERE others.peer IS NOT NULL
    LIMIT ?
  )
  SELECT names.name, logs.id, logs.at
  FROM others JOIN names ON names.id = others.peer JOIN logs ON logs.id = (SELECT id ${lastOf} = others.peer ORDER BY id DESC LIMIT 1)`
