import { type Actor, type Scenario, scramCrypto } from '@jackdaw/testkit'
import { type Element, fastNs, hashedTokenClient, parse, sasl2Ns, xml } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { authenticate, channel, error, failure, opened, plain, secure, userAgent } from './sasl2-fixture.ts'

const phone = 'd4565fa7-4d72-4749-b3d3-740edbf87770'
const tablet = '00000000-0000-4000-8000-000000000001'
const bind = xml('bind', 'urn:xmpp:bind:0')
const none = 'HT-SHA-256-NONE'
const exporter = 'HT-SHA-256-EXPR'
const day = 86_400_000

const request = (mechanism = none) => xml('request-token', fastNs, { mechanism })
const tokenOf = (success: Element) => success.child('token', fastNs)?.attr('token')

/** Logs in with the password and gets a token. */
async function token(s: Scenario, client = phone, mechanism = none): Promise<string> {
  const romeo = await opened(s)
  const success = await romeo.authenticate(userAgent(client), request(mechanism))
  await romeo.close()
  return tokenOf(success)!
}

interface Attempt {
  readonly client?: string
  readonly mechanism?: string
  readonly attrs?: Readonly<Record<string, string>>
  readonly more?: readonly Element[]
  readonly username?: string
}

async function login(text: string, options: Attempt = {}): Promise<{ element: Element; expected: Uint8Array }> {
  const { client = phone, mechanism = none, attrs = {}, more = [bind], username = 'romeo' } = options
  const { bindings } = channel()
  const { initial, expected } = await hashedTokenClient(mechanism, username, text, { bindings, crypto: scramCrypto })
  return { element: authenticate(mechanism, initial, userAgent(client), xml('fast', fastNs, attrs), ...more), expected }
}

/** Logs in with the token; resolves with the success. */
async function enters(s: Scenario, text: string, options: Attempt = {}): Promise<Element> {
  const romeo = await opened(s)
  const { element, expected } = await login(text, options)
  romeo.send(element)
  const success = await romeo.next()
  expect(success.name, String(success)).toBe('success')
  expect(success.child('additional-data')!.text).toBe(Buffer.from(expected).toString('base64'))
  await romeo.next()
  if (!romeo.jid.isBare) await romeo.sync()
  await romeo.close()
  return success
}

async function refused(s: Scenario, text: string, options: Attempt = {}): Promise<string> {
  const romeo = await opened(s)
  const condition = await failure(s, romeo, (await login(text, options)).element)
  await romeo.close()
  return condition
}

test('XEP-0484 §3.1: the mechanisms are offered by what the connection can bind to', async () => {
  await using s = await secure()
  const offer = async () =>
    (await opened(s)).features
      .child('authentication', sasl2Ns)!
      .child('inline')!
      .child('fast', fastNs)!
      .elements()
      .map(({ text }) => text)
  expect(await offer()).toEqual([exporter, 'HT-SHA-256-ENDP', none])
  // Early data is not taken.
  expect(String((await opened(s)).features)).not.toContain('tls-0rtt')
  s.network.tls = { ...channel(), bindings: new Map() }
  expect(await offer()).toEqual([none])
})

test('XEP-0484 §3: one round trip from authenticate to a session that is used', async () => {
  await using s = await secure({})
  for (const mechanism of [none, exporter, 'HT-SHA-256-ENDP']) {
    const text = await token(s, phone, mechanism)
    const romeo = await opened(s)
    const { element } = await login(text, { mechanism })
    const trace = ['C: authenticate']
    romeo.send(element)
    for (let i = 0; i < 2; i++) trace.push(`S: ${(await romeo.next()).name}`)
    romeo.says(`<message to='romeo@home.test' type='chat'><body>${mechanism}</body></message>`)
    trace.push('C: message')
    romeo.comes()
    await romeo.sync()
    expect(trace).toEqual(['C: authenticate', 'S: success', 'S: features', 'C: message'])
  }
})

test('XEP-0484 §3.3: a token tells when it expires, and is not logged', async () => {
  await using s = await secure()
  const romeo = await opened(s)
  const success = await romeo.authenticate(userAgent(phone), request())
  const given = success.child('token', fastNs)!
  expect(given.attr('token')).toMatch(/^[\w-]{43}$/)
  expect(given.attr('expiry')).toMatch(/^2026-01-22T00:00:0/)
})

test.each([
  ['the mechanism is none of these', [userAgent(phone), request('HT-SHA-256-UNIQ')]],
  ['the client does not say who it is', [request()]],
  ['none is asked for', [userAgent(phone)]],
])('XEP-0484 §3.2: no token when %s', async (_, requests) => {
  await using s = await secure()
  const romeo = await opened(s)
  expect(tokenOf(await romeo.authenticate(...requests))).toBeUndefined()
})

test('XEP-0484 §3.4: a token is good for its client, its mechanism and its account alone', async () => {
  await using s = await secure()
  const text = await token(s, phone, exporter)
  expect(await refused(s, text, { client: tablet, mechanism: exporter })).toBe('credentials-expired')
  expect(await refused(s, text, { mechanism: none })).toBe('credentials-expired')
  expect(await refused(s, text, { mechanism: exporter, username: 'juliet' })).toBe('credentials-expired')
  expect(await refused(s, text, { mechanism: exporter, username: 'nobody' })).toBe('credentials-expired')
  expect(await refused(s, 'guessed', { mechanism: exporter })).toBe('credentials-expired')
  s.network.tls = channel('the attacker’s')
  expect(await refused(s, text, { mechanism: exporter })).toBe('credentials-expired')
  s.network.tls = channel()
  await enters(s, text, { mechanism: exporter })
})

test('XEP-0484 §6: without TLS a token is not taken, nor without <fast/>', async () => {
  await using s = await secure()
  const text = await token(s)
  const { element } = await login(text)
  const without = parse(String(element).replace(/<fast[^>]*>/, ''))
  expect(await failure(s, await opened(s), without)).toBe('invalid-mechanism')
  const sasl = xml(
    'auth',
    'urn:ietf:params:xml:ns:xmpp-sasl',
    { mechanism: none },
    element.child('initial-response')!.text,
  )
  expect(await failure(s, await opened(s), sasl)).toBe('invalid-mechanism')
  s.network.tls = undefined
  expect(await error(await opened(s), element)).toBe('not-authorized')
})

test('XEP-0484 §3.4: a count that was used is not taken again, also after a kill', async () => {
  await using s = await secure()
  const text = await token(s)
  await enters(s, text, { attrs: { count: '5' } })
  expect(await refused(s, text, { attrs: { count: '5' } })).toBe('credentials-expired')
  expect(await refused(s, text, { attrs: { count: '4' } })).toBe('credentials-expired')
  s.crash()
  await s.start()
  expect(await refused(s, text, { attrs: { count: '5' } })).toBe('credentials-expired')
  await enters(s, text, { attrs: { count: '6' } })
  expect(await refused(s, text, { attrs: { count: '-1' } })).toBe('malformed-request')
})

test('XEP-0484 §3.5: an old token is replaced as it is used, and is good until the next one is', async () => {
  await using s = await secure()
  const first = await token(s)
  expect(tokenOf(await enters(s, first))).toBeUndefined()
  await s.clock.advance(2 * day)
  const lost = tokenOf(await enters(s, first))!
  const second = tokenOf(await enters(s, first))!
  expect(new Set([first, lost, second]).size).toBe(3)
  // One that was never used goes as another is given.
  expect(await refused(s, lost)).toBe('credentials-expired')
  await enters(s, second)
  expect(await refused(s, first)).toBe('credentials-expired')
  expect(tokenOf(await enters(s, second))).toBeUndefined()
})

test('XEP-0484 §3.3: an expired token is not taken', async () => {
  await using s = await secure({ modules: [], config: { tokens: { lifetime: '2 h' } } })
  const text = await token(s)
  await s.clock.advance(2 * 3_600_000 - 1000)
  await enters(s, text)
  await s.clock.advance(1000)
  expect(await refused(s, text)).toBe('credentials-expired')
})

test('XEP-0484 §3.6: a token is invalidated by its client, and replaced only if that is asked for', async () => {
  await using s = await secure()
  const first = await token(s)
  await s.clock.advance(2 * day)
  expect(tokenOf(await enters(s, first, { attrs: { invalidate: 'true' } }))).toBeUndefined()
  expect(await refused(s, first)).toBe('credentials-expired')
  const second = await token(s)
  const third = tokenOf(await enters(s, second, { attrs: { invalidate: '1' }, more: [bind, request()] }))!
  expect(await refused(s, second)).toBe('credentials-expired')
  await enters(s, third)
})

test('tokens end with a change of the password, with their revocation and with the account', async () => {
  await using s = await secure()
  const { accounts } = s.server.hosts.get('home.test')!
  const romeo = s.client('romeo').account
  const other = await token(s, tablet)
  await s.clock.advance(1000)
  const one = await token(s)
  const holders = await accounts.tokens.holders(String(romeo))
  expect(holders.map(({ id, software }) => [id, software])).toEqual([
    [phone, 'AwesomeXMPP'],
    [tablet, 'AwesomeXMPP'],
  ])
  const stolen = await opened(s)
  stolen.send((await login(other, { client: tablet })).element)
  await stolen.next()
  await accounts.signOut(romeo, tablet)
  await stolen.whenGone
  expect(stolen.streamError?.condition).toBe('not-authorized')
  expect(await refused(s, other, { client: tablet })).toBe('credentials-expired')
  await enters(s, one)
  await accounts.setPassword(romeo, 'the wine is red')
  expect(await refused(s, one)).toBe('credentials-expired')
  const last = await token(s)
  await accounts.remove(romeo)
  expect(await refused(s, last)).toBe('credentials-expired')
  await s.register('romeo')
  expect(await refused(s, last)).toBe('credentials-expired')
  expect(await accounts.tokens.holders(String(romeo))).toEqual([])
})

test('the database has no token, and none can be made of what it has', async () => {
  await using s = await secure()
  const text = await token(s)
  const kept = JSON.stringify([...s.journalStore.read(0)].map(([, batch]) => batch))
  expect(kept).toContain(none)
  expect(kept).not.toContain(text)
})

test('tokens.perAccount: the client that was not here for the longest loses its own', async () => {
  await using s = await secure({ modules: [], config: { tokens: { perAccount: 2 } } })
  const ids = [phone, tablet, '00000000-0000-4000-8000-000000000002']
  const texts: string[] = []
  for (const id of ids) {
    texts.push(await token(s, id))
    await s.clock.advance(1000)
  }
  expect(await refused(s, texts[0]!, { client: ids[0]! })).toBe('credentials-expired')
  for (const at of [1, 2]) await enters(s, texts[at]!, { client: ids[at]! })
})

test('RFC 4505: an anonymous user gets no token', async () => {
  await using s = await secure({ modules: [], config: { hosts: { 'home.test': { anonymous: true } } } })
  const guest: Actor = await opened(s)
  guest.send(xml('authenticate', sasl2Ns, { mechanism: 'ANONYMOUS' }, userAgent(phone), request(), bind))
  const success = await guest.next()
  expect(success.name).toBe('success')
  expect(tokenOf(success)).toBeUndefined()
})

test('XEP-0388 §2.6.2: a token is not given with a login that fails', async () => {
  await using s = await secure()
  const wrong = authenticate('PLAIN', Buffer.from('\0romeo\0wrong'), userAgent(phone), request())
  expect(await failure(s, await opened(s), wrong)).toBe('not-authorized')
  const { accounts } = s.server.hosts.get('home.test')!
  expect(await accounts.tokens.holders('romeo@home.test')).toEqual([])
  expect(String(plain())).not.toContain(fastNs)
})
