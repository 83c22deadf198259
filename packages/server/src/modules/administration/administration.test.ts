import { type Actor, scenario, type ScenarioOptions } from '@jackdaw/testkit'
import { Command, commandsNs, DiscoInfo, DiscoItems, fieldValues, type Form, Jid } from '@jackdaw/xmpp'
import { expect, onTestFinished, test } from 'vitest'
import { late } from '../../stream/sasl2-fixture.ts'

const prefix = 'http://jabber.org/protocol/admin#'
const juliet = 'juliet@home.test'

/** Romeo and Juliet have logged in, and the administrator. */
async function opened(options: ScenarioOptions = {}) {
  const play = await scenario({
    accounts: { admin: ['desk'], romeo: ['phone'], juliet: ['balcony', 'garden'] },
    config: {
      hosts: { 'home.test': { roles: { admin: { accounts: ['Admin@home.test'] } } } },
      limits: { authenticationDelay: 0 },
    },
    ...options,
  })
  onTestFinished(() => play.stop())
  const { desk, phone, balcony, garden } = play.clients as Record<string, Actor>
  const accounts = () => play.server.hosts.get('home.test')!.accounts
  return Object.assign(play, { desk: desk!, phone: phone!, balcony: balcony!, garden: garden!, accounts })
}

const form = (fields: Record<string, string | readonly string[]>) =>
  `<x xmlns='jabber:x:data' type='submit'>${Object.entries(fields)
    .map(
      ([name, values]) =>
        `<field var='${name}'>${[values]
          .flat()
          .map((one) => `<value>${one}</value>`)
          .join('')}</field>`,
    )
    .join('')}</x>`

async function carriesOut(client: Actor, command: string, fields?: Record<string, string | readonly string[]>) {
  const node = command.includes(':') ? command : prefix + command
  const answer = await client.asks(
    `<iq to='home.test' type='set'><command xmlns='${commandsNs}' node='${node}'>${fields ? form(fields) : ''}</command></iq>`,
  )
  return Object.assign(Command.read(answer.first()!), { element: answer.first()! })
}

const valuesOf = ({ form: found }: { readonly form?: Form | undefined }, name: string) => fieldValues(found!, name)

test('XEP-0133 §3, XEP-0050 §2.2: administrators find the commands of the server, others find none', async () => {
  const play = await opened()
  const query = `<iq to='home.test' type='get'><query xmlns='http://jabber.org/protocol/disco#items' node='${commandsNs}'/></iq>`
  const found = async (client: Actor) =>
    DiscoItems.read((await client.asks(query)).first()!).items.filter(
      ({ node }) => !node!.startsWith('urn:jackdaw:devices:'),
    )
  const nodes = (await found(play.desk)).map(({ node }) => node)
  expect(nodes).toEqual(expect.arrayContaining(['add-user', 'delete-user', 'announce'].map((name) => prefix + name)))
  expect(await found(play.phone)).toEqual([])
  for (const node of nodes) {
    await expect(carriesOut(play.phone, node!)).rejects.toMatchObject({ condition: 'forbidden' })
    const info = (client: Actor) =>
      client.asks(
        `<iq to='home.test' type='get'><query xmlns='http://jabber.org/protocol/disco#info' node='${node}'/></iq>`,
      )
    expect(DiscoInfo.read((await info(play.desk)).first()!)).toMatchObject({ identities: [{ type: 'command-node' }] })
    await expect(info(play.phone)).rejects.toMatchObject({ condition: 'forbidden' })
  }
  await expect(carriesOut(play.desk, 'edit-blacklist')).rejects.toMatchObject({ condition: 'item-not-found' })
})

test('XEP-0133 §3: what nobody submits does nothing', async () => {
  const play = await opened()
  for (const name of ['add-user', 'delete-user', 'change-user-password', 'end-user-session', 'announce', 'set-motd'])
    expect(await carriesOut(play.desk, name)).toMatchObject({ status: 'executing', actions: ['complete'] })
  for (const client of [play.phone, play.balcony]) await client.hearsNothing()
})

test('XEP-0133 §4.1, §4.7, §4.2: an account is made, given another password, removed', async () => {
  const play = await opened()
  const accountjid = 'nurse@home.test'
  await carriesOut(play.desk, 'add-user', {
    accountjid,
    password: 'angelica of home',
    'password-verify': 'angelica of home',
  })
  const keys = () => play.accounts().scram('nurse', 'SHA-256')
  const before = await keys()
  await carriesOut(play.desk, 'change-user-password', { accountjid, password: 'peter of home' })
  const after = await keys()
  expect([before === undefined, after === undefined, after]).toEqual([
    false,
    false,
    expect.not.objectContaining(before!),
  ])
  await carriesOut(play.desk, 'delete-user', { accountjids: [accountjid, 'romeo@home.test', accountjid] })
  expect(await play.accounts().exists(Jid.parse(accountjid))).toBe(false)
  expect(play.phone.isConnected).toBe(false)
})

test('XEP-0133 §4.3, §4.4, §4.14, §4.19: accounts are disabled, counted, listed, and enabled again', async () => {
  const play = await opened()
  const listed = async () => [
    valuesOf(await carriesOut(play.desk, 'get-disabled-users-num'), 'disabledusersnum'),
    valuesOf(await carriesOut(play.desk, 'get-disabled-users-list', { max_items: '25' }), 'disableduserjids'),
  ]
  await carriesOut(play.desk, 'disable-user', { accountjids: [juliet, 'romeo@home.test', juliet] })
  for (const client of [play.phone, play.balcony, play.garden]) {
    await client.whenGone
    expect(client.streamError?.condition).toBe('not-authorized')
  }
  await expect(late(play, play.login('juliet', 'balcony'))).rejects.toMatchObject({ condition: 'account-disabled' })
  expect(await listed()).toEqual([['2'], [juliet, 'romeo@home.test']])
  await carriesOut(play.desk, 'reenable-user', { accountjids: juliet })
  expect(await listed()).toEqual([['1'], ['romeo@home.test']])
  await play.login('juliet', 'balcony')
  const { items } = (await carriesOut(play.desk, 'urn:jackdaw:administration:audit')).form!
  expect(items!.map((cells) => cells.slice(2).map(({ values }) => values![0]))).toEqual([
    ['disabled an account', juliet],
    ['disabled an account', 'romeo@home.test'],
    ['enabled an account', juliet],
  ])
})

test('XEP-0133 §4.29: administrators make others, and take that back; the audit log tells', async () => {
  const play = await opened()
  const admins = async () => valuesOf(await carriesOut(play.desk, 'edit-admin'), 'adminjids')
  expect(await admins()).toEqual(['admin@home.test'])
  await carriesOut(play.desk, 'edit-admin', { adminjids: ['admin@home.test', 'romeo@home.test'] })
  expect(await admins()).toEqual(['admin@home.test', 'romeo@home.test'])
  for (const adminjids of [['admin@home.test'], ['romeo@home.test'], []])
    await expect(carriesOut(play.phone, 'edit-admin', { adminjids })).rejects.toMatchObject({
      condition: 'not-allowed',
    })
  await carriesOut(play.desk, 'edit-admin', { adminjids: 'admin@home.test' })
  await expect(carriesOut(play.phone, 'edit-admin')).rejects.toMatchObject({ condition: 'forbidden' })
  const { items } = (await carriesOut(play.desk, 'urn:jackdaw:administration:audit')).form!
  expect(items!.map((cells) => cells.slice(2).map(({ values }) => values![0]))).toEqual([
    ['gave the role admin to', 'romeo@home.test'],
    ['gave the role user to', 'romeo@home.test'],
  ])
})

test.each([
  [
    '§4.1',
    'add-user',
    { accountjid: juliet, password: 'the wine is red', 'password-verify': 'the wine is red' },
    'conflict',
  ],
  ['§4.1', 'add-user', { accountjid: 'nurse@home.test', password: 'x', 'password-verify': 'y' }, 'bad-request'],
  ['§4.1', 'add-user', { accountjid: 'nurse@home.test', password: 'x' }, 'bad-request'],
  [
    '§4.1',
    'add-user',
    { accountjid: 'nurse@other.test', password: 'the wine is red', 'password-verify': 'the wine is red' },
    'not-allowed',
  ],
  [
    '§4.1',
    'add-user',
    { accountjid: 'home.test', password: 'the wine is red', 'password-verify': 'the wine is red' },
    'not-allowed',
  ],
  [
    '§4.1',
    'add-user',
    { accountjid: 'a@b@c', password: 'the wine is red', 'password-verify': 'the wine is red' },
    'jid-malformed',
  ],
  [
    '§4.1',
    'add-user',
    { accountjid: 'nurse@home.test', password: 'short', 'password-verify': 'short' },
    'not-acceptable',
  ],
  ['§4.2', 'delete-user', { accountjids: [juliet, 'nobody@home.test'] }, 'item-not-found'],
  ['§4.2', 'delete-user', { accountjids: ['admin@home.test'] }, 'not-allowed'],
  ['§4.2', 'delete-user', { accountjids: [] }, 'bad-request'],
  ['§4.2', 'delete-user', { accountjids: Array.from({ length: 1001 }, () => juliet) }, 'bad-request'],
  ['§4.3', 'disable-user', { accountjids: [juliet, 'admin@home.test'] }, 'not-allowed'],
  ['§4.3', 'disable-user', { accountjids: [juliet, 'nobody@home.test'] }, 'item-not-found'],
  ['§4.3', 'disable-user', { accountjids: ['juliet@other.test'] }, 'not-allowed'],
  ['§4.4', 'reenable-user', { accountjids: ['nobody@home.test'] }, 'item-not-found'],
  ['§4.5', 'end-user-session', { accountjids: ['juliet@home.test/attic'] }, 'item-not-found'],
  ['§4.5', 'end-user-session', { accountjids: ['juliet@other.test'] }, 'not-allowed'],
  ['§4.7', 'change-user-password', { accountjid: 'nobody@home.test', password: 'the wine is red' }, 'item-not-found'],
  ['§4.7', 'change-user-password', { accountjid: juliet, password: 'juliet' }, 'not-acceptable'],
  ['§4.8', 'get-user-roster', { accountjids: ['nobody@home.test'] }, 'item-not-found'],
  ['§4.9', 'get-user-lastlogin', { accountjids: ['nobody@home.test'] }, 'item-not-found'],
  ['§4.10', 'user-stats', { accountjid: 'nobody@home.test' }, 'item-not-found'],
  ['§4.18', 'get-registered-users-list', { max_items: '7' }, 'bad-request'],
  ['§4.23', 'announce', { announcement: ' ' }, 'bad-request'],
  ['§4.23', 'announce', { announcement: 'x'.repeat(10_001) }, 'bad-request'],
  ['§4.29', 'edit-admin', { adminjids: ['admin@home.test', 'nobody@home.test'] }, 'item-not-found'],
  ['§4.29', 'edit-admin', { adminjids: ['admin@home.test', 'paris@away.test'] }, 'not-allowed'],
  ['§4.29', 'edit-admin', { adminjids: [juliet] }, 'not-allowed'],
  ['§4.25', 'edit-motd', { motd: 'Hear!' }, 'item-not-found'],
  ['§4.26', 'delete-motd', {}, 'item-not-found'],
] as const)('XEP-0133 %s: %s is refused (case %#)', async (_, command, fields, condition) => {
  const play = await opened()
  await expect(carriesOut(play.desk, command, fields)).rejects.toMatchObject({ condition })
  expect(await play.accounts().exists(Jid.parse(juliet))).toBe(true)
  for (const client of [play.phone, play.balcony, play.garden]) {
    expect(client.isConnected).toBe(true)
    await client.hearsNothing()
  }
  expect((await carriesOut(play.desk, 'urn:jackdaw:administration:audit')).form!.items).toEqual([])
})

test('XEP-0133 §4.5: sessions are ended, one of them or all of an account', async () => {
  const play = await opened()
  await carriesOut(play.desk, 'end-user-session', { accountjids: `${juliet}/garden` })
  await play.garden.whenGone
  expect(play.balcony.isConnected).toBe(true)
  await carriesOut(play.desk, 'end-user-session', { accountjids: [juliet, 'romeo@home.test'] })
  await play.balcony.whenGone
  await play.phone.whenGone
})

test('XEP-0133 §4.8 – §4.10: the contacts of an account, its last login, its sessions', async () => {
  const play = await opened()
  await play.phone.asks(
    `<iq type='set'><query xmlns='jabber:iq:roster'><item jid='${juliet}' name='Jule'/></query></iq>`,
  )
  const { element } = await carriesOut(play.desk, 'get-user-roster', { accountjids: 'romeo@home.test' })
  expect(String(element.child('query', 'jabber:iq:roster'))).toContain(`jid='${juliet}'`)
  const login = await carriesOut(play.desk, 'get-user-lastlogin', { accountjids: juliet })
  expect(Date.parse(valuesOf(login, 'lastlogin')![0]!)).toBe(play.clock.now())
  const stats = await carriesOut(play.desk, 'user-stats', { accountjid: juliet })
  expect([valuesOf(stats, 'rostersize'), valuesOf(stats, 'onlineresources')!.toSorted()]).toEqual([
    ['0'],
    ['balcony', 'garden'],
  ])
})

test('XEP-0133 §4.13 – §4.22: users are counted and listed', async () => {
  const play = await opened({ resume: true })
  for (const client of [play.phone, play.balcony, play.garden]) client.comes()
  for (const client of [play.phone, play.balcony, play.garden]) await client.sync()
  for (let minutes = 0; minutes < 6; minutes++) {
    await play.clock.advance(60_000)
    for (const client of [play.balcony, play.desk]) await client.sync()
  }
  const count = async (kind: string) =>
    valuesOf(await carriesOut(play.desk, `get-${kind}-users-num`), `${kind}usersnum`)
  expect([await count('registered'), await count('online'), await count('active'), await count('idle')]).toEqual([
    ['3'],
    ['2'],
    ['1'],
    ['1'],
  ])
  const list = async (node: string, name: string) =>
    valuesOf(await carriesOut(play.desk, node, { max_items: '25' }), name)!.toSorted()
  expect(await list('get-registered-users-list', 'registereduserjids')).toEqual([
    'admin@home.test',
    juliet,
    'romeo@home.test',
  ])
  expect(await list('get-online-users-list', 'onlineuserjids')).toEqual([juliet, 'romeo@home.test'])
  expect(await list('get-active-users', 'activeuserjids')).toEqual([juliet])
  expect(await list('get-idle-users', 'activeuserjids')).toEqual(['romeo@home.test'])
  for (let i = 0; i < 30; i++) await play.register(`user${i}`)
  expect(await list('get-registered-users-list', 'registereduserjids')).toHaveLength(25)
  const whole = await carriesOut(play.desk, 'get-registered-users-list', { max_items: 'none' })
  expect(valuesOf(whole, 'registereduserjids')).toHaveLength(33)
})

test('XEP-0133 §4.23: an announcement goes to those who are here', async () => {
  const play = await opened()
  for (const client of [play.phone, play.balcony]) client.comes()
  for (const client of [play.phone, play.balcony, play.garden]) {
    await client.sync()
    client.clear()
  }
  await carriesOut(play.desk, 'announce', { announcement: ['The ball begins', 'at nine.'] })
  for (const client of [play.phone, play.balcony])
    await client.hears("<message from='home.test'><body>The ball begins\nat nine.</body></message>")
  await play.garden.hearsNothing()
})

test('XEP-0133 §4.24 – §4.26: everybody has the message of the day once, also across a kill', async () => {
  const play = await opened({ resume: true })
  play.phone.comes()
  await play.phone.sync()
  await carriesOut(play.desk, 'set-motd', { motd: 'A plague' })
  const motd = (text: string) => `<message from='home.test'><body>${text}</body></message>`
  await play.phone.awaits(motd('A plague'))
  for (const client of Object.values(play.clients)) await client.settled()
  play.crash()
  await play.start()
  for (const client of Object.values(play.clients)) await client.connect()
  play.phone.says("<presence type='unavailable'/>")
  play.phone.comes()
  await play.phone.sync()
  play.phone.clear()
  expect(valuesOf(await carriesOut(play.desk, 'edit-motd'), 'motd')).toEqual(['A plague'])
  await carriesOut(play.desk, 'edit-motd', { motd: 'A plague on both' })
  await play.phone.hearsNothing()
  play.balcony.comes()
  await play.balcony.awaits(motd('A plague on both'))
  await carriesOut(play.desk, 'delete-motd')
  await play.garden.sync()
  play.garden.clear()
  play.garden.comes()
  await play.garden.sync()
  for (let i = 0; i < 3; i++) {
    const stanza = await Promise.race([play.garden.stanza(), play.garden.sync().then(() => undefined)])
    if (!stanza) break
    expect(stanza.name).not.toBe('message')
  }
})

test('XEP-0133 §4.27, §4.28: a new account is welcomed when it first comes', async () => {
  const play = await opened()
  await carriesOut(play.desk, 'set-welcome', { welcome: 'Benvenuti' })
  await play.register('nurse')
  const nurse = await play.login('nurse', 'kitchen')
  nurse.comes()
  await nurse.awaits("<message from='home.test'><subject>Welcome</subject><body>Benvenuti</body></message>")
  await carriesOut(play.desk, 'delete-welcome')
  await expect(carriesOut(play.desk, 'delete-welcome')).rejects.toMatchObject({ condition: 'item-not-found' })
})

test('every administrative act is in the audit log, with who did it, and outlives a kill', async () => {
  const play = await opened({ resume: true })
  await carriesOut(play.desk, 'change-user-password', { accountjid: juliet, password: 'another wine is red' })
  await carriesOut(play.desk, 'delete-user', { accountjids: 'romeo@home.test' })
  await carriesOut(play.desk, 'set-motd', { motd: 'A plague' })
  await play.desk.settled()
  play.crash()
  await play.start()
  await play.desk.connect()
  const { form: found } = await carriesOut(play.desk, 'urn:jackdaw:administration:audit')
  expect(found!.items!.map((row) => row.slice(1).map(({ values }) => values!.join()))).toEqual([
    ['admin@home.test', 'set the password of', juliet],
    ['admin@home.test', 'removed an account', 'romeo@home.test'],
    ['admin@home.test', 'set the message of the day: A plague', ''],
  ])
})

test('who has made an account, or set its password, stands in the audit log in the same commit', async () => {
  const play = await opened()
  const { audit, virtual } = play.server.hosts.get('home.test')!
  const known: Promise<string | undefined>[] = []
  const look = () => void known.push(audit.last(1).then(([last]) => last?.act.did))
  virtual.on('account:created', look)
  virtual.on('password:changed', look)
  const accountjid = 'nurse@home.test'
  const password = 'angelica of home'
  await carriesOut(play.desk, 'add-user', { accountjid, password, 'password-verify': password })
  await carriesOut(play.desk, 'change-user-password', { accountjid, password: 'peter of home' })
  expect(await Promise.all(known)).toEqual(['made an account', 'set the password of'])
})
