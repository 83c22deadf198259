import { type Actor, type Scenario, scenario, type ScenarioOptions } from '@jackdaw/testkit'
import {
  ArchivePreferences,
  DiscoInfo,
  discoInfoNs,
  fieldValues,
  formType,
  retractionNs,
  supervisionNs,
} from '@jackdaw/xmpp'
import { expect, onTestFinished, test } from 'vitest'
import { query } from '../archive-fixture.ts'
import type { Said, Sought } from './conversations.ts'
import { supervision } from './supervision.ts'

const romeo = 'romeo@home.test'
const juliet = 'juliet@home.test'
const nurse = 'nurse@home.test'
const room = 'coven@rooms.home.test'
const hour = 3_600_000

async function play(fields: Record<string, unknown> | false = {}, options: ScenarioOptions = {}) {
  const stage = await scenario({
    accounts: { romeo: ['phone'], juliet: ['balcony'], nurse: ['kitchen'] },
    resume: true,
    ...options,
    config: {
      keepalive: { idle: '20 d' },
      ...options.config,
      hosts: { 'home.test': { modules: { supervision: fields } }, ...options.config?.hosts },
    },
  })
  onTestFinished(() => stage.stop())
  const { phone, balcony, kitchen } = stage.clients as Record<string, Actor>
  const read = async (sought: Partial<Sought> = {}, host = 'home.test') => {
    const found: Said[] = []
    for await (const one of stage.server.hosts
      .get(host)!
      .modules.api(supervision)!
      .read({ participants: [], ...sought }))
      if (!one.body?.startsWith('Conversations on')) found.push(one)
    return found
  }
  const bodies = async (sought: Partial<Sought> = {}) => (await read(sought)).map(({ body }) => body).join(' ')
  return { stage, phone: phone!, balcony: balcony!, kitchen: kitchen!, read, bodies }
}

const reload = ({ server }: Scenario, fields: Record<string, unknown>): Promise<void> =>
  server.reload({
    log: { level: 'fatal' },
    hosts: { 'home.test': { plaintext: true, modules: { supervision: fields } } },
  })

async function says(client: Actor, to: string, children: string, attrs = "type='chat'"): Promise<void> {
  client.says(`<message to='${to}' ${attrs}>${children}</message>`)
  await client.sync()
}
const body = (text: string) => `<body>${text}</body>`

/** Comes, and has been told. */
async function arrives(client: Actor): Promise<void> {
  client.comes()
  await client.awaits(`<message from='home.test'><subject>Conversations are supervised</subject></message>`)
  await client.sync()
  client.clear()
}

async function enters(client: Actor, nick: string, to = room): Promise<void> {
  client.says(`<presence to='${to}/${nick}'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
  await client.awaits(`<message from='${to}' type='groupchat'><subject/></message>`)
}

async function formOf(client: Actor, to: string, type: string) {
  const answer = await client.asks(`<iq type='get' to='${to}'><query xmlns='${discoInfoNs}'/></iq>`)
  return DiscoInfo.read(answer.first()!).forms.find((form) => formType(form) === type)
}

test('each message is kept once, in the order of time, with who, when and what', async () => {
  const { stage, phone, balcony, read } = await play()
  for (const client of [phone, balcony]) await arrives(client)
  await says(phone, juliet, body('one'), "type='chat' id='m1'")
  await stage.clock.advance(1000)
  await says(balcony, `${romeo}/phone`, body('two'))
  await says(phone, 'far@away.test', body('three'))
  await says(phone, romeo, body('note'))
  const found = await read()
  expect(found.map(({ from, to, body: text }) => `${from} ${to} ${text}`)).toEqual([
    `${romeo}/phone ${juliet} one`,
    `${juliet}/balcony ${romeo}/phone two`,
    `${romeo}/phone far@away.test three`,
    `${romeo}/phone ${romeo} note`,
  ])
  expect(found[0]).toMatchObject({ time: '2026-01-01T00:00:00.000Z', type: 'chat' })
  expect(found[1]!.time).toBe('2026-01-01T00:00:01.000Z')
  expect(found[0]!.stanza).toContain("id='m1'")
  expect(new Set(found.map(({ id }) => id)).size).toBe(4)
})

test.each([
  ['of one, whoever sends', { participants: [romeo] }, 'a b c e'],
  ['between two', { participants: [juliet, romeo] }, 'a b'],
  ['with the other first', { participants: [romeo, juliet] }, 'a b'],
  ['with somebody elsewhere', { participants: ['far@away.test'] }, 'e'],
  ['with nobody', { participants: ['nobody@home.test'] }, ''],
  ['from a time on', { participants: [], start: Date.UTC(2026, 0, 1, 2) }, 'c d e'],
  ['until a time', { participants: [romeo], end: Date.UTC(2026, 0, 1, 1) }, 'a b'],
  ['by words', { participants: [], text: 'D' }, 'd'],
  ['by words and participants', { participants: [juliet], text: 'b' }, 'b'],
  ['by words, of others', { participants: [nurse], text: 'b' }, ''],
])('what is sought is found: %s', async (_, sought, expected) => {
  const { stage, phone, balcony, kitchen, bodies } = await play()
  await says(phone, juliet, body('a'))
  await stage.clock.advance(hour)
  await says(balcony, romeo, body('b'))
  await stage.clock.advance(hour)
  await says(phone, nurse, body('c'))
  await says(kitchen, juliet, body('d'))
  await says(phone, 'far@away.test', body('e'))
  expect(await bodies(sought)).toBe(expected)
})

test('more than is read in one tick; what is said meanwhile does not keep a reading from its end', async () => {
  const { phone, bodies, read } = await play()
  const sent = Array.from({ length: 620 }, (_, i) => String(i))
  for (const text of sent) phone.says(`<message to='${juliet}' type='chat'>${body(text)}</message>`)
  await phone.sync()
  expect(await bodies()).toBe(sent.join(' '))
  expect(await bodies({ participants: [juliet] })).toBe(sent.join(' '))
  expect(await read({ participants: [nurse] })).toEqual([])
})

test('XEP-0441, XEP-0424, XEP-0308, XEP-0313 §3.2: no archive, retraction, correction or erasure takes anything away', async () => {
  const { phone, balcony, read } = await play()
  balcony.comes()
  await phone.ask('set', ArchivePreferences.write({ default: 'never', always: [], never: [] }))
  await says(phone, juliet, body('secret'), "type='chat' id='m1'")
  await says(phone, juliet, `${body('secrets')}<replace xmlns='urn:xmpp:message-correct:0' id='m1'/>`)
  await says(phone, juliet, `<retract xmlns='${retractionNs}' id='m1'/>`, "type='chat' id='r1'")
  await balcony.asks("<iq type='set'><erase xmlns='urn:jackdaw:erasure:0'/></iq>")
  expect((await query(phone)).bodies).toEqual([])
  expect((await query(balcony)).bodies).toEqual([])
  const found = await read()
  expect(found.map(({ body: text }) => text)).toEqual(['secret', 'secrets', undefined])
  expect(found[2]!.stanza).toContain('<retract')
})

test.each([
  ['XEP-0334 §4.2: a hint not to store', body('x') + "<no-store xmlns='urn:xmpp:hints'/>", 'x'],
  ['XEP-0384: encrypted', "<encrypted xmlns='urn:xmpp:omemo:2'/>", 'encrypted'],
  ['XEP-0444: reactions', "<reactions xmlns='urn:xmpp:reactions:0' id='m'><reaction>👍</reaction></reactions>", 'kept'],
  ['XEP-0085: a state', "<composing xmlns='http://jabber.org/protocol/chatstates'/>", undefined],
  ['XEP-0333: a marker', "<displayed xmlns='urn:xmpp:chat-markers:0' id='m'/>", undefined],
  ['XEP-0184: a receipt', "<received xmlns='urn:xmpp:receipts' id='m'/>", undefined],
])('%s', async (_, children, expected) => {
  const { phone, read } = await play()
  await says(phone, juliet, children)
  const found = (await read()).map(({ body: text, isEncrypted }) => text ?? (isEncrypted ? 'encrypted' : 'kept'))
  expect(found).toEqual(expected === undefined ? [] : [expected])
})

test('what is refused has been said; an error has not', async () => {
  const { phone, balcony, bodies } = await play()
  await balcony.asks(`<iq type='set'><block xmlns='urn:xmpp:blocking'><item jid='${romeo}'/></block></iq>`)
  await says(phone, juliet, body('hello?'))
  await says(balcony, romeo, body('no'), "type='error'")
  expect(await bodies()).toBe('hello?')
})

test('of a list of accounts only theirs, with whomever; nobody else is told', async () => {
  const { phone, balcony, kitchen, bodies } = await play({ accounts: [juliet], rooms: false })
  await arrives(balcony)
  for (const client of [phone, kitchen]) client.comes()
  await says(phone, juliet, body('to'))
  await says(balcony, nurse, body('from'))
  await says(phone, nurse, body('between others'))
  await balcony.sync()
  expect(await bodies()).toBe('to from')
  for (const client of [phone, kitchen])
    expect(client.inbox.filter(({ from, name }) => String(from) === 'home.test' && name === 'message')).toEqual([])
  const command = `<iq type='set' to='home.test'><command xmlns='http://jabber.org/protocol/commands' node='${supervisionNs}'/></iq>`
  expect(String(await balcony.asks(command))).toContain('You are supervised.')
  expect(String(await phone.asks(command))).toContain('You are not, but those with whom you talk may be.')
  const form = await formOf(phone, 'home.test', supervisionNs)
  expect([fieldValues(form!, 'accounts'), fieldValues(form!, 'rooms')]).toEqual([['some'], ['0']])
})

test('between two hosts each keeps what its own accounts say and hear', async () => {
  const { stage, read } = await play(
    {},
    {
      accounts: { romeo: ['phone'], 'tybalt@other.test': ['sword'], juliet: ['balcony'], nurse: ['kitchen'] },
      config: { hosts: { 'other.test': { modules: { supervision: { rooms: false } } } } },
    },
  )
  await says(stage.clients['phone']!, 'tybalt@other.test', body('peace'))
  for (const host of ['home.test', 'other.test'])
    expect((await read({}, host)).map(({ body: text }) => text)).toEqual(['peace'])
})

test('XEP-0157-like: the host says so in its disco#info, for how long and in words', async () => {
  const { phone } = await play({ keep: '30 d', notice: 'Because of the law of Verona.' })
  const form = (await formOf(phone, 'home.test', supervisionNs))!
  expect(fieldValues(form, 'accounts')).toEqual(['all'])
  expect(fieldValues(form, 'rooms')).toEqual(['1'])
  expect(fieldValues(form, 'keep')).toEqual([String(30 * 86_400)])
  const [words] = fieldValues(form, 'notice')!
  expect(words).toContain('is kept for 30 days')
  expect(words).toContain('Because of the law of Verona.')
})

test('every account is told once, at its first login; again when something else is kept', async () => {
  const { stage, phone, balcony } = await play()
  await arrives(phone)
  expect((await query(phone)).bodies).toEqual([expect.stringContaining('what you write and what is written to you')])
  phone.says("<presence type='unavailable'/>")
  phone.comes()
  await phone.awaits('<presence/>')
  await phone.sync()
  expect(phone.inbox.filter(({ name }) => name === 'message')).toEqual([])
  // Nobody is told who does not come, and waits for it.
  expect((await query(balcony)).bodies).toEqual([])
  await reload(stage, { keep: '400 d' })
  await phone.awaits(`<message from='home.test'><subject>Conversations are supervised</subject></message>`)
})

test('who talks without ever sending presence is told as well', async () => {
  const { phone, balcony } = await play()
  await says(phone, juliet, body('one'))
  expect((await query(phone)).bodies).toEqual(['one', expect.stringContaining('supervised')])
  await says(phone, juliet, body('two'))
  phone.comes()
  const told = await phone.awaits(`<message from='home.test'/>`)
  expect(String(told)).toContain('supervised')
  await phone.sync()
  expect(phone.inbox.filter(({ name }) => name === 'message')).toEqual([])
  await arrives(balcony)
})

test('XEP-0045 §7.2.12, §10.2.1: rooms: what is said to all and to one; those inside are told before, who enters by the status', async () => {
  const { phone, balcony, kitchen, read } = await play({ accounts: [] })
  phone.comes()
  await enters(phone, 'first')
  await phone.asks(
    `<iq to='${room}' type='set'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'>
      <field var='muc#roomconfig_enablelogging'><value>0</value></field></x></query></iq>`,
  )
  balcony.says(`<presence to='${room}/second'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
  await balcony.awaits(
    `<presence from='${room}/second'><x xmlns='http://jabber.org/protocol/muc#user'><status code='170'/></x></presence>`,
  )
  await balcony.awaits(`<message from='${room}' type='groupchat'><subject/></message>`)
  await phone.sync()
  phone.clear()
  await says(balcony, room, body('Harpier cries'), "type='groupchat'")
  await phone.hears(
    `<message from='${room}' type='groupchat'><x xmlns='http://jabber.org/protocol/muc#user'><status code='170'/></x></message>`,
  )
  const notice = await phone.hears(`<message from='${room}' type='groupchat'><body>…</body></message>`)
  expect(notice.child('body')!.text).toContain('what is said in this room')
  await phone.hears(`<message from='${room}/second' type='groupchat'><body>Harpier cries</body></message>`)
  await says(phone, `${room}/second`, body('psst'))
  await says(phone, room, '<subject>Brew</subject>', "type='groupchat'")
  await phone.hears(`<message from='${room}/first' type='groupchat'><subject>Brew</subject></message>`)
  kitchen.says(`<presence to='${room}/third'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
  await kitchen.awaits(`<message from='${room}/first'><subject>Brew</subject></message>`)
  const found = await read()
  expect(found.map(({ from, to, recipient, body: text }) => [from, to, recipient, text])).toEqual([
    [`${juliet}/balcony`, room, undefined, 'Harpier cries'],
    [`${romeo}/phone`, `${room}/second`, juliet, 'psst'],
    [`${romeo}/phone`, room, undefined, undefined],
  ])
  expect((await read({ participants: [juliet] })).map(({ body: text }) => text)).toEqual(['Harpier cries', 'psst'])
  expect(await read({ participants: [room] })).toEqual(found)
  const form = await formOf(phone, room, 'http://jabber.org/protocol/muc#roominfo')
  expect(fieldValues(form!, `{${supervisionNs}}keep`)).toEqual([String(90 * 86_400)])
})

test('in rooms nothing is kept twice, and what is refused there has not been said', async () => {
  const { phone, balcony, kitchen, bodies } = await play()
  for (const client of [phone, balcony]) await arrives(client)
  await enters(phone, 'first')
  await phone.asks(
    `<iq to='${room}' type='set'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>`,
  )
  await enters(balcony, 'second')
  await says(phone, room, body('all'), "type='groupchat'")
  await says(balcony, `${room}/first`, body('one'))
  await says(kitchen, room, body('outside'), "type='groupchat'")
  await says(kitchen, `${room}/first`, body('outside'))
  expect(await bodies()).toBe('all one')
})

test('without rooms, what supervised accounts say in them', async () => {
  const { phone, balcony, bodies } = await play({ rooms: false, accounts: [romeo] })
  await enters(phone, 'first')
  await phone.asks(
    `<iq to='${room}' type='set'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>`,
  )
  await enters(balcony, 'second')
  await says(phone, room, body('mine'), "type='groupchat'")
  await says(balcony, room, body('hers'), "type='groupchat'")
  await says(balcony, `${room}/first`, body('psst'))
  expect(await bodies()).toBe('mine psst')
})

test('nobody forges who got something', async () => {
  const { phone, read } = await play()
  await says(phone, juliet, `${body('x')}<recipient xmlns='${supervisionNs}' jid='${nurse}'/>`)
  expect(await read({ participants: [nurse] })).toEqual([])
  expect((await read())[0]!.recipient).toBeUndefined()
})

test('DESIGN 3: it is in the commit of the message and its count: a kill loses nothing that was acknowledged', async () => {
  const { stage, phone, balcony, bodies } = await play()
  for (const client of [phone, balcony]) await arrives(client)
  const before = stage.journalStore.last
  phone.says(`<message to='${juliet}' type='chat'>${body('last words')}</message>`)
  await balcony.awaits('<message><body>last words</body></message>')
  stage.crash()
  const batches = [...stage.journalStore.read(before + 1)].map(([, batch]) => batch)
  const [batch] = batches.filter((one) => one.includes('home.test/supervision/messages'))
  expect(batch).toContain('home.test/archive/messages')
  expect(batch).toContain('"count"')
  await stage.start()
  expect(await bodies()).toBe('last words')
})

test('DESIGN 3: that an account was told is in the commit of what tells it: killed before, it is told after', async () => {
  const { stage, phone, balcony } = await play()
  await arrives(balcony)
  phone.comes()
  await phone.awaits(`<message from='home.test'/>`)
  const batches = [...stage.journalStore.read(1)].map(([, batch]) => batch)
  const telling = batches.filter((one) => one.includes('supervision/told') && one.includes('romeo'))
  expect(telling).toHaveLength(1)
  expect(telling[0]).toContain('Conversations are supervised')
  stage.crash()
  await stage.start()
  await phone.connect()
  await phone.sync()
  expect(phone.inbox.filter(({ name }) => name === 'message')).toEqual([])
})

test('it goes when its time has come, and only then: not with its account', async () => {
  const { stage, phone, bodies, read } = await play({ keep: '2 d' })
  await says(phone, juliet, body('old'))
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= hour) {
      await stage.clock.advance(Math.min(left, hour))
      for (let i = 0; i < 10; i++) await stage.clock.advance(50)
    }
  }
  await pass(24 * hour)
  await says(phone, juliet, body('new'))
  await stage.server.hosts.get('home.test')!.accounts.remove(phone.account)
  expect(await bodies()).toBe('old new')
  await pass(26 * hour)
  expect(await bodies()).toBe('new')
  await pass(26 * hour)
  expect(await read()).toEqual([])
})

test('a reading goes on while what it has read goes', async () => {
  const { stage, phone, read } = await play({ keep: '1 h' })
  await arrives(phone)
  for (let i = 0; i < 300; i++) phone.says(`<message to='${juliet}' type='chat'>${body(String(i))}</message>`)
  await phone.sync()
  const { read: begin } = stage.server.hosts.get('home.test')!.modules.api(supervision)!
  const reading = begin({ participants: [romeo] })
  await reading.next()
  expect((await reading.next()).value).toMatchObject({ body: '0' })
  await stage.clock.advance(30 * 60_000)
  await says(phone, nurse, body('later'))
  for (let i = 0; i < 100; i++) await stage.clock.advance(i === 0 ? hour - 1000 : 50)
  expect(await read()).toEqual([expect.objectContaining({ body: 'later' })])
  const rest: Said[] = []
  for await (const one of reading) rest.push(one)
  expect(rest.length).toBeLessThan(300)
})

test('off, nothing of it is there', async () => {
  const { stage, phone, balcony } = await play(false)
  balcony.comes()
  phone.comes()
  await says(phone, juliet, body('one'))
  expect(stage.server.hosts.get('home.test')!.modules.api(supervision)).toBeUndefined()
  expect(await formOf(phone, 'home.test', supervisionNs)).toBeUndefined()
  expect([...stage.journalStore.read(1)].some(([, batch]) => batch.includes('supervision'))).toBe(false)
  await enters(phone, 'first')
  const form = await formOf(phone, room, 'http://jabber.org/protocol/muc#roominfo')
  expect(fieldValues(form!, `{${supervisionNs}}keep`)).toBeUndefined()
})

test('nobody and no room: what was kept runs out, and nothing is told', async () => {
  const { stage, phone, bodies } = await play({})
  await arrives(phone)
  await says(phone, juliet, body('one'))
  await reload(stage, { accounts: [], rooms: false })
  await says(phone, juliet, body('two'))
  expect(await bodies()).toBe('one')
  expect(await formOf(phone, 'home.test', supervisionNs)).toBeUndefined()
})
