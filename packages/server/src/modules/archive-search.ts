import {
  type Field,
  fullTextOf,
  type Jid,
  type MamFilter,
  type MamFin,
  type MamMark,
  type MamMetadata,
  type MamQuery,
  StanzaError,
} from '@jackdaw/xmpp'
import { type LogEntry, type LogQuery, type LogStore, type Page, UnknownIdError } from '../storage/storage.ts'
import type { Clock } from '../world.ts'
import { messageOf } from './archive.ts'

/** How many entries are looked through in one tick. */
const stride = 100

/** So many messages are counted for every page, and so many when nothing but their number is asked for. */
const countedBeside = 10_000
const countedAlone = 1_000_000
/** Of those that a search finds: each has to be looked at. */
const countedFound = 1000

/** The page of an account's archive that a query asks for. @throws UnknownIdError */
export async function findPage(
  log: LogStore<string>,
  owner: string,
  query: MamQuery,
  { clock, config }: { readonly clock: Clock; readonly config: { readonly page: number; readonly pageBytes: number } },
): Promise<Page<string>> {
  const { with: other, start, end, ids, beforeId, afterId, set = {} } = query
  if (set.index !== undefined)
    throw new StanzaError('feature-not-implemented', 'Pages are asked for by id, not by index')
  // XEP-0059 §2.2: without an id, it is before the first.
  const after = await innermost(log, owner, afterId, set.after || undefined, (a, b) => a > b)
  const before = await innermost(log, owner, beforeId, set.before || undefined, (a, b) => a < b)
  const max = Math.min(set.max ?? config.page, config.page)
  const text = fullTextOf(query)
  const counted = text !== undefined ? countedFound : max === 0 ? countedAlone : countedBeside
  const sought: Bounded = {
    max,
    maxBytes: config.pageBytes,
    fromEnd: set.before !== undefined,
    // The log counts what lies beyond these as well (XEP-0313 §4.3.2: the count may be left out).
    ...(beforeId === undefined && afterId === undefined && { count: counted }),
    ...(text !== undefined && { text }),
    ...(other && !isWithin(other, owner) && { with: other.bare.toString() }),
    ...(start !== undefined && { start }),
    ...(end !== undefined && { end }),
    ...(after !== undefined && { after }),
    ...(before !== undefined && { before }),
    ...(ids && { ids }),
  }
  return other && !other.isBare ? await search(log, owner, sought, other, clock) : await log.page(owner, sought)
}

/** An address of the owner itself, such as an occupant of a room: no entry is found by that. */
function isWithin(other: Jid, owner: string): boolean {
  return !other.isBare && other.bare.toString() === owner
}

/**
 * The page of so many entries before that one, or at the end; empty when that one has gone: an archive loses what is oldest first
 * (XEP-0313 §3.2).
 */
export async function pageBefore(
  log: LogStore<string>,
  owner: string,
  before: string | undefined,
  query: LogQuery,
): Promise<Page<string>> {
  try {
    return await log.page(owner, { ...query, fromEnd: true, ...(before !== undefined && { before }) })
  } catch (error) {
    if (error instanceof UnknownIdError) return { entries: [], isComplete: true }
    throw error
  }
}

/** §4.3.2 */
export function finOf({ entries, isComplete, index, count }: Page<string>): MamFin {
  return { isComplete, isStable: true, set: { first: entries[0]?.id, last: entries.at(-1)?.id, index, count } }
}

/** §5: the first and the last message. */
export async function extentOf(log: LogStore<string>, owner: string): Promise<MamMetadata> {
  const [start, end] = [await edge(log, owner, false), await edge(log, owner, true)]
  return start && end && { start, end }
}

async function edge(log: LogStore<string>, owner: string, isEnd: boolean): Promise<MamMark | undefined> {
  const [entry] = (await log.page(owner, { max: 1, fromEnd: isEnd })).entries
  return entry && { id: entry.id, timestamp: entry.at }
}

/** §4.1.5 @param more fields of other extensions that are known here */
export function checkFields({ others }: MamFilter, more: readonly Field[] = []): void {
  for (const name of others?.keys() ?? [])
    if (!more.some((field) => field.var === name))
      throw new StanzaError('feature-not-implemented', `The field ${name} is not known`)
}

/** §4.1.3, §4.3.2: ids that are not in the archive are item-not-found. */
export async function known<T>(find: () => Promise<T>): Promise<T> {
  try {
    return await find()
  } catch (error) {
    if (error instanceof UnknownIdError) throw new StanzaError('item-not-found', error.message)
    throw error
  }
}

type Bounded = LogQuery & { readonly max: number; readonly maxBytes: number }

/** The tighter one of the bounds that a form and a page set (XEP-0313 §4.1.3, §4.3.2); both must be in the archive. */
async function innermost(
  log: LogStore<string>,
  owner: string,
  one: string | undefined,
  two: string | undefined,
  isTighter: (a: string, b: string) => boolean,
): Promise<string | undefined> {
  if (one === undefined || two === undefined) return one ?? two
  const [tight, loose] = isTighter(one, two) ? [one, two] : [two, one]
  await log.page(owner, { ids: [loose], max: 0 })
  return tight
}

/** A message's start tag but for its end, as the writer makes it: to know the addresses, its content need not be read. */
const startTag = /^<message(?: [^=]+='[^']*')*/

/**
 * A page of what was exchanged with one resource (§4.1.1). The log finds messages by bare JIDs, so those of the other
 * resources are left out here, with a breath between strides: somebody else's stanza need not wait for this.
 */
async function search(
  log: LogStore<string>,
  owner: string,
  sought: Bounded,
  other: Jid,
  clock: Clock,
): Promise<Page<string>> {
  const { max, maxBytes, fromEnd = false } = sought
  let bytes = 0
  const found: LogEntry<string>[] = []
  const done = (isComplete: boolean) => ({ entries: fromEnd ? found.toReversed() : found, isComplete })
  const { count: _, ...uncounted } = sought
  let rest: LogQuery = { ...uncounted, max: stride }
  for (;;) {
    const page = await log.page(owner, rest)
    const entries = fromEnd ? page.entries.toReversed() : page.entries
    for (const entry of entries) {
      const { to, from } = messageOf({ value: `${startTag.exec(entry.value)![0]}/>` })
      if (!other.equals(to) && !other.equals(from)) continue
      bytes += Buffer.byteLength(entry.value)
      if (found.length === max || (bytes > maxBytes && found.length > 0)) return done(false)
      found.push(entry)
    }
    const last = entries.at(-1)
    if (page.isComplete || !last) return done(true)
    rest = { ...rest, ...(fromEnd ? { before: last.id } : { after: last.id }) }
    await new Promise<void>((resolve) => clock.soon(resolve))
  }
}
