import { createHmac } from 'node:crypto'
import { DiscoInfo } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { turn } from '@jackdaw/testkit'
import { appSecret, isSettled, stage, standIn } from './fixture.ts'

const retried = (attempts: number) => (one: { attempts: number }) => one.attempts >= attempts

async function open(fields: Record<string, unknown> = {}) {
  const service = await standIn()
  const play = await stage({ http: true }, fields)
  const register = (name: string, more: Record<string, unknown> = {}) =>
    play.register({ kind: 'http', address: { url: `${service.url}/${name}` }, ...more })
  return { ...play, service, register, paths: () => service.received.map(({ path }) => path).toSorted() }
}

test('a message is handed over, signed, and its ledger says so', async () => {
  const { s, register, send, when, service, ask } = await open()
  const { registration, secret } = await register('a')
  const message = await send({ registration }, { title: 'News', body: 'hi', data: { page: '7' } })
  const [delivery] = await when(message, isSettled)
  expect(await s.server.metrics.registry.metrics()).toContain(
    'jackdaw_push_service_attempt_seconds_count{host="home.test"} 1',
  )
  expect(delivery).toMatchObject({ registration, state: 'handed over', attempts: 1 })
  const [got] = service.received
  expect(JSON.parse(String(got!.body))).toEqual({
    delivery: delivery!.delivery,
    title: 'News',
    body: 'hi',
    data: { page: '7' },
  })
  expect(got!.headers).toMatchObject({
    'content-type': 'application/json',
    'x-delivery': delivery!.delivery,
    'x-signature-256': `sha256=${createHmac('sha256', secret).update(got!.body).digest('hex')}`,
    ttl: '86400',
  })
  // The device says that people have seen it.
  const said = { registration, secret, delivery: delivery!.delivery }
  expect((await ask('POST', 'displayed', { ...said, secret: 'x' }, '')).status).toBe(403)
  expect((await ask('POST', 'displayed', { ...said, delivery: '0' }, '')).status).toBe(400)
  expect((await ask('POST', 'displayed', said, '')).status).toBe(204)
  expect(await when(message, isSettled)).toMatchObject([{ state: 'displayed' }])
})

test('targets: registration, alias, tag, account, all', async () => {
  const { register, send, when, service, paths } = await open()
  await register('a', { alias: 'anna', tags: ['sport', 'music'], account: 'juliet@home.test' })
  await register('b', { alias: 'bob', tags: ['sport'], account: 'juliet@home.test' })
  await register('c')
  const told = async (to: Record<string, unknown>) => {
    service.received.length = 0
    await when(await send(to), isSettled)
    return paths()
  }
  expect(await told({ alias: 'anna' })).toEqual(['/a'])
  expect(await told({ tag: 'sport' })).toEqual(['/a', '/b'])
  expect(await told({ tag: 'music' })).toEqual(['/a'])
  expect(await told({ account: 'juliet@home.test' })).toEqual(['/a', '/b'])
  expect(await told({ all: true })).toEqual(['/a', '/b', '/c'])
})

test('an address that registers again keeps its id; for another account it gets another secret', async () => {
  const { register, send, when, paths } = await open()
  const first = await register('a', { alias: 'anna', tags: ['sport'], account: 'juliet@home.test' })
  expect(await register('a', { alias: 'ann', account: 'juliet@home.test' })).toEqual(first)
  await when(await send({ alias: 'ann' }), isSettled)
  expect(paths()).toEqual(['/a'])
  const other = await register('a', { account: 'romeo@home.test' })
  expect([other.registration, other.secret === first.secret]).toEqual([first.registration, false])
})

test('nobody is meant: nothing is queued', async () => {
  const { ask } = await open()
  for (const to of [{ alias: 'x' }, { tag: 'x' }, { account: 'x@home.test' }, { all: true }, { registration: 'x' }])
    expect((await ask('POST', 'messages', { to, body: 'hi' })).json).toMatchObject({ queued: 0 })
})

test('the REST API refuses what is wrong', async () => {
  const { ask, register, s } = await open({ queue: 2 })
  const status = async (...args: Parameters<typeof ask>) => (await ask(...args)).status
  expect((await ask('GET', 'messages', undefined, 'wrong')).headers.get('www-authenticate')).toContain('Basic')
  expect(await status('GET', 'messages', undefined, appSecret, 'other')).toBe(401)
  expect(await status('GET', 'nothing')).toBe(404)
  expect(await status('GET', 'messages/a/b')).toBe(404)
  expect(await status('GET', 'messages/%zz')).toBe(400)
  expect(await status('GET', 'messages/none')).toBe(404)
  expect(await status('GET', 'messages?after=none')).toBe(400)
  expect(await status('PUT', 'messages', {})).toBe(404)
  expect(await status('GET', 'registrations/none')).toBe(404)
  expect(await status('DELETE', 'registrations/none')).toBe(404)
  expect(await status('POST', 'messages', '{')).toBe(400)
  for (const wrong of [
    {},
    { to: {} },
    { to: { alias: 'a', tag: 'b' } },
    { to: { all: false } },
    { to: { all: true }, body: 1 },
    { to: { all: true }, body: 'x'.repeat(3001) },
    { to: { all: true }, data: { a: 'ü'.repeat(1800) } },
    { to: { all: true }, more: 1 },
    { to: { account: '@' } },
  ])
    expect(await status('POST', 'messages', wrong), JSON.stringify(wrong)).toBe(400)
  for (const wrong of [
    { kind: 'pigeon', address: {} },
    { kind: 'http', address: {} },
    { kind: 'http', address: { url: 'ftp://a.test/' } },
    { kind: 'http', address: { url: 'https://user:password@a.test/' } },
    { kind: 'http', address: { url: `https://a.test/${'x'.repeat(2048)}` } },
    { kind: 'http', address: { url: 'https://a.test/' }, account: '' },
  ])
    expect(await status('POST', 'registrations', wrong), JSON.stringify(wrong)).toBe(400)
  // More than may wait.
  for (const name of ['a', 'b', 'c']) await register(name)
  expect(await status('POST', 'messages', { to: { all: true } })).toBe(429)
  for (let i = 0; i < 60; i++) await status('GET', 'messages', undefined, 'wrong')
  expect(await status('GET', 'messages')).toBe(429)
  s.network.address = '192.0.2.1'
  expect(await status('GET', 'messages')).toBe(200)
})

test('secrets are taken over TLS alone, but for loopback', async () => {
  const { s } = await open()
  const status = async (url: string) => (await s.network.http(new Request(url))).status
  expect(await status('http://home.test/push/apps/news')).toBe(200)
  s.network.address = '192.0.2.1'
  expect(await status('http://home.test/push/apps/news')).toBe(403)
  expect(await status('https://home.test/push/apps/news')).toBe(200)
})

test('who publishes does not fill the queue of an app', async () => {
  const { registerBy, phone, desk, service, send, when } = await open()
  const { jid, node, secret } = await registerBy(phone, { app: 'news', kind: 'http', url: `${service.url}/phone` })
  service.state.answer = (response) => void response.writeHead(503).end()
  const form = `<x xmlns='jabber:x:data' type='submit'><field var='secret'><value>${secret}</value></field></x>`
  const publish = () =>
    desk.asks(
      `<iq type='set' to='${jid}'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='${node}'><item><notification xmlns='urn:xmpp:push:0'/></item></publish><publish-options>${form}</publish-options></pubsub></iq>`,
    )
  for (let i = 0; i < 10; i++) await publish()
  await expect(publish()).rejects.toMatchObject({ condition: 'resource-constraint', type: 'wait' })
  const message = await send({ registration: node })
  await when(message, retried(1))
})

test('a registration is shown, removed, and then known to have ended', async () => {
  const { ask, register, send } = await open()
  const { registration } = await register('a', { alias: 'anna', tags: ['sport'] })
  expect((await ask('GET', `registrations/${registration}`)).json).toMatchObject({ kind: 'http', alias: 'anna' })
  expect((await ask('DELETE', `registrations/${registration}`)).status).toBe(204)
  const ended = await ask('GET', `registrations/${registration}`)
  expect([ended.status, ended.json.error]).toEqual([410, 'The registration has ended: Removed by the app'])
  expect((await ask('POST', 'messages', { to: { tag: 'sport' } })).json.queued).toBe(0)
  await expect(send({ registration })).resolves.toBeDefined()
})

test('fault: 429 with Retry-After is waited for, 503 is tried again ever later', async () => {
  const { register, send, when, s, service } = await open()
  const { registration } = await register('a')
  service.state.answer = (response) => void response.writeHead(429, { 'retry-after': '100' }).end()
  const message = await send({ registration })
  expect(await when(message, retried(1))).toMatchObject([{ state: 'queued', reason: 'HTTP 429' }])
  service.state.answer = (response) => void response.writeHead(503).end()
  await s.clock.advance(99_000)
  expect(service.received).toHaveLength(1)
  await s.clock.advance(1000)
  await when(message, retried(2))
  await s.clock.advance(20_000)
  await when(message, retried(3))
  service.state.answer = (response) => void response.writeHead(200).end()
  await s.clock.advance(39_000)
  expect(service.received).toHaveLength(3)
  await s.clock.advance(1000)
  expect(await when(message, isSettled)).toMatchObject([{ state: 'handed over', attempts: 4 }])
})

test('fault: refused connections, broken ones and silence are tried again until the time is over; then it is said why', async () => {
  const { register, send, when, settled, s, service } = await open()
  const { registration } = await register('a')
  const { registration: nowhere } = await register('', { address: { url: 'http://127.0.0.1:1/' } })
  const refused = await send({ registration: nowhere }, { ttl: 60 })
  await when(refused, retried(1))
  await s.clock.advance(10_000)
  await when(refused, retried(2))
  await s.clock.advance(20_000)
  expect(await when(refused, isSettled)).toMatchObject(
    [{ state: 'failed', attempts: 3, reason: /ECONNREFUSED/ }].map((one) => ({
      ...one,
      reason: expect.stringMatching(one.reason),
    })),
  )

  service.state.answer = (response) => void response.destroy()
  const broken = await send({ registration })
  expect(await when(broken, retried(1))).toMatchObject([{ state: 'queued', reason: 'socket hang up' }])

  const asked = new Promise<void>((resolve) => (service.state.answer = () => resolve()))
  const silent = await send({ registration })
  await asked
  await s.clock.advance(15_000)
  expect(await when(silent, retried(1))).toMatchObject([{ state: 'queued', reason: 'No answer in time' }])
  service.state.answer = (response) => void response.writeHead(204).end()
  for (const message of [broken, silent]) expect(await settled(message)).toMatchObject([{ state: 'handed over' }])
})

test('fault: 400 fails, 410 ends the registration and says so to the account', async () => {
  const { register, send, when, ask, service, phone } = await open()
  phone.comes()
  const { registration } = await register('a', { account: 'juliet@home.test' })
  service.state.answer = (response) => void response.writeHead(400).end()
  expect(await when(await send({ registration }), isSettled)).toMatchObject([{ state: 'failed', reason: 'HTTP 400' }])
  service.state.answer = (response) => void response.writeHead(410).end()
  expect(await when(await send({ registration }), isSettled)).toMatchObject([{ state: 'failed', reason: 'HTTP 410' }])
  expect((await ask('GET', `registrations/${registration}`)).status).toBe(410)
  await phone.awaits(
    `<message from='push.home.test'><pubsub xmlns='http://jabber.org/protocol/pubsub' node='${registration}'><affiliation jid='juliet@home.test' affiliation='none'/></pubsub></message>`,
  )
})

test('fault: kill -9 with messages in every state: each is handed over, or failed with its reason', async () => {
  const { register, send, settled, s, service } = await open()
  const names = Array.from({ length: 60 }, (_, i) => `r${i}`)
  for (const name of names) await register(name, { tags: ['all'] })
  let count = 0
  const answers = [201, 503, 400, 410]
  const half = new Promise<void>((resolve) => {
    service.state.answer = (response) => {
      if (++count === 30) resolve()
      // Some are answered, some never are.
      if (count % 5 > 0) response.writeHead(answers[(count % 5) - 1]!).end()
    }
  })
  const message = await send({ tag: 'all' })
  await half
  s.crash()
  await s.start()
  service.state.answer = (response) => void response.writeHead(201).end()
  const found = await settled(message)
  expect(found).toHaveLength(60)
  for (const { state, reason } of found)
    expect([state, reason]).toEqual([state, state === 'failed' ? expect.stringMatching(/HTTP 4/) : undefined])
  const reached = new Set(service.received.map(({ path }) => path))
  expect(names.filter((name) => !reached.has(`/${name}`))).toEqual([])
})

test('SSRF: addresses that are not public are not connected to', async () => {
  const { register, send, when, service } = await open({ networks: [] })
  const hosts = [
    'localhost',
    '127.0.0.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '2130706433',
    '0.0.0.0',
    '169.254.169.254',
    '10.0.0.1',
  ]
  for (const host of hosts) {
    const { registration } = await register('', { address: { url: `http://${host}:${service.port}/` } })
    expect(await when(await send({ registration }), isSettled), host).toMatchObject([
      { state: 'failed', reason: 'The endpoint has no public address' },
    ])
  }
  expect(service.received).toEqual([])
})

test('SSRF: redirections are not followed', async () => {
  const { register, send, when, service } = await open()
  const { registration } = await register('a')
  service.state.answer = (response) => void response.writeHead(307, { location: `${service.url}/b` }).end()
  expect(await when(await send({ registration }), isSettled)).toMatchObject([{ state: 'failed', reason: 'HTTP 307' }])
  expect(service.received).toHaveLength(1)
})

test('what was said long ago is forgotten', async () => {
  const { register, send, when, s, ask } = await open({ keep: '1 d' })
  const { registration } = await register('a')
  const message = await send({ registration })
  await when(message, isSettled)
  await s.clock.advance(2 * 86_400_000)
  await turn()
  expect((await ask('GET', `messages/${message}`)).status).toBe(404)
})

test('XEP-0357 §3.2: it is found as a push service', async () => {
  const { phone } = await open()
  const answer = await phone.asks(
    "<iq type='get' to='push.home.test'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
  )
  const { identities, features } = DiscoInfo.read(answer.first()!)
  expect(identities).toMatchObject([{ category: 'pubsub', type: 'push' }])
  expect(features).toContain('urn:xmpp:push:0')
})

test('XEP-0357 §4: an app registers by command and enables; while it is away it is notified; nobody publishes without the secret', async () => {
  const { registerBy, phone, desk, service, s } = await open()
  const { jid, node, secret } = await registerBy(phone, { app: 'news', kind: 'http', url: `${service.url}/phone` })
  const form = `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field><field var='secret'><value>${secret}</value></field></x>`
  await phone.asks(`<iq type='set'><enable xmlns='urn:xmpp:push:0' jid='${jid}' node='${node}'>${form}</enable></iq>`)
  await phone.close()
  const got = new Promise<string>((resolve) => {
    service.state.answer = (response, { body }) => {
      response.writeHead(201).end()
      resolve(String(body))
    }
  })
  desk.says("<message to='juliet@home.test' type='chat'><body>hi</body></message>")
  expect(JSON.parse(await got)).toMatchObject({ data: { messages: '1', requests: '0' } })

  const publish = (to: string, options: string, payload = "<notification xmlns='urn:xmpp:push:0'/>") =>
    desk
      .asks(
        `<iq type='set' to='${jid}'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='${to}'><item>${payload}</item></publish>${options && `<publish-options>${options}</publish-options>`}</pubsub></iq>`,
      )
      .then(
        () => 'taken',
        (error: { condition: string }) => error.condition,
      )
  expect(await publish(node, '')).toBe('item-not-found')
  expect(await publish(node, form.replace(secret, 'x'))).toBe('item-not-found')
  expect(await publish('other', form)).toBe('item-not-found')
  expect(await publish(node, form, "<x xmlns='urn:x'/>")).toBe('bad-request')
  expect(await publish(node, form)).toBe('taken')
  await s.server.hosts.get('home.test')!.accounts.remove(phone.account)
  await turn()
  expect(await publish(node, form)).toBe('item-not-found')
})

test('XEP-0357 §4: what registers nobody, and how a registration is ended', async () => {
  const { registerBy, phone, desk, service } = await open({ perAccount: 2 })
  const fails = (fields: Record<string, string>) =>
    registerBy(phone, fields).then(
      () => 'registered',
      (error: { condition: string }) => error.condition,
    )
  const good = { app: 'news', kind: 'http', url: `${service.url}/a` }
  expect(await fails({ app: 'news' })).toBe('bad-request')
  expect(await fails({ ...good, app: 'other' })).toBe('not-acceptable')
  expect(await fails({ ...good, url: 'gopher://a.test/' })).toBe('not-acceptable')
  expect(await fails({ ...good, tags: 'x'.repeat(256) })).toBe('not-acceptable')
  expect(await fails(good)).toBe('registered')
  const { node } = await registerBy(phone, { ...good, url: `${service.url}/b` })
  expect(await fails({ ...good, url: `${service.url}/c` })).toBe('resource-constraint')
  const unregister = (client: typeof phone) =>
    client.asks(
      `<iq type='set' to='push.home.test'><command xmlns='http://jabber.org/protocol/commands' node='urn:jackdaw:push:0#unregister'><x xmlns='jabber:x:data' type='submit'><field var='node'><value>${node}</value></field></x></command></iq>`,
    )
  await expect(unregister(desk)).rejects.toMatchObject({ condition: 'item-not-found' })
  await unregister(phone)
  expect(await fails({ ...good, url: `${service.url}/c` })).toBe('registered')
})
