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

/**
 * The condition of a query on a shelf. `isWhole` leaves out `after` and `before`: what a page is a part of. The terms on `state` are
 * literal because they choose the partial index.
 */
export function condition(reader: SqliteReader, { store, owner }: Shelf, query: LogQuery, isWhole = false): Condition {
  const terms = ['store = ?', 'owner = ?', query.isPending ? 'state > 0' : 'state < 2']
  const values: SqlValue[] = [store, owner]
  const key = keyOf(query)
  const add = (term: string, ...more: SqlValue[]): void => {
    terms.push(term)
    values.push(...more)
  }
  // A name without a number is nobody's.
  if (query.with !== undefined) add('peer = ?', reader.name(query.with) ?? -1)
  if (query.start !== undefined) add('at >= ? AND id >= ?', query.start, Math.floor(query.start * 1024))
  if (query.end !== undefined) add('at <= ?', query.end)
  if (query.ids) add('id IN (SELECT value FROM json_each(?))', JSON.stringify(query.ids.map(logPosition)))
  if (query.after !== undefined && !isWhole) add(`${key} > ?`, logPosition(query.after))
  if (query.before !== undefined && !isWhole) add(`${key} < ?`, logPosition(query.before))
  if (query.text !== undefined) add('texts MATCH ?', matching(query.text, store, owner) ?? '""')
  return { sql: terms.join(' AND '), values }
}

/** Where its entries are found: a search goes along the index of words, in the order of the ids. */
export function sourceOf({ text }: LogQuery): string {
  return text === undefined ? 'logs' : 'texts CROSS JOIN logs ON logs.id = texts.rowid'
}

export function keyOf({ text }: LogQuery): string {
  return text === undefined ? 'id' : 'texts.rowid'
}

/** The ids that a query names; each must be there. */
export function namedIds(query: LogQuery): readonly string[] {
  const { after, before, ids = [] } = query
  if (after === undefined && before === undefined) return ids
  return [...ids, ...(after === undefined ? [] : [after]), ...(before === undefined ? [] : [before])]
}

/** The order and number of rows: one more than the page holds tells whether it is complete. */
export function window(query: LogQuery, more = 0): string {
  const order = `ORDER BY ${keyOf(query)} ${query.fromEnd ? 'DESC' : 'ASC'}`
  return query.max === undefined ? order : `${order} LIMIT ${Math.max(0, Math.trunc(query.max)) + more}`
}

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

const lastOf = 'FROM logs WHERE store = ? AND owner = ? AND state < 2 AND peer'

/** One step along the index for each peer, however many entries there are with it. */
export const latestByPeer = `
  WITH RECURSIVE peers (peer) AS (
    SELECT (SELECT peer ${lastOf} > ? ORDER BY peer LIMIT 1)
    UNION ALL
    SELECT (SELECT peer ${lastOf} > peers.peer ORDER BY peer LIMIT 1) FROM peers WHERE peers.peer IS NOT NULL
    LIMIT ?
  )
  SELECT names.name, logs.id, logs.at
  FROM peers JOIN names ON names.id = peers.peer JOIN logs ON logs.id = (SELECT id ${lastOf} = peers.peer ORDER BY id DESC LIMIT 1)`
