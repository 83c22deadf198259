import { type Scenario, scenario, scramCrypto, turn } from '@jackdaw/testkit'
import {
  type Element,
  fastNs,
  hashedTokenClient,
  Jid,
  SaslError,
  saslUpgradeNs,
  saslNs,
  sasl2Ns,
  StanzaError,
  StreamError,
  upgrade,
  xml,
} from '@jackdaw/xmpp'
import { expect, onTestFinished, test } from 'vitest'
import { authenticate, channel, opened, plain, userAgent } from '../stream/sasl2-fixture.ts'
import { userService } from './fixture.ts'

const password = 'the wine is red'
const romeo = Jid.parse('romeo@home.test')

async function stage({ accounts = {}, host = {} }: { accounts?: object; host?: object } = {}) {
  const service = await userService()
  service.users.set('romeo', password).set('juliet', password)
  const s = await scenario({
    config: {
      limits: { authenticationDelay: 0, authenticationAttempts: 100 },
      hosts: { 'home.test': { accounts: { http: { url: service.url }, ...accounts }, ...host } },
    },
  })
  onTestFinished(() => s.stop())
  return { s, service }
}

/** A refusal waits for the clock, if for no time; what the source says does not, so that none may pass. */
async function waited<T>(s: Scenario, answer: Promise<T>): Promise<T> {
  const state = { isThere: false }
  const there = (): void => void (state.isThere = true)
  answer.then(there, there)
  while (!state.isThere) await s.clock.advance(0)
  return answer
}

/** 'in', or with what it is refused. */
async function login(s: Scenario, name: string, secret = password): Promise<string> {
  const client = s.client(name, undefined, { password: secret })
  const outcome = await waited(
    s,
    client.connect().then(
      () => 'in',
      (error: unknown) =>
        error instanceof SaslError || error instanceof StreamError ? error.condition : String(error),
    ),
  )
  await client.close()
  return outcome
}

async function errorOf(answer: Promise<Element>): Promise<string> {
  const { condition, type } = await answer.then(StanzaError.from, (error: StanzaError) => error)
  return `${condition} ${type}`
}

test('RFC 4616: the source says whose password is right; SCRAM, which needs keys, is not offered', async () => {
  const { s, service } = await stage()
  const client = s.client('romeo')
  await client.open()
  expect(
    client.features
      .child('mechanisms', saslNs)!
      .elements()
      .map(({ text }) => text),
  ).toEqual(['PLAIN'])
  client.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-256'>biwsbj1yb21lbyxyPXg=</auth>")
  expect(SaslError.from(await waited(s, client.next())).condition).toBe('invalid-mechanism')
  expect(service.asked).toEqual([])
  expect(await login(s, 'romeo')).toBe('in')
  expect(await login(s, 'romeo', 'guessed')).toBe('not-authorized')
  expect(await login(s, 'nobody')).toBe('not-authorized')
  expect(s.server.hosts.get('home.test')!.accounts.isForeign).toBe(true)
})

test('RFC 7622 §3.3: one account has one name, however it is written', async () => {
  const { s, service } = await stage()
  s.network.tls = channel()
  const client = await opened(s)
  client.send(authenticate('PLAIN', Buffer.from(`\0ＲＯＭＥＯ\0${password}`)))
  expect((await client.next()).child('authorization-identifier')?.text).toBe('romeo@home.test')
  expect(JSON.parse(service.asked[0]!.body)).toMatchObject({ username: 'romeo' })
})

test('passwords that nobody has are not asked about', async () => {
  const { s, service } = await stage()
  service.users.set('romeo', 'x'.repeat(2000))
  expect(await login(s, 'romeo', 'x'.repeat(2000))).toBe('not-authorized')
  expect(service.asked).toEqual([])
})

test('RFC 6120 §6.5.10: without an answer a login fails for a while, and works when there is one', async () => {
  const { s, service } = await stage()
  service.answer = (response) => response.writeHead(500).end()
  expect(await login(s, 'romeo')).toBe('temporary-auth-failure')
  await service.stop()
  expect(await login(s, 'romeo')).toBe('temporary-auth-failure')
  service.answer = undefined
  await service.start()
  expect(await login(s, 'romeo')).toBe('in')
})

test('an account begins with its first login, and is told of once', async () => {
  const { s } = await stage()
  const { accounts } = s.server.hosts.get('home.test')!
  const list = async () => {
    const all = []
    for await (const one of accounts.list()) all.push(one)
    return all
  }
  expect(await list()).toEqual([])
  const told: string[] = []
  s.server.hosts.get('home.test')!.virtual.on('account:created', ({ account }) => void told.push(account.toString()))
  for (let i = 0; i < 2; i++) expect(await login(s, 'romeo')).toBe('in')
  expect(await list()).toEqual(['romeo@home.test'])
  expect(told).toEqual(['romeo@home.test'])
})

test('RFC 6121 §8.5.2.2: what is written to a user who has never logged in waits for him; to nobody, it is refused', async () => {
  const { s, service } = await stage()
  const juliet = await s.login('juliet', 'balcony')
  const say = (to: string) => juliet.says(`<message to='${to}@home.test' type='chat'><body>art thou?</body></message>`)
  say('romeo')
  await juliet.hearsNothing()
  say('nobody')
  await juliet.hears(
    "<message from='nobody@home.test' type='error'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
  )
  const phone = await s.login('romeo', 'phone')
  phone.comes()
  await phone.awaits("<message from='juliet@home.test/balcony'><body>art thou?</body></message>")
  expect(service.asked.filter(({ method }) => method === 'GET')).toHaveLength(2)
})

test('RFC 6120 §8.3.3: without an answer a message is refused for a while, never for ever', async () => {
  const { s, service } = await stage()
  const juliet = await s.login('juliet', 'balcony')
  await service.stop()
  for (const name of ['romeo', 'nobody']) {
    juliet.says(`<message to='${name}@home.test' type='chat'><body>art thou?</body></message>`)
    const refusal = await juliet.hears("<message type='error'/>")
    expect(await errorOf(Promise.resolve(refusal))).toBe('remote-server-timeout wait')
  }
  // Who is here is there, whatever the source says.
  juliet.says("<message to='juliet@home.test' type='chat'><body>myself</body></message>")
  juliet.comes()
  await juliet.sync()
})

test('what the source said is believed for a while: of who exists, and of who does not', async () => {
  const { s, service } = await stage({ accounts: { knownTime: '5 min', unknownTime: '30 s' } })
  const { accounts } = s.server.hosts.get('home.test')!
  const nobody = Jid.parse('nobody@home.test')
  const ask = async () => [await accounts.exists(romeo), await accounts.exists(nobody)]
  expect(await Promise.all([ask(), ask(), ask()])).toEqual([
    [true, false],
    [true, false],
    [true, false],
  ])
  expect(service.asked).toHaveLength(2)
  service.users.set('nobody', 'x').delete('romeo')
  await s.clock.advance(29_999)
  expect(await ask()).toEqual([true, false])
  await s.clock.advance(1)
  expect(await ask()).toEqual([true, true])
  await s.clock.advance(270_000)
  expect(await ask()).toEqual([false, true])
  expect(service.asked).toHaveLength(4)
})

test('so many questions are asked at once; the others wait for their turn, and not for long', async () => {
  const { s, service } = await stage({ accounts: { parallel: 1, timeout: '5 s' } })
  const waiting: (() => void)[] = []
  let heard: (() => void) | undefined
  service.answer = (response) => {
    waiting.push(() => response.end('{"exists":true}'))
    heard?.()
  }
  const { accounts } = s.server.hosts.get('home.test')!
  const asks = ['a', 'b', 'c', 'd'].map(async (name) => accounts.exists(Jid.of({ local: name, domain: 'home.test' })))
  const outcomes = asks.map((ask) => ask.catch((error: StanzaError) => `${error.condition} ${error.type}`))
  const until = async (count: number) => {
    while (waiting.length < count) await new Promise<void>((resolve) => (heard = resolve))
  }
  await until(1)
  waiting[0]!()
  await until(2)
  expect(service.asked).toHaveLength(2)
  await s.clock.advance(5000)
  expect(await Promise.all(outcomes)).toEqual([true, ...Array.from({ length: 3 }, () => 'remote-server-timeout wait')])
  expect(service.asked).toHaveLength(2)
})

test('who is no more is signed out within the time that he is believed to exist', async () => {
  const { s, service } = await stage({ accounts: { knownTime: '1 min' } })
  const phone = await s.login('romeo', 'phone')
  const juliet = await s.login('juliet', 'balcony')
  service.users.delete('romeo')
  await service.stop()
  await s.clock.advance(60_000)
  const failed = 'jackdaw_source_failures_total{host="home.test"} 1'
  while (!(await s.server.metrics.registry.metrics()).includes(failed)) await turn()
  await phone.sync()
  // Without an answer nobody is gone.
  expect(phone.isConnected).toBe(true)
  await service.start()
  await s.clock.advance(60_000)
  await phone.whenGone
  expect(phone.streamError?.condition).toBe('not-authorized')
  await juliet.sync()
  expect(await login(s, 'romeo')).toBe('not-authorized')
})

test('XEP-0077, XEP-0133, XEP-0401: accounts and passwords are not made or changed here, nor is it advertised', async () => {
  const modules = { register: true, 'invite-commands': true }
  const { s } = await stage({ host: { modules, roles: { admin: { accounts: ['juliet@home.test'] } } } })
  const stranger = s.client('stranger')
  await stranger.open()
  expect(String(stranger.features)).not.toContain('iq-register')
  stranger.send("<iq xmlns='jabber:client' type='get' id='1'><query xmlns='jabber:iq:register'/></iq>")
  expect(await errorOf(stranger.next())).toBe('not-allowed cancel')
  await stranger.cut()

  const juliet = await s.login('juliet', 'balcony')
  const info = await juliet.asks(
    "<iq type='get' to='home.test'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
  )
  expect(String(info)).not.toContain('jabber:iq:register')
  const change = '<username>juliet</username><password>a rose by any name</password>'
  for (const content of [change, '<remove/>'])
    expect(
      await errorOf(
        juliet.asks(`<iq type='set' to='home.test'><query xmlns='jabber:iq:register'>${content}</query></iq>`),
      ),
    ).toBe('not-allowed cancel')
  const commands = String(
    await juliet.asks(
      "<iq type='get' to='home.test'><query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/commands'/></iq>",
    ),
  )
  expect(commands).toContain('#delete-user')
  for (const node of ['#add-user', '#change-user-password', '#invite', '#create-account'])
    expect(commands).not.toContain(node)
  const { accounts } = s.server.hosts.get('home.test')!
  await expect(accounts.create(romeo, 'one of a kind')).rejects.toMatchObject({ condition: 'not-allowed' })
  await expect(accounts.setPassword(romeo, 'one of a kind')).rejects.toMatchObject({ condition: 'not-allowed' })
})

test('what is kept for who is no more, or without an answer, can be removed', async () => {
  const { s, service } = await stage()
  expect(await login(s, 'romeo')).toBe('in')
  const { accounts } = s.server.hosts.get('home.test')!
  await service.stop()
  await s.clock.advance(600_000)
  await accounts.remove(romeo)
  for await (const one of accounts.list()) expect(one).toBeUndefined()
})

test('a host moves from accounts of its own to those of another system, and back, with a reload', async () => {
  const service = await userService()
  service.users.set('romeo', 'another password')
  const s = await scenario({ accounts: { romeo: [] }, config: { limits: { authenticationDelay: 0 } } })
  onTestFinished(() => s.stop())
  const move = (accounts: object | undefined) =>
    s.server.reload({
      hosts: { 'home.test': { plaintext: true, ...(accounts && { accounts }), modules: { register: true } } } as never,
      limits: { authenticationDelay: 0 },
    })
  await move({ http: { url: service.url } })
  expect([await login(s, 'romeo', 'another password'), await login(s, 'romeo')]).toEqual(['in', 'not-authorized'])
  expect(s.server.hosts.get('home.test')!.virtual.features('server')).not.toContain('jabber:iq:register')
  await move(undefined)
  expect([await login(s, 'romeo', 'another password'), await login(s, 'romeo')]).toEqual(['not-authorized', 'in'])
  expect(s.server.hosts.get('home.test')!.virtual.features('server')).toContain('jabber:iq:register')
})

test('metrics: passwords by result, questions, failures, durations', async () => {
  const { s, service } = await stage()
  await login(s, 'romeo')
  await login(s, 'romeo', 'guessed')
  service.answer = (response) => response.writeHead(500).end()
  await login(s, 'juliet')
  const shown = await s.server.metrics.registry.metrics()
  for (const line of [
    'jackdaw_source_passwords_right_total{host="home.test"} 1',
    'jackdaw_source_passwords_wrong_total{host="home.test"} 1',
    'jackdaw_source_failures_total{host="home.test"} 1',
    'jackdaw_source_seconds_count{host="home.test"} 3',
  ])
    expect(shown).toContain(line)
})

test('XEP-0388: SASL2 offers the same, XEP-0480: and no upgrade of keys', async () => {
  const { s } = await stage()
  s.network.tls = channel()
  const client = await opened(s)
  const offer = client.features.child('authentication', sasl2Ns)!
  expect(
    offer
      .elements()
      .filter(({ name }) => name === 'mechanism')
      .map(({ text }) => text),
  ).toEqual(['PLAIN'])
  expect(offer.child('upgrade', saslUpgradeNs)).toBeUndefined()
  client.send(plain(upgrade('UPGR-SCRAM-SHA-256')))
  expect((await client.next()).name).toBe('success')
})

const none = 'HT-SHA-256-NONE'
const phone = 'd4565fa7-4d72-4749-b3d3-740edbf87770'

/** The condition of a login with the token, or 'in'. */
async function enters(s: Scenario, text: string): Promise<string> {
  const client = await opened(s)
  const { initial } = await hashedTokenClient(none, 'romeo', text, { bindings: new Map(), crypto: scramCrypto })
  client.send(authenticate(none, initial, userAgent(phone), xml('fast', fastNs), xml('bind', 'urn:xmpp:bind:0')))
  const answer = await waited(s, client.next()).catch(() => client.streamError!)
  await client.cut()
  if (answer instanceof StreamError) return answer.condition
  return answer.name === 'success' ? 'in' : SaslError.from(answer).condition
}

test('XEP-0484: a token logs in without the source, until its user is believed no more: then it dies with him', async () => {
  const { s, service } = await stage({ accounts: { knownTime: '1 min' } })
  s.network.tls = channel()
  const client = await opened(s)
  client.send(plain(userAgent(phone), xml('request-token', fastNs, { mechanism: none })))
  const success = await client.next()
  const text = success.child('token', fastNs)!.attr('token')!
  await client.close()
  const asked = service.asked.length
  expect(await enters(s, text)).toBe('in')
  expect(service.asked).toHaveLength(asked)
  // Without an answer it is neither good nor bad.
  await service.stop()
  await s.clock.advance(60_000)
  expect(await enters(s, text)).toBe('temporary-auth-failure')
  await service.start()
  expect(await enters(s, text)).toBe('in')
  service.users.delete('romeo')
  await s.clock.advance(60_000)
  expect(await enters(s, text)).toBe('not-authorized')
  // Whoever comes later with the same name does not find it.
  service.users.set('romeo', 'another')
  await s.clock.advance(60_000)
  expect(await enters(s, text)).toBe('credentials-expired')
})

test('RFC 4422 appendix A: a certificate is good for who exists there, as long as that can be said', async () => {
  const { s, service } = await stage()
  const shows = async (name: string) => {
    s.network.tls = { ...channel(), identities: [`${name}@home.test`] } as never
    const client = await opened(s, name)
    client.send(`<auth xmlns='${saslNs}' mechanism='EXTERNAL'>=</auth>`)
    const answer = await waited(s, client.next())
    await client.cut()
    return answer.name === 'success' ? 'in' : SaslError.from(answer).condition
  }
  expect([await shows('romeo'), await shows('nobody')]).toEqual(['in', 'not-authorized'])
  await service.stop()
  expect(await shows('juliet')).toBe('temporary-auth-failure')
})

test('RFC 6120 §6.4.5: where too much has been guessed the source is not asked any more; what it did not answer is no guess', async () => {
  const { s, service } = await stage()
  service.answer = (response) => response.writeHead(500).end()
  for (let i = 0; i < 100; i++) expect(await login(s, 'juliet', 'guessed')).toBe('temporary-auth-failure')
  service.answer = undefined
  expect(await login(s, 'juliet')).toBe('in')
  for (let i = 0; i < 100; i++) await login(s, 'romeo', 'guessed')
  const asked = service.asked.length
  expect(await login(s, 'romeo')).toBe('temporary-auth-failure')
  expect(await login(s, 'romeo', 'guessed')).toBe('temporary-auth-failure')
  expect(service.asked).toHaveLength(asked)
  await s.clock.advance(600_000)
  expect(await login(s, 'romeo')).toBe('in')
})
