import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { checkedJwt, isSettled, stage, standIn } from './fixture.ts'

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const key = privateKey.export({ format: 'pem', type: 'pkcs8' }) as string
const token = '0a'.repeat(32)

async function open() {
  const service = await standIn({ isHttp2: true })
  service.state.answer = (response) => void response.writeHead(200).end()
  const app = { apns: { teamId: 'TEAM', keyId: 'KEY', key, topic: 'org.example.app' } }
  const play = await stage(app, {}, { ca: service.certificate, origin: service.url })
  const { registration } = await play.register({ kind: 'apns', address: { token } })
  const answers = (status: number, reason: string) => {
    service.state.answer = (response) => void response.writeHead(status).end(JSON.stringify({ reason }))
  }
  return { ...play, service, registration, answers }
}

const tokenIn = (headers: { authorization?: string | undefined }) => headers.authorization!.replace(/^bearer /, '')

test('a message is shown; it is signed, and over HTTP/2', async () => {
  const { s, send, when, service, registration } = await open()
  const message = await send({ registration }, { title: 'News', body: 'hi', data: { page: '7' }, ttl: 60 })
  const [delivery] = await when(message, isSettled)
  expect(delivery).toMatchObject({ state: 'handed over', attempts: 1 })
  const [got] = service.received
  const now = Math.floor(s.clock.now() / 1000)
  expect(got!.path).toBe(`/3/device/${token}`)
  expect(got!.headers).toMatchObject({
    ':authority': new URL(service.url).host,
    'apns-topic': 'org.example.app',
    'apns-push-type': 'alert',
    'apns-priority': '10',
    'apns-expiration': String(now + 60),
  })
  expect(JSON.parse(String(got!.body))).toEqual({
    aps: { alert: { title: 'News', body: 'hi' }, sound: 'default', 'mutable-content': 1 },
    delivery: delivery!.delivery,
    data: { page: '7' },
  })
  const { header, claims } = checkedJwt(tokenIn(got!.headers), publicKey)
  expect([header, claims]).toEqual([
    { alg: 'ES256', typ: 'JWT', kid: 'KEY' },
    { iss: 'TEAM', iat: now },
  ])
})

test('what shows nothing wakes the app', async () => {
  const { send, when, service, registration } = await open()
  await when(await send({ registration }, { data: { messages: '1' } }), isSettled)
  expect(service.received[0]!.headers).toMatchObject({ 'apns-push-type': 'background', 'apns-priority': '5' })
  expect(JSON.parse(String(service.received[0]!.body))).toMatchObject({ aps: { 'content-available': 1 } })
})

test('a token is used for fifty minutes, or until it is said to have expired', async () => {
  const { s, send, when, service, registration, answers } = await open()
  const says = async () => when(await send({ registration }), isSettled)
  await says()
  await says()
  await s.clock.advance(50 * 60_000)
  await says()
  answers(403, 'ExpiredProviderToken')
  const message = await send({ registration })
  await when(message, ({ attempts }) => attempts === 1)
  service.state.answer = (response) => void response.writeHead(200).end()
  await s.clock.advance(10_000)
  expect(await when(message, isSettled)).toMatchObject([{ state: 'handed over' }])
  const tokens = service.received.map(({ headers }) => checkedJwt(tokenIn(headers), publicKey).claims['iat'] as number)
  const [first] = tokens
  expect(tokens.map((iat) => iat - first!)).toEqual([0, 0, 3000, 3000, 3010])
})

test.each([
  [410, 'Unregistered'],
  [400, 'BadDeviceToken'],
  [400, 'DeviceTokenNotForTopic'],
])('fault: %s %s ends the registration', async (status, reason) => {
  const { send, when, ask, registration, answers } = await open()
  answers(status, reason)
  expect(await when(await send({ registration }), isSettled)).toMatchObject([
    { state: 'failed', reason: `HTTP ${status}: ${reason}` },
  ])
  expect((await ask('GET', `registrations/${registration}`)).status).toBe(410)
})

test('fault: what is wrong with the message fails alone; what passes is tried again', async () => {
  const { s, send, when, settled, ask, service, registration, answers } = await open()
  answers(400, 'BadTopic')
  expect(await when(await send({ registration }), isSettled)).toMatchObject([
    { state: 'failed', reason: 'HTTP 400: BadTopic' },
  ])
  answers(404, 'BadPath')
  expect(await when(await send({ registration }), isSettled)).toMatchObject([{ state: 'failed' }])
  expect((await ask('GET', `registrations/${registration}`)).status).toBe(200)
  answers(429, 'TooManyRequests')
  const message = await send({ registration })
  expect(await when(message, ({ attempts }) => attempts === 1)).toMatchObject([{ reason: 'HTTP 429: TooManyRequests' }])
  // The stream breaks; then there is no answer; then the connection is gone.
  service.state.answer = (response) =>
    void (response as unknown as { stream: { close(code: number): void } }).stream.close(2)
  await s.clock.advance(10_000)
  await when(message, ({ attempts }) => attempts === 2)
  const asked = new Promise<void>((resolve) => (service.state.answer = () => resolve()))
  await s.clock.advance(20_000)
  await asked
  await s.clock.advance(15_000)
  expect(await when(message, ({ attempts }) => attempts === 3)).toMatchObject([{ reason: 'No answer in time' }])
  service.state.answer = (response) => void response.writeHead(200).end()
  expect(await settled(message)).toMatchObject([{ state: 'handed over' }])
})

test('fault: nobody is there', async () => {
  const play = await stage({ apns: { teamId: 'T', keyId: 'K', key, topic: 't' } })
  const { registration } = await play.register({ kind: 'apns', address: { token } })
  const message = await play.send({ registration }, { ttl: 20 })
  await play.when(message, ({ attempts }) => attempts === 1)
  await play.s.clock.advance(10_000)
  expect(await play.when(message, isSettled)).toMatchObject([
    { state: 'failed', reason: expect.stringContaining('ECONNREFUSED') },
  ])
})

test('what is no device token is refused', async () => {
  const { ask } = await open()
  for (const wrong of ['', 'xyz', '../../x', 'a'.repeat(201)])
    expect((await ask('POST', 'registrations', { kind: 'apns', address: { token: wrong } })).status).toBe(400)
})
