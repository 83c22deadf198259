import { type Jid, type Message, type MucInvitation, MucUser, message, StanzaError } from '@jackdaw/xmpp'
import { isAtLeast } from './affiliations.ts'
import { take } from './messages.ts'
import type { Occupant } from './occupants.ts'
import type { Room } from './room.ts'
import { changeAffiliation } from './standing.ts'

/** Most who are invited by one message. */
const most = 20

/** XEP-0045 §7.8.2: an occupant asks others in. */
export function invite(room: Room, occupant: Occupant, stanza: Message, invitations: readonly MucInvitation[]): void {
  const { affiliations, config } = room
  if (invitations.length > most) throw new StanzaError('not-acceptable', `Invite ${most} at a time`)
  if (invitations.some(({ to }) => to === undefined)) throw new StanzaError('bad-request', 'Who is invited?')
  const affiliation = affiliations.of(occupant.account)
  // §9.5
  if (config.isMembersOnly && !isAtLeast(affiliation, config.mayInvite ? 'member' : 'admin'))
    throw new StanzaError('forbidden', 'You may not invite others to this room')
  for (const { to } of invitations)
    if (affiliations.of(to!) === 'outcast') throw new StanzaError('not-allowed', `${to} is banned from this room`)
  for (const { to, reason, continues } of invitations) {
    take(room, occupant)
    // §9.5: in an open room it changes nothing.
    const isNew = config.isMembersOnly && affiliations.of(to!) === 'none'
    if (isNew) changeAffiliation(room, to!.bare, 'member')
    // It has been invited by that as well, but not by anybody.
    send(room, to!, { from: inviterOf(room, occupant), reason, continues }, stanza.id)
  }
}

/** §9.5: who becomes a member of a room for members only is asked in. */
export function inviteMember(room: Room, user: Jid, reason: string | undefined): void {
  send(room, user, { from: room.jid, reason })
}

/** §7.8.2: who was invited does not come; `to` is who invited, by whatever address the invitation gave. */
export function decline(room: Room, stanza: Message, { to, reason }: MucInvitation): void {
  if (!to) throw new StanzaError('bad-request', 'Who is told?')
  const inviters = to.bare.equals(room.jid)
    ? [...(room.occupants.at(to)?.sessions.values() ?? [])].map(({ jid }) => jid)
    : [...room.occupants.ofAccount(to.bare)].map(({ account }) => account)
  // Only who is here can have invited: the room does not carry messages to anybody else.
  if (inviters.length === 0) throw new StanzaError('item-not-found', 'Who invited you is not here')
  const from = stanza.from!.bare
  for (const inviter of inviters)
    room.host.send(
      message({ from: room.jid, to: inviter, id: stanza.id }, MucUser.write({ declined: { from, reason } })),
    )
}

/** In a semi-anonymous room an inviter is known by its nickname alone. */
function inviterOf({ config }: Room, { account, jid }: Occupant): Jid {
  return config.whois === 'anyone' ? account : jid
}

function send({ config, host, jid }: Room, to: Jid, invitation: MucInvitation, id?: string): void {
  const password = config.password === '' ? undefined : config.password
  host.send(message({ from: jid, to, id }, MucUser.write({ invitations: [invitation], password })))
}
