import { type MucAffiliation, type Jid, MucAdmin, type MucItem, type MucRole, StanzaError } from '@jackdaw/xmpp'
import { checkAffiliation, folded, isAtLeast } from './affiliations.ts'
import type { Occupant } from './occupants.ts'
import { checkRole, type Standing } from './roles.ts'
import type { Room } from './room.ts'
import { changeAffiliation, changeRole, checkReservation, standingOf } from './standing.ts'

/** Characters: those of affiliations are kept, and in memory. */
const longestReason = 1024

/** XEP-0045 §8.5, §9.2, §9.5, §9.8, §10.5, §10.8: who has an affiliation or a role. */
export function list(room: Room, user: Jid, { items }: MucAdmin): MucAdmin {
  const [item, ...more] = items
  if (!item || more.length > 0 || (item.affiliation === undefined) === (item.role === undefined))
    throw new StanzaError('bad-request', 'Ask for one affiliation or one role')
  const asker = standingOf(room, user)
  if (item.affiliation !== undefined) {
    checkReader(room, asker, item.affiliation)
    return { items: affiliated(room, item.affiliation) }
  }
  if (asker.role !== 'moderator' || (item.role === 'moderator' && !isAtLeast(asker.affiliation, 'admin')))
    throw new StanzaError('forbidden', 'You may not see that list')
  return { items: occupants(room, item.role!) }
}

function affiliated(room: Room, affiliation: MucAffiliation): MucItem[] {
  return [...room.affiliations.list(affiliation)].map(([jid, { nick, reason }]) => ({
    affiliation,
    jid,
    // §17.4.6: an outcast has no nickname.
    nick,
    ...(affiliation === 'outcast' && { reason }),
  }))
}

function occupants(room: Room, role: MucRole): MucItem[] {
  return [...room.occupants]
    .filter((occupant) => occupant.role === role)
    .map(({ account, nick, shown }) => ({ affiliation: room.affiliations.of(account), role, nick, jid: shown.jid }))
}

/** §5.2.1, §9.5, §10.5, §10.8. Where JIDs are no secret members may know each other, or they could not encrypt for all. */
function checkReader({ config }: Room, { affiliation, role }: Standing, wanted: MucAffiliation): void {
  if (affiliation === 'owner' || (affiliation === 'admin' && !isAtLeast(wanted, 'admin'))) return
  const isOpen =
    config.whois === 'anyone' &&
    (isAtLeast(affiliation, 'member') || (role !== 'none' && config.memberListFor.includes(role)))
  if (!isOpen || wanted === 'outcast') throw new StanzaError('forbidden', 'You may not see that list')
}

/** §8, §9, §10: changes roles and affiliations: all that is asked for, or nothing. */
export function change(room: Room, user: Jid, { items }: MucAdmin): void {
  if (items.length === 0) throw new StanzaError('bad-request', 'Nothing is to be changed')
  const actor = standingOf(room, user)
  const by = actor.occupant && { nick: actor.occupant.nick }
  const acts = items.map((item) => {
    if ((item.affiliation === undefined) === (item.role === undefined))
      throw new StanzaError('bad-request', 'An item is of an affiliation or of a role')
    if (item.reason !== undefined && item.reason.length > longestReason)
      throw new StanzaError('not-acceptable', `A reason has ${longestReason} characters at the most`)
    const why = { actor: by, reason: item.reason }
    if (item.role !== undefined) {
      const occupant = named(room, item)
      checkRole(actor, { role: occupant.role, affiliation: room.affiliations.of(occupant.account) }, item.role)
      return () => {
        // What came before it in the request may have taken the occupant out.
        if (occupant.sessions.size > 0) changeRole(room, occupant, item.role!, why)
      }
    }
    const jid = userOf(room, item)
    const { affiliation, nick } = item
    checkAffiliation(actor.affiliation, room.affiliations.of(jid), affiliation!)
    // §9.1
    if (affiliation === 'outcast' && user.bare.equals(jid)) throw new StanzaError('conflict', 'That is yourself')
    const reserved = item.jid === undefined ? undefined : nick
    if (reserved) checkReservation(room, jid, reserved)
    return () => changeAffiliation(room, jid, affiliation!, { ...why, nick: reserved })
  })
  checkNicks(items)
  checkOwners(room, items)
  checkSize(room, items)
  for (const act of acts) if (!room.isDestroyed) act()
}

/** §9.3: a nickname is reserved for one user. */
function checkNicks(items: readonly MucItem[]): void {
  const nicks = items
    .filter(({ affiliation, jid, nick }) => affiliation && jid && nick)
    .map(({ nick }) => folded(nick!))
  if (new Set(nicks).size < nicks.length) throw new StanzaError('conflict', 'A nickname is reserved for one user')
}

function named(room: Room, { nick }: MucItem): Occupant {
  if (nick === undefined) throw new StanzaError('bad-request', 'A role is of a nickname')
  const occupant = room.occupants.withNick(nick)
  if (occupant?.nick !== nick) throw new StanzaError('item-not-found', 'Nobody here has that nickname')
  return occupant
}

/** §10.3: the bare JID; clients that see none give the nickname. */
function userOf(room: Room, { jid, nick }: MucItem): Jid {
  if (jid) return jid.bare
  if (nick === undefined) throw new StanzaError('bad-request', 'An affiliation is of a JID')
  return named(room, { nick }).account
}

/** §10.2, §10.4: a room has an owner. */
export function checkOwners(room: Room, items: readonly MucItem[]): void {
  const owners = new Set([...room.affiliations.list('owner')].map(([jid]) => jid.toString()))
  for (const item of items) {
    if (item.affiliation === undefined) continue
    const key = userOf(room, item).toString()
    if (item.affiliation === 'owner') owners.add(key)
    else owners.delete(key)
  }
  if (owners.size === 0) throw new StanzaError('conflict', 'A room has at least one owner')
}

/** What a user is already may be changed however many there are: bans above all. @throws StanzaError resource-constraint */
export function checkSize(room: Room, items: readonly MucItem[]): void {
  const { affiliations, host } = room
  const added = new Set<string>()
  for (const item of items) {
    if (item.affiliation === undefined || item.affiliation === 'none') continue
    const user = userOf(room, item)
    if (!affiliations.has(user)) added.add(user.toString())
  }
  if (added.size > 0 && affiliations.size + added.size > host.config.affiliations)
    throw new StanzaError('resource-constraint', 'The room knows too many users')
}
