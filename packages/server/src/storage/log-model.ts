import type { Json } from '../world.ts'
import { encodeValue } from './log-sql.ts'
import type { LogEntry, LogQuery, Page } from './storage.ts'

export type Entry = {
  readonly value: Json
  readonly at: number
  readonly with?: string
  readonly isPending?: boolean
  readonly isTransient?: boolean
}

/** An entry in the array that stands for a log. */
export type ModelEntry = LogEntry<Json> & { readonly isTransient: boolean }

export function modelEntry(
  id: string,
  { value, at, isPending = false, isTransient = false, with: peer }: Entry,
): ModelEntry {
  return { id, at, value, isPending: isPending || isTransient, isTransient, ...(peer !== undefined && { with: peer }) }
}

export function turned(entry: ModelEntry, named: readonly string[], isPending: boolean): ModelEntry[] {
  if (!named.includes(entry.id)) return [entry]
  if (entry.isTransient) return isPending ? [entry] : []
  return [{ ...entry, isPending }]
}

export function modelPage(model: readonly ModelEntry[], query: LogQuery): Page<Json> | 'unknown' {
  const visible = model.filter((entry) => query.isPending || !entry.isTransient)
  const { after, before, ids, start = -Infinity, end = Infinity, max = Infinity, maxBytes = Infinity } = query
  const isKnown = (id: string): boolean => visible.some((entry) => entry.id === id)
  if (![...(ids ?? []), after, before].every((id) => id === undefined || isKnown(id))) return 'unknown'
  const whole = visible.filter(
    (entry) =>
      (query.with === undefined || entry.with === query.with) &&
      entry.at >= start &&
      entry.at <= end &&
      (!ids || ids.includes(entry.id)) &&
      (!query.isPending || entry.isPending),
  )
  const range = whole.filter(({ id }) => (after === undefined || id > after) && (before === undefined || id < before))
  const page: ModelEntry[] = []
  let size = 0
  for (const entry of query.fromEnd ? range.toReversed() : range) {
    size += Buffer.byteLength(encodeValue(entry.value))
    if (page.length === max || (size > maxBytes && page.length > 0)) break
    page.push(entry)
  }
  if (query.fromEnd) page.reverse()
  const isCounted = query.count !== undefined && whole.length <= query.count
  return {
    entries: page.map(({ isTransient: _transient, ...entry }) => entry),
    isComplete: page.length === range.length,
    ...(isCounted && { count: whole.length }),
    ...(isCounted && page[0] && { index: whole.indexOf(page[0]) }),
  }
}
