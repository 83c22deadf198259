import { type Actor, scenario, type ScenarioOptions } from '@jackdaw/testkit'
import { DiscoInfo, Jid, StanzaError } from '@jackdaw/xmpp'
import { expect, onTestFinished, test } from 'vitest'
import type { Right } from '../module.ts'

const irc = 'irc.home.test'
const juliet = Jid.parse('juliet@home.test')

type Host = NonNullable<NonNullable<ScenarioOptions['config']>['hosts']>[string]

/** Juliet is a pupil, Romeo a user like any other. */
async function opened(roles: Host['roles'], more: Host = {}, options: ScenarioOptions = {}) {
  const host = (some: Host['roles']): Host => ({
    plaintext: true,
    components: { [irc]: { secret: 'mercutio' } },
    roles: some,
    ...more,
  })
  const s = await scenario({
    accounts: { romeo: ['phone'], juliet: ['balcony'], 'paris@away.test': ['horse'] },
    ...options,
    config: { hosts: { 'home.test': host(roles) } },
  })
  onTestFinished(() => s.stop())
  return Object.assign(s, {
    phone: s.phone as Actor,
    balcony: s.balcony as Actor,
    horse: s.horse as Actor,
    roles: () => s.server.hosts.get('home.test')!.roles,
    reload: (some: Host['roles']) =>
      s.server.reload({
        log: { level: 'fatal' },
        hosts: { 'home.test': host(some), 'away.test': { plaintext: true } },
      }),
  })
}

const pupil = (may: Right[], limits = {}) => ({ pupil: { accounts: ['juliet@home.test'], may, limits } })

/** 'result', or the condition of the error. */
const outcome = (client: Actor, text: string) =>
  client.asks(text).then(
    () => 'result',
    (error: StanzaError) => error.condition,
  )

async function enters(client: Actor, room: string): Promise<string> {
  client.says(
    `<presence to='${room}@rooms.home.test/${client.jid.resource}'><x xmlns='http://jabber.org/protocol/muc'/></presence>`,
  )
  for (;;) {
    const stanza = await client.stanza()
    if (stanza.name !== 'presence' || stanza.from?.domain !== 'rooms.home.test') continue
    return stanza.type === 'error' ? StanzaError.from(stanza).condition : 'entered'
  }
}

const features = async (client: Actor, to: string) =>
  DiscoInfo.read(
    (
      await client.asks(`<iq to='${to}' type='get'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`)
    ).first()!,
  ).features

test('without any configuration, who has an account may do all but administer; who has none makes no rooms', async () => {
  const s = await opened(undefined)
  expect([s.phone, s.horse].map(({ jid }) => s.roles().of(jid))).toEqual(['user', 'guest'])
  for (const right of ['rooms', 'nodes', 'upload', 'push', 'invite', 'register', 'domains'] as const)
    expect(s.roles().may(s.phone.jid, right), right).toBe(true)
  expect(s.roles().may(s.phone.jid, 'administer')).toBe(false)
  expect(await enters(s.phone, 'verona')).toBe('entered')
  expect(await enters(s.horse, 'mantua')).toBe('not-allowed')
})

test('XEP-0045 §10.1.1: only those make rooms who may, and so many as they may; a reload changes it', async () => {
  const s = await opened(pupil(['domains'], { rooms: 1 }))
  expect(await enters(s.balcony, 'balcony')).toBe('not-allowed')
  expect(await enters(s.phone, 'verona')).toBe('entered')
  await s.reload(pupil(['rooms'], { rooms: 1 }))
  expect(await enters(s.balcony, 'balcony')).toBe('entered')
  expect(await enters(s.balcony, 'garden')).toBe('resource-constraint')
  await s.reload({ guest: { may: ['rooms'] } })
  expect(await enters(s.balcony, 'garden')).toBe('entered')
  expect(await enters(s.horse, 'mantua')).toBe('entered')
})

test('XEP-0060 §8.1.1: who may not make nodes at the service is not told that it is possible', async () => {
  const s = await opened({ ...pupil([]), user: { limits: { nodes: 1 } } })
  const make = (client: Actor, node: string) =>
    outcome(
      client,
      `<iq to='pubsub.home.test' type='set'><pubsub xmlns='http://jabber.org/protocol/pubsub'><create node='${node}'/></pubsub></iq>`,
    )
  const feature = 'http://jabber.org/protocol/pubsub#create-nodes'
  expect(await make(s.balcony, 'a')).toBe('forbidden')
  expect(await features(s.balcony, 'pubsub.home.test')).not.toContain(feature)
  expect(await features(s.phone, 'pubsub.home.test')).toContain(feature)
  expect([await make(s.phone, 'a'), await make(s.phone, 'b')]).toEqual(['result', 'policy-violation'])
})

test('XEP-0357 §3.1: who may not register for push neither finds it nor is woken', async () => {
  const s = await opened(pupil([]))
  const enable = `<iq type='set'><enable xmlns='urn:xmpp:push:0' jid='push.example.org' node='x'/></iq>`
  expect([await outcome(s.balcony, enable), await outcome(s.phone, enable)]).toEqual(['forbidden', 'result'])
  expect(await features(s.balcony, 'juliet@home.test')).not.toContain('urn:xmpp:push:0')
  expect(await features(s.phone, 'romeo@home.test')).toContain('urn:xmpp:push:0')
})

test('XEP-0401 §3: who may not invite does not find the commands', async () => {
  const s = await opened(pupil([]), { modules: { 'invite-commands': true } })
  const found = async (client: Actor) =>
    String(
      await client.asks(
        `<iq to='home.test' type='get'><query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/commands'/></iq>`,
      ),
    )
  const invite = `<iq to='home.test' type='set'><command xmlns='http://jabber.org/protocol/commands' node='urn:xmpp:invite#invite'/></iq>`
  expect(await found(s.balcony)).not.toContain('urn:xmpp:invite')
  expect(await found(s.phone)).toContain('urn:xmpp:invite#invite')
  expect([await outcome(s.balcony, invite), await outcome(s.phone, invite)]).toEqual(['forbidden', 'result'])
})

test('XEP-0077 §3.2, §3.3: who may not changes no password and removes no account', async () => {
  const s = await opened(pupil([]), { modules: { register: true } })
  const query = (content: string) => `<iq type='set'><query xmlns='jabber:iq:register'>${content}</query></iq>`
  const change = (name: string) =>
    query(`<username>${name}</username><password>the moon is inconstant</password></query>`.replace('</query>', ''))
  expect(await outcome(s.balcony, change('juliet'))).toBe('not-allowed')
  expect(await outcome(s.balcony, query('<remove/>'))).toBe('forbidden')
  expect(await outcome(s.phone, change('romeo'))).toBe('result')
})

test('RFC 6120 §8.3.3.4: who may not reach other domains is not reached either, and leaves no trace there', async () => {
  const s = await opened(pupil(['rooms']))
  const component = s.component(irc, 'mercutio')
  await component.connect()
  const error = async (client: Actor) => StanzaError.from(await client.stanza()).condition
  for (const to of [`nick@${irc}`, 'paris@away.test/horse', 'nobody@nowhere.test']) {
    s.balcony.says(`<message to='${to}' type='chat'><body>help</body></message>`)
    expect(await error(s.balcony), to).toBe('forbidden')
    s.balcony.says(`<presence to='${to}' type='subscribe'/>`)
    expect(await error(s.balcony), to).toBe('forbidden')
    expect(await outcome(s.balcony, `<iq to='${to}' type='get'><ping xmlns='urn:xmpp:ping'/></iq>`)).toBe('forbidden')
  }
  await s.balcony.hearsNothing()
  await s.horse.hearsNothing()
  s.horse.says(`<message to='juliet@home.test' type='chat'><body>marry me</body></message>`)
  expect(await error(s.horse)).toBe('service-unavailable')
  s.horse.says(`<presence to='juliet@home.test' type='subscribe'/>`)
  await s.horse.hearsNothing()
  component.says(`<message from='nick@${irc}' to='juliet@home.test' type='chat'><body>spam</body></message>`)
  component.says(`<presence from='nick@${irc}' to='juliet@home.test'/>`)
  await component.hears(`<message from='juliet@home.test' to='nick@${irc}' type='error'/>`)
  await s.balcony.hearsNothing()
  // Others do, and what the host has itself is no other domain.
  s.phone.says(`<message to='nick@${irc}' type='chat'><body>hi</body></message>`)
  await component.hears(`<message from='romeo@home.test/phone' to='nick@${irc}'/>`)
  expect(await enters(s.balcony, 'verona')).toBe('entered')
})

test('what another host below his own one has is another domain, too', async () => {
  const s = await opened(
    pupil([]),
    {},
    { accounts: { romeo: ['phone'], juliet: ['balcony'], 'nurse@sub.home.test': [] } },
  )
  const ping = (to: string) => outcome(s.balcony, `<iq to='${to}' type='get'><ping xmlns='urn:xmpp:ping'/></iq>`)
  expect([await ping('rooms.home.test'), await ping('rooms.sub.home.test')]).toEqual(['result', 'forbidden'])
})

test('RFC 6121 §4.2.2: presence goes to no contact at another domain, once it may not be reached', async () => {
  const s = await opened(undefined)
  for (const client of [s.balcony, s.horse]) await client.asks(`<iq type='get'><query xmlns='jabber:iq:roster'/></iq>`)
  s.horse.comes()
  s.horse.says(`<presence to='juliet@home.test' type='subscribe'/>`)
  s.balcony.comes()
  s.balcony.says(`<presence to='paris@away.test' type='subscribed'/>`)
  await s.horse.awaits(`<presence from='juliet@home.test/balcony'/>`)
  await s.reload(pupil([]))
  s.horse.clear()
  s.balcony.says('<presence><show>away</show></presence>')
  await s.balcony.awaits(`<presence from='paris@away.test' type='error'/>`)
  await s.horse.hearsNothing()
})

test('an account has the role that it was given, through a kill, until it goes; the configuration counts more', async () => {
  const s = await opened(undefined, {}, { resume: true })
  s.roles().give(juliet, 'admin')
  expect([...s.roles().having('admin')]).toEqual(['juliet@home.test'])
  const commands = `<iq to='home.test' type='set'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#get-online-users-num'/></iq>`
  expect([await outcome(s.balcony, commands), await outcome(s.phone, commands)]).toEqual(['result', 'forbidden'])
  await s.server.kept()
  s.crash()
  await s.start()
  for (const client of [s.balcony, s.phone]) await client.connect()
  expect([await outcome(s.balcony, commands), await outcome(s.phone, commands)]).toEqual(['result', 'forbidden'])
  await s.reload({ user: { accounts: ['juliet@home.test'] }, admin: { accounts: ['romeo@home.test'] } })
  expect([await outcome(s.balcony, commands), await outcome(s.phone, commands)]).toEqual(['forbidden', 'result'])
  expect([s.roles().isConfigured(juliet), ...s.roles().having('admin')]).toEqual([true, 'romeo@home.test'])
  await s.reload(undefined)
  expect(s.roles().of(juliet)).toBe('admin')
  await s.server.hosts.get('home.test')!.accounts.remove(juliet)
  await s.register('juliet')
  expect(s.roles().of(juliet)).toBe('user')
})

test('a role that there is no more is that of most', async () => {
  const s = await opened({ pupil: { may: [] } })
  s.roles().give(juliet, 'pupil')
  expect([s.roles().of(juliet), s.roles().may(juliet, 'rooms')]).toEqual(['pupil', false])
  await s.reload({})
  expect([s.roles().of(juliet), s.roles().may(juliet, 'rooms')]).toEqual(['user', true])
  expect(s.roles().names).toEqual(['user', 'admin'])
})

test('RFC 4505: an anonymous user is a guest, after a kill too; who has an account of the host is not', async () => {
  const s = await opened(
    { guest: { may: ['domains'], limits: { resourcesPerAccount: 1 } } },
    { anonymous: true },
    { resume: true },
  )
  const guest = s.client('romeo')
  await guest.open()
  guest.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>`)
  await guest.next()
  await guest.loggedIn()
  await guest.bind()
  await guest.manage()
  const { jid, resumption } = guest
  expect([s.roles().of(jid), s.roles().of(s.phone.jid)]).toEqual(['guest', 'user'])
  expect(await enters(guest, 'verona')).toBe('not-allowed')
  await guest.settled()
  s.crash()
  await s.start()
  expect([s.roles().of(jid), s.roles().of(s.phone.jid)]).toEqual(['guest', 'user'])
  expect(resumption).toBeDefined()
  for (const session of [...s.server.sessions]) if (session.jid.equals(jid)) session.end()
  await s.server.kept()
  expect(s.roles().of(jid)).toBe('user')
})

test('limits by role: sessions of one account', async () => {
  const s = await opened(pupil(['rooms'], { resourcesPerAccount: 1 }))
  await expect(s.login('juliet', 'garden')).rejects.toMatchObject({ condition: 'resource-constraint' })
  await s.login('romeo', 'garden')
  await s.reload(undefined)
  await s.login('juliet', 'garden')
})

test('limits by role: the length of a stanza, from the next login on', async () => {
  const s = await opened(pupil(['rooms']))
  const long = `<message to='romeo@home.test' type='chat'><body>${'x'.repeat(10_000)}</body></message>`
  await s.reload(pupil(['rooms'], { stanzaBytes: 10_000 }))
  s.balcony.says(long)
  await s.balcony.sync()
  const garden = await s.login('juliet', 'garden')
  garden.says(long)
  await garden.whenGone
  expect(garden.streamError?.condition).toBe('policy-violation')
  s.phone.says(long)
  await s.phone.sync()
})

test('limits by role: who sends too fast is held back, as soon as it is configured', async () => {
  const s = await opened(pupil(['rooms']))
  await s.reload(pupil(['rooms'], { stanzasPerSecond: 10, stanzasBurst: 10 }))
  for (let i = 0; i < 40; i++) {
    s.balcony.says(`<message to='romeo@home.test/phone' id='${i}'/>`)
    s.phone.says(`<message to='juliet@home.test/balcony' id='${i}'/>`)
    await s.clock.advance(0)
  }
  expect(s.phone.inbox.length).toBeLessThan(15)
  expect(s.balcony.inbox.length).toBeGreaterThan(35)
  await s.clock.advance(5_000)
  expect(s.phone.inbox.map(({ id }) => Number(id))).toEqual(Array.from({ length: 40 }, (_, i) => i))
})
