import { generateKeyPairSync } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { checkedJwt, isSettled, stage, standIn } from './fixture.ts'

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const token = 'fcm-registration-token:APA91b_x'

async function open() {
  const service = await standIn({ isSecure: true })
  let grants = 0
  const state = {
    grant: (response: ServerResponse) =>
      void response.writeHead(200).end(JSON.stringify({ access_token: `access-${++grants}`, expires_in: 3600 })),
    answer: (response: ServerResponse) => void response.writeHead(200).end('{"name":"projects/p/messages/1"}'),
  }
  service.state.answer = (response, { path }) => (path === '/token' ? state.grant(response) : state.answer(response))
  const app = {
    fcm: {
      type: 'service_account',
      project_id: 'p',
      client_email: 'push@p.test',
      private_key: privateKey.export({ format: 'pem', type: 'pkcs8' }),
      token_uri: `${service.url}/token`,
    },
  }
  const play = await stage(app, {}, { ca: service.certificate, origin: service.url })
  const { registration } = await play.register({ kind: 'fcm', address: { token } })
  return {
    ...play,
    service,
    state,
    registration,
    fails(status: number, code: string) {
      const error = {
        status: code,
        details: [{ '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode: code }],
      }
      state.answer = (response) => void response.writeHead(status).end(JSON.stringify({ error }))
    },
  }
}

test('a message is sent with a token that the service account has asked for', async () => {
  const { s, send, when, service, registration } = await open()
  const message = await send({ registration }, { title: 'News', body: 'hi', data: { page: '7' }, ttl: 60 })
  const [delivery] = await when(message, isSettled)
  expect(delivery).toMatchObject({ state: 'handed over', attempts: 1 })
  const [grant, got] = service.received
  const form = new URLSearchParams(String(grant!.body))
  expect(form.get('grant_type')).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer')
  const { header, claims } = checkedJwt(form.get('assertion')!, publicKey)
  const iat = Math.floor(s.clock.now() / 1000)
  expect(header).toEqual({ alg: 'RS256', typ: 'JWT' })
  expect(claims).toEqual({
    iss: 'push@p.test',
    scope: 'https://www.googleapis.com/auth/firebase.messaging',
    aud: `${service.url}/token`,
    iat,
    exp: iat + 3600,
  })
  expect(got).toMatchObject({ path: '/v1/projects/p/messages:send', headers: { authorization: 'Bearer access-1' } })
  expect(JSON.parse(String(got!.body))).toEqual({
    message: {
      token,
      notification: { title: 'News', body: 'hi' },
      data: { page: '7', delivery: delivery!.delivery },
      android: { priority: 'high', ttl: '60s' },
    },
  })
})

test('one access token serves all until it ends, or is refused', async () => {
  const { s, send, when, service, state, registration, register, fails } = await open()
  await register({ kind: 'fcm', address: { token: `${token}2` } })
  await when(await send({ all: true }), isSettled)
  await when(await send({ registration }), isSettled)
  await s.clock.advance(3_540_000)
  await when(await send({ registration }), isSettled)
  const answer = state.answer
  fails(401, 'UNAUTHENTICATED')
  const message = await send({ registration })
  await when(message, ({ attempts }) => attempts === 1)
  state.answer = answer
  await s.clock.advance(10_000)
  expect(await when(message, isSettled)).toMatchObject([{ state: 'handed over' }])
  const used = service.received.flatMap(
    ({ headers: { authorization } }) => authorization?.replace('Bearer access-', '') ?? [],
  )
  expect(used).toEqual(['1', '1', '1', '2', '2', '3'])
})

test.each([
  [404, 'UNREGISTERED'],
  [403, 'SENDER_ID_MISMATCH'],
])('fault: %s %s ends the registration', async (status, code) => {
  const { send, when, ask, registration, fails } = await open()
  fails(status, code)
  expect(await when(await send({ registration }), isSettled)).toMatchObject([
    { state: 'failed', reason: `HTTP ${status}: ${code}` },
  ])
  expect((await ask('GET', `registrations/${registration}`)).status).toBe(410)
})

test('fault: what is wrong with the message fails alone; what passes is tried again', async () => {
  const { send, when, settled, ask, state, registration, fails } = await open()
  const answer = state.answer
  fails(400, 'INVALID_ARGUMENT')
  expect(await when(await send({ registration }), isSettled)).toMatchObject([{ state: 'failed' }])
  state.answer = (response) => void response.writeHead(404).end('<html>')
  expect(await when(await send({ registration }), isSettled)).toMatchObject([{ state: 'failed', reason: 'HTTP 404: ' }])
  expect((await ask('GET', `registrations/${registration}`)).status).toBe(200)
  fails(503, 'UNAVAILABLE')
  const message = await send({ registration })
  expect(await when(message, ({ attempts }) => attempts === 1)).toMatchObject([{ reason: 'HTTP 503: UNAVAILABLE' }])
  state.answer = answer
  expect(await settled(message)).toMatchObject([{ state: 'handed over' }])
})

test('fault: without an access token messages wait', async () => {
  const { send, when, settled, state, registration } = await open()
  const { grant } = state
  state.grant = (response) => void response.writeHead(500).end('null')
  const message = await send({ registration })
  expect(await when(message, ({ attempts }) => attempts === 1)).toMatchObject([{ reason: 'No access token: HTTP 500' }])
  state.grant = (response) => void response.destroy()
  const other = await send({ registration })
  await when(other, ({ attempts }) => attempts >= 1)
  state.grant = grant
  for (const one of [message, other]) expect(await settled(one)).toMatchObject([{ state: 'handed over' }])
})

test('what is no registration token is refused', async () => {
  const { ask } = await open()
  for (const wrong of ['', 'short', 'x'.repeat(4097), 'with blanks in it, many of them'])
    expect((await ask('POST', 'registrations', { kind: 'fcm', address: { token: wrong } })).status).toBe(400)
})
