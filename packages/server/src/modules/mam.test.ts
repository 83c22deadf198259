import { type Actor, scenario, type ScenarioOptions } from '@jackdaw/testkit'
import { Jid, type MamFin, MamForm, MamMetadata, type MamQuery, xml } from '@jackdaw/xmpp'
import { expect, onTestFinished, test } from 'vitest'
import { query, refusal, say, withoutNs } from './archive-fixture.ts'
import { archive } from './archive.ts'
import { disco } from './disco.ts'
import { mam } from './mam.ts'
import { presence } from './presence/presence.ts'
import { retraction } from './retraction.ts'

const modules = [mam, presence]
const accounts = { romeo: ['phone', 'laptop'], juliet: ['balcony'] }
const play = () => scenario({ accounts, modules })
/** Messages can be searched by their words. */
const searching: Partial<ScenarioOptions> = {
  modules: [...modules, archive, retraction],
  config: { hosts: { 'home.test': { modules: { archive: { fullText: true } } } } },
}

const secondsIn = (s: number) => Date.UTC(2026, 0, 1, 0, 0, s)

/** Juliet hears `count` messages of Romeo's, numbered from 1, a second apart. */
async function conversation(count: number, options: Partial<ScenarioOptions> = {}) {
  const stage = await scenario({ accounts, modules, ...options })
  onTestFinished(() => stage.stop())
  const phone: Actor = stage['phone']
  const balcony: Actor = stage['balcony']
  balcony.comes(0)
  await balcony.sync()
  for (let i = 1; i <= count; i++) {
    say(phone, 'juliet@home.test', String(i))
    await phone.sync()
    await stage.clock.advance(1000)
  }
  await balcony.sync()
  return { stage, phone, balcony }
}

test('XEP-0313 §4: results in order, then the end, all from the archive', async () => {
  const { phone } = await conversation(3)
  const { messages, results, bodies, fin } = await query(phone, { queryId: 'f27' })
  expect(bodies).toEqual(['1', '2', '3'])
  expect(messages.map(({ from, to }) => [from, to].join(' '))).toEqual(
    Array(3).fill('romeo@home.test romeo@home.test/phone'),
  )
  expect(results.map(({ queryId }) => queryId)).toEqual(['f27', 'f27', 'f27'])
  expect(fin).toEqual({
    isComplete: true,
    isStable: true,
    set: { first: results[0]!.id, index: 0, last: results[2]!.id, count: 3 },
  })
})

test('XEP-0313 §4.2: the message as it was received, and when', async () => {
  const { phone, balcony } = await conversation(2)
  for (const client of [phone, balcony]) {
    const { results } = await query(client)
    const [, second] = results
    expect(second!.forwarded.delay).toEqual({ stamp: Date.UTC(2026, 0, 1, 0, 0, 1) })
    expect(second!.forwarded.stanza.toString()).toBe(
      "<message xmlns='jabber:client' to='juliet@home.test' type='chat' from='romeo@home.test/phone'><body>2</body></message>",
    )
  }
})

test('XEP-0313 §3.5: what is archived carries its id, by the account, and the sender’s archive stays unknown', async () => {
  const { balcony } = await conversation(2)
  const heard = balcony.inbox.filter(({ name }) => name === 'message')
  const { ids } = await query(balcony)
  expect(heard.map((stanza) => stanza.elements().map(String))).toEqual(
    ids.map((id, i) => [
      `<body xmlns='jabber:client'>${i + 1}</body>`,
      `<stanza-id xmlns='urn:xmpp:sid:0' id='${id}' by='juliet@home.test'/>`,
    ]),
  )
})

test('XEP-0313 §3: a query sees every message handled before it', async () => {
  await using stage = await play()
  const { phone } = stage
  for (let i = 0; i < 20; i++) {
    say(phone, 'juliet@home.test', String(i))
    // In one segment with the message: no tick lies in between.
    expect((await query(phone, { set: { max: 1, before: '' } })).bodies).toEqual([String(i)])
  }
})

test('XEP-0313 §4.1.1: with a bare JID, every resource of it', async () => {
  const { phone } = await conversation(1)
  say(phone, 'juliet@home.test/balcony', 'full')
  say(phone, 'laertes@home.test', 'other')
  expect((await query(phone, { with: phone.jid.bare })).bodies).toEqual([])
  const juliet = phone.jid.bare.toString().replace('romeo', 'juliet')
  expect((await query(phone, { with: Jid.parse(juliet) })).bodies).toEqual(['1', 'full'])
})

test('XEP-0313 §4.1.1: with a full JID, that resource alone, in pages', async () => {
  const { phone, balcony } = await conversation(0)
  for (let i = 0; i < 300; i++) {
    say(phone, i % 100 === 0 || i === 299 ? 'juliet@home.test/balcony' : 'juliet@home.test', String(i))
    if (i % 150 === 0) say(balcony, 'romeo@home.test/phone', `answer ${i}`)
    if (i % 150 === 0) await balcony.sync()
  }
  await phone.sync()
  const full = Jid.parse('juliet@home.test/balcony')
  const all = await query(phone, { with: full })
  expect(new Set(all.bodies)).toEqual(new Set(['0', '100', '200', '299', 'answer 0', 'answer 150']))
  expect(all.fin.isComplete).toBe(true)
  const first = await query(phone, { with: full, set: { max: 2 } })
  expect([first.ids, first.fin.isComplete]).toEqual([all.ids.slice(0, 2), false])
  const rest = await query(phone, { with: full, set: { max: 4, after: first.fin.set.last } })
  expect([rest.ids, rest.fin.isComplete]).toEqual([all.ids.slice(2), true])
  const last = await query(phone, { with: full, set: { max: 2, before: '' } })
  expect([last.ids, last.fin.isComplete]).toEqual([all.ids.slice(4), false])
})

test('XEP-0313 §4.1.1, §6.1.1: what an account sends to itself is kept once, and found by its own JID', async () => {
  const { stage, phone } = await conversation(1)
  const laptop = stage.clients['laptop']!
  laptop.comes()
  await laptop.awaits("<presence from='romeo@home.test/laptop'/>")
  say(phone, 'romeo@home.test', 'note to myself')
  const heard = await laptop.hears(
    "<message><body>note to myself</body><stanza-id xmlns='urn:xmpp:sid:0' by='romeo@home.test'/></message>",
  )
  const { bodies, ids } = await query(phone, { with: Jid.parse('romeo@home.test') })
  expect(bodies).toEqual(['note to myself'])
  expect(heard.child('stanza-id', 'urn:xmpp:sid:0')!.attr('id')).toBe(ids[0])
  expect((await query(phone)).bodies).toEqual(['1', 'note to myself'])
})

test('XEP-0313 §4.1.2: start and end belong to the time asked for', async () => {
  const { phone } = await conversation(5)
  expect((await query(phone, { start: secondsIn(1), end: secondsIn(3) })).bodies).toEqual(['2', '3', '4'])
  expect((await query(phone, { start: secondsIn(1) + 1 })).bodies).toEqual(['3', '4', '5'])
  expect((await query(phone, { end: secondsIn(1) - 1 })).bodies).toEqual(['1'])
  const none = await query(phone, { start: secondsIn(60) })
  expect([none.bodies, none.fin]).toEqual([[], { isComplete: true, isStable: true, set: { count: 0 } }])
})

test('XEP-0313 §4.1.3: between two ids, and by ids', async () => {
  const { phone } = await conversation(5)
  const { ids } = await query(phone)
  expect((await query(phone, { afterId: ids[0]!, beforeId: ids[4]! })).bodies).toEqual(['2', '3', '4'])
  expect((await query(phone, { ids: [ids[3]!, ids[1]!] })).bodies).toEqual(['2', '4'])
  // The form's bounds hold on every page (§4.3.2).
  const page = { afterId: ids[0]!, beforeId: ids[4]! }
  expect((await query(phone, { ...page, set: { max: 2, after: ids[1] } })).bodies).toEqual(['3', '4'])
  expect((await query(phone, { ...page, set: { max: 1, before: ids[3] } })).bodies).toEqual(['3'])
  expect((await query(phone, { ...page, set: { after: ids[0] } })).bodies).toEqual(['2', '3', '4'])
  expect((await query(phone, { afterId: ids[2]!, set: { after: ids[0] } })).bodies).toEqual(['4', '5'])
  expect((await query(phone, { beforeId: ids[2]!, set: { before: ids[4] } })).bodies).toEqual(['1', '2'])
})

test('XEP-0313 §4.1.3, §4.3.2: ids that are not in this archive are item-not-found', async () => {
  const { phone, balcony } = await conversation(2)
  const { ids } = await query(phone)
  const foreign = (await query(balcony)).ids[0]!
  const asked = ['no id of ours', '00000000000', foreign].flatMap((id): MamQuery[] => [
    { ids: [ids[0]!, id] },
    { afterId: id },
    { beforeId: id },
    { set: { after: id } },
    { set: { before: id } },
    { afterId: id, set: { after: ids[1] } },
    { afterId: ids[1]!, set: { after: id } },
    { beforeId: id, set: { before: ids[0] } },
  ])
  for (const one of [...asked, { ids: [''] }])
    await expect(query(phone, one)).rejects.toEqual(refusal('item-not-found'))
})

test('XEP-0313 §4.1.4: include-groupchat is understood; no account keeps group chats', async () => {
  const { phone } = await conversation(1)
  for (const includeGroupchat of [true, false]) expect((await query(phone, { includeGroupchat })).bodies).toEqual(['1'])
})

test('XEP-0313 §4.1.5: the form, and unknown fields are feature-not-implemented', async () => {
  await using stage = await play()
  const phone: Actor = stage['phone']
  const answer = await phone.asks("<iq type='get'><query xmlns='urn:xmpp:mam:2'/></iq>")
  const [form] = answer.elements().map((child) => MamForm.read(child))
  const names = form?.fields?.map((field) => field.var)
  expect(names).toEqual(expect.arrayContaining(['FORM_TYPE', 'with', 'start', 'end', 'before-id', 'after-id', 'ids']))
  await expect(query(phone, { others: new Map([['{http://example.com/}free', ['x']]]) })).rejects.toEqual(
    refusal('feature-not-implemented'),
  )
})

test('XEP-0313 §4.3.1: a page has a limit, with and without <set/>', async () => {
  await using stage = await scenario({
    accounts: { romeo: ['phone'] },
    modules,
    config: { hosts: { 'home.test': { modules: { mam: { page: 3 } } } } },
  })
  const { phone } = stage
  for (let i = 1; i <= 5; i++) say(phone, 'juliet@home.test', String(i))
  const first = await query(phone)
  expect([first.bodies, first.fin.isComplete, first.fin.set.count]).toEqual([['1', '2', '3'], false, 5])
  const next = await query(phone, { set: { max: 100, after: first.fin.set.last } })
  expect([next.bodies, next.fin.isComplete, next.fin.set.index]).toEqual([['4', '5'], true, 3])
})

test('XEP-0313 §4.3.1: a page has a limit of bytes too, in both directions and with one resource; one message is always given', async () => {
  await using stage = await scenario({
    accounts: { romeo: ['phone'] },
    modules,
    config: { hosts: { 'home.test': { modules: { mam: { pageBytes: '64 KiB' } } } } },
  })
  const { phone } = stage
  const sizes = [30_000, 30_000, 30_000, 100_000, 10]
  for (const size of sizes) say(phone, 'juliet@home.test/balcony', 'x'.repeat(size))
  const pages = async (asked: MamQuery, isBackwards: boolean) => {
    const seen: number[][] = []
    for (let set: MamQuery['set'] = isBackwards ? { before: '' } : {}; ;) {
      const { bodies, fin } = await query(phone, { ...asked, set })
      seen.push(bodies.map((body) => body!.length))
      if (fin.isComplete) return seen
      set = isBackwards ? { before: fin.set.first! } : { after: fin.set.last! }
    }
  }
  for (const asked of [{}, { with: Jid.parse('juliet@home.test') }, { with: Jid.parse('juliet@home.test/balcony') }]) {
    expect(await pages(asked, false)).toEqual([[30_000, 30_000], [30_000], [100_000], [10]])
    expect(await pages(asked, true)).toEqual([[10], [100_000], [30_000, 30_000], [30_000]])
  }
})

test('XEP-0059 §2.2, §2.3, §2.5: forwards, backwards, the last page', async () => {
  const { phone } = await conversation(7)
  const pages = async (set: (last: MamFin['set']) => MamQuery['set'], from: MamQuery['set']) => {
    const seen: unknown[] = []
    for (let asked = from; ;) {
      const { bodies, fin } = await query(phone, { set: asked })
      seen.push(bodies.join(''), fin.set.index)
      expect(fin.set.count).toBe(7)
      if (fin.isComplete) return seen
      asked = set(fin.set)
    }
  }
  expect(await pages(({ last }) => ({ max: 3, after: last }), { max: 3 })).toEqual(['123', 0, '456', 3, '7', 6])
  expect(await pages(({ first }) => ({ max: 3, before: first }), { max: 3, before: '' })).toEqual([
    '567',
    4,
    '234',
    1,
    '1',
    0,
  ])
})

test('XEP-0059 §2.7: the number alone', async () => {
  const { phone } = await conversation(2)
  const { bodies, fin } = await query(phone, { set: { max: 0 } })
  expect([bodies, fin]).toEqual([[], { isComplete: false, isStable: true, set: { count: 2 } }])
})

test('XEP-0059 §2.6: pages by index are feature-not-implemented', async () => {
  await using stage = await play()
  await expect(query(stage['phone'], { set: { max: 10, index: 371 } })).rejects.toEqual(
    refusal('feature-not-implemented'),
  )
})

test('XEP-0313 §4.1.1: with a full JID, whatever stands in the attributes of a message', async () => {
  const { phone } = await conversation(0)
  phone.says(
    `<message to='juliet@home.test/balcony' type='chat' id="'&lt;>" xmlns:x='urn:x' x:a='>'><body>1</body></message>`,
  )
  await phone.sync()
  expect((await query(phone, { with: Jid.parse('juliet@home.test/balcony') })).bodies).toEqual(['1'])
})

test('XEP-0059 §2.2: what comes after nothing is the first page', async () => {
  const { phone } = await conversation(3)
  expect((await query(phone, { set: { max: 2, after: '' } })).bodies).toEqual(['1', '2'])
})

test('XEP-0313 §4.3.4: a flipped page has the same messages, the last one first', async () => {
  const { phone } = await conversation(5)
  const straight = await query(phone, { set: { max: 3, before: '' } })
  const flipped = await query(phone, { set: { max: 3, before: '' }, isFlipped: true })
  expect(flipped.bodies).toEqual(['5', '4', '3'])
  expect(flipped.fin).toEqual(straight.fin)
})

async function metadata(client: Actor) {
  return MamMetadata.read((await client.asks("<iq type='get'><metadata xmlns='urn:xmpp:mam:2'/></iq>")).first()!)
}

test('XEP-0313 §5: metadata', async () => {
  const { stage, phone } = await conversation(3)
  const { ids } = await query(phone)
  expect(await metadata(phone)).toEqual({
    start: { id: ids[0], timestamp: secondsIn(0) },
    end: { id: ids[2], timestamp: secondsIn(2) },
  })
  await stage.register('tybalt')
  expect(await metadata(await stage.login('tybalt', 'street'))).toBeUndefined()
})

test('XEP-0313 §6.1.1: what is kept of what is sent and of what is received', async () => {
  const { phone, balcony } = await conversation(0)
  const cases: [string, boolean][] = [
    ["type='chat'><body>a</body>", true],
    ['><body>b</body>', true],
    ["type='unknown'><body>c</body>", true],
    ["type='headline'><body>d</body>", false],
    ["type='error'><body>e</body>", false],
    ["type='groupchat'><body>f</body>", false],
    ["type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/>", false],
    ["type='chat'><subject>no body</subject>", false],
    // XEP-0334 §4
    ["type='chat'><body>g</body><no-store xmlns='urn:xmpp:hints'/>", false],
    ["type='chat'><body>h</body><no-permanent-store xmlns='urn:xmpp:hints'/>", false],
    ["type='chat'><body>i</body><no-copy xmlns='urn:xmpp:hints'/>", true],
    ["type='chat'><store xmlns='urn:xmpp:hints'/>", true],
    ["type='headline'><store xmlns='urn:xmpp:hints'/>", true],
    ["type='error'><store xmlns='urn:xmpp:hints'/>", false],
    ["type='chat'><store xmlns='urn:xmpp:hints'/><no-store xmlns='urn:xmpp:hints'/>", false],
    // XEP-0184, XEP-0333
    ["type='chat'><received xmlns='urn:xmpp:receipts' id='1'/>", true],
    ["type='chat'><request xmlns='urn:xmpp:receipts'/>", false],
    ["type='chat'><displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>", true],
    ["type='chat'><markable xmlns='urn:xmpp:chat-markers:0'/>", false],
    // XEP-0249, XEP-0045 §7.8.2
    ["><x xmlns='jabber:x:conference' jid='room@rooms.test'/>", true],
    ["><x xmlns='http://jabber.org/protocol/muc#user'><invite to='juliet@home.test'/></x>", true],
    ["><x xmlns='http://jabber.org/protocol/muc#user'/>", false],
  ]
  for (const [text] of cases) phone.says(`<message to='juliet@home.test/balcony' ${text}</message>`)
  await phone.sync()
  await balcony.sync()
  expect(balcony.inbox.filter(({ name }) => name === 'message')).toHaveLength(cases.length)
  for (const client of [phone, balcony]) {
    const { results } = await query(client)
    const wanted = cases.filter(([, isKept]) => isKept).map(([text]) => text)
    expect(results.map(({ forwarded }) => forwarded.stanza.elements().map(withoutNs).join(''))).toEqual(
      wanted.map((text) => text.slice(text.indexOf('>') + 1)),
    )
  }
})

test('XEP-0313 §6.1: what is refused is in no archive of who refused it', async () => {
  const { phone, balcony } = await conversation(0)
  phone.says("<message to='juliet@home.test/tomb'><body>awake?</body></message>")
  await phone.awaits(
    "<message type='error'><error><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
  )
  expect((await query(balcony)).bodies).toEqual([])
})

test('XEP-0313 §8.1: nobody reads another’s archive', async () => {
  const { phone, balcony } = await conversation(1)
  for (const [type, name] of [
    ['set', 'query'],
    ['get', 'query'],
    ['get', 'metadata'],
  ] as const)
    for (const account of ['romeo', 'nobody'])
      await expect(balcony.ask(type, xml(name, 'urn:xmpp:mam:2'), Jid.parse(`${account}@home.test`))).rejects.toEqual(
        refusal('forbidden'),
      )
  expect((await query(phone)).bodies).toEqual(['1'])
})

test('XEP-0442: an account has no archived nodes', async () => {
  await using stage = await play()
  await expect(query(stage['phone'], { node: 'urn:xmpp:microblog:0' })).rejects.toEqual(
    refusal('feature-not-implemented'),
  )
})

test('XEP-0313: what was acknowledged is in the archive after a crash, once', async () => {
  const stage = await scenario({ accounts: { romeo: ['phone'], juliet: ['balcony'] }, modules, resume: true })
  onTestFinished(() => stage.stop())
  const phone: Actor = stage['phone']
  for (let i = 1; i <= 10; i++) say(phone, 'juliet@home.test', String(i))
  await phone.settled()
  stage.crash()
  await stage.start()
  expect(await phone.connect()).toBe('resumed')
  expect((await query(phone)).bodies).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9', '10'])
})

const words = (text: string): MamQuery => ({ others: new Map([['{urn:xmpp:fulltext:0}fulltext', [text]]]) })

test('XEP-0431 §3: messages with these words, also with the other fields, in pages, and right after they were sent', async () => {
  const { phone, balcony } = await conversation(0, searching)
  const said = [
    'But soft, what light',
    'It is the east',
    'Arise, fair sun: the light',
    'O, that she knew she were! Light &amp; love',
  ]
  for (const text of said) say(phone, 'juliet@home.test', text)
  say(phone, 'nurse@home.test', 'a light supper')
  expect((await query(phone, words('LIGHT'))).bodies).toHaveLength(4)
  expect((await query(phone, words('light the'))).bodies).toEqual([said[2]])
  await balcony.sync()
  expect((await query(balcony, words('light'))).bodies).toHaveLength(3)
  const page = await query(phone, {
    ...words('light'),
    with: Jid.parse('juliet@home.test'),
    set: { max: 2, before: '' },
  })
  expect([page.bodies, page.fin.isComplete, page.fin.set.count]).toEqual([
    [said[2], 'O, that she knew she were! Light & love'],
    false,
    3,
  ])
  // §2.2: with an empty field it is a query like any other.
  expect((await query(phone, words('  '))).bodies).toHaveLength(5)
  for (const text of ['"', 'light OR sun', 'NEAR(', '!!!']) expect((await query(phone, words(text))).bodies).toEqual([])
})

test('XEP-0424 §4: what is retracted is not found by its words', async () => {
  await using stage = await scenario({ accounts, ...searching })
  const { phone } = stage
  phone.says("<message to='juliet@home.test' type='chat' id='m1'><body>needle</body></message>")
  phone.says(
    "<message to='juliet@home.test' type='chat' id='r1'><retract xmlns='urn:xmpp:message-retract:1' id='m1'/></message>",
  )
  expect((await query(phone, words('needle'))).bodies).toEqual([])
  expect((await query(phone)).bodies).toHaveLength(2)
})

test('XEP-0431 §2.1, §3.1: the field and the feature, unless the host does without', async () => {
  for (const fullText of [true, false]) {
    await using stage = await scenario({
      accounts: { romeo: ['phone'] },
      modules: [...modules, archive, disco],
      config: { hosts: { 'home.test': { modules: { archive: { fullText } } } } },
    })
    const phone: Actor = stage['phone']
    const form = (await phone.asks("<iq type='get'><query xmlns='urn:xmpp:mam:2'/></iq>")).first()!.toString()
    expect(form.includes('{urn:xmpp:fulltext:0}fulltext')).toBe(fullText)
    const info = await phone.asks(
      "<iq type='get' to='romeo@home.test'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
    )
    expect(info.toString().includes("var='urn:xmpp:fulltext:0'")).toBe(fullText)
    if (!fullText) await expect(query(phone, words('light'))).rejects.toEqual(refusal('feature-not-implemented'))
  }
})
