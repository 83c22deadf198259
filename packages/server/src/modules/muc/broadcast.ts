import type { Jid, Stanza } from '@jackdaw/xmpp'
import type { Occupant } from './occupants.ts'
import type { Room } from './room.ts'

/** The one place where something goes to many: it is rendered once, only the address differs. */
export function broadcast(room: Room, stanza: Stanza, to: Iterable<Occupant> = room.occupants): void {
  for (const occupant of to) send(room, stanza, occupant)
}

/** To every session of one occupant. */
export function send(room: Room, stanza: Stanza, { sessions }: Occupant): void {
  for (const { jid } of sessions.values()) sendTo(room, stanza, jid)
}

export function sendTo(room: Room, stanza: Stanza, to: Jid): void {
  room.host.send(stanza.addressed({ to }))
}
