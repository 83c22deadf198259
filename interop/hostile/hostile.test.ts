import { setImmediate } from 'node:timers/promises'
import { tls, webSocket } from '@jackdaw/testkit'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Attack, carryOut } from './attack.ts'
import { Chat } from './chat.ts'
import { corpus } from './corpus/corpus.ts'
import { crowd, flood, loggedIn } from './floods.ts'
import { HostileServer, type Size } from './hostile-server.ts'
import { Peer } from './peer.ts'

const attackers = Array.from({ length: 24 }, (_, at) => `mallory${at}`)
const accounts = ['romeo', 'juliet', ...attackers.flatMap((name) => [name, `${name}-victim`])]

/** Small enough that what is slow shows it soon. */
const tightLimits = {
  limits: { unauthenticatedTime: '1 s' },
  keepalive: { idle: '5 s', timeout: '1 s' },
}

vi.setConfig({ maxConcurrency: attackers.length })

let servers: Record<Attack['server'], HostileServer>
let chat: Chat
/** Before anything bad had happened. */
let fresh: Size

beforeAll(async () => {
  const [usual, tight] = await Promise.all([HostileServer.start(accounts), HostileServer.start(accounts, tightLimits)])
  servers = { default: usual, tight }
  const { ports } = usual
  chat = await Chat.start(tls(ports.xmpps), webSocket(`ws://127.0.0.1:${ports.http}/xmpp`))
  fresh = await usual.size()
})

afterAll(async () => {
  for (const server of Object.values(servers)) await server.stop()
})

/** Resolves when the two who talk are the only ones connected, and the only ones with a session. */
async function calm(): Promise<void> {
  await servers.default.until('jackdaw_connections', (value) => value === 2)
  await servers.default.until('jackdaw_sessions', (value) => value === 2)
  // The metrics count streams; what had not come so far shows here.
  while ((await servers.default.size()).sockets > 2) await setImmediate()
}

/** How many handshakes may be under way: limits.unauthenticatedConnections. */
const handshakes = 2_000

/** Connections to the port of direct TLS, which go again: so many silent ones, and so many with half a ClientHello. Returns how many were open. */
async function halfHandshakes(count: number): Promise<number> {
  const [silent, halfway] = await Promise.all([
    crowd(servers.default, 'raw tls', count, 500),
    crowd(servers.default, 'raw tls', count, 500),
  ])
  halfway.write(Buffer.from('16030100c8010000c40303', 'hex'))
  // Those that have waited longest give way.
  while (silent.open + halfway.open > handshakes) await setImmediate()
  const { sockets } = await servers.default.size()
  expect(silent.open + halfway.open).toBe(Math.min(2 * count, handshakes))
  await Promise.all([silent.vanish(), halfway.vanish()])
  await calm()
  return sockets
}

const free = [...attackers]

/** Carries it out under an account that nobody else uses at the time. */
async function answerTo(attack: Attack): Promise<readonly string[]> {
  const account = free.shift()!
  try {
    return await carryOut(attack, servers[attack.server], account)
  } finally {
    free.push(account)
  }
}

describe.concurrent('each bad stream gets its answer, and no other', () => {
  for (const [topic, attacks] of Object.entries(corpus))
    describe(`of ${topic}`, () => {
      test.each(attacks)('$name', async (attack) => {
        expect(await answerTo(attack)).toEqual(attack.answer)
      })
    })
})

test('the corpus has at least 200 entries, and none twice', () => {
  const names = Object.values(corpus).flatMap((attacks) => attacks.map(({ name }) => name))
  expect(names.length).toBeGreaterThanOrEqual(200)
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([])
})

test('memory is back where it was after the corpus', async () => {
  await calm()
  const after = await servers.default.size()
  expect(after).toMatchObject({ sockets: 2, sessions: 2 })
  expect(after.heap - fresh.heap).toBeLessThan(12)
  expect(after.rss - fresh.rss).toBeLessThan(96)
})

test('connections from one address: 1,000 are taken, the others are told why not', async () => {
  const many = await crowd(servers.default, 'tcp', 1_100, 1_100)
  expect(await many.answers(100)).toEqual(new Map([['header, error resource-constraint, closed, gone', 100]]))
  expect(many.open).toBe(1_000)
  await many.vanish()
  await calm()
})

test('10,000 connections that open no stream: 2,000 may wait for a login, the others are told why not', async () => {
  const many = await crowd(servers.default, 'tcp', 10_000, 500)
  expect(await many.answers(8_000)).toEqual(new Map([['header, error resource-constraint, closed, gone', 8_000]]))
  expect(many.open).toBe(2_000)
  await many.vanish()
  await calm()
})

test('10,000 connections that begin no TLS, half of them with half a ClientHello: the 2,000 last ones are held', async () => {
  expect(await halfHandshakes(5_000)).toBeLessThan(handshakes + 100)
})

test('2,000 HTTP connections with half a request are held, and go', async () => {
  const many = await crowd(servers.default, 'http', 2_000, 500)
  many.write('GET /health HTTP/1.1\r\nHost: loc')
  await many.vanish()
  await calm()
})

test.each(['header', 'authenticated', 'bound'] as const)(
  '100 clients vanish at the stage %s, half a stanza sent',
  async (stage) => {
    const ways = ['tcp', 'starttls', 'tls', 'websocket'] as const
    for (let round = 0; round < 10; round++) {
      const peers = Array.from({ length: 10 }, async (_, at) => {
        const peer = await Peer.connect(ways[at % ways.length]!, servers.default.ports, attackers[at])
        await peer.reach(stage)
        peer.write(`<iq type='get' id='1' xmlns='jabber:client'><ping xmlns='urn:xmpp:ping'/></iq>`.repeat(5))
        peer.write(`<message xmlns='jabber:client' to='`)
        peer.vanish()
      })
      await Promise.all(peers)
    }
    await calm()
  },
)

test('100 clients vanish in the middle of a TLS handshake or a login', async () => {
  const plain = Buffer.from(`\0romeo\0wrong`).toString('base64')
  const texts = [
    "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
    `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${plain}</auth>`,
  ]
  for (let round = 0; round < 10; round++) {
    const peers = Array.from({ length: 10 }, async (_, at) => {
      const peer = await Peer.connect('tcp', servers.default.ports)
      await peer.reach('header')
      peer.write(texts[at % 2]!)
      if (at % 4 === 0) await peer.hears('proceed')
      peer.vanish()
    })
    await Promise.all(peers)
  }
  await calm()
})

test('XEP-0198 §5: 50 clients vanish with sessions that can be resumed for a second', async () => {
  const peers = Array.from({ length: 50 }, async (_, at) => {
    const peer = await loggedIn(servers.default, attackers[at % attackers.length]!)
    peer.write("<enable xmlns='urn:xmpp:sm:3' resume='true' max='1'/>")
    await peer.hears('enabled')
    peer.vanish()
  })
  await Promise.all(peers)
  await calm()
})

test('four clients send 5,000 messages each at once: no more than the rate allows is handled', async () => {
  const before = await servers.default.metric('jackdaw_messages_total')
  const begun = Date.now()
  const peers = await Promise.all(attackers.slice(0, 4).map((name) => loggedIn(servers.default, name)))
  for (const peer of peers) flood(peer, 'nobody@localhost', 5_000, 100)
  const total = await servers.default.until('jackdaw_messages_total', (value) => value - before >= 5_500)
  const seconds = (Date.now() - begun) / 1000
  // 1,000 at once and 50 a second of each, what two reads of 64 KiB bring beyond that, and the chat.
  expect(total - before).toBeLessThan(4 * (1_000 + 50 * seconds + 700) + 40 * seconds + 100)
  for (const peer of peers) peer.vanish()
  await calm()
})

test('a client that never reads is cut, and what was kept for it is let go', async () => {
  const deaf = await loggedIn(servers.default, attackers[0]!)
  deaf.socket.pause()
  // Together more than what the kernel and the server hold for it, before the rate of any is limited.
  const senders = await Promise.all(attackers.slice(1).map((name) => loggedIn(servers.default, name)))
  for (const sender of senders) flood(sender, deaf.jid, 30, 65_000)
  await servers.default.until('jackdaw_connections', (value) => value === senders.length + 2)
  for (const sender of senders) sender.vanish()
  deaf.vanish()
  await calm()
})

test('a client that never acknowledges is cut when eight times the 1,000 stanzas that may wait for it do', async () => {
  const mute = await loggedIn(servers.default, attackers[0]!)
  mute.write("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
  await mute.hears('enabled')
  const senders = await Promise.all(attackers.slice(1, 13).map((name) => loggedIn(servers.default, name)))
  for (const sender of senders) flood(sender, mute.jid, 700, 100)
  await mute.gone()
  expect(mute.heard.slice(-3)).toEqual(['error policy-violation', 'closed', 'gone'])
  for (const sender of senders) sender.vanish()
  await calm()
})

// Resident memory is compared with itself after everything has happened once: OpenSSL's small pieces (some 55 KB for half a handshake) go back
// to malloc, which keeps the pages for the next. What V8 holds is compared with the beginning as well.
test('memory is back where it was when all of that has happened once more', { timeout: 90_000 }, async () => {
  const before = await servers.default.size()
  // But for those that wait for long.
  const again = Object.values(corpus)
    .flat()
    .filter(({ server, name }) => server === 'default' && !/§15.5.9|§6.4.5/.test(name))
    .values()
  // As many at a time as at first.
  await Promise.all(
    attackers.map(async () => {
      for (const attack of again) expect(await answerTo(attack)).toEqual(attack.answer)
    }),
  )
  await halfHandshakes(2_500)
  const after = await servers.default.size()
  expect(after).toMatchObject({ sockets: 2, sessions: 2 })
  expect(after.heap - fresh.heap).toBeLessThan(12)
  expect(after.heap - before.heap).toBeLessThan(4)
  expect(after.rss - before.rss).toBeLessThan(64)
})

test('two ordinary users have talked all the time, and nothing was lost or late', async () => {
  await chat.stop()
  expect(chat.sent).toBeGreaterThan(500)
  expect(chat.faults).toEqual([])
  expect(chat.slowest).toBeLessThan(5_000)
})

test('nothing is left of it, and the server had nothing to complain of', async () => {
  for (const server of Object.values(servers)) {
    await server.until('jackdaw_connections', (value) => value === 0)
    expect(await server.metric('jackdaw_sessions')).toBe(0)
    expect(server.complaints()).toEqual([])
  }
})
