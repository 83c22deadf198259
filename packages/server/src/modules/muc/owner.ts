import {
  type MucAffiliation,
  type Destruction,
  fieldValues,
  type Field,
  type Form,
  type Jid,
  jidValue,
  type MucItem,
  MucOwner,
  MucUser,
  message,
  StanzaError,
} from '@jackdaw/xmpp'
import { checkOwners, checkSize } from './admin.ts'
import { isAtLeast } from './affiliations.ts'
import { broadcast } from './broadcast.ts'
import { adminsVar, configForm, ownersVar, type RoomConfig, submitted } from './config-form.ts'
import { evacuate, expel } from './leaving.ts'
import { isBroadcast, tellOthers } from './presence.ts'
import { initialRole } from './roles.ts'
import type { Room } from './room.ts'
import type { Rooms } from './rooms.ts'
import { changeAffiliation, changeRole } from './standing.ts'

/** XEP-0045 §10.2: the form that an owner fills in. */
export function configuration(room: Room, user: Jid): MucOwner {
  checkOwner(room, user)
  const jids = (affiliation: MucAffiliation) => [...room.affiliations.list(affiliation)].map(([jid]) => jid.toString())
  const lists: Field[] = [
    { var: adminsVar, type: 'jid-multi', label: 'Admins', values: jids('admin') },
    { var: ownersVar, type: 'jid-multi', label: 'Owners', values: jids('owner') },
  ]
  return { form: configForm(room.config, lists, room.host.config) }
}

/** §10.1.2, §10.1.3, §10.2, §10.9: what an owner sends. */
export function command(rooms: Rooms, room: Room, user: Jid, { form, destruction }: MucOwner): void {
  checkOwner(room, user)
  if (destruction) return destroy(rooms, room, destruction)
  if (!form) throw new StanzaError('bad-request', 'A form is missing')
  // §10.1.3: what is cancelled at first is never made.
  if (form.type === 'cancel') return room.isLocked ? destroy(rooms, room, {}) : undefined
  if (form.type !== 'submit') throw new StanzaError('bad-request', 'Submit the form or cancel it')
  configure(room, form)
}

export function destroy(rooms: Rooms, room: Room, destruction: Destruction): void {
  evacuate(room, destruction)
  rooms.drop(room)
  room.host.tell('room:destroyed', { room: room.jid })
}

function configure(room: Room, form: Form): void {
  const config = submitted(form, room.config, room.host.config)
  const items = [...listed(room, form, adminsVar, 'admin'), ...listed(room, form, ownersVar, 'owner')]
  checkOwners(room, items)
  checkSize(room, items)
  reconfigure(room, config, items)
  // It may be empty, and temporary from now on (§7.14).
  room.left()
}

/** §10.1.2, §10.2: lets it be configured like that; a room that was being made is open from now on. */
export function reconfigure(room: Room, config: RoomConfig, items: readonly MucItem[] = []): void {
  const old = room.config
  const wasLocked = room.isLocked
  if (wasLocked) room.unlock()
  room.config = config
  tellOfWhom(room, old)
  for (const { jid, affiliation } of items) changeAffiliation(room, jid!, affiliation!)
  if (config.isMembersOnly && !old.isMembersOnly) expelStrangers(room)
  if (config.isModerated !== old.isModerated) moderate(room)
  if (!wasLocked) tell(room, codes(old, config))
}

/** §10.2: who is broadcast from now on comes for the others, who is no longer goes, or it would stay there for ever. */
function tellOfWhom(room: Room, old: RoomConfig): void {
  for (const occupant of room.occupants) {
    const is = isBroadcast(room, occupant)
    if (is !== old.broadcasts.includes(occupant.role)) tellOthers(room, occupant, is ? {} : { type: 'unavailable' })
  }
}

/** §10.2: who loses or gets an affiliation by a list of the form. */
function listed(room: Room, form: Form, name: string, affiliation: MucAffiliation): MucItem[] {
  const values = fieldValues(form, name)
  if (!values) return []
  const wanted = new Map(
    values
      .filter((value) => value.trim() !== '')
      .map((value) => [jidValue(value).bare.toString(), jidValue(value).bare]),
  )
  const lost = [...room.affiliations.list(affiliation)].filter(([jid]) => !wanted.has(jid.toString()))
  for (const [jid] of room.affiliations.list(affiliation)) wanted.delete(jid.toString())
  // §10.2: who is no owner any more is an admin, who is no admin a member.
  const less: MucAffiliation = affiliation === 'owner' ? 'admin' : 'member'
  return [
    ...lost.map(([jid]) => ({ jid, affiliation: less })),
    // Who is an owner is more than an admin already.
    ...[...wanted.values()]
      .filter((jid) => affiliation === 'owner' || room.affiliations.get(jid).affiliation !== 'owner')
      .map((jid) => ({ jid, affiliation })),
  ]
}

/** §10.2 */
function expelStrangers(room: Room): void {
  for (const occupant of [...room.occupants])
    if (room.affiliations.of(occupant.account) === 'none') expel(room, occupant, 322, {})
}

/** §5.1.2: in a room that is moderated from now on strangers have no voice; in one that is no longer, everybody has. */
function moderate(room: Room): void {
  for (const occupant of [...room.occupants]) {
    const affiliation = room.affiliations.of(occupant.account)
    if (occupant.role !== 'moderator' && !isAtLeast(affiliation, 'member'))
      changeRole(room, occupant, initialRole(affiliation, room.config.isModerated), {})
  }
}

/** §10.2.1 */
function codes(old: RoomConfig, config: RoomConfig): number[] {
  const found: number[] = []
  if (config.isLogged !== old.isLogged) found.push(config.isLogged ? 170 : 171)
  if (config.whois !== old.whois) found.push(config.whois === 'anyone' ? 172 : 173)
  const rest = { ...config, isLogged: old.isLogged, whois: old.whois }
  if (JSON.stringify(rest) !== JSON.stringify(old)) found.unshift(104)
  return found
}

/** §10.2.1: that the configuration is another now. */
export function tell(room: Room, statuses: readonly number[]): void {
  if (statuses.length > 0) broadcast(room, message({ from: room.jid, type: 'groupchat' }, MucUser.write({ statuses })))
}

/** §10.2, §10.9 */
function checkOwner(room: Room, user: Jid): void {
  if (room.affiliations.of(user) !== 'owner') throw new StanzaError('forbidden', 'Only owners do that')
}
