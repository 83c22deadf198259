import {
  isArchivedByRoom,
  type Jid,
  type Message,
  MucUser,
  mucNs,
  OccupantId,
  StanzaError,
  StanzaId,
  withoutDelay,
  withoutStanzaId,
} from '@jackdaw/xmpp'
import { whenAll } from '../../when.ts'
import type { Awaitable } from '../../world.ts'
import { broadcast } from './broadcast.ts'
import type { Occupant } from './occupants.ts'
import { retract, type Retractable } from './retractions.ts'
import type { Room } from './room.ts'
import { isSubjectChange, setSubject } from './subject.ts'

/** XEP-0045 §7.4: from one occupant to all. @param retracted what it takes back (XEP-0424) */
export function say(room: Room, occupant: Occupant, stanza: Message, retracted?: Retractable): void {
  const { jid } = room
  // §7.4: visitors have no voice.
  if (occupant.role === 'visitor') throw new StanzaError('forbidden', 'You have no voice in this room')
  take(room, occupant)
  const said = own(room, occupant, withoutDelay(withoutStanzaId(stanza, jid), jid))
  if (isSubjectChange(stanza)) setSubject(room, occupant, said)
  else {
    tellAndKeep(room, occupant.account, said)
    if (retracted) retract(room, occupant.account, said, retracted)
  }
  room.archives.supervisor?.said(stanza)
}

/** What the room itself has to say. */
export function announce(room: Room, stanza: Message): void {
  const { jid } = room
  tellAndKeep(room, jid, stanza.addressed({ from: jid, to: undefined }))
  room.archives.supervisor?.said(stanza.addressed({ from: jid, to: jid }))
}

function tellAndKeep(room: Room, author: Jid, said: Message): void {
  const { config, host, jid } = room
  const isKept = config.isLogged && isArchivedByRoom(said)
  const id = isKept ? room.archive(said, author) : Buffer.from(host.random.bytes(12)).toString('base64url')
  broadcast(room, said.append(StanzaId.write({ id, by: jid })))
  room.history.add(id, host.clock.now(), said)
}

/** §7.5: from one occupant to another. */
export function whisper(room: Room, occupant: Occupant, to: Occupant, stanza: Message): Awaitable<void> {
  const { privateMessages } = room.config
  const isAllowed =
    privateMessages === 'anyone' ||
    (privateMessages === 'participants' && occupant.role !== 'visitor') ||
    (privateMessages !== 'none' && occupant.role === 'moderator')
  if (!isAllowed) throw new StanzaError('forbidden', 'You may not send private messages in this room')
  take(room, occupant)
  const said = own(room, occupant, withoutStanzaId(stanza, room.jid)).append(MucUser.write({}))
  // A retraction (XEP-0424) waits for the archive of who gets it: until then it is not handled.
  const passing = [...to.sessions.values()].map(({ jid }) => room.host.pass(said.addressed({ to: jid })))
  return whenAll(passing, () => room.archives.supervisor?.said(stanza, to.account))
}

/** As it comes from the occupant: without what only the room says of it (§17.2.4, XEP-0421 §4). */
function own(room: Room, { jid, account }: Occupant, stanza: Message): Message {
  const content = stanza.children.filter(
    (child) => typeof child === 'string' || !(child.ns.startsWith(mucNs) || child.name === OccupantId.name),
  )
  return stanza
    .addressed({ from: jid, to: undefined })
    .containing([...content, OccupantId.write(room.occupantId(account))])
}

/** Lets nobody drown a room: a message goes to many. @throws StanzaError policy-violation */
export function take(room: Room, occupant: Occupant): void {
  const { clock, config } = room.host
  const most = config.messagesPerSecond * 10
  const now = clock.now()
  const { left, at } = occupant.allowance
  const has = Math.min(most, left + ((now - at) / 1000) * config.messagesPerSecond)
  if (has < 1) throw new StanzaError('policy-violation', 'Too many messages: wait a moment', { type: 'wait' })
  occupant.allowance = { left: has - 1, at: now }
}
