import {
  type Jid,
  message,
  type Moderation,
  moderatedRetraction,
  moderatedTombstone,
  OccupantId,
  StanzaError,
} from '@jackdaw/xmpp'
import { messageOf } from '../archive.ts'
import { type LogEntry, type LogStore, UnknownIdError } from '../../storage/storage.ts'
import { broadcast } from './broadcast.ts'
import type { Room } from './room.ts'
import { standingOf } from './standing.ts'

/** XEP-0425: a moderator retracts what somebody said; the archive keeps that something was said. */
export async function moderate(room: Room, user: Jid, { id, reason }: Moderation): Promise<void> {
  const actor = standingOf(room, user)
  if (actor.role !== 'moderator') throw new StanzaError('forbidden', 'Only moderators do that')
  const { messages } = room.host.stores
  const owner = room.jid.toString()
  const entry = await find(messages, owner, id)
  if (!entry) throw new StanzaError('item-not-found', 'The room has no such message')
  const old = messageOf(entry)
  const moderated = {
    by: (actor.occupant?.jid ?? room.jid).toString(),
    occupantId: room.occupantId(user.bare),
    reason,
  }
  // §4: what told of it goes, who said it stays.
  const author = old.child(OccupantId.name, OccupantId.ns)
  const tombstone = moderatedTombstone(room.host.clock.now(), moderated)
  messages.replace(owner, id, old.containing(author ? [author, tombstone] : [tombstone]).toString())
  room.history.remove(id)
  const retraction = message(
    { from: room.jid, type: 'groupchat', id: `retraction-${id}` },
    moderatedRetraction(id, moderated),
  )
  broadcast(room, retraction)
}

async function find(messages: LogStore<string>, owner: string, id: string): Promise<LogEntry<string> | undefined> {
  try {
    return (await messages.page(owner, { ids: [id] })).entries[0]
  } catch (error) {
    if (error instanceof UnknownIdError) return undefined
    throw error
  }
}
