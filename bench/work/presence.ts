import { leaveAll, type Link, loginMany } from '../load.ts'
import type { Peer } from '../peers/peer.ts'
import { Loop } from './loop.ts'
import { Rounds } from './rounds.ts'
import type { Work } from './work.ts'

/**
 * Users who all see one another change their presence, each again when everybody has heard of it. Each copy must come once and in order.
 * `cpu`: µs of the server for a copy that is delivered, the user's own included.
 */
export function presence(name: string, link: Link): Work {
  return {
    name,
    async run(peer, sizes) {
      const { contacts } = sizes
      await befriend(peer, contacts, link)
      const clients = await loginMany(peer, 0, contacts, link)
      const loop = new Loop(contacts)
      const rounds = new Rounds(loop, contacts, contacts, (user, number) =>
        clients[user]!.say(`<presence><status>change ${user} ${number}</status></presence>`),
      )
      for (const client of clients) {
        const hear = rounds.listener()
        client.listen((stanza) => {
          const found = /<status>change (\d+) (\d+)</.exec(stanza)
          if (found) hear(Number(found[1]), Number(found[2]))
        })
      }
      rounds.begin()
      const figures = await loop.measure(peer, sizes)
      await leaveAll(clients)
      return figures
    },
  }
}

/** Has all subscribe to all, as clients do (RFC 6121 §3.1), until everybody's roster says so. */
export async function befriend(peer: Peer, count: number, link: Link): Promise<void> {
  const clients = await loginMany(peer, 0, count, link)
  const end = Promise.withResolvers<void>()
  let missing = count * (count - 1)
  for (const client of clients) {
    const friends = new Set<string>()
    client.listen((stanza) => {
      if (stanza.startsWith('<presence')) {
        const from = / from=['"]([^'"/]+)/.exec(stanza)?.[1]
        if (/ type=['"]subscribe['"]/.test(stanza)) client.say(`<presence to='${from}' type='subscribed'/>`)
      } else if (stanza.startsWith('<iq')) {
        client.say(`<iq type='result' id='${/ id=['"]([^'"]*)/.exec(stanza)?.[1]}'/>`)
        const friend = / jid=['"]([^'"]*)/.exec(stanza)?.[1]
        if (friend === undefined || friends.has(friend) || !/ subscription=['"]both['"]/.test(stanza)) return
        friends.add(friend)
        if (--missing === 0) end.resolve()
      }
    })
  }
  for (const client of clients)
    for (const other of clients) if (other !== client) client.say(`<presence to='${other.account}' type='subscribe'/>`)
  const impatience = setTimeout(() => end.reject(new Error(`${missing} subscriptions never came about`)), 120_000)
  await end.promise
  clearTimeout(impatience)
  await leaveAll(clients)
}
