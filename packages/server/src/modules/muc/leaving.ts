import {
  type Destruction,
  type Jid,
  type MucItem,
  MucUser,
  type Presence,
  presence,
  type Stanza,
  StanzaError,
} from '@jackdaw/xmpp'
import type { Occupant } from './occupants.ts'
import { contentOf, tellAll, tellSelf, type Told } from './presence.ts'
import type { Room } from './room.ts'

/** XEP-0045 §7.14: a session leaves; with the last one of an occupant goes the occupant. */
export function leave(room: Room, session: Jid, told: Told = {}): void {
  const occupant = room.occupants.of(session)
  // §17.3.5
  if (!occupant) return
  const gone: Told = { ...told, type: 'unavailable' }
  if (occupant.sessions.size > 1) {
    const { shown } = occupant
    tellSelf(room, occupant, gone, session)
    room.occupants.remove(occupant, session)
    // §7.2.8: the others see what the sessions that are left say.
    if (shown.jid.equals(session)) tellAll(room, occupant)
    return
  }
  tellAll(room, occupant, gone)
  room.occupants.remove(occupant, session)
  room.left()
}

/** §7.14: by its own will. */
export function exit(room: Room, stanza: Presence): void {
  // §10.1.3: with the last session of its maker goes a room that is being made.
  const isEnd = room.isLocked && [...room.occupants.sessions].length === 1
  leave(room, stanza.from!, { content: contentOf(stanza), ...(isEnd && { destroyed: {} }) })
}

/** Takes an occupant out with all its sessions: §8.2 (307), §9.1 (301), §9.4 (321), §10.2 (322). */
export function expel(room: Room, occupant: Occupant, status: number, item: MucItem): void {
  tellAll(room, occupant, { type: 'unavailable', statuses: [status], item: { ...item, role: 'none' } })
  for (const { jid } of [...occupant.sessions.values()]) room.occupants.remove(occupant, jid)
  room.left()
}

/** §10.9: each occupant is told that it has left, and nothing of the others. */
export function evacuate(room: Room, destroyed: Destruction): void {
  const told: Told = { type: 'unavailable', destroyed, item: { affiliation: 'none', role: 'none' } }
  room.isDestroyed = true
  for (const occupant of [...room.occupants]) {
    tellSelf(room, occupant, told)
    for (const { jid } of [...occupant.sessions.values()]) room.occupants.remove(occupant, jid)
  }
}

/** §18.1.2: what an error says of who answered with it. */
const gone = new Set([
  'gone',
  'item-not-found',
  'recipient-unavailable',
  'redirect',
  'remote-server-not-found',
  'remote-server-timeout',
])

/** §11.1, §18.1.2: who cannot be reached is no longer here. */
export function unreachable(room: Room, error: Stanza): void {
  const session = error.from!
  const { condition } = StanzaError.from(error)
  // An account that blocks another occupant answers in the same way as one whose session has ended.
  const isGone = gone.has(condition) || (condition === 'service-unavailable' && !room.host.session(session))
  if (isGone) leave(room, session, { statuses: [333] })
}

/** §7.2.17: to somebody who takes itself for an occupant. */
export function notHere({ from, to }: Presence): Presence {
  const item: MucItem = { affiliation: 'none', role: 'none', reason: 'You are not in the room.' }
  return presence(
    { from: to, to: from, type: 'unavailable' },
    MucUser.write({ items: [item], statuses: [110, 307, 333] }),
  )
}
