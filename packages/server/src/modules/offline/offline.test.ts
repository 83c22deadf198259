import { type Actor, type ManualClock, type Scenario, scenario } from '@jackdaw/testkit'
import { Delay, type Element, Jid, MamQuery, MamResult } from '@jackdaw/xmpp'
import { expect, onTestFinished, test } from 'vitest'
import type { Module } from '../../module.ts'
import { carbons } from '../carbons.ts'
import { mam } from '../mam.ts'
import { presence } from '../presence/presence.ts'
import { offline } from './offline.ts'

const modules = [mam, carbons, offline, presence]
const unavailable =
  "<message type='error'><error><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"

/** Romeo is there, Juliet's resources have logged in only. */
async function play(
  options: { readonly limit?: number; readonly resume?: boolean; readonly without?: Module } = {},
): Promise<{ stage: Scenario; clock: ManualClock; phone: Actor; balcony: Actor; chamber: Actor }> {
  const { limit, resume = false, without } = options
  const stage = await scenario({
    accounts: { romeo: ['phone'], juliet: ['balcony', 'chamber'] },
    modules: modules.filter((one) => one !== without),
    resume,
    config: { hosts: { 'home.test': { modules: { offline: limit === undefined ? {} : { limit } } } } },
  })
  onTestFinished(() => stage.stop())
  const { phone, balcony, chamber } = stage.clients
  return { stage, clock: stage.clock, phone: phone!, balcony: balcony!, chamber: chamber! }
}

async function say(client: Actor, ...bodies: (string | number)[]) {
  for (const body of bodies) client.says(`<message to='juliet@home.test' type='chat'><body>${body}</body></message>`)
  await client.sync()
}

/** The messages among what was heard. */
async function messages(client: Actor) {
  await client.sync()
  const heard = client.inbox.filter(({ name }) => name === 'message')
  client.clear()
  return heard
}

const bodies = async (client: Actor) => (await messages(client)).map((stanza) => stanza.child('body')?.text)
const delayOf = (stanza: Element) =>
  stanza
    .elements()
    .filter(({ name, ns }) => name === Delay.name && ns === Delay.ns)
    .map((one) => Delay.read(one))

test('XEP-0160 §2: what is sent to an account that is away comes with its first presence, in order, with its time', async () => {
  const { phone, balcony, clock } = await play()
  await say(phone, 1)
  await clock.advance(5000)
  await say(phone, 2, 3)
  await clock.advance(60_000)
  expect(phone.inbox).toEqual([])
  balcony.comes()
  const heard = await messages(balcony)
  expect(heard.map((stanza) => stanza.child('body')!.text)).toEqual(['1', '2', '3'])
  const start = Date.UTC(2026, 0, 1)
  expect(heard.map(delayOf)).toEqual([0, 5000, 5000].map((ms) => [{ stamp: start + ms, from: Jid.parse('home.test') }]))
  // Once only.
  balcony.says("<presence type='unavailable'/>")
  balcony.comes()
  expect(await bodies(balcony)).toEqual([])
})

test('XEP-0160 §2: not to a resource with a negative priority, until it has another', async () => {
  const { phone, balcony } = await play()
  balcony.comes(-1)
  await say(phone, 1)
  expect(await bodies(balcony)).toEqual([])
  balcony.comes(-2)
  expect(await bodies(balcony)).toEqual([])
  balcony.comes(0)
  expect(await bodies(balcony)).toEqual(['1'])
  await say(phone, 2)
  expect((await messages(balcony)).flatMap(delayOf)).toEqual([])
})

test('XEP-0160 §2: directed presence takes nothing', async () => {
  const stage = await play()
  await say(stage.phone, 1)
  stage.balcony.says("<presence to='romeo@home.test'/>")
  expect(await bodies(stage.balcony)).toEqual([])
})

test('XEP-0160 §2: of several resources that come, one gets them', async () => {
  const { phone, balcony, chamber } = await play()
  await say(phone, 1, 2, 3)
  balcony.comes()
  chamber.comes()
  const heard = [await bodies(balcony), await bodies(chamber)]
  expect(heard.toSorted((a, b) => b.length - a.length)).toEqual([['1', '2', '3'], []])
})

test('XEP-0160 §2: what comes while the resource comes keeps its place', async () => {
  const { phone, balcony } = await play()
  const sent = Array.from({ length: 60 }, (_, i) => String(i))
  for (const [i, body] of sent.entries()) {
    phone.says(`<message to='juliet@home.test' type='chat'><body>${body}</body></message>`)
    if (i === 20) balcony.comes()
    if (i % 3 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await phone.sync()
  expect(await bodies(balcony)).toEqual(sent)
})

const kinds: [string, string, boolean][] = [
  ["type='chat'><body>a</body>", '', true],
  ["type='chat'><body>a</body>", '/tomb', true],
  ["type='chat'><received xmlns='urn:xmpp:receipts' id='1'/>", '', true],
  ["type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/><body>a</body>", '', true],
  ["type='normal'><body>a</body>", '', true],
  ['><subject>a</subject>', '', true],
  // XEP-0334 §4: waiting is not permanent.
  ["type='chat'><body>a</body><no-permanent-store xmlns='urn:xmpp:hints'/>", '', true],
  ["type='headline'><body>a</body><store xmlns='urn:xmpp:hints'/>", '', true],
]

test.each(kinds)('XEP-0160 §3: <message %s</message> to juliet%s waits', async (text, resource) => {
  const { phone, balcony } = await play()
  phone.says(`<message to='juliet@home.test${resource}' ${text}</message>`)
  await phone.hearsNothing()
  balcony.comes()
  expect(await messages(balcony)).toHaveLength(1)
})

test.each([
  ["type='headline'><body>a</body>", '', 'ignored'],
  ["type='error'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>", '', 'ignored'],
  ["type='groupchat'><body>a</body>", '', 'refused'],
  ['><body>a</body>', '/tomb', 'refused'],
  // XEP-0334 §4.2
  ["type='chat'><body>a</body><no-store xmlns='urn:xmpp:hints'/>", '', 'refused'],
  // XEP-0085 §5.8
  ["type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/>", '', 'ignored'],
  [
    "type='chat'><active xmlns='http://jabber.org/protocol/chatstates'/><thread>1</thread><no-store xmlns='urn:xmpp:hints'/>",
    '',
    'ignored',
  ],
])('XEP-0160 §3: <message %s</message> to juliet%s is %s', async (text, resource, fate) => {
  const { phone, balcony } = await play()
  phone.says(`<message to='juliet@home.test${resource}' ${text}</message>`)
  if (fate === 'refused') await phone.hears(unavailable)
  else await phone.hearsNothing()
  balcony.comes()
  expect(await messages(balcony)).toEqual([])
})

test('RFC 6121 §8.5.1: nothing waits for an account that does not exist', async () => {
  const { phone } = await play()
  phone.says("<message to='nobody@home.test' type='chat'><body>a</body></message>")
  expect(await phone.hears(unavailable)).toBeDefined()
})

test('XEP-0160 §2: when too many wait, the next is refused, and the archive does not have it', async () => {
  const { phone, balcony } = await play({ limit: 3 })
  // The first one finds out how many there are.
  for (const body of [1, 2, 3, 4, 5]) await say(phone, body)
  expect(await messages(phone)).toHaveLength(2)
  const archived = async () => {
    await balcony.ask('set', MamQuery.write({}))
    return (await messages(balcony)).map(
      (stanza) => MamResult.read(stanza.first()!).forwarded.stanza.child('body')!.text,
    )
  }
  expect(await archived()).toEqual(['1', '2', '3'])
  balcony.comes()
  expect(await bodies(balcony)).toEqual(['1', '2', '3'])
  balcony.says("<presence type='unavailable'/>")
  await balcony.sync()
  for (const body of [6, 7, 8, 9]) await say(phone, body)
  expect(await messages(phone)).toHaveLength(1)
  balcony.comes()
  expect(await bodies(balcony)).toEqual(['6', '7', '8'])
})

test('XEP-0160: a limit of 0 lets nothing wait', async () => {
  const stage = await play({ limit: 0 })
  await stage.phone.sync()
  await say(stage.phone, 1)
  expect(await stage.phone.hears(unavailable)).toBeDefined()
})

test('XEP-0313 §3.5: what waited carries its id in the archive; what only waited carries none and is not in the archive', async () => {
  const { phone, balcony } = await play()
  await say(phone, 1)
  phone.says(
    "<message to='juliet@home.test' type='chat'><body>2</body><no-permanent-store xmlns='urn:xmpp:hints'/></message>",
  )
  await phone.sync()
  balcony.comes()
  const [first, second] = await messages(balcony)
  await balcony.ask('set', MamQuery.write({}))
  const results = (await messages(balcony)).map((stanza) => MamResult.read(stanza.first()!))
  expect(results.map(({ id }) => id)).toEqual([first!.child('stanza-id', 'urn:xmpp:sid:0')!.attr('id')])
  expect(second!.child('stanza-id', 'urn:xmpp:sid:0')).toBeUndefined()
  expect(second!.child('body')!.text).toBe('2')
})

test('XEP-0160: messages wait as well when there is no archive', async () => {
  const { phone, balcony } = await play({ without: mam })
  await say(phone, 1, 2)
  balcony.comes()
  const heard = await messages(balcony)
  expect(heard.map((stanza) => stanza.child('body')!.text)).toEqual(['1', '2'])
  expect(heard.every((stanza) => stanza.child('stanza-id', 'urn:xmpp:sid:0') === undefined)).toBe(true)
  balcony.comes(-1)
  await balcony.sync()
  balcony.comes()
  expect(await bodies(balcony)).toEqual([])
})

test('XEP-0203 §5: nobody else says what this server says about delays', async () => {
  const { phone, balcony } = await play()
  const delays =
    "<delay xmlns='urn:xmpp:delay' from='HOME.test' stamp='2000-01-01T00:00:00Z'/><delay xmlns='urn:xmpp:delay' from='rooms.test' stamp='2001-01-01T00:00:00Z'/>"
  phone.says(`<message to='juliet@home.test' type='chat'><body>a</body>${delays}</message>`)
  await phone.sync()
  balcony.comes()
  const [heard] = await messages(balcony)
  expect(delayOf(heard!).map(({ from, stamp }) => [String(from), stamp])).toEqual([
    ['rooms.test', Date.UTC(2001, 0, 1)],
    ['home.test', Date.UTC(2026, 0, 1)],
  ])
})

test('XEP-0160: what waits, waits through a crash, and comes once', async () => {
  const { stage, phone, balcony } = await play({ resume: true })
  await say(phone, 1, 2)
  await phone.settled()
  stage.crash()
  await stage.start()
  expect(await balcony.connect()).toBe('resumed')
  balcony.comes()
  expect(await bodies(balcony)).toEqual(['1', '2'])
  await balcony.settled()
  balcony.acknowledge()
  await balcony.sync()
  stage.crash()
  await stage.start()
  expect(await balcony.connect()).toBe('resumed')
  balcony.says("<presence type='unavailable'/>")
  balcony.comes()
  expect(await bodies(balcony)).toEqual([])
})
