import {
  type Destruction,
  type Element,
  Hats,
  type Jid,
  type MucItem,
  MucUser,
  mucNs,
  OccupantId,
  type Presence,
  presence,
  StanzaError,
} from '@jackdaw/xmpp'
import { send, sendTo } from './broadcast.ts'
import type { Occupant } from './occupants.ts'
import type { Room } from './room.ts'
import { sizeOf } from './size.ts'

/** What is told of an occupant beside its standing. */
export interface Told {
  readonly type?: 'unavailable'
  readonly statuses?: readonly number[]
  /** Over what its standing says. */
  readonly item?: MucItem
  readonly destroyed?: Destruction
  /** Instead of what it said of itself last. */
  readonly content?: readonly Element[]
}

/** XEP-0045 §15.6.2: 'this is you'. */
const self = 110

/** What may pass from a user to the others (§17.3.6): all but what only the room says. */
export function contentOf({ children }: Presence): Element[] {
  return children.filter(
    (child): child is Element =>
      typeof child !== 'string' &&
      !child.ns.startsWith(mucNs) &&
      child.name !== OccupantId.name &&
      child.ns !== Hats.ns,
  )
}

/** Most characters of it: it is kept in memory, and told to each who enters. */
const longest = 10_000

/** What a session says of itself. @throws StanzaError policy-violation */
export function selfOf(stanza: Presence): Element[] {
  const content = contentOf(stanza)
  if (content.reduce((sum, element) => sum + sizeOf(element), 0) > longest)
    throw new StanzaError('policy-violation', `Presence in a room has ${longest} characters at the most`)
  return content
}

/** Tells everybody who may know, and then the occupant itself, how an occupant is now. */
export function tellAll(room: Room, occupant: Occupant, told: Told = {}): void {
  occupant.seen = undefined
  if (isBroadcast(room, occupant)) tellOthers(room, occupant, told)
  tellSelf(room, occupant, told)
}

export function tellOthers(room: Room, occupant: Occupant, told: Told = {}): void {
  const open = render(room, occupant, told, true)
  const closed = room.config.whois === 'anyone' ? open : render(room, occupant, told, false)
  // What is told as it is now is told in the same words to who enters later.
  occupant.seen = Object.keys(told).length === 0 && open !== closed ? { open, closed } : undefined
  for (const other of room.occupants)
    if (other !== occupant) send(room, other.role === 'moderator' ? open : closed, other)
}

/** @param session only that one of its sessions */
export function tellSelf(room: Room, occupant: Occupant, told: Told = {}, session?: Jid): void {
  const own = render(
    room,
    occupant,
    { ...told, statuses: [...(told.statuses ?? []), self].sort((a, b) => a - b) },
    true,
  )
  if (session) sendTo(room, own, session)
  else send(room, own, occupant)
}

/** §7.2.2: tells one session who else is here. */
export function tellRoster(room: Room, occupant: Occupant, session: Jid): void {
  for (const other of room.occupants) {
    if (other === occupant || !isBroadcast(room, other)) continue
    const { open, closed } = (other.seen ??= seen(room, other))
    const seesJids = occupant.role === 'moderator' || room.config.whois === 'anyone'
    sendTo(room, seesJids ? open : closed, session)
  }
}

function seen(room: Room, occupant: Occupant): NonNullable<Occupant['seen']> {
  return { open: render(room, occupant, {}, true), closed: render(room, occupant, {}, false) }
}

/** §10.2: muc#roomconfig_presencebroadcast. */
export function isBroadcast({ config }: Room, { role }: Occupant): boolean {
  return config.broadcasts.includes(role)
}

function render(room: Room, occupant: Occupant, told: Told, withJid: boolean): Presence {
  const { type, statuses, destroyed } = told
  const { jid: from, account, role, shown } = occupant
  const item: MucItem = {
    affiliation: room.affiliations.of(account),
    role: type ? 'none' : role,
    ...(withJid && { jid: shown.jid }),
    ...told.item,
  }
  const hats = type ? [] : room.hats.of(account)
  return presence(
    { from, type },
    ...(told.content ?? (type ? [] : contentOf(shown.presence))),
    MucUser.write({ items: [item], statuses: statuses ?? [], destroyed }),
    ...(hats.length === 0 ? [] : [Hats.write(hats)]),
    OccupantId.write(room.occupantId(account)),
  )
}
