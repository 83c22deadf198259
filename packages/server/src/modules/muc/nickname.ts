import { type Presence, StanzaError } from '@jackdaw/xmpp'
import { checkNick } from './entry.ts'
import type { Occupant } from './occupants.ts'
import { selfOf, tellAll } from './presence.ts'
import type { Room } from './room.ts'

/** XEP-0045 §7.6: an occupant takes another nickname, all its sessions with it. */
export function rename(room: Room, occupant: Occupant, stanza: Presence): void {
  const nick = stanza.to!.resource!
  const { occupants, host } = room
  checkNick(room, occupant.account, nick)
  // Another of its own nicknames, under which it is here as well.
  const other = occupants.withNick(nick)
  if (other && other !== occupant) throw new StanzaError('conflict', 'You have that nickname already')
  const self = selfOf(stanza)
  room.changes.take(occupant.account, host.clock.now())
  tellAll(room, occupant, { type: 'unavailable', statuses: [303], item: { nick, role: occupant.role } })
  occupants.rename(occupant, nick)
  occupants.put(occupant, stanza.from!, self, host.clock.now())
  tellAll(room, occupant)
}

/** §7.7: an occupant says something else of itself. */
export function update(room: Room, occupant: Occupant, stanza: Presence): void {
  room.changes.take(occupant.account, room.host.clock.now())
  room.occupants.put(occupant, stanza.from!, selfOf(stanza), room.host.clock.now())
  tellAll(room, occupant)
}
