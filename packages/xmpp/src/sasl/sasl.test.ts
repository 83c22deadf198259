import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  accounts,
  bytes,
  clientContext,
  exchange,
  exporter,
  failure,
  nodeCrypto,
  serverContext,
  text,
} from '../../test/sasl.ts'
import { SaslError } from '../errors.ts'
import { usernameCaseMapped } from '../precis/username-case-mapped.ts'
import { saslprep } from '../precis/saslprep.ts'
import { deriveKeys } from './crypto.ts'
import {
  chooseMechanism,
  type ClientCredentials,
  isPossible,
  type Mechanism,
  mechanisms,
  startMechanism,
} from './sasl.ts'

const romeo = { username: 'romeo', password: 'rosaline' }
const bindings = exporter
const offered = serverContext({ bindings }).offered
const hashes = ['SHA-1', 'SHA-256', 'SHA-512'] as const
const byName = (name: string): Mechanism => mechanisms.find((mechanism) => mechanism.name === name)!

const accepts = (prepare: (given: string) => string) => (given: string) => {
  try {
    return prepare(given) !== ''
  } catch {
    return false
  }
}
const anyText = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 })
const awkward = fc.string({
  unit: fc.constantFrom(',', '=', 'a', 'é', 'ß', '"', '2', 'C', '愛'),
  minLength: 1,
  maxLength: 12,
})
const usernames = fc
  .oneof(awkward, anyText)
  .filter((name) => !name.includes('\0') && accepts(saslprep)(name) && accepts(usernameCaseMapped)(saslprep(name)))
const passwords = fc
  .oneof(awkward, anyText)
  .filter((password) => !password.includes('\0') && accepts(saslprep)(password))

// One round of PBKDF2, whatever is asked for: the exchange is what is tested.
const fast = {
  ...nodeCrypto,
  pbkdf2: (...[hash, password, salt]: Parameters<typeof nodeCrypto.pbkdf2>) =>
    nodeCrypto.pbkdf2(hash, password, salt, 1),
}

for (const mechanism of mechanisms.filter(({ name }) => /^SCRAM|^PLAIN/.test(name))) {
  const hash = hashes.find((name) => mechanism.name.includes(name)) ?? 'SHA-256'
  const bound = mechanism.needs.includes('binding') ? { bindings } : {}
  const server = serverContext({ ...bound, crypto: fast })
  const client = clientContext({ ...bound, crypto: fast })

  test(`${mechanism.name}: every username and password gets in, with its authzid; another password does not`, async () => {
    await fc.assert(
      fc.asyncProperty(usernames, passwords, passwords, awkward, async (username, password, other, authzid) => {
        const keys = await deriveKeys(hash, password, nodeCrypto.random(16), 4096, fast)
        // SCRAM's client has mapped it; by PLAIN it comes as it is, and is refused where it would only then be a name.
        const sent = mechanism.name === 'PLAIN' ? username : saslprep(username)
        fc.pre(accepts(usernameCaseMapped)(sent))
        const account = usernameCaseMapped(sent)
        const credentials = { scram: (name: string) => (name === account ? keys : undefined) }
        const login = (tried: string) =>
          exchange(
            mechanism.client({ username, password: tried, authzid }, client)!,
            mechanism.server(credentials, server),
          )
        expect(await login(password)).toEqual({ username: account, authzid })
        fc.pre(saslprep(other) !== saslprep(password))
        expect(await failure(() => login(other))).toMatchObject({ condition: 'not-authorized' })
      }),
      { numRuns: 100 },
    )
  })

  if (mechanism.name === 'PLAIN') continue

  test(`${mechanism.name}: a changed byte in any message never ends in success`, async () => {
    const credentials = await accounts(hash, { romeo: 'rosaline' }, fast)
    const login = (tamper: (message: Uint8Array, number: number) => Uint8Array) =>
      exchange(mechanism.client(romeo, client)!, mechanism.server(credentials, server), tamper)
    const honest: Uint8Array[] = []
    await login((message, number) => (honest[number] = message))
    expect(honest).toHaveLength(4)
    for (const [number, message] of honest.entries()) {
      for (const at of message.keys()) {
        for (const bits of [0x01, 0x10, 0x20, 0x80]) {
          const flip = (byte: number, place: number): number => (place === at ? byte ^ bits : byte)
          const run = login((sent, which) => (which === number ? sent.map(flip) : sent))
          const error: unknown = await run.then(
            () => undefined,
            (reason: unknown) => reason,
          )
          expect(error, `message ${number}, byte ${at}, bits ${bits}`).toBeInstanceOf(SaslError)
        }
      }
    }
  })
}

test('RFC 5802 §6: binding data of another channel is refused, on every hash', async () => {
  for (const hash of hashes) {
    const mechanism = byName(`SCRAM-${hash}-PLUS`)
    const other = new Map([['tls-exporter', new Uint8Array(32).fill(8)]])
    const client = mechanism.client(romeo, clientContext({ bindings: other }))!
    const server = mechanism.server(await accounts(hash, { romeo: 'rosaline' }), serverContext({ bindings }))
    expect(await failure(() => exchange(client, server))).toEqual({
      condition: 'not-authorized',
      text: 'channel bindings do not match',
    })
  }
})

test('RFC 5802 §6: somebody who removes -PLUS from the offer is found out', async () => {
  const seen = offered.filter((name) => !name.endsWith('-PLUS'))
  const client = chooseMechanism(romeo, clientContext({ bindings, offered: seen }))!
  expect(client.name).toBe('SCRAM-SHA-512')
  const server = startMechanism(client.name, { scram: () => undefined }, serverContext({ bindings }))
  expect(await failure(() => exchange(client, server))).toMatchObject({
    text: 'the server does support channel binding',
  })
})

test('RFC 5802 §6: a client says y only if it could bind and saw no -PLUS at all', () => {
  const flag = (context: Parameters<typeof clientContext>[0]) =>
    text(byName('SCRAM-SHA-256').client(romeo, clientContext(context))!.initial())[0]
  expect(flag({ bindings, offered: ['SCRAM-SHA-256'] })).toBe('y')
  expect(flag({ bindings, offered: ['SCRAM-SHA-256', 'SCRAM-SHA-1-PLUS'] })).toBe('n')
  expect(flag({ offered: ['SCRAM-SHA-256'] })).toBe('n')
})

test('the client takes the strongest mechanism which is offered, possible and has its credentials', () => {
  const all = [...offered, 'EXTERNAL', 'ANONYMOUS', 'DIGEST-MD5'].toReversed()
  const order: string[] = []
  for (let left = all; ;) {
    const name = chooseMechanism(romeo, clientContext({ bindings, certificate: true, offered: left }))?.name
    if (name === undefined) break
    order.push(name)
    left = left.filter((other) => other !== name)
  }
  expect(order).toEqual([
    'EXTERNAL',
    'SCRAM-SHA-512-PLUS',
    'SCRAM-SHA-256-PLUS',
    'SCRAM-SHA-1-PLUS',
    'SCRAM-SHA-512',
    'SCRAM-SHA-256',
    'SCRAM-SHA-1',
    'PLAIN',
  ])
  const choose = (credentials: ClientCredentials, context: Parameters<typeof clientContext>[0] = {}) =>
    chooseMechanism(credentials, clientContext({ offered: all, ...context }))?.name
  expect(choose(romeo)).toBe('SCRAM-SHA-512')
  expect(choose(romeo, { offered: ['PLAIN'] })).toBe('PLAIN')
  expect(choose(romeo, { offered: ['PLAIN'], tls: false })).toBeUndefined()
  expect(choose({})).toBe('ANONYMOUS')
  expect(choose({ username: 'romeo' })).toBeUndefined()
  const keys = { hash: 'SHA-1', salt: bytes(''), iterations: 4096, clientKey: bytes(''), serverKey: bytes('') } as const
  expect(choose({ username: 'romeo', keys })).toBe('SCRAM-SHA-1')
})

test('what a server can offer depends on TLS, binding data and certificate', () => {
  const possible = (tls: boolean, bound: boolean, certificate: boolean) =>
    mechanisms
      .filter((mechanism) => isPossible(mechanism, { tls, bindings: bound ? bindings : new Map(), certificate }))
      .map(({ name }) => name)
  expect(possible(false, true, true)).toEqual(['SCRAM-SHA-512', 'SCRAM-SHA-256', 'SCRAM-SHA-1', 'ANONYMOUS'])
  expect(possible(true, false, false)).toEqual([
    'SCRAM-SHA-512',
    'SCRAM-SHA-256',
    'SCRAM-SHA-1',
    'OAUTHBEARER',
    'PLAIN',
    'ANONYMOUS',
  ])
  expect(possible(true, true, true)).toEqual(mechanisms.map(({ name }) => name))
})

test('RFC 6120 §6.5: a mechanism not offered is invalid-mechanism, PLAIN without TLS encryption-required', async () => {
  const begin = (name: string, context = {}) =>
    failure(() => startMechanism(name, { scram: () => undefined }, serverContext(context)))
  for (const name of ['DIGEST-MD5', 'plain', '', 'ANONYMOUS', 'EXTERNAL', 'SCRAM-SHA-256-PLUS']) {
    expect(await begin(name), name).toMatchObject({ condition: 'invalid-mechanism' })
  }
  expect(await begin('SCRAM-SHA-256-PLUS', { offered })).toMatchObject({ condition: 'invalid-mechanism' })
  expect(await begin('PLAIN', { tls: false })).toMatchObject({ condition: 'encryption-required' })
  expect(startMechanism('PLAIN', { scram: () => undefined }, serverContext()).name).toBe('PLAIN')
})
