import { createDecipheriv, createECDH, createHmac, createPublicKey, type ECDH } from 'node:crypto'
import { expect, test } from 'vitest'
import { checkedJwt, isSettled, stage, standIn } from './fixture.ts'
import { encrypted } from './web-push-encryption.ts'

const bytes = (text: string) => Buffer.from(text, 'base64url')
const hmac = (key: Uint8Array, ...data: readonly (Uint8Array | string)[]) =>
  data.reduce((mac, part) => mac.update(part), createHmac('sha256', key)).digest()

/** What a browser does (RFC 8291 §3.4, RFC 8188 §2), step by step. */
function decrypted(body: Buffer, key: ECDH, auth: Uint8Array): string {
  const [salt, idLength] = [body.subarray(0, 16), body[20]!]
  const sender = body.subarray(21, 21 + idLength)
  const text = body.subarray(21 + idLength)
  expect(body.readUInt32BE(16)).toBeGreaterThanOrEqual(text.length)
  const keyPrk = hmac(auth, key.computeSecret(sender))
  const material = hmac(keyPrk, 'WebPush: info\0', key.getPublicKey(), sender, Buffer.of(1))
  const prk = hmac(salt, material)
  const cek = hmac(prk, 'Content-Encoding: aes128gcm\0', Buffer.of(1)).subarray(0, 16)
  const nonce = hmac(prk, 'Content-Encoding: nonce\0', Buffer.of(1)).subarray(0, 12)
  const decipher = createDecipheriv('aes-128-gcm', cek, nonce).setAuthTag(text.subarray(-16))
  const padded = Buffer.concat([decipher.update(text.subarray(0, -16)), decipher.final()])
  const end = padded.lastIndexOf(2)
  expect(padded.subarray(end + 1).every((byte) => byte === 0)).toBe(true)
  return padded.toString('utf8', 0, end)
}

async function open(more: Record<string, unknown> = {}, vapid: Record<string, unknown> = {}) {
  const service = await standIn({ isSecure: true })
  const app = { 'web-push': { subject: 'mailto:push@home.test', ...vapid } }
  const play = await stage(app, more, { ca: service.certificate })
  const browser = createECDH('prime256v1')
  const address = {
    endpoint: `${service.url}/send/x`,
    p256dh: browser.generateKeys('base64url'),
    auth: 'BTBZMqHH6r4Tts7J_aSIgg',
  }
  return { ...play, service, browser, address, kind: 'web-push' }
}

test('RFC 8291 §5: the example', () => {
  const key = createECDH('prime256v1')
  key.setPrivateKey('yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw', 'base64url')
  const keys = {
    p256dh: bytes('BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4'),
    auth: bytes('BTBZMqHH6r4Tts7J_aSIgg'),
  }
  const text = Buffer.from('When I grow up, I want to be a watermelon')
  expect(encrypted(text, keys, key, bytes('DGv6ra1nlYgDCS1FRnbzlw')).toString('base64url')).toBe(
    'DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN',
  )
})

test('RFC 8291, RFC 8292: the browser can read it, and the push service knows who sent it', async () => {
  const { s, ask, register, send, when, service, browser, address, kind } = await open()
  const about = (await ask('GET', 'apps/news', undefined, '')).json['web-push']
  const { registration } = await register({ kind, address })
  const message = await send({ registration }, { title: 'News', body: 'Grüße', ttl: 60 })
  const [delivery] = await when(message, isSettled)
  expect(delivery).toMatchObject({ state: 'handed over' })
  const [got] = service.received
  expect(got).toMatchObject({ method: 'POST', path: '/send/x' })
  expect(got!.headers).toMatchObject({ ttl: '60', 'content-encoding': 'aes128gcm', urgency: 'high' })
  expect(JSON.parse(decrypted(got!.body, browser, bytes(address.auth)))).toEqual({
    delivery: delivery!.delivery,
    title: 'News',
    body: 'Grüße',
  })
  const [, token, key] = /^vapid t=([^,]+), k=(.+)$/.exec(got!.headers.authorization!)!
  expect(key).toBe(about.publicKey)
  const [x, y] = [bytes(key!).toString('base64url', 1, 33), bytes(key!).toString('base64url', 33)]
  const { header, claims } = checkedJwt(
    token!,
    createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', x, y } }),
  )
  expect(header).toEqual({ alg: 'ES256', typ: 'JWT' })
  const exp = Math.floor(s.clock.now() / 1000) + 43_200
  expect(claims).toEqual({ aud: service.url, exp, sub: 'mailto:push@home.test' })
})

test('RFC 8291 §2: each message has a key of its own', async () => {
  const { register, send, when, service, address, kind } = await open()
  const { registration } = await register({ kind, address })
  for (let i = 0; i < 2; i++) await when(await send({ registration }), isSettled)
  const heads = service.received.map(({ body }) => body.toString('hex', 0, 86))
  expect(new Set(heads).size).toBe(2)
})

test('RFC 8292 §4: the key of an app stays: a configured one, or the one that was made', async () => {
  const { s, ask } = await open()
  const keyOf = async () => (await ask('GET', 'apps/news')).json['web-push'].publicKey as string
  const made = await keyOf()
  expect(bytes(made)).toHaveLength(65)
  s.crash()
  await s.start()
  expect(await keyOf()).toBe(made)
  const own = await open({}, { privateKey: 'yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw' })
  expect((await own.ask('GET', 'apps/news')).json['web-push'].publicKey).toBe(
    'BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8',
  )
  expect((await own.ask('GET', 'apps/other')).status).toBe(404)
})

test('RFC 8030 §7.3: a subscription that has ended ends the registration', async () => {
  const { register, send, when, ask, service, address, kind } = await open()
  const { registration } = await register({ kind, address })
  service.state.answer = (response) => void response.writeHead(410).end()
  expect(await when(await send({ registration }), isSettled)).toMatchObject([{ state: 'failed', reason: 'HTTP 410' }])
  expect((await ask('GET', `registrations/${registration}`)).status).toBe(410)
})

test('what is no subscription is refused', async () => {
  const { ask, address, kind } = await open()
  for (const wrong of [
    { endpoint: address.endpoint.replace('https', 'http') },
    { p256dh: 'BCVx' },
    { p256dh: Buffer.alloc(65, 4).toString('base64url') },
    { auth: 'x' },
    { auth: '' },
  ])
    expect((await ask('POST', 'registrations', { kind, address: { ...address, ...wrong } })).status).toBe(400)
})

test('SSRF: endpoints that users give are not in private networks', async () => {
  const { register, send, when, service, address, kind } = await open({ networks: [] })
  const { registration } = await register({ kind, address })
  expect(await when(await send({ registration }), isSettled)).toMatchObject([
    { state: 'failed', reason: 'The endpoint has no public address' },
  ])
  expect(service.received).toEqual([])
})
