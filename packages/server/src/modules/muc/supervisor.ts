import { type Field, type Jid, type Message, message, MucUser, xml, clientNs } from '@jackdaw/xmpp'
import type { Awaitable } from '../../world.ts'
import { broadcast } from './broadcast.ts'
import type { Room } from './room.ts'

/** Keeps what is said in the rooms of a service, whatever their owners and authors want; everybody in them is told so. */
export interface RoomSupervisor {
  /** Stands in the description of each room. */
  readonly field: Field
  /** What those in a room are told before more is said in it; undefined when that has been done. */
  notice(room: Jid): Awaitable<string | undefined>
  /** It has been done. */
  noticed(room: Jid): void
  /** In the tick in which it is said. @param stanza as it came @param recipient to one of those in the room alone */
  said(stanza: Message, recipient?: Jid): void
}

/** XEP-0045 §10.2.1: those in a room learn that what they say is kept; who enters later does from its history and by the status. */
export function warn(room: Room, notice: string): void {
  const { config, history, host, jid } = room
  broadcast(room, message({ from: jid, type: 'groupchat' }, MucUser.write({ statuses: [logged] })))
  const told = message({ from: jid, type: 'groupchat' }, xml('body', clientNs, undefined, notice))
  if (config.isLogged) history.add(room.archive(told, jid), host.clock.now(), told)
  broadcast(room, told)
  room.archives.supervisor!.noticed(jid)
}

/** §15.6.2: what is said in the room is kept. */
export const logged = 170
