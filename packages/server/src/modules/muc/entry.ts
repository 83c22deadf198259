import { type Jid, type MucEntry, type Presence, StanzaError } from '@jackdaw/xmpp'
import { isAtLeast } from './affiliations.ts'
import { sendTo } from './broadcast.ts'
import { Occupant } from './occupants.ts'
import { isBroadcast, selfOf, tellOthers, tellRoster, tellSelf } from './presence.ts'
import { initialRole } from './roles.ts'
import type { Room } from './room.ts'
import { subjectMessage } from './subject.ts'
import { logged } from './supervisor.ts'

/** §7.2.9: how many admins and owners find room in a room that is full. */
const spare = 10

/** XEP-0045 §7.2: a user enters, perhaps with another session under a nickname that it has. */
export function enter(room: Room, stanza: Presence, entry: MucEntry, statuses: readonly number[] = []): void {
  const { from, to } = stanza
  const nick = to!.resource!
  const affiliation = room.affiliations.of(from!)
  const same = room.occupants.withNick(nick)
  admit(room, from!, entry, same?.account.equals(from!.bare) === true)
  checkNick(room, from!, nick)
  const self = selfOf(stanza)
  room.changes.take(from!, room.host.clock.now())
  const hasVoice = room.affiliations.get(from!).hasVoice === true
  const role = same?.role ?? initialRole(affiliation, room.config.isModerated && !hasVoice)
  const occupant = same ?? new Occupant(to!, from!.bare, role)
  // §10.1.1
  if (statuses.includes(201)) room.host.tell('room:created', { room: room.jid, by: from!.bare })
  room.occupants.put(occupant, from!, self, room.host.clock.now())
  room.invited.delete(from!)
  welcome(room, occupant, from!, entry, statuses)
}

/** §7.2.1: a session that is here enters again, for it has lost what it knew. */
export function reenter(room: Room, occupant: Occupant, stanza: Presence, entry: MucEntry): void {
  room.changes.take(occupant.account, room.host.clock.now())
  room.occupants.put(occupant, stanza.from!, selfOf(stanza), room.host.clock.now())
  welcome(room, occupant, stanza.from!, entry)
}

/** §7.1: who is here, itself, what was said, the subject; from then on what happens. */
function welcome(
  room: Room,
  occupant: Occupant,
  session: Jid,
  { history = {} }: MucEntry,
  statuses: readonly number[] = [],
): void {
  const { config, host } = room
  tellRoster(room, occupant, session)
  if (isBroadcast(room, occupant)) tellOthers(room, occupant)
  const own = [...statuses]
  if (config.whois === 'anyone') own.push(100)
  if (config.isLogged || room.archives.supervisor) own.push(logged)
  tellSelf(room, occupant, { statuses: own }, session)
  for (const message of room.history.chosen(history, config.historyLength, host.clock.now(), session))
    sendTo(room, message, session)
  sendTo(room, subjectMessage(room), session)
}

/**
 * @param isShared it is another session of an occupant: there is none more
 * @throws StanzaError §7.2.18, in the order of what tells least
 */
function admit(room: Room, user: Jid, { password }: MucEntry, isShared: boolean): void {
  const { affiliations, config, host, isLocked, occupants } = room
  const affiliation = affiliations.of(user)
  if (isLocked && affiliation !== 'owner') throw new StanzaError('item-not-found', 'The room is being made')
  if (affiliation === 'outcast') throw new StanzaError('forbidden', 'You are banned from this room')
  if (config.isMembersOnly && affiliation === 'none')
    throw new StanzaError('registration-required', 'Only members enter this room')
  if (config.password !== '' && config.password !== password && affiliation !== 'owner')
    throw new StanzaError('not-authorized', password === undefined ? 'A password is needed' : 'The password is wrong')
  const most = config.maxUsers === 0 ? host.config.occupants : Math.min(config.maxUsers, host.config.occupants)
  if (!isShared && occupants.size >= most + (isAtLeast(affiliation, 'admin') ? spare : 0))
    throw new StanzaError('service-unavailable', 'The room is full', { type: 'wait' })
}

/** @throws StanzaError not-acceptable (§17.1), conflict (§7.2.8) */
export function checkNick(room: Room, user: Jid, nick: string): void {
  if (nick.trim() === '' || nick.length > room.host.config.nick)
    throw new StanzaError('not-acceptable', `A nickname has 1 to ${room.host.config.nick} characters`)
  const holder = room.affiliations.holderOf(nick)
  const other = room.occupants.withNick(nick)
  if ((other && !other.account.equals(user.bare)) || (holder && !holder.equals(user.bare)))
    throw new StanzaError('conflict', 'Somebody else has that nickname')
}
