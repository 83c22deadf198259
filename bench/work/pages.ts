import { leaveAll, type LoadClient, loginMany } from '../load.ts'
import { Loop } from './loop.ts'
import { numberOf, saying } from './message.ts'
import type { Work } from './work.ts'

const pageSize = 50

/**
 * Owners read their archives (XEP-0313) from one end to the other, a page of fifty at a time, and again. Each message must come, in order.
 * `cpu`: µs of the server for a page.
 */
export function pages(name: string): Work {
  return {
    name,
    async run(peer, sizes) {
      const { owners, messages } = sizes.archives
      // Accounts that have not talked in other works.
      const first = sizes.pairs * 2
      const clients = await loginMany(peer, first, owners * 2, { isTls: false, hasFeatures: true })
      await talk(clients, messages)
      const loop = new Loop(clients.length)
      for (const client of clients) read(client, messages, loop)
      const figures = await loop.measure(peer, sizes)
      await leaveAll(clients)
      return figures
    },
  }
}

/** Each odd client sends that many messages to its neighbour, the next when the last has come. */
async function talk(clients: readonly LoadClient[], messages: number): Promise<void> {
  const talks = clients.flatMap((client, i) => {
    const other = clients[i + 1]
    if (i % 2 === 1 || !other) return []
    return new Promise<void>((resolve) => {
      let next = 1
      client.listen(() => {})
      other.listen((stanza) => {
        if (numberOf(stanza) === undefined) return
        if (next === messages) return resolve()
        client.say(saying(other.jid, next++))
      })
      client.say(saying(other.jid, 0))
    })
  })
  await Promise.all(talks)
  for (const client of clients) await client.settle()
}

function read(client: LoadClient, messages: number, loop: Loop): void {
  let query = 0
  let expected = 0
  let found = 0
  const ask = (after: string) =>
    client.say(
      `<iq type='set' id='page-${query}'><query xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'><max>${pageSize}</max>${after}</set></query></iq>`,
    )
  client.listen((stanza) => {
    if (stanza.startsWith('<message')) {
      const number = Number(/ id=['"]say-(\d+)['"]/.exec(stanza)?.[1])
      if (number !== expected) return loop.fail(`message ${number} of the archive came where ${expected} was due`)
      expected++
      found++
    } else if (stanza.startsWith('<iq')) {
      const last = /<last>([^<]*)/.exec(stanza)?.[1]
      const isComplete = / complete=['"](?:true|1)/.test(stanza)
      const due = Math.min(pageSize, messages - (expected - found))
      if (found !== due || last === undefined || isComplete !== (expected === messages))
        return loop.fail(`a page of ${found} came where ${due} were due: ${stanza}`)
      query++
      found = 0
      if (isComplete) expected = 0
      loop.count()
      loop.next(() => ask(isComplete ? '' : `<after>${last}</after>`))
    }
  })
  ask('')
}
