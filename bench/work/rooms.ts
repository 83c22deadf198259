import { leaveAll, type Link, type LoadClient, loginMany } from '../load.ts'
import { Meter } from '../meter.ts'
import type { Peer } from '../peers/peer.ts'
import type { Sizes } from '../sizes.ts'
import { Loop } from './loop.ts'
import { Rounds } from './rounds.ts'
import type { Figures, Work } from './work.ts'

const speakers = 10
const words = 'But soft, what light through yonder window breaks? It is the east, and Juliet is the sun.'

/**
 * A room (XEP-0045) is filled, each occupant entering when the one before is in, and some speak, each again when all have heard it. Every
 * copy must come once and in order. `cpu`: µs of the server for a copy that is delivered, the speaker's own included; `join`: ms of the
 * server for one of those who entered, with all that the others hear of it.
 */
export function room(name: string, link: Link, which: 0 | 1): Work {
  return {
    name,
    async run(peer, sizes) {
      const count = sizes.rooms[which]
      const clients = await loginMany(peer, 0, count, link)
      const jid = `${name}@rooms.localhost`
      const meter = new Meter(peer)
      await fill(clients, jid, link.hasFeatures ? undefined : peer.kind.roomLogging)
      const join = meter.read().cpu / count / 1000
      const figures = await converse(peer, clients, jid, sizes)
      for (const client of clients) await client.settle()
      await leaveAll(clients)
      return { ...figures, join }
    },
  }
}

/** @param off a field of the form to be switched off */
async function fill(clients: readonly LoadClient[], jid: string, off: string | undefined): Promise<void> {
  const [owner, ...others] = clients as [LoadClient, ...LoadClient[]]
  await enter(owner, jid)
  const field = off === undefined ? '' : `<field var='${off}'><value>0</value></field>`
  const form = `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>${field}</x>`
  const result = new Promise<void>((resolve, reject) => {
    owner.listen((stanza) => {
      if (!stanza.startsWith('<iq')) return
      if (/ type=['"]result['"]/.test(stanza)) resolve()
      else reject(new Error(`the room cannot be configured: ${stanza}`))
    })
  })
  owner.say(
    `<iq type='set' id='config' to='${jid}'><query xmlns='http://jabber.org/protocol/muc#owner'>${form}</query></iq>`,
  )
  await result
  for (const client of others) await enter(client, jid)
}

/** Resolves when the room has told its subject, which ends an entry (§7.2.2). */
function enter(client: LoadClient, jid: string): Promise<void> {
  return new Promise((resolve, reject) => {
    client.listen((stanza) => {
      if (/ type=['"]error['"]/.test(stanza)) reject(new Error(`${client.account} does not get in: ${stanza}`))
      if (stanza.startsWith('<message') && /<subject/.test(stanza)) {
        client.listen(() => {})
        resolve()
      }
    })
    client.say(
      `<presence to='${jid}/${client.jid.local}'><x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x></presence>`,
    )
  })
}

async function converse(peer: Peer, clients: readonly LoadClient[], jid: string, sizes: Sizes): Promise<Figures> {
  const count = Math.min(speakers, clients.length)
  const loop = new Loop(count)
  const rounds = new Rounds(loop, count, clients.length, (i, number) =>
    clients[i]!.say(`<message to='${jid}' type='groupchat' id='say-${i}-${number}'><body>${words}</body></message>`),
  )
  for (const client of clients) {
    const hear = rounds.listener()
    client.listen((stanza) => {
      const found = stanza.startsWith('<message') ? / id=['"]say-(\d+)-(\d+)['"]/.exec(stanza) : null
      if (found) hear(Number(found[1]), Number(found[2]))
    })
  }
  rounds.begin()
  return loop.measure(peer, sizes)
}
