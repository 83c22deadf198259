import { createHmac } from 'node:crypto'
import { scenario, turn } from '@jackdaw/testkit'
import { Jid } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { key, receiver, secret, stage } from './fixture.ts'
import { signed } from './signature.ts'

const minute = 60_000
const acts = (s: Awaited<ReturnType<typeof stage>>, ...did: string[]) => {
  for (const one of did) s.audit().record({ by: 'command line', did: one })
}
const did = (to: Awaited<ReturnType<typeof receiver>>) => to.received.map(({ event }) => event.data['did'])

test('Standard Webhooks, signature scheme: HMAC-SHA256 of id, time and body, for each key', () => {
  const other = Buffer.alloc(24, 9)
  const sign = (one: Buffer) => createHmac('sha256', one).update('msg_1.1674087231.{"a":1}').digest('base64')
  expect(signed('msg_1', 1_674_087_231_999, '{"a":1}', [key, other])).toEqual({
    'webhook-id': 'msg_1',
    'webhook-timestamp': '1674087231',
    'webhook-signature': `v1,${sign(key)} v1,${sign(other)}`,
  })
})

test('Standard Webhooks, webhook headers: while a secret is replaced, both sign', async () => {
  const other = Buffer.alloc(24, 9)
  const to = await receiver([key, other])
  const s = await stage({ webhooks: { crm: { url: to.url, secret: [secret, `whsec_${other.toString('base64')}`] } } })
  acts(s, 'one')
  await to.has(1)
})

test('Standard Webhooks, reliability: what is not taken is sent again, with the same id and a new time, before what comes after it', async () => {
  const to = await receiver()
  const s = await stage({ webhooks: { crm: { url: to.url, secret } } })
  to.state.answer = (response) => void response.writeHead(500).end()
  acts(s, 'one', 'two')
  await to.has(1)
  await s.settled()
  expect(await s.metric('jackdaw_webhooks_failing')).toBe(1)
  await s.s.clock.advance(10_000)
  await to.has(2)
  to.state.answer = (response) => void response.writeHead(200).end('thanks')
  await s.settled()
  await s.s.clock.advance(20_000)
  await to.has(4)
  expect(did(to)).toEqual(['one', 'one', 'one', 'two'])
  const [first, , third] = to.received
  expect(third!.headers['webhook-id']).toBe(first!.headers['webhook-id'])
  expect(third!.raw).toBe(first!.raw)
  expect(Number(third!.headers['webhook-timestamp'])).toBeGreaterThan(Number(first!.headers['webhook-timestamp']))
  await s.settled()
  expect(await s.metric('jackdaw_webhooks_failing')).toBe(0)
  expect(await s.metric('jackdaw_webhook_failures_total')).toBe(2)
  expect(await s.metric('jackdaw_webhook_events_total')).toBe(2)
  expect(s.lines.filter(({ webhook }) => webhook === 'crm').map(({ msg }) => msg)).toEqual([
    'a webhook does not take an event; it is tried again',
    'a webhook takes events again',
  ])
})

test('waits double, somewhat at random, and last as long as Retry-After says', async () => {
  const to = await receiver()
  const s = await stage({ webhooks: { crm: { url: to.url, secret } } })
  const start = s.s.clock.now()
  const at: number[] = []
  let retryAfter: string | undefined
  to.state.answer = (response) => {
    at.push((s.s.clock.now() - start) / 1000)
    response.writeHead(503, retryAfter === undefined ? {} : { 'retry-after': retryAfter }).end()
  }
  acts(s, 'one')
  for (let tries = 1; tries <= 6; tries++) {
    while (to.received.length < tries) {
      await s.settled()
      if (to.received.length < tries) await s.s.clock.advance(250)
    }
    if (tries === 5) retryAfter = '600'
  }
  const waits = at.slice(1).map((time, index) => time - at[index]!)
  for (const [index, base] of [5, 10, 20, 40].entries()) {
    expect(waits[index]).toBeGreaterThanOrEqual(base * 0.75)
    expect(waits[index]).toBeLessThanOrEqual(base * 1.25 + 1)
  }
})

test('Standard Webhooks, request timeouts: who does not answer is asked again', async () => {
  const to = await receiver()
  const s = await stage({ webhooks: { crm: { url: to.url, secret } } })
  to.state.answer = () => {}
  acts(s, 'one')
  await to.has(1)
  await s.s.clock.advance(15_000)
  await s.settled()
  to.state.answer = (response) => void response.writeHead(204).end()
  await s.s.clock.advance(10_000)
  await to.has(2)
  expect(did(to)).toEqual(['one', 'one'])
  expect(s.lines).toContainEqual(expect.objectContaining({ webhook: 'crm', reason: 'No answer in time' }))
})

test('an endpoint that is slow, dead or broken holds back no other', async () => {
  const [slow, good] = [await receiver(), await receiver()]
  slow.state.answer = () => {}
  const s = await stage({
    webhooks: {
      slow: { url: slow.url, secret },
      dead: { url: 'http://127.0.0.1:1/', secret },
      good: { url: good.url, secret },
    },
  })
  acts(s, ...Array.from({ length: 500 }, (_, index) => String(index)))
  await good.has(500)
  expect(did(good)).toEqual(Array.from({ length: 500 }, (_, index) => String(index)))
  expect(did(slow)).toEqual(['0'])
  expect(await s.metric('jackdaw_webhooks_failing')).toBe(1)
})

test('Standard Webhooks, delivery success and failure: a redirection is a failure, and is not followed', async () => {
  const [to, elsewhere] = [await receiver(), await receiver()]
  const s = await stage({ webhooks: { crm: { url: to.url, secret } } })
  to.state.answer = (response) => void response.writeHead(307, { location: elsewhere.url }).end()
  acts(s, 'one')
  await to.has(1)
  await s.settled()
  expect(elsewhere.received).toEqual([])
  expect(s.lines).toContainEqual(expect.objectContaining({ webhook: 'crm', reason: 'HTTP 307' }))
})

test('Standard Webhooks, delivery success and failure: 410 pauses it at once; a start tries it again, and nothing is lost', async () => {
  const to = await receiver()
  const s = await stage({ webhooks: { crm: { url: to.url, secret } } })
  to.state.answer = (response) => void response.writeHead(410).end()
  acts(s, 'one')
  await to.has(1)
  await s.settled()
  expect(await s.metric('jackdaw_webhooks_paused')).toBe(1)
  expect(s.lines.at(-1)).toMatchObject({ level: 50, webhook: 'crm', reason: 'HTTP 410' })
  acts(s, 'two')
  await s.s.clock.advance(24 * 60 * minute)
  expect(did(to)).toEqual(['one'])
  await s.s.stop()
  to.state.answer = (response) => void response.writeHead(204).end()
  await s.s.start()
  await to.has(3)
  expect(did(to)).toEqual(['one', 'one', 'two'])
})

test('an endpoint that has taken nothing for too long is paused, and that is said; a kill before makes that no longer', async () => {
  const to = await receiver()
  to.state.answer = (response) => void response.writeHead(500).end()
  const s = await stage({ webhooks: { crm: { url: to.url, secret, giveUp: '10 min' } } })
  acts(s, 'one')
  const until = async (time: number) => {
    while (s.s.clock.now() < time) {
      await s.settled()
      await s.s.clock.advance(10_000)
    }
    await s.settled()
  }
  await to.has(1)
  const start = s.s.clock.now()
  await until(start + 6 * minute)
  expect(await s.metric('jackdaw_webhooks_paused')).toBe(0)
  s.s.crash()
  await s.s.start()
  await until(start + 22 * minute)
  expect(await s.metric('jackdaw_webhooks_paused')).toBe(1)
  expect(s.lines.filter(({ level }) => level === 50)).toHaveLength(1)
})

test('after a kill what was told and not noted is told again; what was never committed is told to nobody', async () => {
  const to = await receiver()
  const s = await stage({ webhooks: { crm: { url: to.url, secret } } })
  acts(s, 'one')
  await to.has(1)
  await s.settled()
  // The answer comes when the server is no more.
  to.state.answer = (response) => {
    s.s.crash()
    response.writeHead(204).end()
  }
  acts(s, 'two')
  await to.has(2)
  // In the tick in which it dies.
  acts(s, 'three')
  await s.settled()
  to.state.answer = (response) => void response.writeHead(204).end()
  await s.s.start()
  acts(s, 'four')
  await to.has(4)
  expect(did(to)).toEqual(['one', 'two', 'two', 'four'])
  expect(to.received[2]!.event.id).toBe(to.received[1]!.event.id)
})

test('the end of an account is told in the commit in which it goes, not while others still have to do with it', async () => {
  const to = await receiver()
  const romeo = Jid.parse('romeo@home.test')
  const s = await stage({ webhooks: { crm: { url: to.url, secret, kinds: ['account'] } } }, { romeo: [] })
  await to.has(1)
  await s.settled()
  const { virtual } = s.s.server.hosts.get('home.test')!
  const asked = Promise.withResolvers<void>()
  virtual.on('account:removed', () => {
    asked.resolve()
    return new Promise(() => {})
  })
  void s.accounts().remove(romeo)
  await asked.promise
  await s.settled()
  s.s.crash()
  await s.s.start()
  await s.settled()
  expect(await s.accounts().exists(romeo)).toBe(true)
  expect(to.types()).toEqual(['account.created'])
  await s.accounts().remove(romeo)
  await s.accounts().create(romeo, 'a rose by any other')
  await to.has(3)
  expect(to.types()).toEqual(['account.created', 'account.removed', 'account.created'])
})

test('SSRF: addresses that are not public are not connected to, and in clear none but those of the named networks', async () => {
  const to = await receiver()
  const port = new URL(to.url).port
  const s = await stage({
    networks: [],
    webhooks: {
      inside: { url: `https://127.0.0.1:${port}/`, secret },
      name: { url: `http://localhost:${port}/`, secret },
    },
  })
  let connections = 0
  to.server.on('connection', () => void connections++)
  acts(s, 'one')
  while (s.lines.filter(({ webhook }) => webhook).length < 2) await turn()
  expect(connections).toBe(0)
  expect(s.lines.map(({ reason }) => reason)).toEqual(
    expect.arrayContaining(['127.0.0.1 may not be connected to', 'localhost may not be connected to']),
  )
})

test('each gets the kinds that it wants, and a new one what happens from then on', async () => {
  const [rooms, all] = [await receiver(), await receiver()]
  const webhooks = { rooms: { url: rooms.url, secret, kinds: ['room', 'account.created'] } }
  const s = await stage({ webhooks }, { romeo: ['desk'] })
  await rooms.has(1)
  acts(s, 'one')
  const more = { ...webhooks, all: { url: all.url, secret } }
  await s.configure({ webhooks: more })
  acts(s, 'two')
  await all.has(1)
  await s.accounts().create(Jid.parse('juliet@home.test'), 'o so strong a password')
  await rooms.has(2)
  expect(rooms.types()).toEqual(['account.created', 'account.created'])
  await all.has(2)
  expect(all.types()).toEqual(['administration.acted', 'account.created'])
})

test('a webhook that is taken out of the configuration is forgotten', async () => {
  const to = await receiver()
  const webhooks = { crm: { url: to.url, secret } }
  const s = await stage({ webhooks })
  acts(s, 'one')
  await to.has(1)
  await s.configure({ webhooks: {} })
  acts(s, 'two')
  await s.configure({ webhooks })
  acts(s, 'three')
  await to.has(2)
  expect(did(to)).toEqual(['one', 'three'])
})

test('old events go, and so do those that are too many; who had not taken them yet is told of the gap in the log', async () => {
  const to = await receiver()
  to.state.answer = (response) => void response.writeHead(500).end()
  const s = await stage({ count: 1000, keep: '1 d', webhooks: { crm: { url: to.url, secret } } })
  acts(s, ...Array.from({ length: 2500 }, (_, index) => String(index)))
  await to.has(1)
  await s.s.clock.advance(minute)
  while ((await s.metric('jackdaw_events'))! > 1000) await turn()
  to.state.answer = (response) => void response.writeHead(204).end()
  const before = to.received.length
  await s.s.stop()
  await s.s.start()
  await to.has(before + 1000)
  expect(did(to).slice(before)).toEqual(Array.from({ length: 1000 }, (_, index) => String(1500 + index)))
  expect(await s.metric('jackdaw_webhook_gaps_total')).toBe(1)
  await s.s.clock.advance(25 * 60 * minute)
  while ((await s.metric('jackdaw_events'))! > 0) await turn()
  acts(s, 'last')
  await to.has(before + 1001)
  expect(await s.metric('jackdaw_webhook_gaps_total')).toBe(1)
})

test.each([
  [
    { webhooks: { crm: { url: 'ftp://example.org', secret } } },
    'events.webhooks.crm.url: expected a URL that begins with',
  ],
  [{ webhooks: { crm: { url: 'https://me:pw@example.org', secret } } }, 'events.webhooks.crm.url: expected a URL'],
  [
    { webhooks: { crm: { url: 'https://example.org', secret: 'whsec_c2hvcnQ=' } } },
    "events.webhooks.crm.secret: expected 'whsec_' and 24 to 64 bytes in base64",
  ],
  [{ webhooks: { crm: { url: 'https://example.org', secret, kinds: ['rooms'] } } }, 'did you mean "room"?'],
  [
    { kinds: ['room'], webhooks: { crm: { url: 'https://example.org', secret, kinds: ['account'] } } },
    'events.webhooks.crm.kinds: account.created is not kept: name it under events.kinds as well',
  ],
  [{ webhooks: { 'c r m': { url: 'https://example.org', secret } } }, 'expected letters, digits, dots, - and _'],
  [{ webhooks: { crm: { url: 'https://example.org', secret, retries: 3 } } }, 'unknown field "retries"'],
  [{ networks: ['home'] }, "expected 'loopback', an address, or a network"],
])('a configuration that cannot be used says what is wrong: %o', async (fields, expected) => {
  const config = { hosts: { 'home.test': { modules: { events: fields } } } }
  await expect(scenario({ config })).rejects.toThrow(expected)
})
