import { type Actor, scenario } from '@jackdaw/testkit'
import { type Element, ReceivedCarbon, SentCarbon } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { carbons } from './carbons.ts'
import { mam } from './mam.ts'
import { offline } from './offline/offline.ts'
import { presence } from './presence/presence.ts'

const modules = [carbons, mam, offline, presence]
const ns = 'urn:xmpp:carbons:2'
const enable = `<iq type='set'><enable xmlns='${ns}'/></iq>`
const disable = `<iq type='set'><disable xmlns='${ns}'/></iq>`
const said =
  (body: string, attrs = "type='chat'") =>
  (to: string) =>
    `<message to='${to}' ${attrs}><body>${body}</body></message>`

/** Romeo has three resources that are there, of which the first two want copies; so do both of Juliet's. */
async function play(options: { readonly limit?: number } = {}) {
  const stage = await scenario({
    accounts: { romeo: ['phone', 'laptop', 'tablet'], juliet: ['balcony', 'chamber'] },
    modules,
    config: { hosts: { 'home.test': { modules: { carbons: options } } } },
  })
  for (const client of Object.values(stage.clients)) client.comes(client.jid.resource === 'chamber' ? -1 : 0)
  const { phone, laptop, tablet, balcony, chamber } = stage.clients
  for (const client of [phone!, laptop!, balcony!, chamber!]) await client.asks(enable)
  await quiet(stage.clients)
  return Object.assign(stage, { phone: phone!, laptop: laptop!, tablet: tablet!, balcony: balcony!, chamber: chamber! })
}

async function quiet(clients: Record<string, Actor>) {
  for (const client of Object.values(clients)) await client.sync()
  for (const client of Object.values(clients)) client.clear()
}

/** What each resource hears of what one says: '-' nothing, 'm' the message, 's' and 'r' copies. */
async function heard(clients: Record<string, Actor>): Promise<Record<string, string>> {
  for (const client of Object.values(clients)) await client.sync()
  const kinds = Object.entries(clients).map(([name, { inbox }]) => [name, inbox.map(kindOf).join('') || '-'] as const)
  await quiet(clients)
  return Object.fromEntries(kinds)
}

function kindOf(stanza: Element): string {
  return stanza.child('sent', ns) ? 's' : stanza.child('received', ns) ? 'r' : 'm'
}

function idsIn(stanza: Element): (string | undefined)[] {
  return stanza
    .elements()
    .filter(({ name }) => name === 'stanza-id')
    .map((id) => id.attr('by'))
}

const nothing = { phone: '-', laptop: '-', tablet: '-', balcony: '-', chamber: '-' }

test('XEP-0280 §4, §5, §10.1: enabling and disabling, as often as one likes', async () => {
  await using stage = await play()
  const { laptop, phone, clients } = stage
  const say = async () => {
    phone.says(said('hi')('juliet@home.test'))
    return (await heard(clients))['laptop']
  }
  expect((await laptop.asks(enable)).type).toBe('result')
  expect(await say()).toBe('s')
  expect((await laptop.asks(disable)).type).toBe('result')
  expect((await laptop.asks(disable)).type).toBe('result')
  expect(await say()).toBe('-')
  await laptop.asks(enable)
  expect(await say()).toBe('s')
})

test('XEP-0280 §4.1, §5.1: nobody enables or disables another’s copies', async () => {
  await using stage = await play()
  for (const request of [enable, disable])
    await expect(stage.balcony.asks(request.replace('<iq', "<iq to='romeo@home.test'"))).rejects.toMatchObject({
      condition: 'not-allowed',
    })
})

test('XEP-0280 §7: copies of what is received go to those who did not get it', async () => {
  await using stage = await play()
  const { phone, clients } = stage
  // To a resource: the other one gets a copy, whatever its priority.
  phone.says(said('hi')('juliet@home.test/balcony'))
  expect(await heard(clients)).toEqual({ ...nothing, laptop: 's', balcony: 'm', chamber: 'r' })
  // To the account: the one with a negative priority is the only one left.
  phone.says(said('hi')('juliet@home.test'))
  expect(await heard(clients)).toEqual({ ...nothing, laptop: 's', balcony: 'm', chamber: 'r' })
})

test('XEP-0280 §7: the copy is from the account, to the resource, of the same type, and holds the message as delivered', async () => {
  await using stage = await play()
  stage.phone.says(said('hi')('juliet@home.test/balcony'))
  const original = await stage.balcony.stanza()
  const copy = await stage.chamber.hears("<message from='juliet@home.test' to='juliet@home.test/chamber' type='chat'/>")
  expect(copy.elements()).toHaveLength(1)
  expect(ReceivedCarbon.read(copy.first()!).stanza.toString()).toBe(original.toString())
  expect(original.child('stanza-id', 'urn:xmpp:sid:0')?.attr('by')).toBe('juliet@home.test')
})

test('XEP-0280 §8: copies of what is sent go to the others, whether or not the sender wants copies itself', async () => {
  await using stage = await play()
  stage.tablet.says(said('hi')('juliet@home.test/balcony'))
  expect(await heard(stage.clients)).toEqual({ ...nothing, phone: 's', laptop: 's', balcony: 'm', chamber: 'r' })
})

test('XEP-0280 §8, XEP-0313 §3.5: the sender’s copy, and only that, tells the id in its archive', async () => {
  await using stage = await play()
  const { phone, laptop, balcony } = stage
  phone.says(said('hi')('juliet@home.test'))
  const copy = await laptop.hears("<message from='romeo@home.test' to='romeo@home.test/laptop' type='chat'/>")
  const inner = SentCarbon.read(copy.first()!).stanza
  expect([inner.from, inner.to].map(String)).toEqual(['romeo@home.test/phone', 'juliet@home.test'])
  expect(idsIn(inner)).toEqual(['romeo@home.test'])
  expect(idsIn(await balcony.stanza())).toEqual(['juliet@home.test'])
})

const eligible: [string, boolean][] = [
  ["type='chat'><body>a</body>", true],
  ["type='chat'><thread>a</thread>", true],
  ['><body>a</body>', true],
  ["type='normal'><subject>a</subject>", false],
  ["type='headline'><body>a</body>", false],
  ["type='groupchat'><body>a</body>", false],
  ["><received xmlns='urn:xmpp:receipts' id='1'/>", true],
  ["><composing xmlns='http://jabber.org/protocol/chatstates'/>", true],
  ["><displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>", true],
  ["><x xmlns='jabber:x:conference' jid='room@rooms.test'/>", true],
  ["><x xmlns='http://jabber.org/protocol/muc#user'><invite from='a@b.test'/></x>", true],
  [
    "type='error'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
    true,
  ],
  // §9
  [`type='chat'><body>a</body><private xmlns='${ns}'/>`, false],
  // XEP-0334 §4.3
  ["type='chat'><body>a</body><no-copy xmlns='urn:xmpp:hints'/>", false],
  ["type='chat'><body>a</body><no-store xmlns='urn:xmpp:hints'/>", true],
]

test.each(eligible)('XEP-0280 §6.1: <message %s</message> is copied: %s', async (text, isCopied) => {
  await using stage = await play()
  stage.phone.says(`<message to='juliet@home.test/balcony' ${text}</message>`)
  expect(await heard(stage.clients)).toEqual({
    ...nothing,
    laptop: isCopied ? 's' : '-',
    balcony: 'm',
    chamber: isCopied ? 'r' : '-',
  })
})

test('XEP-0280 §6.1: what an occupant of a room says in private is copied where it is sent, not where it is received', async () => {
  await using stage = await play()
  const privately =
    "<message to='juliet@home.test/balcony' type='chat'><body>a</body><x xmlns='http://jabber.org/protocol/muc#user'/></message>"
  stage.phone.says(privately)
  expect(await heard(stage.clients)).toEqual({ ...nothing, laptop: 's', balcony: 'm' })
})

test('XEP-0280 §9: private has no say in RFC 6121 §8.5.2', async () => {
  await using stage = await play()
  stage.balcony.says(`<message to='romeo@home.test' type='chat'><body>a</body><private xmlns='${ns}'/></message>`)
  expect(await heard(stage.clients)).toEqual({ ...nothing, phone: 'm', laptop: 'm', tablet: 'm' })
})

test('XEP-0280 §10.3: an error to a copy reaches nobody', async () => {
  await using stage = await play()
  const { phone, laptop, clients } = stage
  phone.says(said('hi')('juliet@home.test/balcony'))
  const copy = await laptop.hears(`<message><sent xmlns='${ns}'/></message>`)
  await quiet(clients)
  laptop.send(copy.reply('error'))
  expect(await heard(clients)).toEqual(nothing)
})

test('RFC 6121 §8.5.3.2.1: what is refused is not copied', async () => {
  await using stage = await play()
  stage.phone.says(said('a', '')('juliet@home.test/tomb'))
  // The copy of what was sent is made before anybody knows.
  expect(await heard(stage.clients)).toEqual({ ...nothing, phone: 'm', laptop: 's' })
})

test('XEP-0280 §7, §8: what an account sends to itself comes once to each resource that gets it', async () => {
  await using stage = await play()
  const { phone, clients } = stage
  phone.says(said('note')('romeo@home.test'))
  expect(await heard(clients)).toEqual({ ...nothing, phone: 'm', laptop: 'm', tablet: 'm' })
  phone.says(said('note')('romeo@home.test/tablet'))
  expect(await heard(clients)).toEqual({ ...nothing, laptop: 'r', tablet: 'm' })
  phone.says("<message type='chat'><body>note</body></message>")
  expect(await heard(clients)).toEqual({ ...nothing, phone: 'm', laptop: 'm', tablet: 'm' })
})

test('no more copies than the limit', async () => {
  await using stage = await play({ limit: 1 })
  stage.tablet.says(said('hi')('juliet@home.test/balcony'))
  const { phone, laptop } = await heard(stage.clients)
  expect(new Set([phone, laptop])).toEqual(new Set(['-', 's']))
})

test('DESIGN 2: whoever wants copies wants them still after a crash', async () => {
  await using stage = await scenario({ accounts: { romeo: ['phone', 'laptop'] }, modules, resume: true })
  const phone: Actor = stage['phone']
  const laptop: Actor = stage['laptop']
  await laptop.asks(enable)
  stage.crash()
  await stage.start()
  for (const client of [phone, laptop]) expect(await client.connect()).toBe('resumed')
  phone.says(said('hi')('juliet@home.test'))
  await laptop.hears(`<message from='romeo@home.test'><sent xmlns='${ns}'/></message>`)
})
