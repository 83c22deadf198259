import { isInstantMessage, Jid, type Message, type RsmRequest } from '@jackdaw/xmpp'
import type { LogStore } from '../../storage/storage.ts'
import type { Awaitable, Clock } from '../../world.ts'
import { messageOf } from '../archive.ts'
import type { Unread } from './unread.ts'

/** A conversation of an account. */
export interface Conversation {
  readonly jid: Jid
  /** Of the last message in the archive; greater is later. */
  readonly id: string
  readonly unread: number
  /** Its last message that somebody reads, where the account's own archive does not have it. */
  readonly last?: () => Awaitable<LastMessage | undefined>
}

export interface LastMessage {
  readonly id: string
  readonly at: number
  readonly message: Message
  /** Of its text, in bytes. */
  readonly size: number
}

/** Each of them once: in a room an account finds what is said to all, and private messages (XEP-0045 §7.5) in its own archive. */
export function merged(all: readonly Conversation[]): Conversation[] {
  const found = new Map<string, Conversation>()
  for (const one of all) {
    const key = one.jid.toString()
    const other = found.get(key)
    if (!other) found.set(key, one)
    else found.set(key, { ...(one.id > other.id ? one : other), unread: one.unread + other.unread })
  }
  return [...found.values()]
}

/** How many conversations are looked for in one tick. */
const stride = 500
/**
 * So many entries at the end of a conversation are looked through for one that somebody reads; the rest are receipts and the like. The last
 * one is mostly it.
 */
const reaches = [1, 20]
const maxBytes = 1024 * 1024

/** Those in the account's archive, in no order. */
export async function conversationsIn(
  log: LogStore<string>,
  account: Jid,
  counts: ReadonlyMap<string, Unread>,
  clock: Clock,
): Promise<Conversation[]> {
  const found: Conversation[] = []
  let after: string | undefined
  for (;;) {
    const latest = await log.latest(account.toString(), stride, after)
    for (const { with: other, id } of latest)
      found.push({ jid: Jid.parse(other), id, unread: counts.get(other)?.count ?? 0 })
    if (latest.length < stride) return found
    after = latest.at(-1)!.with
    await new Promise<void>((resolve) => clock.soon(resolve))
  }
}

/** The last message of a conversation that somebody reads. */
export async function lastMessage(
  log: LogStore<string>,
  account: Jid,
  { jid }: Conversation,
): Promise<LastMessage | undefined> {
  for (const max of reaches) {
    const { entries } = await log.page(account.toString(), { max, maxBytes, with: jid.toString(), fromEnd: true })
    for (const entry of entries.toReversed()) {
      const message = messageOf(entry)
      if (isInstantMessage(message))
        return { id: entry.id, at: entry.at, message, size: Buffer.byteLength(entry.value) }
    }
  }
  return undefined
}

/**
 * The page that is asked for of what is sorted by falling ids (XEP-0059). A conversation moves to the top with its next message, so an id that
 * is no conversation's last one any more still says where the page before it ended.
 */
export function pageOf(
  sorted: readonly Conversation[],
  { max, after, before, index }: RsmRequest,
  most: number,
): { readonly entries: readonly Conversation[]; readonly index: number; readonly count: number } {
  const count = sorted.length
  const length = Math.min(max ?? most, most)
  const place = (id: string, isBehind: boolean): number => {
    const at = sorted.findIndex((one) => (isBehind ? one.id < id : one.id <= id))
    return at < 0 ? count : at
  }
  let start = index ?? 0
  let end = count
  if (after !== undefined) start = place(after, true)
  if (before !== undefined) {
    end = before === '' ? count : place(before, false)
    start = Math.max(start, end - length)
  }
  return { entries: sorted.slice(start, Math.min(end, start + length)), index: start, count }
}
