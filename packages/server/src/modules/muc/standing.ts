import { type MucAffiliation, type Jid, type MucItem, MucUser, message, type MucRole, StanzaError } from '@jackdaw/xmpp'
import { isAtLeast } from './affiliations.ts'
import { broadcast } from './broadcast.ts'
import { inviteMember } from './invitations.ts'
import { expel } from './leaving.ts'
import type { Occupant } from './occupants.ts'
import { isBroadcast, tellAll, tellOthers, tellRoster, tellSelf, type Told } from './presence.ts'
import { roleAfter, type Standing } from './roles.ts'
import type { Room } from './room.ts'

/** Who changes something, and why. */
export interface Change {
  readonly actor?: MucItem['actor']
  readonly reason?: string | undefined
}

/** What a user may do in a room (§8): that of its nicknames which may do most; an admin does it from outside as well. */
export function standingOf(room: Room, user: Jid): Standing & { readonly occupant: Occupant | undefined } {
  const affiliation = room.affiliations.of(user)
  const mine = [...room.occupants.ofAccount(user.bare)]
  const occupant = mine.find(({ role }) => role === 'moderator') ?? mine[0]
  return {
    affiliation,
    role: occupant?.role ?? (isAtLeast(affiliation, 'admin') ? 'moderator' : 'none'),
    occupant: room.occupants.of(user) ?? occupant,
  }
}

/** §8.2 – §8.4, §9.6, §9.7; it has been checked that it may be. */
export function changeRole(room: Room, occupant: Occupant, role: MucRole, change: Change): void {
  if (role === 'none') return expel(room, occupant, 307, { ...change })
  if (role === occupant.role) return
  const wasBroadcast = isBroadcast(room, occupant)
  room.occupants.setRole(occupant, role)
  keepVoice(room, occupant)
  tellChange(room, occupant, wasBroadcast, { item: { ...change } })
}

/** §5.1: a role outlasts a visit where it makes the difference between speaking and not. */
function keepVoice({ affiliations, config, host }: Room, { account, role }: Occupant): void {
  const known = affiliations.get(account)
  if (!config.isModerated || known.affiliation !== 'none') return
  const hasVoice = role !== 'visitor' && (known.hasVoice || affiliations.size < host.config.affiliations)
  affiliations.set(account, { affiliation: 'none', ...(hasVoice && { hasVoice }) })
}

/** §9.1 – §9.5, §10.3 – §10.8; it has been checked that it may be. `nick`: '' takes a reserved nickname away. */
export function changeAffiliation(
  room: Room,
  user: Jid,
  affiliation: MucAffiliation,
  { nick, ...change }: Change & { readonly nick?: string | undefined } = {},
): void {
  const { affiliations, config, occupants } = room
  const old = affiliations.get(user)
  const isTied = isAtLeast(affiliation, 'member')
  // §9.1: an outcast has no reserved nickname; neither has who is nothing to the room.
  const reserved = isTied ? (nick ?? old.nick) || undefined : undefined
  const since = isAtLeast(old.affiliation, 'member') ? old.since : room.host.clock.now()
  affiliations.set(user, {
    affiliation,
    ...(isTied && since !== undefined && { since }),
    ...(reserved !== undefined && { nick: reserved }),
    ...(change.reason !== undefined && { reason: change.reason }),
  })
  if (affiliation !== 'none') room.applicants.delete(user)
  const here =
    user.local === undefined
      ? [...occupants].filter(({ account }) => account.domain === user.domain)
      : [...occupants.ofAccount(user)]
  for (const occupant of here) {
    const now = affiliations.of(occupant.account)
    if (now === 'outcast') expel(room, occupant, 301, change)
    else if (now === 'none' && config.isMembersOnly) expel(room, occupant, 321, change)
    else {
      const wasBroadcast = isBroadcast(room, occupant)
      const role = roleAfter({ affiliation: old.affiliation, role: occupant.role }, now, config.isModerated)
      if (role !== occupant.role) occupants.setRole(occupant, role)
      tellChange(room, occupant, wasBroadcast, { item: { ...change } })
    }
  }
  if (here.length > 0 || old.affiliation === affiliation) return
  tellOfAbsent(room, user, affiliation)
  // §9.5
  if (affiliation === 'member' && config.isMembersOnly && old.affiliation === 'none')
    inviteMember(room, user, change.reason)
}

/** @throws StanzaError conflict, resource-constraint, not-acceptable: what no affiliation of the actor makes right */
export function checkReservation(room: Room, user: Jid, nick: string): void {
  const { config } = room.host
  if (nick.length > config.nick)
    throw new StanzaError('not-acceptable', `A nickname has 1 to ${config.nick} characters`)
  const holder = room.affiliations.holderOf(nick)
  if (holder && !holder.equals(user.bare)) throw new StanzaError('conflict', 'That nickname is reserved')
}

/** §10.3: those who see JIDs learn of users who are not here. */
function tellOfAbsent(room: Room, user: Jid, affiliation: MucAffiliation): void {
  const told = message(
    { from: room.jid, type: 'groupchat' },
    MucUser.write({ items: [{ affiliation, jid: user.bare }] }),
  )
  const seers = [...room.occupants].filter(({ role }) => role === 'moderator' || room.config.whois === 'anyone')
  broadcast(room, told, seers)
}

function tellChange(room: Room, occupant: Occupant, wasBroadcast: boolean, told: Told): void {
  const isNow = isBroadcast(room, occupant)
  // To the others it comes or goes with the role.
  if (wasBroadcast && !isNow) {
    tellOthers(room, occupant, { type: 'unavailable' })
    tellSelf(room, occupant, told)
  } else tellAll(room, occupant, told)
  // §8: moderators see real JIDs.
  if (occupant.role === 'moderator' && room.config.whois === 'moderators')
    for (const { jid } of occupant.sessions.values()) tellRoster(room, occupant, jid)
}
