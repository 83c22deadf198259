import { createHmac } from 'node:crypto'
import type { ServerResponse } from 'node:http'
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
  await s.until('webhook_failures_total', 1)
  expect(await s.metric('webhooks_failing')).toBe(1)
  await s.s.clock.advance(6250)
  await s.until('webhook_failures_total', 2)
  to.state.answer = (response) => void response.writeHead(200).end('thanks')
  await s.s.clock.advance(12_500)
  await to.has(4)
  expect(did(to)).toEqual(['one', 'one', 'one', 'two'])
  const [first, , third] = to.received
  expect(third!.headers['webhook-id']).toBe(first!.headers['webhook-id'])
  expect(third!.raw).toBe(first!.raw)
  expect(Number(third!.headers['webhook-timestamp'])).toBeGreaterThan(Number(first!.headers['webhook-timestamp']))
  await s.until('webhook_events_total', 2)
  expect(await s.metric('webhooks_failing')).toBe(0)
  expect(await s.metric('webhook_failures_total')).toBe(2)
  expect(s.lines.filter(({ webhook }) => webhook === 'crm').map(({ msg }) => msg)).toEqual([
    'a webhook does not take an event; it is tried again',
    'a webhook takes events again',
  ])
})

test('waits double, somewhat at random, and last as long as Retry-After says', async () => {
  const to = await receiver()
  const s = await stage({ webhooks: { crm: { url: to.url, secret } } })
  // They wait for their answers until the time has passed.
  const asked: ServerResponse[] = []
  to.state.answer = (response) => void asked.push(response)
  acts(s, 'one')
  await to.has(1)
  const waits: number[] = []
  for (const [index, longest] of [6250, 12_500, 25_000, 600_000].entries()) {
    asked[index]!.writeHead(503, index === 3 ? { 'retry-after': '600' } : {}).end()
    await s.until('webhook_failures_total', index + 1)
    const failed = s.s.clock.now()
    await s.s.clock.advance(longest)
    const { headers } = (await to.has(index + 2))[index + 1]!
    waits.push(Number(headers['webhook-timestamp']) - Math.floor(failed / 1000))
  }
  for (const [index, base] of [5, 10, 20].entries()) {
    expect(waits[index]).toBeGreaterThanOrEqual(Math.floor(base * 0.75))
    expect(waits[index]).toBeLessThanOrEqual(Math.ceil(base * 1.25))
  }
  expect(waits[3]).toBe(600)
})

test('Standard Webhooks, request timeouts: who does not answer is asked again', async () => {
  const to = await receiver()
  const s = await stage({ webhooks: { crm: { url: to.url, secret } } })
  to.state.answer = () => {}
  acts(s, 'one')
  await to.has(1)
  await s.s.clock.advance(15_000)
  await s.until('webhook_failures_total', 1)
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
  acts(s, ...Array.from({ length: 250 }, (_, index) => String(index)))
  await good.has(250)
  expect(did(good)).toEqual(Array.from({ length: 250 }, (_, index) => String(index)))
  expect(did(slow)).toEqual(['0'])
  await s.until('webhooks_failing', 1)
})

test('Standard Webhooks, delivery success and failure: a redirection is a failure, and is not followed', async () => {
  const [to, elsewhere] = [await receiver(), await receiver()]
  const s = await stage({ webhooks: { crm: { url: to.url, secret } } })
  to.state.answer = (response) => void response.writeHead(307, { location: elsewhere.url }).end()
  acts(s, 'one')
  await s.until('webhook_failures_total', 1)
  expect(elsewhere.received).toEqual([])
  expect(s.lines).toContainEqual(expect.objectContaining({ webhook: 'crm', reason: 'HTTP 307' }))
})

test('Standard Webhooks, delivery success and failure: 410 pauses it at once; a start tries it again, and nothing is lost', async () => {
  const to = await receiver()
  const s = await stage({ webhooks: { crm: { url: to.url, secret } } })
  to.state.answer = (response) => void response.writeHead(410).end()
  acts(s, 'one')
  await s.until('webhooks_paused', 1)
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
  await s.until('webhook_failures_total', 1)
  await s.s.clock.advance(6 * minute)
  expect(await s.metric('webhooks_paused')).toBe(0)
  s.s.crash()
  await s.s.clock.advance(5 * minute)
  await s.s.start()
  await s.until('webhooks_paused', 1)
  expect(s.lines.filter(({ level }) => level === 50)).toHaveLength(1)
})

test('after a kill what was told and not noted is told again; what was never committed is told to nobody', async () => {
  const to = await receiver()
  const s = await stage({ webhooks: { crm: { url: to.url, secret } } })
  acts(s, 'one')
  await s.until('webhook_events_total', 1)
  // The answer comes when the server is no more.
  to.state.answer = (response) => {
    s.s.crash()
    response.writeHead(204).end()
  }
  acts(s, 'two')
  await to.has(2)
  // In the tick in which it dies.
  acts(s, 'three')
  await turn()
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
  await s.until('webhook_events_total', 1)
  const { virtual } = s.s.server.hosts.get('home.test')!
  const asked = Promise.withResolvers<void>()
  virtual.on('account:removed', () => {
    asked.resolve()
    return new Promise(() => {})
  })
  void s.accounts().remove(romeo)
  await asked.promise
  await turn()
  s.s.crash()
  await s.s.start()
  expect(await s.accounts().exists(romeo)).toBe(true)
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

test('of too many events the oldest go; that somebody had not taken them yet is told', async () => {
  const to = await receiver()
  to.state.answer = (response) => void response.writeHead(500).end()
  const s = await stage({ count: 1000, webhooks: { crm: { url: to.url, secret } } })
  acts(s, ...Array.from({ length: 2500 }, (_, index) => String(index)))
  await to.has(1)
  await s.s.clock.advance(minute)
  while ((await s.metric('events'))! > 1000) await turn()
  to.state.answer = (response) => void response.writeHead(204).end()
  const before = to.received.length
  await s.s.stop()
  await s.s.start()
  await to.has(before + 1)
  expect(did(to)[before]).toBe('1500')
  expect(await s.metric('webhook_gaps_total')).toBe(1)
})

test('old events go; nobody who has had them misses any', async () => {
  const to = await receiver()
  const s = await stage({ keep: '1 h', webhooks: { crm: { url: to.url, secret } } })
  acts(s, 'one', 'two')
  await s.until('webhook_events_total', 2)
  await s.s.clock.advance(61 * minute)
  while ((await s.metric('events'))! > 0) await turn()
  acts(s, 'three')
  await to.has(3)
  expect(did(to)).toEqual(['one', 'two', 'three'])
  expect(await s.metric('webhook_gaps_total')).toBe(0)
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
