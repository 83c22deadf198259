import {
  type Element,
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

/** XEP-0425 §3: a moderator retracts what somebody said. */
export async function moderate(room: Room, user: Jid, { id, reason }: Moderation): Promise<void> {
  const entry = await find(room, id)
  if (room.isDestroyed) throw new StanzaError('item-not-found', 'The room is no more')
  const actor = standingOf(room, user)
  if (actor.role !== 'moderator') throw new StanzaError('forbidden', 'Only moderators do that')
  const isRecent = room.history.remove(id)
  if (!entry && !isRecent) throw new StanzaError('item-not-found', 'The room has no such message')
  const by = (actor.occupant?.jid ?? room.jid).toString()
  const moderated = { by, occupantId: room.occupantId(user.bare), reason }
  if (entry) bury(room, entry, moderatedTombstone(room.host.clock.now(), moderated))
  const told = message(
    { from: room.jid, type: 'groupchat', id: `retraction-${id}` },
    moderatedRetraction(id, moderated),
  )
  // XEP-0424 §4: who is not here learns of it from the archive.
  const kept = room.config.isLogged ? StanzaId.write({ id: room.archive(told, user), by: room.jid }) : undefined
  broadcast(room, kept ? told.append(kept) : told)
}

/** XEP-0424 §5: what an author takes back, which is to be read before the retraction itself is kept: both are one commit. */
export function retractedBy(room: Room, retraction: Message): Awaitable<LogEntry<string> | undefined> {
  const id = retractedId(retraction)
  return id === undefined ? undefined : find(room, id)
}

/** XEP-0424 §5: a message of the same author goes to nobody any more. */
export function retract(room: Room, author: Jid, retraction: Message, entry: LogEntry<string>): void {
  if (entry.with !== author.bare.toString()) return
  room.history.remove(entry.id)
  bury(room, entry, Retracted.write({ id: retraction.id ?? entry.id, stamp: room.host.clock.now() }))
}

/** XEP-0424 §4, XEP-0425 §4: what was said goes, who said it stays. */
function bury(room: Room, entry: LogEntry<string>, tombstone: Element): void {
  const old = messageOf(entry)
  const author = old.child(OccupantId.name, OccupantId.ns)
  const left = old.containing(author ? [author, tombstone] : [tombstone])
  room.archives.replace(room.jid, entry.id, left)
}

async function find({ archives, jid }: Room, id: string): Promise<LogEntry<string> | undefined> {
  try {
    return (await archives.log.page(jid.toString(), { ids: [id] })).entries[0]
  } catch (error) {
    if (error instanceof UnknownIdError) return undefined
    throw error
  }
}
