import { expect, test, vi } from 'vitest'
import {
  accounts,
  bytes,
  clientContext,
  exporter,
  failure,
  nodeCrypto,
  serverContext,
  text,
  challenge,
  additional,
} from '../../test/sasl.ts'
import { decodeBase64, encodeBase64 } from './base64.ts'
import { deriveKeys, type HashName, type ScramCrypto } from './crypto.ts'
import { scramClient } from './scram-client.ts'
import { makeNonce } from './scram-message.ts'
import { scramServer } from './scram-server.ts'
import type { Credentials, ServerContext, ServerMechanism } from './sasl.ts'

const printable = Array.from({ length: 94 }, (_, at) => String.fromCharCode(33 + at)).filter(
  (char) => !/[",=]/.test(char),
)
/** Chance that leads to this nonce. */
const chance = (nonce: string) => (): Uint8Array => Uint8Array.from(nonce, (char) => printable.indexOf(char))

interface Vector {
  hash: HashName
  clientNonce: string
  serverNonce: string
  salt: string
  proof: string
  signature: string
}

const vectors: Record<string, Vector> = {
  'RFC 5802 §5': {
    hash: 'SHA-1',
    clientNonce: 'fyko+d2lbbFgONRv9qkxdawL',
    serverNonce: '3rfcNHYJY1ZVvWVs7j',
    salt: 'QSXCR+Q6sek8bf92',
    proof: 'v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
    signature: 'rmF9pqV8S7suAoZWja4dJRkFsKQ=',
  },
  'RFC 7677 §3': {
    hash: 'SHA-256',
    clientNonce: 'rOprNGfwEbeRWgbNEkqO',
    serverNonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
    salt: 'W22ZaJ0SNY7soEsUEjb6gQ==',
    proof: 'dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    signature: '6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
  },
  // No RFC prints one for SHA-512. Computed with Python, for the messages m = bare, server-first, without-proof:
  //   sp = hashlib.pbkdf2_hmac('sha512', b'pencil', b64decode(salt), 4096); H = lambda k, d: hmac.digest(k, d, 'sha512')
  //   ck = H(sp, b'Client Key'); proof = ck xor H(hashlib.sha512(ck).digest(), ','.join(m))
  //   signature = H(H(sp, b'Server Key'), ','.join(m))
  'SCRAM-SHA-512 by Python': {
    hash: 'SHA-512',
    clientNonce: 'rOprNGfwEbeRWgbNEkqO',
    serverNonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
    salt: 'W22ZaJ0SNY7soEsUEjb6gQ==',
    proof: 'gMGXRcevScNtxZ6/8lQYpGtnsNAc3mGcmNomv+xnoOMw+3R2xNJdMNnzMlTN8PPC6wdp6dybEmDYXYTxwnYPJQ==',
    signature: 'ZQnYEgWQMFmmsM8aQMF0nDDCy/AgCzkwk8CmMZYcMg0vSVlKDanekLtifDSeVGT4+5ZxXnJq199RVG2rR7N7Zw==',
  },
}

for (const [source, { hash, clientNonce, serverNonce, salt, proof, signature }] of Object.entries(vectors)) {
  const clientFirst = `n,,n=user,r=${clientNonce}`
  const serverFirst = `r=${clientNonce}${serverNonce},s=${salt},i=4096`
  const clientFinal = `c=biws,r=${clientNonce}${serverNonce},p=${proof}`
  const serverFinal = `v=${signature}`

  test(`${source}: the server's side of the example, without a promise`, async () => {
    const keys = await deriveKeys(hash, 'pencil', decodeBase64(salt)!, 4096, nodeCrypto)
    const context = serverContext({ crypto: { ...nodeCrypto, random: chance(serverNonce) } })
    const server = scramServer(hash, false, { scram: (name) => (name === 'user' ? keys : undefined) }, context)
    expect(server.step(bytes(clientFirst))).toEqual({ challenge: bytes(serverFirst) })
    expect(server.step(bytes(clientFinal))).toEqual({ success: { username: 'user', additional: bytes(serverFinal) } })
  })

  test(`${source}: the client's side of the example`, async () => {
    const context = clientContext({ crypto: { ...nodeCrypto, random: chance(clientNonce) } })
    const client = scramClient(hash, false, { username: 'user', password: 'pencil' }, context)!
    expect(text(client.initial())).toBe(clientFirst)
    expect(text(await client.step(bytes(serverFirst)))).toBe(clientFinal)
    expect(client.keys).toBeUndefined()
    client.finish(bytes(serverFinal))
    expect(client.keys?.hash).toBe(hash)
  })
}

// ---- the server against a client written by hand

const credentials = await accounts('SHA-256', { romeo: 'rosaline', 'a,b=c': 'x' })

async function begun(first = 'n,,n=romeo,r=abc', context: Partial<ServerContext> = {}, plus = false) {
  const server = scramServer('SHA-256', plus, credentials, serverContext(context))
  const serverFirst = text(await challenge(server.step(bytes(first))))
  const [, nonce, salt, iterations] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(serverFirst)!
  return { server, serverFirst, nonce: nonce!, salt: salt!, iterations: Number(iterations) }
}

/** Sends the right proof of the password for whatever `c=`, nonce and extensions are given. */
async function prove(
  { server, serverFirst }: { server: ServerMechanism; serverFirst: string },
  bare: string,
  signed: string,
  password = 'rosaline',
) {
  const salted = await nodeCrypto.pbkdf2('SHA-256', bytes(password), new Uint8Array(16).fill(5), 4096)
  const clientKey = nodeCrypto.hmac('SHA-256', salted, bytes('Client Key'))
  const storedKey = nodeCrypto.hash('SHA-256', clientKey)
  const signature = nodeCrypto.hmac('SHA-256', storedKey, bytes(`${bare},${serverFirst},${signed}`))
  return server.step(bytes(`${signed},p=${encodeBase64(clientKey.map((byte, at) => byte ^ signature[at]!))}`))
}

const begin = (first: string, context: Partial<ServerContext> = {}, plus = false) =>
  failure(() => begun(first, context, plus))

test.each([
  ['', undefined],
  ['n', undefined],
  ['n,n=romeo,r=abc', undefined],
  ['x,,n=romeo,r=abc', undefined],
  ['N,,n=romeo,r=abc', undefined],
  ['n,,r=abc,n=romeo', undefined],
  ['n,,n=romeo', undefined],
  ['n,,n=,r=abc', undefined],
  ['n,,n=romeo,r=', undefined],
  ['n,,n=romeo,r=ab c', undefined],
  ['n,,n=romeo,r=abé', undefined],
  ['n,,n=romeo,r=abc,', undefined],
  ['n,,n=romeo,r=abc,x', undefined],
  ['n,,n=romeo,r=abc,xy=1', undefined],
  ['n,,n=romeo,r=abc,x=', undefined],
  ['n,,n=ro\0meo,r=abc', undefined],
  ['n,a=,n=romeo,r=abc', undefined],
  ['n,b=x,n=romeo,r=abc', undefined],
  ['n,,n=ro=meo,r=abc', 'malformed username'],
  ['n,,n=ro=2cmeo,r=abc', 'malformed username'],
  ['n,,n=romeo=,r=abc', 'malformed username'],
  ['n,a==41,n=romeo,r=abc', 'malformed username'],
  ['n,,m=x,n=romeo,r=abc', 'unsupported mandatory extension'],
  ['n,,n=romeo,r=abc,m=x', 'unsupported mandatory extension'],
])('RFC 5802 §7: client-first %j is malformed-request', async (first, reason) => {
  expect(await begin(first)).toEqual({ condition: 'malformed-request', text: reason })
})

test('RFC 5802 §5.1: a username that no account can have is not-authorized', async () => {
  expect(await begin('n,,n=ro meo,r=abc')).toEqual({ condition: 'not-authorized', text: 'malformed username' })
})

test('a message over the limit, or not UTF-8, is malformed-request', async () => {
  expect(await begin(`n,,n=romeo,r=${'a'.repeat(20_000)}`)).toMatchObject({ condition: 'malformed-request' })
  const server = scramServer('SHA-256', false, credentials, serverContext())
  expect(await failure(() => server.step(new Uint8Array([0x6e, 0x2c, 0x2c, 0xff])))).toMatchObject({
    condition: 'malformed-request',
    text: 'not UTF-8',
  })
})

test('RFC 5802 §5.1: optional extensions are passed over, on both messages', async () => {
  const exchange = await begun('n,,n=romeo,r=abc,x=1=2,y=é')
  const step = await prove(exchange, 'n=romeo,r=abc,x=1=2,y=é', `c=biws,r=${exchange.nonce},z=0`)
  expect(step).toMatchObject({ success: { username: 'romeo' } })
})

test('RFC 5802 §5.1: escapes in username and authzid are undone; the authzid is handed on', async () => {
  const exchange = await begun('n,a=a=2Cb=3Dc@x,n=A=2Cb=3Dc,r=abc')
  const header = encodeBase64(bytes('n,a=a=2Cb=3Dc@x,'))
  const step = await prove(exchange, 'n=A=2Cb=3Dc,r=abc', `c=${header},r=${exchange.nonce}`, 'x')
  expect(step).toMatchObject({ success: { username: 'a,b=c', authzid: 'a,b=c@x' } })
})

test('RFC 5802 §6: y is refused when the server did offer -PLUS, and only then', async () => {
  expect(await begin('y,,n=romeo,r=abc', { bindings: exporter })).toEqual({
    condition: 'mechanism-too-weak',
    text: 'the server does support channel binding',
  })
  const exchange = await begun('y,,n=romeo,r=abc')
  expect(await prove(exchange, 'n=romeo,r=abc', `c=eSws,r=${exchange.nonce}`)).toHaveProperty('success')
})

test('RFC 5802 §6: a binding that the server does not have is refused', async () => {
  expect(await begin('p=tls-unique,,n=romeo,r=abc', { bindings: exporter }, true)).toEqual({
    condition: 'mechanism-too-weak',
    text: 'unsupported channel binding type',
  })
})

test('RFC 5802 §6: p goes with -PLUS, n and y without', async () => {
  const malformed = { condition: 'malformed-request' }
  expect(await begin('p=tls-exporter,,n=romeo,r=abc', { bindings: exporter })).toMatchObject(malformed)
  expect(await begin('n,,n=romeo,r=abc', { bindings: exporter }, true)).toMatchObject(malformed)
  expect(await begin('y,,n=romeo,r=abc', { bindings: exporter }, true)).toMatchObject(malformed)
  expect(await begin('p=,,n=romeo,r=abc', { bindings: exporter }, true)).toMatchObject(malformed)
})

test('RFC 5802 §5.1: c= must repeat the gs2-header and hold the binding data', async () => {
  const refused = { condition: 'not-authorized', text: 'channel bindings do not match' }
  for (const header of ['y,,', 'n,a=x,', '', 'n,,x']) {
    const exchange = await begun()
    const c = encodeBase64(bytes(header)) || 'AA=='
    expect(await failure(() => prove(exchange, 'n=romeo,r=abc', `c=${c},r=${exchange.nonce}`)), header).toEqual(refused)
  }
  for (const data of [new Uint8Array(), new Uint8Array(32).fill(8), new Uint8Array(31).fill(7)]) {
    const exchange = await begun('p=tls-exporter,,n=romeo,r=abc', { bindings: exporter }, true)
    const c = encodeBase64(new Uint8Array([...bytes('p=tls-exporter,,'), ...data]))
    expect(await failure(() => prove(exchange, 'n=romeo,r=abc', `c=${c},r=${exchange.nonce}`))).toEqual(refused)
  }
  const exchange = await begun('p=tls-exporter,,n=romeo,r=abc', { bindings: exporter }, true)
  const c = encodeBase64(new Uint8Array([...bytes('p=tls-exporter,,'), ...new Uint8Array(32).fill(7)]))
  expect(await prove(exchange, 'n=romeo,r=abc', `c=${c},r=${exchange.nonce}`)).toHaveProperty('success')
})

test('RFC 5802 §5.1: another nonce is refused, and so is an answer recorded from an earlier exchange', async () => {
  for (const change of [(nonce: string) => nonce.slice(0, -1), (nonce: string) => `${nonce}x`, () => 'abc']) {
    const exchange = await begun()
    const run = () => prove(exchange, 'n=romeo,r=abc', `c=biws,r=${change(exchange.nonce)}`)
    expect(await failure(run)).toEqual({ condition: 'not-authorized', text: 'wrong nonce' })
  }
  const first = await begun()
  const spy = vi.spyOn(first.server, 'step')
  expect(await prove(first, 'n=romeo,r=abc', `c=biws,r=${first.nonce}`)).toHaveProperty('success')
  const recorded = spy.mock.calls[0]![0]
  const second = await begun()
  expect(await failure(() => second.server.step(recorded))).toMatchObject({ condition: 'not-authorized' })
  expect(await failure(() => first.server.step(recorded))).toMatchObject({ condition: 'malformed-request' })
})

test('RFC 5802 §7: a client-final out of shape is malformed-request, bad base64 in it incorrect-encoding', async () => {
  const proof = encodeBase64(new Uint8Array(32))
  const cases: [final: (nonce: string) => string, condition: string][] = [
    [(nonce) => `r=${nonce},c=biws,p=${proof}`, 'malformed-request'],
    [(nonce) => `c=biws,r=${nonce}`, 'malformed-request'],
    [(nonce) => `c=biws,r=${nonce},p=`, 'malformed-request'],
    [(nonce) => `c=biws,r=${nonce},p=${proof},x=1`, 'malformed-request'],
    [(nonce) => `c=,r=${nonce},p=${proof}`, 'malformed-request'],
    [(nonce) => `c=biws,r=${nonce},m=1,p=${proof}`, 'malformed-request'],
    [() => '', 'malformed-request'],
    [(nonce) => `c=biw,r=${nonce},p=${proof}`, 'incorrect-encoding'],
    [(nonce) => `c=biws,r=${nonce},p=${proof.slice(0, -1)}`, 'incorrect-encoding'],
    [(nonce) => `c=biws,r=${nonce},p=${proof.slice(0, -2)}B=`, 'incorrect-encoding'],
    [(nonce) => `c=biws,r=${nonce},p=${proof}`, 'not-authorized'],
    [(nonce) => `c=biws,r=${nonce},p=AAAA`, 'not-authorized'],
  ]
  for (const [final, condition] of cases) {
    const { server, nonce } = await begun()
    expect(await failure(() => server.step(bytes(final(nonce)))), final('NONCE')).toMatchObject({ condition })
    const again = () => server.step(bytes(final(nonce)))
    expect(await failure(again)).toEqual({ condition: 'malformed-request', text: 'the exchange has ended' })
  }
})

test('RFC 5802 §9: an unknown user cannot be told from a wrong password', async () => {
  const known = await begun('n,,n=romeo,r=abc')
  const unknown = await begun('n,,n=tybalt,r=abc')
  expect([unknown.salt.length, unknown.iterations]).toEqual([known.salt.length, known.iterations])
  expect((await begun('n,,n=tybalt,r=xyz')).salt, 'stable').toBe(unknown.salt)
  expect((await begun('n,,n=TYBALT,r=xyz')).salt, 'of the account, not of its spelling').toBe(unknown.salt)
  expect((await begun('n,,n=paris,r=abc')).salt, 'of its own').not.toBe(unknown.salt)
  const secret = new Uint8Array(32).fill(2)
  expect((await begun('n,,n=tybalt,r=abc', { secret })).salt, 'not to be computed').not.toBe(unknown.salt)
  const wrong = await failure(() => prove(known, 'n=romeo,r=abc', `c=biws,r=${known.nonce}`, 'wrong'))
  const none = await failure(() => prove(unknown, 'n=tybalt,r=abc', `c=biws,r=${unknown.nonce}`, 'wrong'))
  expect(wrong).toEqual({ condition: 'not-authorized', text: undefined })
  expect(none).toEqual(wrong)
})

test('RFC 5802 §9: no proof opens an unknown account, even one that fits', async () => {
  const exchange = await begun('n,,n=tybalt,r=abc', { crypto: { ...nodeCrypto, equal: () => true } })
  const run = () => prove(exchange, 'n=tybalt,r=abc', `c=biws,r=${exchange.nonce}`)
  expect(await failure(run)).toMatchObject({ condition: 'not-authorized' })
})

test('RFC 5802 §3: the right proof with a byte more is wrong', async () => {
  const exchange = await begun()
  const longer = (message: Uint8Array) => {
    const [signed, proof] = text(message).split(',p=')
    return exchange.server.step(bytes(`${signed},p=${encodeBase64(new Uint8Array([...decodeBase64(proof!)!, 0]))}`))
  }
  const server = { name: '', step: longer }
  const run = () => prove({ ...exchange, server }, 'n=romeo,r=abc', `c=biws,r=${exchange.nonce}`)
  expect(await failure(run)).toMatchObject({ condition: 'not-authorized' })
})

test('RFC 5802 §9: an unknown user costs the server as much hashing as a known one', async () => {
  const count = async (name: string): Promise<number> => {
    const hmac = vi.fn<typeof nodeCrypto.hmac>((...given) => nodeCrypto.hmac(...given))
    const exchange = await begun(`n,,n=${name},r=abc`, { crypto: { ...nodeCrypto, hmac } })
    await failure(() => prove(exchange, `n=${name},r=abc`, `c=biws,r=${exchange.nonce}`, 'wrong'))
    return hmac.mock.calls.length
  }
  expect(await count('tybalt')).toBe(await count('romeo'))
})

test('credentials may answer later: a message in between is refused, and their error passes through', async () => {
  const later: Credentials = { scram: async (name, hash) => credentials.scram(name, hash) }
  const server = scramServer('SHA-256', false, later, serverContext())
  const first = server.step(bytes('n,,n=romeo,r=abc'))
  expect(() => server.step(bytes('c=biws,r=abc,p=AAAA'))).toThrow('the exchange has ended')
  expect(await first).toHaveProperty('challenge')
  const down: Credentials = { scram: () => Promise.reject(new Error('database down')) }
  const broken = scramServer('SHA-256', false, down, serverContext())
  await expect(broken.step(bytes('n,,n=romeo,r=abc'))).rejects.toThrow('database down')
})

test('RFC 5802 §7: a nonce is printable, without the characters that peers stumble over', () => {
  const every = makeNonce({ ...nodeCrypto, random: () => Uint8Array.from({ length: 256 }, (_, at) => at) })
  expect(every).toMatch(/^[!#-+\--<>-~]{256}$/)
})

// ---- the client against a server written by hand

const context = clientContext({ crypto: { ...nodeCrypto, random: chance('abc') } })
const start = (extra = {}) => {
  const client = scramClient('SHA-256', false, { username: 'romeo', password: 'rosaline', ...extra }, context)!
  client.initial()
  return client
}

test.each([
  ['r=abcdef,s=AAAA,i=4095', 'aborted'],
  ['r=abcdef,s=AAAA,i=10000001', 'aborted'],
  [`r=abcdef,s=AAAA,i=${'9'.repeat(400)}`, 'aborted'],
  ['r=abc,s=AAAA,i=4096', 'aborted'],
  ['r=xyzdef,s=AAAA,i=4096', 'aborted'],
  ['r=abcdef,s=AAAA,i=04096', 'malformed-request'],
  ['r=abcdef,s=AAAA,i=-1', 'malformed-request'],
  ['s=AAAA,r=abcdef,i=4096', 'malformed-request'],
  ['r=abcdef,s=AAAA', 'malformed-request'],
  ['m=x,r=abcdef,s=AAAA,i=4096', 'malformed-request'],
  ['e=other-error', 'malformed-request'],
  ['', 'malformed-request'],
  ['r=abcdef,s=AAA,i=4096', 'incorrect-encoding'],
])('RFC 5802 §5.1: the client refuses the server-first %j', async (serverFirst, condition) => {
  const pbkdf2 = vi.spyOn(nodeCrypto, 'pbkdf2')
  expect(await failure(() => start().step(bytes(serverFirst)))).toMatchObject({ condition })
  expect(pbkdf2).not.toHaveBeenCalled()
  pbkdf2.mockRestore()
})

test('RFC 5802 §5: the client believes only the right server signature, given by success or by a challenge', async () => {
  const run = async () => {
    const server = scramServer('SHA-256', false, credentials, serverContext())
    const client = start()
    const response = await client.step(await challenge(server.step(bytes('n,,n=romeo,r=abc'))))
    return { client, signature: text(await additional(server.step(response))) }
  }
  for (const wrong of [undefined, 'v=AAAA', 'v=', '', 'x=1', `v=${encodeBase64(new Uint8Array(32))}`]) {
    const { client } = await run()
    await failure(() => client.finish(wrong === undefined ? undefined : bytes(wrong)))
    expect(client.keys).toBeUndefined()
    expect(await failure(() => client.finish()), 'and stays so').toMatchObject({ condition: 'aborted' })
  }
  const inSuccess = await run()
  inSuccess.client.finish(bytes(`${inSuccess.signature},x=1`))
  const inChallenge = await run()
  expect(await inChallenge.client.step(bytes(inChallenge.signature))).toEqual(new Uint8Array())
  inChallenge.client.finish()
  expect(await failure(() => inChallenge.client.step(bytes(inChallenge.signature)))).toMatchObject({
    condition: 'aborted',
  })
  const refused = await run()
  expect(await failure(() => refused.client.step(bytes('e=invalid-proof')))).toEqual({
    condition: 'not-authorized',
    text: 'invalid-proof',
  })
})

test('RFC 5802 §5: success before the proof does not count', async () => {
  expect(await failure(() => start().finish())).toMatchObject({ condition: 'aborted' })
  expect(await failure(() => start().finish(bytes('v=AAAA')))).toMatchObject({ condition: 'aborted' })
})

test('kept keys replace password and PBKDF2 until salt or iteration count change', async () => {
  const login = async (client: ReturnType<typeof start>) => {
    const server = scramServer('SHA-256', false, credentials, serverContext())
    const response = await client.step(await challenge(server.step(bytes('n,,n=romeo,r=abc'))))
    client.finish(await additional(server.step(response)))
    return client.keys!
  }
  const keys = await login(start())
  const pbkdf2 = vi.spyOn(context.crypto, 'pbkdf2')
  await login(start({ password: undefined, keys }))
  expect(pbkdf2).not.toHaveBeenCalled()
  const other = { ...keys, salt: new Uint8Array(16) }
  await login(start({ keys: other }))
  expect(pbkdf2).toHaveBeenCalledOnce()
  pbkdf2.mockRestore()
  for (const stale of [other, { ...keys, iterations: 5000 }]) {
    const client = start({ password: undefined, keys: stale })
    expect(await failure(() => login(client))).toMatchObject({ condition: 'credentials-expired' })
  }
  expect(scramClient('SHA-512', false, { username: 'romeo', keys }, context)).toBeUndefined()
})

test('the client runs on WebCrypto', async () => {
  const { subtle } = globalThis.crypto
  const own = (data: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(data)
  const webCrypto: ScramCrypto = {
    hash: async (name, data) => new Uint8Array(await subtle.digest(name, own(data))),
    async hmac(hash, key, data) {
      const imported = await subtle.importKey('raw', own(key), { name: 'HMAC', hash }, false, ['sign'])
      return new Uint8Array(await subtle.sign('HMAC', imported, own(data)))
    },
    async pbkdf2(hash, password, salt, iterations) {
      const imported = await subtle.importKey('raw', own(password), 'PBKDF2', false, ['deriveBits'])
      const bits = await subtle.deriveBits({ name: 'PBKDF2', hash, salt: own(salt), iterations }, imported, 256)
      return new Uint8Array(bits)
    },
    random: (length) => nodeCrypto.random(length),
  }
  const client = scramClient(
    'SHA-256',
    false,
    { username: 'romeo', password: 'rosaline' },
    { ...context, crypto: webCrypto },
  )!
  const server = scramServer('SHA-256', false, credentials, serverContext())
  const response = await client.step(await challenge(server.step(client.initial())))
  expect(await server.step(response)).toMatchObject({ success: { username: 'romeo' } })
})
