import { createServer as createHttpServer } from 'node:http'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Scenario, scenario } from '@jackdaw/testkit'
import { encodeBase64, Jid, SaslError, saslNs } from '@jackdaw/xmpp'
import { CompactSign, exportJWK, exportSPKI, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { invitations } from '../modules/invitations/invitations.ts'

const folder = mkdtempSync(join(tmpdir(), 'jackdaw-tokens-'))
afterAll(() => rmSync(folder, { recursive: true }))

const issuer = 'https://login.example'
const audience = 'chat'
const good = await generateKeyPair('ES256')
const rsa = await generateKeyPair('RS256', { extractable: true })
const evil = await generateKeyPair('ES256')
const jwk = { ...(await exportJWK(good.publicKey)), kid: 'one', alg: 'ES256' }
const rsaPem = await exportSPKI(rsa.publicKey)
const secretKey = 'a secret of both sides, of 32 bytes or more'

const kept = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}
const keys = kept('set.json', JSON.stringify({ keys: [jwk] }))

async function opened(
  tokens: Record<string, unknown> = {},
  accounts: Record<string, string[]> = { romeo: [] },
  authenticationDelay = 0,
) {
  const config = { keys, issuer, audience, ...tokens }
  const s = await scenario({
    accounts,
    config: {
      limits: { authenticationAttempts: 100, authenticationDelay },
      hosts: { 'home.test': { bearer: config as never } },
    },
  })
  onTestFinished(() => s.stop())
  return s
}

interface Changes {
  readonly header?: Record<string, unknown>
  readonly claims?: JWTPayload
  readonly key?: Parameters<SignJWT['sign']>[0]
}

const seconds = (s: Scenario) => Math.floor(s.clock.now() / 1000)

function token(s: Scenario, { header, claims, key = good.privateKey }: Changes = {}): Promise<string> {
  const payload = { iss: issuer, aud: audience, sub: 'romeo', exp: seconds(s) + 300, ...claims }
  return new SignJWT(JSON.parse(JSON.stringify(payload)) as JWTPayload)
    .setProtectedHeader({ alg: 'ES256', kid: 'one', ...header } as never)
    .sign(key)
}

/** What the server says, from the features on: 'in', or the error and the failure. */
async function login(s: Scenario, bearer: string, authzid = ''): Promise<string> {
  const client = s.client('romeo')
  await client.open()
  const message = `n,${authzid},\u0001auth=Bearer ${bearer}\u0001\u0001`
  client.send(
    `<auth xmlns='${saslNs}' mechanism='OAUTHBEARER'>${encodeBase64(new TextEncoder().encode(message))}</auth>`,
  )
  const answers: string[] = []
  for (;;) {
    const answer = await waited(s, client.next())
    if (answer.name === 'success') answers.push('in')
    else if (answer.name === 'failure') answers.push(SaslError.from(answer).condition)
    else {
      answers.push(Buffer.from(answer.text, 'base64').toString())
      client.send(`<response xmlns='${saslNs}'>AQ==</response>`)
      continue
    }
    await client.cut()
    return answers.join(' ')
  }
}

/** A refusal waits for the clock, if for no time. */
async function waited<T>(s: Scenario, answer: Promise<T>): Promise<T> {
  const state = { isThere: false }
  const there = (): void => void (state.isThere = true)
  answer.then(there, there)
  while (!state.isThere) await s.clock.advance(0)
  return answer
}

const refused = '{"status":"invalid_token"} not-authorized'

test('RFC 7628: a token logs in; it is offered only where tokens are taken', async () => {
  const s = await opened()
  expect(await login(s, await token(s))).toBe('in')
  expect(await login(s, await token(s), 'a=romeo@home.test')).toBe('in')
  expect(await login(s, await token(s), 'a=juliet@home.test')).toBe('invalid-authzid')
  const other = await scenario({ accounts: {}, config: { limits: { authenticationDelay: 0 } } })
  onTestFinished(() => other.stop())
  const client = other.client('romeo')
  await client.open()
  expect(String(client.features)).not.toContain('OAUTHBEARER')
  expect(await login(other, await token(s))).toBe('invalid-mechanism')
})

test('RFC 6120 §6.4.5, RFC 7628 §3.2.2: the error is told as late as other failures, and once', async () => {
  const s = await opened({}, { romeo: [] }, 1)
  const start = s.clock.now()
  const client = s.client('romeo')
  await client.open()
  const message = Buffer.from('n,,\u0001auth=Bearer abc\u0001\u0001').toString('base64')
  client.send(`<auth xmlns='${saslNs}' mechanism='OAUTHBEARER'>${message}</auth>`)
  const challenge = client.next()
  while (!(await Promise.race([challenge.then(() => true), s.clock.advance(100).then(() => false)])));
  expect(s.clock.now() - start).toBeGreaterThanOrEqual(1000)
  client.send(`<response xmlns='${saslNs}'>AQ==</response>`)
  expect(SaslError.from(await client.next()).condition).toBe('not-authorized')
})

const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
const unsigned = (header: object, payload: object) => `${encoded(header)}.${encoded(payload)}.`

test.each<[string, (s: Scenario) => Promise<string> | string]>([
  ['alg none', (s) => unsigned({ alg: 'none' }, { iss: issuer, aud: audience, sub: 'romeo', exp: seconds(s) + 300 })],
  ['alg NONE', (s) => unsigned({ alg: 'NONE' }, { iss: issuer, aud: audience, sub: 'romeo', exp: seconds(s) + 300 })],
  ['a signature cut off', async (s) => (await token(s)).replace(/[^.]*$/, '')],
  ['another key', (s) => token(s, { key: evil.privateKey })],
  ['a kid that there is not', (s) => token(s, { header: { kid: 'two' } })],
  ['a kid that is a path', (s) => token(s, { header: { kid: '../../../dev/null' }, key: evil.privateKey })],
  ['a kid that is SQL', (s) => token(s, { header: { kid: "' UNION SELECT 'x" }, key: evil.privateKey })],
  [
    'a key of its own in the header',
    async (s) => token(s, { header: { jwk: await exportJWK(evil.publicKey) }, key: evil.privateKey }),
  ],
  ['a URL of keys in the header', (s) => token(s, { header: { jku: 'http://127.0.0.1:1/' }, key: evil.privateKey })],
  [
    'a URL of certificates in the header',
    (s) => token(s, { header: { x5u: 'http://127.0.0.1:1/' }, key: evil.privateKey }),
  ],
  ['a certificate in the header', (s) => token(s, { header: { x5c: ['MIIB'] }, key: evil.privateKey })],
  [
    'a signature of zeros (CVE-2022-21449)',
    async (s) => (await token(s)).replace(/[^.]*$/, Buffer.alloc(64).toString('base64url')),
  ],
  ['a payload that was changed', async (s) => (await token(s)).replace(/\.[^.]*\./, (one) => `${one.slice(0, -1)}A.`)],
  ['alg in small letters', async (s) => (await token(s)).replace(/^[^.]*/, encoded({ alg: 'es256', kid: 'one' }))],
  [
    'alg twice',
    async (s) => (await token(s)).replace(/^[^.]*/, Buffer.from('{"alg":"ES256","alg":"none"}').toString('base64url')),
  ],
  [
    'an extension that is critical',
    async (s) => {
      const payload = Buffer.from(JSON.stringify({ iss: issuer, aud: audience, sub: 'romeo', exp: seconds(s) + 300 }))
      return new CompactSign(payload)
        .setProtectedHeader({ alg: 'ES256', kid: 'one', crit: ['urn:x'], 'urn:x': 1 })
        .sign(good.privateKey, { crit: { 'urn:x': true } })
    },
  ],
  ['another audience', (s) => token(s, { claims: { aud: 'mail' } })],
  ['no audience', (s) => token(s, { claims: { aud: undefined } as never })],
  ['another issuer', (s) => token(s, { claims: { iss: 'https://login.example.evil' } })],
  ['no issuer', (s) => token(s, { claims: { iss: undefined } as never })],
  ['expired', (s) => token(s, { claims: { exp: seconds(s) - 31 } })],
  ['no expiry', (s) => token(s, { claims: { exp: undefined } as never })],
  ['not valid yet', (s) => token(s, { claims: { nbf: seconds(s) + 31 } })],
  ['oversize', (s) => token(s, { claims: { more: 'x'.repeat(8000) } })],
  ['no name', (s) => token(s, { claims: { sub: undefined } as never })],
  ['a name that is a number', (s) => token(s, { claims: { sub: 7 as never } })],
  ['a name that is prepared to another', (s) => token(s, { claims: { sub: 'Romeo' } })],
  ['a name with a domain', (s) => token(s, { claims: { sub: 'romeo@home.test' } })],
  ['an unknown user', (s) => token(s, { claims: { sub: 'nobody' } })],
  ['five parts', () => 'a.b.c.d.e'],
  ['no token at all', () => 'romeo'],
])('RFC 8725: %s is refused like everything else', async (_, make) => {
  const s = await opened()
  expect(await login(s, await make(s))).toBe(refused)
})

test('RFC 7519 §4: of a claim that stands twice the last one counts', async () => {
  const s = await opened({ newAccounts: false }, { romeo: [], juliet: [] })
  const claims = JSON.stringify({ iss: issuer, aud: audience, exp: seconds(s) + 300 }).slice(1)
  const twice = (names: string) =>
    new CompactSign(Buffer.from(`{${names},${claims}`))
      .setProtectedHeader({ alg: 'ES256', kid: 'one' })
      .sign(good.privateKey)
  expect(await login(s, await twice('"sub":"romeo","sub":"juliet"'), 'a=juliet@home.test')).toBe('in')
  expect(await login(s, await twice('"sub":"juliet","sub":"romeo"'), 'a=juliet@home.test')).toBe('invalid-authzid')
})

test('RFC 8725 §2.1: HS256 with the public key as its secret is refused', async () => {
  const s = await opened({ keys: kept('rsa.pem', rsaPem), algorithms: ['RS256'] })
  expect(await login(s, await token(s, { header: { alg: 'RS256' }, key: rsa.privateKey }))).toBe('in')
  for (const secret of [rsaPem, rsaPem.trim(), JSON.stringify(await exportJWK(rsa.publicKey))]) {
    const forged = await token(s, { header: { alg: 'HS256' }, key: new TextEncoder().encode(secret) })
    expect(await login(s, forged)).toBe(refused)
  }
  // RS256 alone is pinned.
  expect(
    await login(s, await token(s, { header: { alg: 'PS256' }, key: rsa.privateKey as never }).catch(() => 'x')),
  ).toBe(refused)
})

test('a shared secret works where it is named, and stands beside nothing else', async () => {
  const oct = kept('oct.json', JSON.stringify({ kty: 'oct', k: Buffer.from(secretKey).toString('base64url') }))
  const s = await opened({ keys: oct, algorithms: ['HS256'] })
  const key = new TextEncoder().encode(secretKey)
  expect(await login(s, await token(s, { header: { alg: 'HS256' }, key }))).toBe('in')
  expect(await login(s, await token(s))).toBe(refused)
  await expect(opened({ keys: oct })).rejects.toThrow('are not for ES256, RS256, EdDSA')
  await expect(opened({ algorithms: ['HS256'] })).rejects.toThrow('are not for HS256')
  await expect(opened({ algorithms: ['HS256', 'ES256'] })).rejects.toThrow('they do not stand beside the others')
})

test.each([
  ['http://login.example/jwks', "expected 'https://…', or the name of a file"],
  ['/nowhere/jwks', 'cannot be read from /nowhere/jwks'],
])('keys %s are refused at the start', async (given, words) => {
  await expect(opened({ keys: given })).rejects.toThrow(words)
})

test('who comes first gets an account where the configuration says so, whose name is not kept for another', async () => {
  const s = await opened({ newAccounts: true, claim: 'preferred_username' })
  const { accounts, modules } = s.server.hosts.get('home.test')!
  const of = (name: string) => token(s, { claims: { preferred_username: name } })
  const juliet = await of('juliet')
  expect(await Promise.all([login(s, juliet), login(s, juliet)])).toEqual(['in', 'in'])
  expect(await accounts.exists(Jid.parse('juliet@home.test'))).toBe(true)
  await modules.api(invitations)!.make({ account: Jid.parse('nurse@home.test') })
  expect(await login(s, await of('nurse'))).toBe(refused)
  expect(await login(s, await of('a b'))).toBe(refused)
})

test('a JWK set by URL is fetched once; a new key is found; while it cannot be had nobody is told that a token is bad', async () => {
  let status = 500
  let asked = 0
  const served: JWK[] = [jwk]
  const http = createHttpServer((_, response) => {
    asked++
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: served }))
  }).listen(0, '127.0.0.1')
  await once(http, 'listening')
  onTestFinished(() => void http.close())
  const s = await opened({ keys: `http://127.0.0.1:${(http.address() as AddressInfo).port}/jwks` })
  expect(await login(s, await token(s))).toBe('temporary-auth-failure')
  expect(await s.server.metrics.registry.metrics()).toMatch(/^jackdaw_bearer_outages_total 1$/m)
  status = 200
  expect(await login(s, await token(s))).toBe('in')
  expect(await login(s, await token(s))).toBe('in')
  expect(asked).toBe(2)
  // Whoever makes kids up does not make it ask again and again.
  for (let i = 0; i < 5; i++) expect(await login(s, await token(s, { header: { kid: `k${i}` } }))).toBe(refused)
  expect(asked).toBe(2)
})
