import { Jid } from '@jackdaw/xmpp'
import { isAtLeast } from './affiliations.ts'
import { isReadable } from './archive.ts'
import type { MucHost } from './room.ts'
import type { Rooms } from './rooms.ts'

/** Most rooms of each kind. */
const most = 1000
/** How many affiliations are looked at in one tick. */
const stride = 500

/**
 * The rooms that are conversations of an account, and since when (milliseconds since the Unix epoch): those for members only of which it is one,
 * those in which it is, and those that it has marked for itself; as far as it may read their archives. Rooms are not loaded for that.
 * @param marked rooms by bare JIDs, and since when
 */
export async function tiesOf(
  rooms: Rooms,
  host: MucHost,
  account: Jid,
  marked: ReadonlyMap<string, number>,
): Promise<ReadonlyMap<string, number>> {
  const { affiliations, occupants, rooms: records } = host.stores
  const inside = new Map<string, number>()
  for (const { jid } of host.sessions(account))
    for await (const [room, { since = 0 }] of occupants.owners(jid.toString())) {
      inside.set(room, Math.min(since, inside.get(room) ?? Infinity))
      if (inside.size >= most) break
    }
  const candidates = new Set([...inside.keys(), ...[...marked.keys()].slice(0, most)])
  const keys = [account.toString(), account.domain]
  for (const key of keys) {
    let [count, seen] = [0, 0]
    for await (const [room, { affiliation }] of affiliations.owners(key)) {
      if (++seen % stride === 0) await new Promise<void>((resolve) => host.clock.soon(resolve))
      if (!isAtLeast(affiliation, 'member')) continue
      candidates.add(room)
      if (++count >= most) break
    }
  }

  const ties = new Map<string, number>()
  for (const room of candidates) {
    const record = await records.get(room, 'room')
    // A temporary room to which nobody came back after a kill ends when it is looked at.
    if (!record || (!record.config.isPersistent && !(await rooms.find(Jid.parse(room))))) continue
    // §9.2
    const own = (await affiliations.get(room, keys[0]!)) ?? (await affiliations.get(room, keys[1]!))
    const { affiliation, since = 0 } = own ?? { affiliation: 'none' }
    if (!isReadable(record, affiliation, inside.has(room))) continue
    const isMember = record.config.isMembersOnly && isAtLeast(affiliation, 'member')
    const beginnings = [isMember ? since : undefined, inside.get(room), marked.get(room)]
    const first = Math.min(...beginnings.filter((at) => at !== undefined))
    if (first !== Infinity) ties.set(room, first)
  }
  return ties
}
