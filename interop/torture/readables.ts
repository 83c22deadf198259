import { discoItemsNs, type Element, Jid, mucAdminNs, type Stanza, xml } from '@jackdaw/xmpp'
import type { Blocklist } from './blocklist.ts'
import type { SessionNumber } from './events.ts'
import type { Node } from './node.ts'
import type { Readable } from './readings.ts'
import type { Room } from './room.ts'
import type { User } from './user.ts'
import { entryOf, lastOf, paging } from './words.ts'

/** XEP-0313: what the account of these sessions exchanged with others of its domain. */
export function archiveOf(sessions: readonly User[]): Readable {
  const [reader] = sessions
  const numbers: readonly SessionNumber[] = sessions.map(({ number }) => number)
  return {
    what: `archive of ${reader!.jid.bare}`,
    async read() {
      const messages = await reader!.readArchive()
      // Rooms invite their members.
      const own = messages?.filter((message) => Jid.parse(message.attr('from')!).domain === reader!.jid.domain)
      return own && { kind: 'archived', sessions: numbers, entries: own.map(entryOf) }
    },
  }
}

/** XEP-0313 §6.1.2 */
export function historyOf({ jid }: { readonly jid: Jid }, reader: User, channel = `${jid}`): Readable {
  return {
    what: `history of ${channel}`,
    async read() {
      const messages = await reader.readArchive(jid)
      return messages && { kind: 'kept', channel, entries: messages.map(entryOf) }
    },
  }
}

export function itemsOf(node: Node): Readable {
  return {
    what: `items of ${node.channel}`,
    async read() {
      const entries = await node.read()
      return entries && { kind: 'kept', channel: node.channel, entries, most: node.most ?? Infinity }
    },
  }
}

/** XEP-0045 §9.5 */
export function membersOf({ jid }: Room, owner: User): Readable {
  return listOf(`members ${jid}`, async () => {
    const query = xml('query', mucAdminNs, {}, xml('item', mucAdminNs, { affiliation: 'member' }))
    const answer = await owner.ask('get', query, jid)
    return itemsIn(answer, mucAdminNs)?.map((item) => item.attr('jid')!)
  })
}

/** XEP-0045 §6.5, as one of them sees it. */
export function occupantsOf({ jid }: Room, reader: User): Readable {
  return listOf(`occupants ${jid}`, async () => {
    const answer = await reader.ask('get', xml('query', discoItemsNs), jid)
    return itemsIn(answer, discoItemsNs)?.map((item) => Jid.parse(item.attr('jid')!).resource ?? '')
  })
}

/** XEP-0045 §7.2.6: which of the strangers are let in. */
export function doorsOf(room: Room, strangers: readonly User[]): Readable {
  return listOf(`doors ${room.jid}`, async () => {
    const inside: string[] = []
    for (const stranger of strangers) if (await room.knock(stranger)) inside.push(stranger.jid.bare.toString())
    return inside
  })
}

/** XEP-0045 §6.3 */
export function roomsOf(service: Jid, reader: User): Readable {
  return listOf('rooms', async () => {
    const rooms: string[] = []
    for (let after: string | undefined; ;) {
      const answer = await reader.ask('get', xml('query', discoItemsNs, {}, paging(after)), service)
      const items = itemsIn(answer, discoItemsNs)?.filter(({ name }) => name === 'item')
      if (!items) return undefined
      rooms.push(...items.map((item) => item.attr('jid')!))
      after = lastOf(answer?.child('query', discoItemsNs))
      if (items.length === 0 || after === undefined) return rooms
    }
  })
}

export function blockedBy(blocklist: Blocklist): Readable {
  return listOf(blocklist.name, () => blocklist.read())
}

function listOf(list: string, read: () => Promise<readonly string[] | undefined>): Readable {
  return {
    what: list,
    async read() {
      const entries = await read()
      return entries && { kind: 'list', list, entries }
    },
  }
}

function itemsIn(answer: Stanza | undefined, ns: string): Element[] | undefined {
  return answer?.child('query', ns)?.elements()
}
