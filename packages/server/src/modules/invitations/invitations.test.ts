import { type Actor, type Scenario, scenario, type ScenarioOptions } from '@jackdaw/testkit'
import { Jid, parse, Stanza, StanzaError } from '@jackdaw/xmpp'
import { expect, onTestFinished, test } from 'vitest'
import { type InvitationWish, invitations, week } from './invitations.ts'

const secret = 'what man art thou'
const romeo = Jid.parse('romeo@home.test')
const rosterGet = "<iq type='get'><query xmlns='jabber:iq:roster'/></iq>"
const accounts = { romeo: ['phone'] }

async function opened(options: ScenarioOptions = {}) {
  const play = await scenario({ accounts, ...options })
  onTestFinished(() => play.stop())
  return play
}

const api = (s: Scenario) => s.server.hosts.get('home.test')!.modules.api(invitations)!
const exists = async (s: Scenario, name: string) =>
  s.server.hosts.get('home.test')!.accounts.exists(Jid.parse(`${name}@home.test`))

/** Makes an invitation; gives its token. */
async function invite(s: Scenario, wish: InvitationWish = {}): Promise<string> {
  return tokenOf((await api(s).make(wish)).uri!)
}

function tokenOf(uri: string): string {
  return /preauth=([a-z2-9]+)/.exec(uri)![1]!
}

async function stranger(s: Scenario): Promise<Actor> {
  const client = s.client('stranger')
  await client.open()
  return client
}

async function asks(client: Actor, content: string, type = 'set'): Promise<Stanza> {
  client.send(parse(`<iq xmlns='jabber:client' type='${type}' id='r' to='home.test'>${content}</iq>`))
  return Stanza.from(await client.next())
}

const show = (client: Actor, token: string) => asks(client, `<preauth xmlns='urn:xmpp:pars:0' token='${token}'/>`)
const register = (client: Actor, name: string, password = secret) =>
  asks(client, `<query xmlns='jabber:iq:register'><username>${name}</username><password>${password}</password></query>`)

/** 'result', or the condition of the error. */
function outcome(answer: Stanza): string {
  return answer.type === 'error' ? StanzaError.from(answer).condition : answer.type!
}

const offers = (client: Actor) =>
  ['urn:xmpp:ibr-token:0', 'http://jabber.org/features/iq-register'].map(
    (ns) => client.features.child('register', ns) !== undefined,
  )

test('XEP-0445 §4: who shows a token registers and logs in, once', async () => {
  const s = await opened()
  const token = await invite(s)
  expect(token).toMatch(/^[a-km-np-z2-9]{27}$/)
  const client = await stranger(s)
  expect(offers(client)).toEqual([true, true])
  expect(outcome(await show(client, token))).toBe('result')
  expect(outcome(await asks(client, "<query xmlns='jabber:iq:register'/>", 'get'))).toBe('result')
  expect(outcome(await register(client, 'juliet'))).toBe('result')
  const juliet = s.client('juliet', 'balcony', { password: secret })
  await juliet.connect()
  const second = await stranger(s)
  expect(outcome(await show(second, token))).toBe('item-not-found')
  expect(outcome(await register(second, 'nurse'))).toBe('not-allowed')
  expect(await exists(s, 'nurse')).toBe(false)
})

test('XEP-0445 §3: nothing is offered while nobody is invited', async () => {
  const s = await opened()
  const client = await stranger(s)
  expect(offers(client)).toEqual([false, false])
  expect(outcome(await register(client, 'juliet'))).toBe('not-allowed')
})

test.each([
  ['item-not-found', 'one that there is not', 'a'.repeat(27)],
  ['item-not-found', 'an empty one', ''],
  ['item-not-found', 'one that is long', 'a'.repeat(9000)],
])('XEP-0445 §4: %s for %s', async (condition, _, token) => {
  const s = await opened()
  await invite(s)
  expect(outcome(await show(await stranger(s), token))).toBe(condition)
})

test('XEP-0445 §4: a request without a token is a bad one', async () => {
  const s = await opened()
  expect(outcome(await asks(await stranger(s), "<preauth xmlns='urn:xmpp:pars:0'/>"))).toBe('bad-request')
  expect(outcome(await asks(await stranger(s), "<other xmlns='urn:xmpp:pars:0'/>"))).toBe('service-unavailable')
})

test('XEP-0445 §4: a registration that fails uses nothing', async () => {
  const s = await opened()
  const client = await stranger(s)
  await show(client, await invite(s))
  expect(outcome(await register(client, 'romeo'))).toBe('conflict')
  expect(outcome(await register(client, 'juliet', 'password1'))).toBe('not-acceptable')
  expect(outcome(await register(client, 'juliet'))).toBe('result')
})

test('XEP-0445 §4: of many at once who have shown one token, one registers', async () => {
  const s = await opened()
  const token = await invite(s)
  const clients = await Promise.all(Array.from({ length: 5 }, () => stranger(s)))
  for (const client of clients) expect(outcome(await show(client, token))).toBe('result')
  const outcomes = await Promise.all(clients.map(async (client, i) => outcome(await register(client, `juliet${i}`))))
  expect(outcomes.sort()).toEqual(['item-not-found', 'item-not-found', 'item-not-found', 'item-not-found', 'result'])
  const made = await Promise.all(clients.map((_, i) => exists(s, `juliet${i}`)))
  expect(made.filter(Boolean)).toHaveLength(1)
})

test('XEP-0445 §4: it expires, but not between the token and the registration', async () => {
  const s = await opened()
  const token = await invite(s, { lifetime: 10_000 })
  const client = await stranger(s)
  await s.clock.advance(9_999)
  expect(outcome(await show(client, token))).toBe('result')
  await s.clock.advance(1)
  expect(outcome(await show(await stranger(s), token))).toBe('item-not-found')
  expect(outcome(await register(client, 'juliet'))).toBe('result')
})

test('XEP-0445 §5: a name that is reserved is for the invited alone, until it expires', async () => {
  const s = await opened({
    config: { hosts: { 'home.test': { modules: { register: { perAddress: 100 } } } } },
  })
  const token = await invite(s, { account: Jid.parse('juliet@home.test') })
  await expect(invite(s, { account: Jid.parse('juliet@home.test') })).rejects.toMatchObject({ condition: 'conflict' })
  expect(outcome(await register(await stranger(s), 'Juliet'))).toBe('conflict')
  const other = await stranger(s)
  await show(other, await invite(s))
  expect(outcome(await register(other, 'juliet'))).toBe('conflict')
  const client = await stranger(s)
  await show(client, token)
  const form = await asks(client, "<query xmlns='jabber:iq:register'/>", 'get')
  expect(form.first()!.child('username')!.text).toBe('juliet')
  expect(outcome(await register(client, 'nurse'))).toBe('not-acceptable')
  expect(outcome(await register(client, 'juliet'))).toBe('result')
  await invite(s, { account: Jid.parse('nurse@home.test') })
  await s.clock.advance(week)
  expect(outcome(await register(await stranger(s), 'nurse'))).toBe('result')
})

test('it is counted, listed without its token, and taken back', async () => {
  const s = await opened()
  const token = await invite(s, { uses: 2 })
  const client = await stranger(s)
  await show(client, token)
  await register(client, 'juliet')
  const [listed, ...more] = api(s).list()
  expect(listed).toMatchObject({ uses: 1, used: 1, isReset: false })
  expect(more).toEqual([])
  expect(JSON.stringify(listed)).not.toContain(token)
  expect(api(s).revoke('nothing')).toBe(false)
  expect(api(s).revoke(listed!.id)).toBe(true)
  expect(outcome(await show(await stranger(s), token))).toBe('item-not-found')
  // Who has shown it before is not admitted either.
  expect(outcome(await register(client, 'nurse'))).toBe('not-allowed')
})

test('guesses from one network are limited', async () => {
  const s = await opened()
  const token = await invite(s)
  const client = await stranger(s)
  for (let i = 0; i < 60; i++) expect(outcome(await show(client, `guess${i}`))).toBe('item-not-found')
  expect(outcome(await show(client, token))).toBe('resource-constraint')
  s.network.address = '192.0.2.7'
  expect(outcome(await show(await stranger(s), token))).toBe('result')
})

test('XEP-0401 §5.5: inviter and invited are contacts at once, and the inviter is told', async () => {
  const s = await opened()
  await s.phone.asks(rosterGet)
  s.phone.comes()
  await s.phone.hears("<presence from='romeo@home.test/phone'/>")
  const made = await api(s).make({ inviter: romeo })
  expect(made.uri).toMatch(/^xmpp:romeo@home\.test\?roster;preauth=[a-z2-9]+;ibr=y$/)
  const client = await stranger(s)
  await show(client, tokenOf(made.uri!))
  await register(client, 'juliet')
  await s.phone.hears(
    "<iq type='set'><query xmlns='jabber:iq:roster'><item jid='juliet@home.test' subscription='both'/></query></iq>",
  )
  const juliet = s.client('juliet', 'balcony', { password: secret })
  await juliet.connect()
  const item = (await juliet.asks(rosterGet)).first()!.first()!
  expect([item.attr('jid'), item.attr('subscription')]).toEqual(['romeo@home.test', 'both'])
  juliet.comes()
  await s.phone.awaits("<presence from='juliet@home.test/balcony'/>")
  await juliet.awaits("<presence from='romeo@home.test/phone'/>")
})

test('who comes with an invitation to a role has it, in the same commit, and the audit log says so', async () => {
  const s = await opened()
  const token = await invite(s, { role: 'admin' })
  const client = await stranger(s)
  await show(client, token)
  expect(outcome(await register(client, 'friar'))).toBe('result')
  await s.server.kept()
  s.crash()
  await s.start()
  const { audit, roles } = s.server.hosts.get('home.test')!
  expect(roles.of(Jid.parse('friar@home.test'))).toBe('admin')
  expect((await audit.last(1))[0]!.act).toMatchObject({ did: 'gave the role admin to', to: 'friar@home.test' })
})

test('a name to which the configuration gives a role is for who is invited to it, or comes first', async () => {
  const s = await opened({
    config: { hosts: { 'home.test': { roles: { admin: { accounts: ['boss@home.test', 'chief@home.test'] } } } } },
  })
  const boss = Jid.parse('boss@home.test')
  const enrols = async (name: string, wish: InvitationWish) => {
    const client = await stranger(s)
    await show(client, await invite(s, wish))
    return outcome(await register(client, name))
  }
  expect(await enrols('boss', {})).toBe('conflict')
  expect(await enrols('boss', { account: boss })).toBe('result')
  expect(await enrols('chief', { isFirst: true })).toBe('result')
})

test('XEP-0133 §4.3: whoever is shut out lets nobody in', async () => {
  const s = await opened()
  const token = await invite(s, { inviter: romeo })
  const { accounts: all } = s.server.hosts.get('home.test')!
  await all.disable(romeo)
  const client = await stranger(s)
  await show(client, token)
  expect(outcome(await register(client, 'romeo2'))).toBe('item-not-found')
  await all.enable(romeo)
  expect(outcome(await register(client, 'romeo2'))).toBe('result')
})

test('XEP-0379 §3.5: a request with a token is approved and returned, once, whether the inviter is there or not', async () => {
  const s = await opened({ accounts: { romeo: [], 'juliet@away.test': ['balcony'], 'nurse@away.test': ['kitchen'] } })
  const token = await invite(s, { inviter: romeo })
  const request = `<presence to='romeo@home.test' type='subscribe'><preauth xmlns='urn:xmpp:pars:0' token='${token}'/></presence>`
  await s.balcony.asks(rosterGet)
  s.balcony.says("<presence to='romeo@home.test' type='subscribed'/>")
  s.balcony.says(request)
  await s.balcony.awaits("<presence from='romeo@home.test' type='subscribed'/>")
  await s.balcony.sync()
  const item = (await s.balcony.asks(rosterGet)).first()!.first()!
  expect(item.attr('subscription')).toBe('both')
  const phone = await s.login('romeo', 'phone')
  const own = (await phone.asks(rosterGet)).first()!.first()!
  expect([own.attr('jid'), own.attr('subscription')]).toEqual(['juliet@away.test', 'both'])
  // Used up: the next one asks like anybody.
  s.kitchen.says(request)
  await s.kitchen.sync()
  phone.comes()
  await phone.awaits("<presence from='nurse@away.test' type='subscribe'/>")
})

test('XEP-0379 §3.5: for a disabled account no token approves anything', async () => {
  const s = await opened({ accounts: { romeo: [], 'juliet@away.test': ['balcony'] } })
  const token = await invite(s, { inviter: romeo })
  await s.balcony.asks(rosterGet)
  await s.server.hosts.get('home.test')!.accounts.disable(romeo)
  s.balcony.says(
    `<presence to='romeo@home.test' type='subscribe'><preauth xmlns='urn:xmpp:pars:0' token='${token}'/></presence>`,
  )
  await s.balcony.sync()
  const item = (await s.balcony.asks(rosterGet)).first()!.first()!
  expect([item.attr('jid'), item.attr('subscription')]).toEqual(['romeo@home.test', 'none'])
})

test('XEP-0379 §4.1: a token of somebody else, or of an account, approves nothing', async () => {
  const s = await opened({ accounts: { romeo: ['phone'], juliet: ['balcony'], paris: [] } })
  s.phone.comes()
  await s.balcony.asks(rosterGet)
  const tokens = [
    await invite(s, { inviter: Jid.parse('paris@home.test') }),
    await invite(s),
    await invite(s, { inviter: romeo, account: Jid.parse('nurse@home.test') }),
  ]
  for (const token of tokens) {
    s.balcony.says(
      `<presence to='romeo@home.test' type='subscribe'><preauth xmlns='urn:xmpp:pars:0' token='${token}'/></presence>`,
    )
    await s.phone.awaits("<presence from='juliet@home.test' type='subscribe'/>")
    s.phone.says("<presence to='juliet@home.test' type='unsubscribed'/>")
    await s.balcony.awaits("<presence from='romeo@home.test' type='unsubscribed'/>")
  }
  expect(api(s).list()).toHaveLength(3)
})

test('with the account go the invitations that it has made', async () => {
  const s = await opened()
  const token = await invite(s, { inviter: romeo })
  await api(s).make({ isReset: true, account: romeo })
  const left = await invite(s)
  await s.server.hosts.get('home.test')!.accounts.remove(romeo)
  expect(outcome(await show(await stranger(s), token))).toBe('item-not-found')
  expect(api(s).list()).toHaveLength(1)
  expect(outcome(await show(await stranger(s), left))).toBe('result')
})

test('what was made and what was used outlives a kill', async () => {
  const s = await opened()
  const [once, twice, revoked] = [await invite(s), await invite(s, { uses: 2 }), await invite(s)]
  for (const [token, name] of [
    [once, 'juliet'],
    [twice, 'nurse'],
  ] as const) {
    const client = await stranger(s)
    await show(client, token)
    expect(outcome(await register(client, name))).toBe('result')
  }
  api(s).revoke(
    api(s)
      .list()
      .find(({ used }) => used === 0)!.id,
  )
  await s.server.kept()
  s.crash()
  await s.start()
  for (const token of [once, revoked]) expect(outcome(await show(await stranger(s), token))).toBe('item-not-found')
  const client = await stranger(s)
  expect(outcome(await show(client, twice))).toBe('result')
  expect(outcome(await register(client, 'peter'))).toBe('result')
  expect(api(s).list()).toEqual([])
})

test('a reset link is no invitation, and wants an account', async () => {
  const s = await opened()
  await expect(api(s).make({ isReset: true, account: Jid.parse('nobody@home.test') })).rejects.toMatchObject({
    condition: 'item-not-found',
  })
  await expect(api(s).make({ account: romeo })).rejects.toMatchObject({ condition: 'conflict' })
  const { uri } = await api(s).make({ isReset: true, account: romeo })
  expect(uri).toBeUndefined()
})
