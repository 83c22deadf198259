import { Jid, type Message, type MucInvitation, MucUser, message, StanzaError } from '@jackdaw/xmpp'
import { when } from '../../when.ts'
import { checkSize } from './admin.ts'
import { isAtLeast } from './affiliations.ts'
import { take } from './messages.ts'
import type { Occupant } from './occupants.ts'
import type { Room } from './room.ts'
import { changeAffiliation } from './standing.ts'

/** Most who are invited by one message. */
const most = 20
/** Most of whom is remembered who has invited them. */
const mostInvited = 1000

/** XEP-0045 §7.8.2: an occupant asks others in. */
export function invite(room: Room, occupant: Occupant, stanza: Message, invitations: readonly MucInvitation[]): void {
  const { affiliations, config } = room
  if (invitations.length > most) throw new StanzaError('not-acceptable', `Invite ${most} at a time`)
  if (invitations.some(({ to }) => to === undefined)) throw new StanzaError('bad-request', 'Who is invited?')
  // It would make members of all users of a domain.
  if (invitations.some(({ to }) => to!.local === undefined)) throw new StanzaError('item-not-found', 'Invite users')
  const affiliation = affiliations.of(occupant.account)
  // §9.5
  if (config.isMembersOnly && !isAtLeast(affiliation, config.mayInvite ? 'member' : 'admin'))
    throw new StanzaError('forbidden', 'You may not invite others to this room')
  for (const { to } of invitations)
    if (affiliations.of(to!) === 'outcast') throw new StanzaError('not-allowed', `${to} is banned from this room`)
  // §9.5: in an open room it changes nothing.
  const isNew = (user: Jid) => config.isMembersOnly && affiliations.of(user) === 'none'
  const added = invitations
    .filter(({ to }) => isNew(to!))
    .map(({ to }) => ({ jid: to!, affiliation: 'member' as const }))
  checkSize(room, added)
  for (const { to, reason, continues } of invitations) {
    take(room, occupant)
    if (isNew(to!)) changeAffiliation(room, to!.bare, 'member')
    remember(room, to!, occupant)
    send(room, to!, { from: inviterOf(room, occupant), reason, continues }, stanza.id)
  }
}

/** §9.5: who becomes a member of a room for members only is asked in. */
export function inviteMember(room: Room, user: Jid, reason: string | undefined): void {
  send(room, user, { from: room.jid, reason })
}

/** §7.8.2: who was invited does not come. Only that: who is in the room, and what else strangers have to say, stays where it is. */
export function decline(room: Room, stanza: Message, { reason }: MucInvitation): void {
  const from = stanza.from!.bare
  const invited = room.invited.get(from)
  if (!invited) throw new StanzaError('item-not-found', 'You have not been invited')
  room.invited.delete(from)
  const to = Jid.parse(invited.by)
  room.host.send(message({ from: room.jid, to, id: stanza.id }, MucUser.write({ declined: { from, reason } })))
}

/** In a semi-anonymous room an inviter is known by its nickname alone. */
function inviterOf({ config }: Room, { account, jid }: Occupant): Jid {
  return config.whois === 'anyone' ? account : jid
}

function remember({ host, invited, jid }: Room, user: Jid, { account }: Occupant): void {
  const by = account.toString()
  invited.add(user, { by, at: host.clock.now() })
  if (invited.size > mostInvited) invited.deleteFirst()
  const rooms = host.stores.inviters
  void when(rooms.get(by, jid.toString()), (is) => is ?? rooms.edit(by, jid.toString(), () => true))
}

function send({ config, host, jid }: Room, to: Jid, invitation: MucInvitation, id?: string): void {
  const password = config.password === '' ? undefined : config.password
  host.send(message({ from: jid, to, id }, MucUser.write({ invitations: [invitation], password })))
}
