import {
  correctedId,
  type Element,
  escapeAttribute,
  type Jid,
  type Message,
  message,
  type Moderation,
  moderatedRetraction,
  moderatedTombstone,
  OccupantId,
  Retracted,
  retractedId,
  StanzaError,
  StanzaId,
} from '@jackdaw/xmpp'
import { type LogEntry, UnknownIdError } from '../../storage/storage.ts'
import type { Awaitable } from '../../world.ts'
import { messageOf } from '../archive.ts'
import { broadcast } from './broadcast.ts'
import type { Room } from './room.ts'
import { standingOf } from './standing.ts'

/** In how many later messages of an author corrections are looked for, and in how many bytes of them. */
const reach = 1000
const mostBytes = 4 * 1024 * 1024

/** What is to be retracted. */
export interface Retractable {
  /** The stanza-id that the room gave it. */
  readonly id: string
  /** As far as it is archived: itself, and its corrections (XEP-0308 §3), which say the same once more. */
  readonly entries: readonly LogEntry<string>[]
}

/** XEP-0425 §3: a moderator retracts what somebody said. */
export async function moderate(room: Room, user: Jid, { id, reason }: Moderation): Promise<void> {
  const { entries } = await find(room, id)
  if (room.isDestroyed) throw new StanzaError('item-not-found', 'The room is no more')
  const actor = standingOf(room, user)
  if (actor.role !== 'moderator') throw new StanzaError('forbidden', 'Only moderators do that')
  const isRecent = room.history.remove(id)
  if (entries.length === 0 && !isRecent) throw new StanzaError('item-not-found', 'The room has no such message')
  const by = (actor.occupant?.jid ?? room.jid).toString()
  const moderated = { by, occupantId: room.occupantId(user.bare), reason }
  bury(room, entries, moderatedTombstone(room.host.clock.now(), moderated))
  const told = message(
    { from: room.jid, type: 'groupchat', id: `retraction-${id}` },
    moderatedRetraction(id, moderated),
  )
  // XEP-0424 §4: who is not here learns of it from the archive.
  const kept = room.config.isLogged ? StanzaId.write({ id: room.archive(told, user), by: room.jid }) : undefined
  broadcast(room, kept ? told.append(kept) : told)
}

/** XEP-0424 §5: what an author takes back, which is to be read before the retraction itself is kept: both are one commit. */
export function retractedBy(room: Room, retraction: Message): Awaitable<Retractable | undefined> {
  const id = retractedId(retraction)
  return id === undefined ? undefined : find(room, id)
}

/** XEP-0424 §5: a message of the same author goes to nobody any more. */
export function retract(room: Room, author: Jid, retraction: Message, { id, entries }: Retractable): void {
  // A room that is not logged tells who enters what was said lately all the same.
  room.history.remove(id, room.occupantId(author))
  const [entry] = entries
  if (entry?.with !== author.bare.toString()) return
  bury(room, entries, Retracted.write({ id: retraction.id ?? entry.id, stamp: room.host.clock.now() }))
}

/** XEP-0424 §4, XEP-0425 §4: what was said goes, who said it stays. */
function bury(room: Room, entries: readonly LogEntry<string>[], tombstone: Element): void {
  for (const entry of entries) {
    const old = messageOf(entry)
    // What went already keeps who made it go: an author does not hide that it was moderated.
    if (old.child(Retracted.name, Retracted.ns)) continue
    const author = old.child(OccupantId.name, OccupantId.ns)
    const left = old.containing(author ? [author, tombstone] : [tombstone])
    room.history.remove(entry.id)
    room.archives.replace(room.jid, entry.id, left)
  }
}

async function find({ archives, jid }: Room, id: string): Promise<Retractable> {
  const { log } = archives
  const owner = jid.toString()
  try {
    const [entry] = (await log.page(owner, { ids: [id] })).entries
    if (!entry) return { id, entries: [] }
    const said = messageOf(entry).id
    if (said === undefined || entry.with === undefined) return { id, entries: [entry] }
    const later = await log.page(owner, { after: id, with: entry.with, max: reach, maxBytes: mostBytes })
    const written = escapeAttribute(said)
    const corrections = later.entries.filter(
      (one) => one.value.includes(written) && correctedId(messageOf(one)) === said,
    )
    return { id, entries: [entry, ...corrections] }
  } catch (error) {
    if (error instanceof UnknownIdError) return { id, entries: [] }
    throw error
  }
}
