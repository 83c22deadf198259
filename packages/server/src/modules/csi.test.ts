import { type Actor, ManualClock, type Scenario, scenario, type ScenarioOptions } from '@jackdaw/testkit'
import { csiNs, formatDateTime, xml } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { carbons } from './carbons.ts'
import { csi } from './csi.ts'
import { offline } from './offline/offline.ts'
import { ping } from './ping.ts'
import { subscriptions } from './subscriptions/subscriptions.ts'

const modules = [csi, subscriptions, carbons, offline, ping]
const juliet = 'juliet@home.test'
const romeo = 'romeo@home.test'
const inactive = xml('inactive', csiNs)
const active = xml('active', csiNs)
const typing = (id: string) =>
  `<message to='${juliet}/phone' type='chat' id='${id}'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`
const words = (id: string, to = `${juliet}/phone`) =>
  `<message to='${to}' type='chat' id='${id}'><body>${id}</body></message>`
const status = (text: string) => `<presence to='${juliet}/phone'><status>${text}</status></presence>`

/** Juliet's phone sleeps; Romeo writes to it. */
async function night(options: ScenarioOptions = {}) {
  const s = await scenario({
    accounts: { romeo: ['desk', 'tablet'], juliet: ['phone'] },
    modules,
    resume: true,
    ...options,
  })
  s.phone.comes()
  await s.phone.sync()
  await sleep(s.phone)
  return s
}

async function sleep(client: Actor): Promise<void> {
  await client.sync()
  client.clear()
  client.send(inactive)
  // Not asked for by the client: that would wake it.
  await client.settled()
}

async function kill(s: Scenario): Promise<void> {
  s.crash()
  await s.start()
}

test('XEP-0352 §4.1: it is offered when the client has logged in', async () => {
  await using s = await scenario({ modules })
  await s.register('romeo')
  const client = s.client('romeo', 'desk')
  await client.open()
  expect(client.features.child('csi', csiNs)).toBeUndefined()
  await client.login()
  expect(client.features.child('csi', csiNs)).toBeDefined()
})

test('XEP-0352 §3.2: presence and messages that tell the user nothing wait until the client is active, in order', async () => {
  await using s = await night()
  s.desk.says(typing('1'))
  s.desk.says(status('a'))
  s.desk.says(typing('2'))
  await s.desk.sync()
  expect(s.phone.inbox).toEqual([])
  s.phone.send(active)
  await s.phone.hears(`<message id='1'/>`)
  await s.phone.hears(`<presence from='${romeo}/desk'><status>a</status></presence>`)
  await s.phone.hears(`<message id='2'/>`)
  await s.phone.hearsNothing()
  s.desk.says(status('b'))
  await s.phone.hears(`<presence><status>b</status></presence>`)
})

test('XEP-0352 §3.2: of what one resource says of its presence the latest comes, where it was said', async () => {
  await using s = await night()
  s.desk.says(status('a'))
  s.tablet.says(status('t'))
  await s.tablet.sync()
  s.desk.says(typing('1'))
  s.desk.says(`<presence to='${juliet}/phone' type='unavailable'/>`)
  await s.desk.sync()
  s.phone.send(active)
  await s.phone.hears(`<presence from='${romeo}/tablet'><status>t</status></presence>`)
  await s.phone.hears(`<message id='1'/>`)
  await s.phone.hears(`<presence from='${romeo}/desk' type='unavailable'/>`)
  await s.phone.hearsNothing()
})

test('XEP-0352 §3.2: what is urgent comes at once, behind what was held back before', async () => {
  await using s = await night()
  for (const urgent of [
    words('u'),
    `<message to='${juliet}/phone' type='error' id='u'><error type='cancel'/></message>`,
    `<iq to='${juliet}/phone' type='get' id='u'><ping xmlns='urn:xmpp:ping'/></iq>`,
    `<presence to='${juliet}' type='subscribe' id='u'/>`,
  ]) {
    s.desk.says(status('a'))
    s.desk.says(urgent)
    await s.phone.hears(`<presence><status>a</status></presence>`)
    expect((await s.phone.stanza()).id).toBe('u')
  }
  expect(s.phone.inbox).toEqual([])
})

test('XEP-0352 §5.1: what was held back comes before the answer to what the client asks next', async () => {
  await using s = await night()
  s.desk.says(typing('1'))
  await s.desk.sync()
  s.phone.send(active)
  s.phone.says(`<iq to='home.test' type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>`)
  await s.phone.hears(`<message id='1'/>`)
  await s.phone.hears(`<iq type='result' id='p'/>`)
})

test('XEP-0203 §2: what was held back tells since when', async () => {
  const clock = new ManualClock()
  await using s = await night({ clock })
  s.desk.says(status('a'))
  await s.desk.sync()
  const at = formatDateTime(clock.now())
  await clock.advance(60_000)
  s.phone.send(active)
  await s.phone.hears(`<presence><delay xmlns='urn:xmpp:delay' stamp='${at}' from='home.test'/></presence>`)
})

test('XEP-0198 §4: what is held back is counted when it is handed over', async () => {
  await using s = await night()
  const before = s.phone.handled
  s.desk.says(status('a'))
  s.desk.says(typing('1'))
  await s.desk.sync()
  s.phone.acknowledge()
  await s.phone.settled()
  expect(s.phone.handled).toBe(before)
  s.desk.says(words('2'))
  await s.phone.awaits(`<message id='2'/>`)
  expect(s.phone.handled).toBe(before + 3)
  await s.phone.cut()
  expect(await s.phone.connect()).toBe('resumed')
  await s.phone.hearsNothing()
})

test('XEP-0352 §5.2: a stream that resumes is active: it is given what was under way, then what was held back', async () => {
  await using s = await night()
  s.desk.says(status('a'))
  await s.desk.sync()
  await s.phone.cut()
  s.desk.says(typing('1'))
  await s.desk.sync()
  expect(await s.phone.connect()).toBe('resumed')
  await s.phone.hears(`<presence><status>a</status></presence>`)
  await s.phone.hears(`<message id='1'/>`)
  s.desk.says(status('b'))
  await s.phone.hears(`<presence><status>b</status></presence>`)
  await s.phone.hearsNothing()
})

test('what is held back outlives a kill, in order with what was sent before and after', async () => {
  await using s = await night({ partBatches: 3 })
  s.desk.says(words('0'))
  await s.phone.hears(`<message id='0'/>`)
  s.desk.says(status('a'))
  s.desk.says(typing('1'))
  s.desk.says(status('b'))
  await s.desk.settled()
  await kill(s)
  expect(await s.desk.connect()).toBe('resumed')
  s.desk.says(status('c'))
  await s.desk.settled()
  await kill(s)
  expect(await s.phone.connect()).toBe('resumed')
  await s.phone.hears(`<message id='1'/>`)
  await s.phone.hears(`<presence><status>c</status></presence>`)
  await s.phone.settled()
  await kill(s)
  expect(await s.phone.connect()).toBe('resumed')
  await s.phone.hearsNothing()
})

test('what was handed over and not acknowledged comes again after a kill, in its order', async () => {
  await using s = await night()
  const watch = s.client('juliet', 'watch', { acknowledges: false })
  await watch.connect()
  await sleep(watch)
  watch.acknowledge()
  s.desk.says(status('a').replace('/phone', '/watch'))
  await s.desk.sync()
  const before = watch.handled
  watch.send(active)
  await watch.hears(`<presence><status>a</status></presence>`)
  s.desk.says(words('1', `${juliet}/watch`))
  await watch.hears(`<message id='1'/>`)
  watch.handled = before
  await kill(s)
  expect(await watch.connect()).toBe('resumed')
  await watch.hears(`<presence><status>a</status></presence>`)
  await watch.hears(`<message id='1'/>`)
  expect(watch.inbox).toEqual([])
})

test('a message that is held back when its session ends for good is as one that was never acknowledged', async () => {
  await using s = await night()
  const receipt = `<message to='${juliet}/phone' type='chat' id='r'><received xmlns='urn:xmpp:receipts' id='1'/></message>`
  s.desk.says(receipt)
  await s.desk.sync()
  expect(s.phone.inbox).toEqual([])
  await s.phone.close()
  const other = await s.login('juliet', 'other')
  other.comes()
  await other.awaits(`<message id='r'><received xmlns='urn:xmpp:receipts' id='1'/></message>`)
})

test('a client without stream management is given what was held back too', async () => {
  await using s = await scenario({ accounts: { romeo: ['desk'], juliet: ['phone'] }, modules })
  s.phone.send(inactive)
  await s.phone.sync()
  s.desk.says(typing('1'))
  await s.desk.sync()
  expect(s.phone.inbox).toEqual([])
  s.phone.send(active)
  await s.phone.hears(`<message id='1'/>`)
})

test('what such a client was given is not given to another when its session is lost by a kill', async () => {
  await using s = await scenario({ accounts: { romeo: ['desk'], juliet: ['phone'] }, modules })
  s.phone.send(inactive)
  await s.phone.sync()
  s.desk.says(`<message to='${juliet}/phone' type='chat' id='r'><received xmlns='urn:xmpp:receipts' id='1'/></message>`)
  await s.desk.sync()
  s.phone.send(active)
  await s.phone.hears(`<message id='r'/>`)
  await kill(s)
  const other = await s.login('juliet', 'other')
  other.comes()
  await other.hears(`<presence from='${juliet}/other'/>`)
  await other.hearsNothing()
})

test('XEP-0280 §7: a copy is as urgent as what was copied; what pretends to be one is no copy', async () => {
  await using s = await night()
  await s.phone.asks(`<iq type='set'><enable xmlns='urn:xmpp:carbons:2'/></iq>`)
  const laptop = await s.login('juliet', 'laptop')
  await sleep(s.phone)
  s.desk.says(typing('1').replace('/phone', '/laptop'))
  await laptop.hears(`<message id='1'/>`)
  expect(s.phone.inbox).toEqual([])
  s.desk.says(words('2', `${juliet}/laptop`))
  await s.phone
    .hears(`<message from='${juliet}'><received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>
    <message xmlns='jabber:client' id='1'/></forwarded></received></message>`)
  await s.phone.hears(`<message from='${juliet}'><received xmlns='urn:xmpp:carbons:2'/></message>`)
  s.desk
    .says(`<message to='${juliet}/phone' id='3'><received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>
    <message xmlns='jabber:client' to='a@@b'/></forwarded></received></message>`)
  await s.phone.hears(`<message id='3'/>`)
})

test('what is held back has a limit: at one stanza more, or more characters, all of it comes', async () => {
  const config = (fields: object) => ({ config: { hosts: { 'home.test': { modules: { csi: { ...fields } } } } } })
  for (const [fields, size] of [
    [{ stanzas: 2 }, 1],
    [{ size: '1 KiB' }, 150],
  ] as const) {
    await using s = await night(config(fields))
    for (const id of ['1', '2']) s.desk.says(typing(id.padEnd(size, 'x')))
    await s.desk.sync()
    expect(s.phone.inbox).toEqual([])
    s.desk.says(typing('3'.padEnd(size, 'x')))
    for (const id of ['1', '2', '3']) await s.phone.hears(`<message id='${id.padEnd(size, 'x')}'/>`)
  }
})

test('XEP-0352 §3.2: the operator says what is held back', async () => {
  await using s = await night({ config: { hosts: { 'home.test': { modules: { csi: { hold: ['messages'] } } } } } })
  s.desk.says(typing('1'))
  await s.desk.sync()
  expect(s.phone.inbox).toEqual([])
  s.desk.says(status('a'))
  await s.phone.hears(`<message id='1'/>`)
  await s.phone.hears(`<presence><status>a</status></presence>`)
})

test.each(['sleepy', 'csi'])('<%s/> is no state: the stream ends', async (name) => {
  await using s = await scenario({ accounts: { romeo: ['desk'] }, modules })
  s.desk.send(xml(name, csiNs))
  await s.desk.whenGone
  expect(s.desk.streamError?.condition).toBe('unsupported-stanza-type')
})

test('before a resource is bound there is nothing to be active', async () => {
  await using s = await scenario({ modules })
  await s.register('romeo')
  const client = s.client('romeo', 'desk')
  await client.open()
  await client.login()
  client.send(inactive)
  await client.whenGone
  expect(client.streamError?.condition).toBe('not-authorized')
})
