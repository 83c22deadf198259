import {
  fullTextField,
  Jid,
  type MamFin,
  type MamQuery,
  MamResult,
  type Message,
  message,
  type MucAffiliation,
  MucUser,
  StanzaError,
} from '@jackdaw/xmpp'
import type { LogEntry } from '../../storage/storage.ts'
import { messageOf } from '../archive.ts'
import { checkFields, findPage, finOf, known } from '../archive-search.ts'
import { isAtLeast } from './affiliations.ts'
import { sendTo } from './broadcast.ts'
import type { RoomConfig } from './config-form.ts'
import type { Room, RoomRecord } from './room.ts'
import { standingOf } from './standing.ts'

/** XEP-0313 §6.1.2: a user reads the archive of a room. */
export async function readArchive(room: Room, user: Jid, asked: MamQuery): Promise<MamFin> {
  checkReader(room, user)
  if (asked.node !== undefined) throw new StanzaError('feature-not-implemented', 'A room has no archived nodes')
  const { archives, host, jid } = room
  checkFields(asked, archives.isSearchable ? [fullTextField] : [])
  const seesJids = room.config.whois === 'anyone' || standingOf(room, user).role === 'moderator'
  const { with: other } = asked
  // Who may not know who is who does not learn it by asking for somebody.
  if (other && !seesJids && !other.bare.equals(jid)) return { isComplete: true, isStable: true, set: {} }
  const page = await known(() => findPage(archives.log, jid.toString(), asked, host))
  for (const entry of asked.isFlipped ? page.entries.toReversed() : page.entries)
    sendTo(room, result(room, entry, asked.queryId, seesJids), user)
  return finOf(page)
}

/** §6.1.2: who may enter may read. @throws StanzaError item-not-found, service-unavailable, forbidden */
export function checkReader(room: Room, user: Jid): void {
  if (room.isLocked) throw new StanzaError('item-not-found', 'The room is being made')
  if (!room.config.isLogged) throw new StanzaError('service-unavailable', 'This room keeps no archive')
  if (!isReadable(room, room.affiliations.of(user), room.occupants.of(user) !== undefined))
    throw new StanzaError('forbidden', 'You may not read the archive of this room')
}

/** Whether a room has an archive that somebody may read. */
export function isReadable(
  { config, isLocked }: Pick<RoomRecord, 'config' | 'isLocked'>,
  affiliation: MucAffiliation,
  isInside: boolean,
): boolean {
  return !isLocked && config.isLogged && mayListen(config, affiliation, isInside)
}

/** Whether somebody may know what a room talks about. */
export function mayListen(config: RoomConfig, affiliation: MucAffiliation, isInside: boolean): boolean {
  if (affiliation === 'outcast') return false
  // Who knows the password is known while it is here.
  const isRestricted = config.isMembersOnly || config.password !== ''
  return !isRestricted || isAtLeast(affiliation, 'member') || isInside
}

function result(room: Room, entry: LogEntry<string>, queryId: string | undefined, seesJids: boolean): Message {
  const said = messageOf(entry)
  const author =
    seesJids && entry.with !== undefined ? [MucUser.write({ items: [{ jid: Jid.parse(entry.with) }] })] : []
  const stanza = said.containing([...said.children, ...author])
  return message(
    { from: room.jid },
    MamResult.write({ queryId, id: entry.id, forwarded: { delay: { stamp: entry.at }, stanza } }),
  )
}
