import { type Actor, password as usual, type Scenario, scenario, type ScenarioOptions } from '@jackdaw/testkit'
import { parse, Registration, SaslError, Stanza, StanzaError } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { presence } from './presence/presence.ts'
import { register } from './register.ts'
import { roster } from './roster/roster.ts'
import { subscriptions } from './subscriptions/subscriptions.ts'

const accounts = { romeo: ['phone'] }
const ns = 'jabber:iq:register'
const feature = 'http://jabber.org/features/iq-register'
const secret = 'a rose by any name'

function options(fields: Record<string, unknown> | true = true, host: object = {}): ScenarioOptions {
  const modules = [register, roster, presence, subscriptions]
  return {
    accounts,
    modules,
    config: { limits: { authenticationDelay: 0 }, hosts: { 'home.test': { ...host, modules: { register: fields } } } },
  }
}

/** A client that has not logged in. */
async function stranger(s: Scenario): Promise<Actor> {
  const client = s.client('stranger')
  await client.open()
  return client
}

async function asks(client: Actor, content: string, attrs = "type='set' id='r'"): Promise<Stanza> {
  client.send(parse(`<iq xmlns='jabber:client' ${attrs}><query xmlns='${ns}'>${content}</query></iq>`))
  return Stanza.from(await client.next())
}

const wish = (username: string, password = secret) => `<username>${username}</username><password>${password}</password>`

/** 'result', or the condition of the error. */
function outcome(answer: Stanza): string {
  return answer.type === 'error' ? StanzaError.from(answer).condition : answer.type!
}

async function canLogIn(s: Scenario, name: string, password: string): Promise<boolean> {
  const client = s.client(name, undefined, { password })
  const login: { result?: string } = {}
  client.connect().then(
    () => (login.result = 'in'),
    (error: unknown) => (login.result = error instanceof SaslError ? error.condition : String(error)),
  )
  // A refusal waits for the clock, if for no time.
  while (login.result === undefined) await s.clock.advance(0)
  await client.close()
  expect(['in', 'not-authorized']).toContain(login.result)
  return login.result === 'in'
}

test('XEP-0077 §3.1: a stranger asks what is needed, registers and logs in', async () => {
  await using s = await scenario(options())
  const client = await stranger(s)
  expect(client.features.child('register', feature)).toBeDefined()
  const form = await asks(client, '', "type='get' id='f'")
  expect([form.id, form.type, String(form.from)]).toEqual(['f', 'result', 'home.test'])
  expect(Registration.read(form.first()!)).toMatchObject({ isRegistered: false, username: '', password: '' })
  const done = await asks(client, wish('Juliet'), "type='set' id='r' to='home.test'")
  expect([done.id, outcome(done), done.children.length]).toEqual(['r', 'result', 0])
  expect(await canLogIn(s, 'juliet', secret)).toBe(true)
})

test('XEP-0077 §3.1: nobody registers under a name to which the configuration gives a role', async () => {
  await using s = await scenario(options(true, { roles: { admin: { accounts: ['boss@home.test'] } } }))
  const client = await stranger(s)
  expect(outcome(await asks(client, wish('Boss')))).toBe('conflict')
  expect(outcome(await asks(client, wish('clerk')))).toBe('result')
})

test('XEP-0077 §3.1.1: it goes on with a login on the same stream', async () => {
  await using s = await scenario(options())
  const client = s.client('juliet', 'balcony', { password: secret })
  await client.open()
  await asks(client, wish('juliet'))
  await client.login()
  expect(await client.resumeOrBind()).toBe('bound')
})

test.each([
  ['conflict', 'a name that is taken', wish('romeo')],
  ['conflict', 'a name that is the same one prepared', wish('RoMeo')],
  ['not-acceptable', 'no password', '<username>juliet</username>'],
  ['not-acceptable', 'no name', `<password>${secret}</password>`],
  ['not-acceptable', 'an empty password', wish('juliet', '')],
  ['not-acceptable', 'a password that is too long', wish('juliet', 'x'.repeat(1025))],
  ['not-acceptable', 'a short password', wish('juliet', '1234567')],
  ['not-acceptable', 'a password of few characters, though of more UTF-16 units', wish('juliet', '😀😀😀😀😀')],
  ['not-acceptable', 'the name as password', wish('juliet.capulet', 'Juliet.Capulet')],
  ['not-acceptable', 'a password that no client could send (RFC 4013)', wish('juliet', 'abc\u0221defgh')],
  ['not-acceptable', 'an address as name', wish('juliet@home.test')],
  ['not-acceptable', 'a name with a space', wish('juliet ')],
  ['not-acceptable', 'a name that is too long', wish('j'.repeat(1024))],
  ['bad-request', 'a removal with more in it', `<remove/>${wish('juliet')}`],
  ['unexpected-request', 'a removal', '<remove/>'],
])('XEP-0077 §3: %s for %s', async (condition, _, content) => {
  await using s = await scenario(options())
  const client = await stranger(s)
  expect(outcome(await asks(client, content))).toBe(condition)
  // The stream is none the worse.
  expect(outcome(await asks(client, wish('nurse')))).toBe('result')
})

test.each([
  ['bad-request', "type='set'"],
  ['bad-request', "type='ask' id='r'"],
  ['not-allowed', "type='set' id='r' to='away.test'"],
  ['jid-malformed', "type='set' id='r' to='@home.test'"],
])('RFC 6120 §8.2.3: %s for %s', async (condition, attrs) => {
  await using s = await scenario(options())
  expect(outcome(await asks(await stranger(s), wish('juliet'), attrs))).toBe(condition)
})

test('RFC 6120 §8.3.1: an error is not answered', async () => {
  await using s = await scenario(options())
  const client = await stranger(s)
  client.send(`<iq type='error' id='e'><query xmlns='${ns}'/></iq>`)
  expect((await asks(client, wish('juliet'))).id).toBe('r')
})

test('of two who want the same name at once, one gets it', async () => {
  await using s = await scenario(options())
  const clients = [await stranger(s), await stranger(s)]
  const outcomes = await Promise.all(clients.map(async (client) => outcome(await asks(client, wish('juliet')))))
  expect(outcomes.sort()).toEqual(['conflict', 'result'])
})

test('XEP-0077 §11: over a channel that is not safe nobody registers', async () => {
  await using s = await scenario({ ...options(true, { plaintext: false }), accounts: {} })
  const client = await stranger(s)
  expect(client.features.child('register', feature)).toBeUndefined()
  for (const type of ['get', 'set'])
    expect(outcome(await asks(client, wish('juliet'), `type='${type}' id='r'`))).toBe('not-authorized')
  expect(await s.server.hosts.get('home.test')!.accounts.exists(client.account)).toBe(false)
})

test('XEP-0077 §11: nobody registers where the configuration does not name it', async () => {
  await using s = await scenario({ accounts, modules: [register] })
  const client = await stranger(s)
  expect(client.features.child('register', feature)).toBeUndefined()
  client.send(parse(`<iq xmlns='jabber:client' type='set' id='r'><query xmlns='${ns}'>${wish('juliet')}</query></iq>`))
  await client.whenGone
  expect(client.streamError?.condition).toBe('not-authorized')
})

test('new accounts can be switched off alone', async () => {
  await using s = await scenario(options({ newAccounts: false }))
  const client = await stranger(s)
  expect(client.features.child('register', feature)).toBeUndefined()
  expect(outcome(await asks(client, wish('juliet')))).toBe('not-allowed')
  await s.phone.asks(`<iq type='set' to='home.test'><query xmlns='${ns}'>${wish('romeo')}</query></iq>`)
  expect(await canLogIn(s, 'romeo', secret)).toBe(true)
})

test('XEP-0077 §3.1.1: attempts from one address are limited, and come back with time', async () => {
  await using s = await scenario(options({ perAddress: 2 }))
  const client = await stranger(s)
  expect(outcome(await asks(client, wish('short', 'x')))).toBe('not-acceptable')
  expect(outcome(await asks(client, wish('romeo')))).toBe('conflict')
  expect(outcome(await asks(client, wish('juliet')))).toBe('result')
  const third = await asks(await stranger(s), wish('nurse'))
  expect([outcome(third), StanzaError.from(third).type]).toEqual(['resource-constraint', 'wait'])
  expect(await s.server.metrics.registry.metrics()).toContain('jackdaw_registrations_refused_total{host="home.test"} 1')
  await s.clock.advance(1_800_000)
  expect(outcome(await asks(await stranger(s), wish('nurse')))).toBe('result')
})

test('attempts from all addresses are limited; one address that is out of them takes none from the others', async () => {
  await using s = await scenario(options({ perHost: 3, perAddress: 2 }))
  const from = async (address: string, name: string) => {
    s.network.address = address
    return outcome(await asks(await stranger(s), wish(name)))
  }
  expect(await from('2001:db8::1', 'a')).toBe('result')
  // Of one /64.
  expect(await from('2001:db8:0:0:9::', 'b')).toBe('result')
  for (const name of ['c', 'd']) expect(await from('2001:db8::3', name)).toBe('resource-constraint')
  expect(await from('2001:db8:0:1::1', 'e')).toBe('result')
  expect(await from('192.0.2.1', 'f')).toBe('resource-constraint')
})

test('XEP-0077 §3.1: who has logged in is told that it is registered', async () => {
  await using s = await scenario(options())
  for (const to of ["to='home.test'", "to='romeo@home.test'", '']) {
    const answer = await s.phone.asks(`<iq type='get' ${to}><query xmlns='${ns}'/></iq>`)
    expect(Registration.read(answer.first())).toMatchObject({ isRegistered: true, username: 'romeo', password: '' })
  }
})

test('XEP-0077 §3.3: a user changes the password', async () => {
  await using s = await scenario(options())
  await s.phone.asks(`<iq type='set' to='home.test'><query xmlns='${ns}'>${wish('Romeo')}</query></iq>`)
  expect([await canLogIn(s, 'romeo', secret), await canLogIn(s, 'romeo', usual)]).toEqual([true, false])
})

test.each([
  ['bad-request', 'no name', `<password>${secret}</password>`],
  ['bad-request', 'no password', '<username>romeo</username>'],
  ['not-allowed', 'another account', wish('juliet')],
  ['not-acceptable', 'an empty password', wish('romeo', '')],
  ['not-acceptable', 'a short password', wish('romeo', '1234567')],
])('XEP-0077 §3.3: %s for %s, and the password stays', async (condition, _, content) => {
  await using s = await scenario(options())
  await s.register('juliet')
  const request = s.phone.asks(`<iq type='set' to='home.test'><query xmlns='${ns}'>${content}</query></iq>`)
  await expect(request).rejects.toMatchObject({ condition })
  for (const name of ['romeo', 'juliet']) expect(await canLogIn(s, name, usual)).toBe(true)
})

test('changes of one password are limited', async () => {
  await using s = await scenario(options())
  const change = () => s.phone.asks(`<iq type='set'><query xmlns='${ns}'>${wish('romeo')}</query></iq>`)
  for (let i = 0; i < 10; i++) await change()
  await expect(change()).rejects.toMatchObject({ condition: 'resource-constraint', type: 'wait' })
})

test.each(['get', 'set'])('XEP-0077 §3: nobody asks (%s) about the account of another', async (type) => {
  await using s = await scenario({ ...options(), accounts: { ...accounts, juliet: [], 'paris@away.test': ['horse'] } })
  const about = (to: string) => `<iq type='${type}' to='${to}'><query xmlns='${ns}'><remove/></query></iq>`
  for (const to of ['juliet@home.test', 'nobody@home.test'])
    await expect(s.phone.asks(about(to)), to).rejects.toMatchObject({ condition: 'service-unavailable' })
  await expect(s.horse.asks(about('home.test'))).rejects.toMatchObject({ condition: 'not-allowed' })
})

test('XEP-0077 §3.2: a user removes the account: the result comes first, then all its sessions end', async () => {
  await using s = await scenario({ ...options(), accounts: { romeo: ['phone', 'laptop'], juliet: ['balcony'] } })
  const { phone, laptop, balcony } = s
  await phone.asks(`<iq type='set'><query xmlns='${ns}'><remove/></query></iq>`)
  expect(await s.server.hosts.get('home.test')!.accounts.exists(phone.account)).toBe(false)
  await Promise.all([phone.whenGone, laptop.whenGone])
  expect([phone, laptop].map(({ streamError }) => streamError?.condition)).toEqual(['not-authorized', 'not-authorized'])
  expect(await canLogIn(s, 'romeo', usual)).toBe(false)
  await balcony.hearsNothing()
})

test('XEP-0077 §3.2: the subscriptions of a removed account are cancelled, and its namesake inherits nothing', async () => {
  await using s = await scenario({ ...options(), accounts: { romeo: ['phone'], juliet: ['balcony'] } })
  const { phone, balcony } = s
  for (const client of [phone, balcony]) {
    await client.asks("<iq type='get'><query xmlns='jabber:iq:roster'/></iq>")
    client.comes()
  }
  phone.says("<presence to='juliet@home.test' type='subscribe'/>")
  await balcony.awaits("<presence from='romeo@home.test' type='subscribe'/>")
  balcony.says("<presence to='romeo@home.test' type='subscribed'/>")
  balcony.says("<presence to='romeo@home.test' type='subscribe'/>")
  await phone.awaits("<presence from='juliet@home.test' type='subscribe'/>")
  phone.says("<presence to='juliet@home.test' type='subscribed'/>")
  await balcony.awaits("<presence from='romeo@home.test/phone'/>")

  await phone.asks(`<iq type='set'><query xmlns='${ns}'><remove/></query></iq>`)
  await balcony.awaits("<presence from='romeo@home.test/phone' type='unavailable'/>")
  const item = "<item jid='romeo@home.test' subscription='none'/>"
  await balcony.awaits(`<iq type='set'><query xmlns='jabber:iq:roster'>${item}</query></iq>`)

  await s.register('romeo')
  const again = await s.login('romeo', 'phone')
  const answer = await again.asks("<iq type='get'><query xmlns='jabber:iq:roster'/></iq>")
  expect(answer.first()!.elements()).toEqual([])
})

test('what has been answered outlives a kill', async () => {
  await using s = await scenario({ ...options(), accounts: { romeo: ['phone'], juliet: ['balcony'] } })
  await asks(await stranger(s), wish('nurse'))
  await s.phone.asks(`<iq type='set'><query xmlns='${ns}'>${wish('romeo')}</query></iq>`)
  await s.balcony.asks(`<iq type='set'><query xmlns='${ns}'><remove/></query></iq>`)
  s.crash()
  await s.start()
  expect(await canLogIn(s, 'nurse', secret)).toBe(true)
  expect(await canLogIn(s, 'romeo', secret)).toBe(true)
  expect(await canLogIn(s, 'juliet', usual)).toBe(false)
})

test('XEP-0077 §3.2: an account that is none cannot be removed', async () => {
  await using s = await scenario(options())
  const heard: string[] = []
  const stream = { deliver: (text: string) => void heard.push(text), whenDrained() {}, end() {} }
  const ghost = s.server.sessions.bind(stream, s.client('ghost').account, 'x')
  await ghost.accept(
    Stanza.from(parse(`<iq xmlns='jabber:client' type='set' id='r'><query xmlns='${ns}'><remove/></query></iq>`)),
    s.server.sessions.clock.now(),
  )
  expect(heard.join('')).toContain('<registration-required')
})
