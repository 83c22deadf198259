import { randomBytes } from 'node:crypto'
import { chooseMechanism, deriveKeys, type ServerContext, startMechanism } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { saslCrypto } from './sasl-crypto.ts'

const crypto = saslCrypto((length) => randomBytes(length))

test.each([
  ['SHA-1', '0c60c80f961f0e71f3a9b524af6012062fe037a6'],
  ['SHA-256', '120fb6cffcf8b32c43e7225256c4f837a86548c92ccc35480805987cb70be17b'],
  ['SHA-512', '867f70cf1ade02cff3752599a3a53dc4af34c7a669815ae5d513554e1c8cf252'],
] as const)('PBKDF2-HMAC-%s runs off the main thread and gives as many bytes as the hash has', async (name, begin) => {
  const derived = crypto.pbkdf2(name, Buffer.from('password'), Buffer.from('salt'), 1)
  expect(derived).toBeInstanceOf(Promise)
  const bytes = Buffer.from(await derived)
  expect(bytes.toString('hex').slice(0, begin.length)).toBe(begin)
  expect(bytes.length).toBe(crypto.hash(name, bytes).length)
})

test('bytes of different lengths are compared, not thrown at', () => {
  expect(crypto.equal(Buffer.from('ab'), Buffer.from('ab'))).toBe(true)
  expect(crypto.equal(Buffer.from('ab'), Buffer.from('ac'))).toBe(false)
  expect(crypto.equal(Buffer.from('ab'), Buffer.from('abc'))).toBe(false)
})

test.each(['SCRAM-SHA-1', 'SCRAM-SHA-256-PLUS', 'SCRAM-SHA-512', 'PLAIN'])(
  '%s runs on it, both sides',
  async (name) => {
    const hashes = ['SHA-256', 'SHA-1', 'SHA-512'] as const
    const keys = new Map(
      await Promise.all(
        hashes.map(async (hash) => [hash, await deriveKeys(hash, 'pencil', randomBytes(16), 4096, crypto)] as const),
      ),
    )
    const bindings = new Map([['tls-exporter', randomBytes(32)]])
    const context: ServerContext = {
      tls: true,
      bindings,
      certificate: false,
      offered: [name],
      identities: [],
      crypto,
      secret: randomBytes(32),
      iterations: 4096,
      hashes,
    }
    const credentials = {
      scram: (username: string, hash: (typeof hashes)[number]) => (username === 'user' ? keys.get(hash) : undefined),
    }
    const client = chooseMechanism(
      { username: 'user', password: 'pencil' },
      { ...context, bindings: name.endsWith('-PLUS') ? bindings : new Map() },
    )!
    const server = startMechanism(client.name, credentials, context)
    let step = await server.step(client.initial())
    if ('challenge' in step) step = await server.step(await client.step(step.challenge))
    if (!('success' in step)) throw new Error('no success')
    client.finish(step.success.additional)
    expect(step.success.username).toBe('user')
  },
)
