import { Jid, StanzaError } from '@jackdaw/xmpp'
import { when } from '../../when.ts'
import type { Awaitable } from '../../world.ts'
import type { MucHost, Room } from './room.ts'
import type { Rooms } from './rooms.ts'
import { changeAffiliation } from './standing.ts'

/** XEP-0045 §10.1.1. @throws StanzaError not-allowed, resource-constraint */
export function mayCreate(host: MucHost, user: Jid): Awaitable<void> {
  const { config, roles, stores } = host
  if (!roles.may(user, 'rooms')) throw new StanzaError('not-allowed', 'You may not make rooms here')
  const most = roles.limit(user, 'rooms') ?? config.perAccount
  return when(stores.created.all(user.bare.toString()), (made) => {
    if (made.size >= most) throw new StanzaError('resource-constraint', `You have made ${most} rooms already`)
  })
}

/** Nobody inherits what an account that is gone was to the rooms, or hears what it asked for; a room without an owner goes to who comes next. */
export async function forgetAccount(
  rooms: Rooms,
  { stores }: MucHost,
  account: Jid,
  abandon: (room: Room) => void,
): Promise<void> {
  const key = account.toString()
  const concerned = new Set((await stores.inviters.all(key)).keys())
  for (const store of [stores.affiliations, stores.wearers, stores.invited, stores.applicants])
    for await (const [name] of store.owners(key)) concerned.add(name)
  for (const name of concerned) {
    const room = await rooms.find(Jid.parse(name))
    if (!room) continue
    room.applicants.delete(account)
    room.invited.delete(account)
    room.invited.deleteIf(({ by }) => by === key)
    room.hats.takeAllOff(account)
    const wasOwner = room.affiliations.get(account).affiliation === 'owner'
    // A ban stays.
    if (room.affiliations.get(account).affiliation !== 'outcast') changeAffiliation(room, account, 'none')
    if (!wasOwner || room.isDestroyed || room.affiliations.count('owner') > 0) continue
    const [heir] = [...room.affiliations.list('admin'), ...room.affiliations.list('member')].filter(
      // Not everybody of a domain.
      ([jid]) => jid.local !== undefined,
    )
    if (heir) changeAffiliation(room, heir[0], 'owner')
    else abandon(room)
  }
}
