import { type Actor, scenario } from '@jackdaw/testkit'
import { Displayed, displayedNs, InboxEntry, InboxQuery, type Element } from '@jackdaw/xmpp'
import { expect, onTestFinished, test } from 'vitest'
import { query, refusal } from './archive-fixture.ts'
import { carbons } from './carbons.ts'
import { displayed } from './displayed.ts'
import { inbox } from './inbox/inbox.ts'
import { mam } from './mam.ts'
import { offline } from './offline/offline.ts'
import { presence } from './presence/presence.ts'
import { ask, comesFor, events, own, preconditions } from './pubsub/words.fixture.ts'

const romeo = 'romeo@home.test'
const juliet = 'juliet@home.test'
const room = 'coven@rooms.test'

/** Romeo has said three things to Juliet, who has two resources; the second one hears of the node. */
async function play() {
  const stage = await scenario({
    accounts: { romeo: ['phone'], juliet: ['balcony', 'chamber'] },
    modules: [mam, carbons, inbox, offline, presence, displayed],
    resume: true,
  })
  onTestFinished(() => stage.stop())
  const { phone, balcony, chamber } = stage.clients as Record<string, Actor>
  phone!.comes()
  balcony!.comes()
  await comesFor(chamber!, [displayedNs])
  await chamber!.asks("<iq type='set'><enable xmlns='urn:xmpp:carbons:2'/></iq>")
  for (const i of [1, 2, 3]) phone!.says(`<message to='${juliet}' type='chat' id='m${i}'><body>${i}</body></message>`)
  await phone!.sync()
  await chamber!.sync()
  const { ids } = await query(balcony!)
  for (const client of [phone!, balcony!, chamber!]) client.clear()
  return { stage, phone: phone!, balcony: balcony!, chamber: chamber!, ids }
}

const marker = (id: string) => `<displayed xmlns='urn:xmpp:chat-markers:0' id='${id}'/>`
const tell = (id: string, by = juliet) =>
  `<displayed xmlns='${displayedNs}'><stanza-id xmlns='urn:xmpp:sid:0' by='${by}' id='${id}'/></displayed>`

/** The items of the account's node: of which conversation, the id, and by whom. */
async function items(client: Actor): Promise<string[]> {
  const answer = await ask(client, 'get', undefined, `<items node='${displayedNs}'/>`)
  return answer!
    .child('items')!
    .elements()
    .map((item) => {
      const { id, by } = Displayed.read(item.first()!)
      return `${item.attr('id')} ${id} ${by}`
    })
}

async function unread(client: Actor): Promise<number[]> {
  client.clear()
  await client.ask('get', InboxQuery.write({ hasMessages: false }))
  const entries = client.inbox.map((stanza) => stanza.child(InboxEntry.name, InboxEntry.ns))
  client.clear()
  return entries.filter((entry): entry is Element => entry !== undefined).map((entry) => InboxEntry.read(entry).unread)
}

test('XEP-0490 §4.5.3: what a message says to its server is published, and nobody else sees it', async () => {
  const { phone, balcony, chamber, ids } = await play()
  balcony.says(`<message to='${romeo}' id='d1'>${marker('m2')}${tell(ids[1]!)}</message>`)
  await balcony.sync()
  const heard = await phone.hears(`<message from='${juliet}/balcony' id='d1'>${marker('m2')}</message>`)
  expect(String(heard)).not.toContain(displayedNs)
  await chamber.sync()
  const copy = chamber.inbox.find((stanza) => stanza.child('sent', 'urn:xmpp:carbons:2'))
  expect(String(copy)).toContain('chat-markers')
  expect(String(copy)).not.toContain(displayedNs)
  expect(events(chamber)).toEqual([`item ${displayedNs} ${romeo}`])
  expect(await items(balcony)).toEqual([`${romeo} ${ids[1]} ${juliet}`])
  for (const client of [phone, balcony]) expect((await query(client)).messages.join('')).not.toContain(displayedNs)
  expect(await unread(balcony)).toEqual([1])
})

test('XEP-0490 §5.2, §8: the node is for the account alone, and keeps every conversation', async () => {
  const { phone, balcony, ids } = await play()
  balcony.says(`<message to='${romeo}'>${marker('m1')}${tell(ids[0]!)}</message>`)
  balcony.says(`<message to='nurse@home.test'><body>a</body>${tell('anything', 'b.test')}</message>`)
  expect(await items(balcony)).toEqual([`${romeo} ${ids[0]} ${juliet}`, 'nurse@home.test anything b.test'])
  const form = (await own(balcony, 'get', undefined, `<configure node='${displayedNs}'/>`))!.toString()
  for (const [name, value] of [
    ['access_model', 'whitelist'],
    ['max_items', 'max'],
    ['persist_items', '(true|1)'],
    ['send_last_published_item', 'never'],
  ])
    expect(form).toMatch(new RegExp(`pubsub#${name}'[^>]*><value>${value}</value>`))
  await expect(ask(phone, 'get', juliet, `<items node='${displayedNs}'/>`)).rejects.toMatchObject({
    name: 'StanzaError',
  })
})

test('XEP-0490 §4.5, XEP-0333 §4.2: a marker alone is told to the other resources, too', async () => {
  const { phone, balcony, chamber, ids } = await play()
  balcony.says(`<message to='${romeo}' id='d1'>${marker('m2')}</message>`)
  await phone.hears(`<message id='d1'>${marker('m2')}</message>`)
  await chamber.sync()
  expect(events(chamber)).toEqual([`item ${displayedNs} ${romeo}`])
  expect(await items(chamber)).toEqual([`${romeo} ${ids[1]} ${juliet}`])
  // §5.1: it only moves forward, and of what is not there nothing is said.
  for (const id of ['m1', 'm2', 'm9']) balcony.says(`<message to='${romeo}'>${marker(id)}</message>`)
  await balcony.sync()
  await chamber.sync()
  expect(events(chamber)).toEqual([])
  expect(await items(chamber)).toEqual([`${romeo} ${ids[1]} ${juliet}`])
})

test('XEP-0490 §4.2: what a client publishes is read in its inbox', async () => {
  const { balcony, chamber, ids } = await play()
  expect(await unread(balcony)).toEqual([3])
  const publish = (id: string, payload: string) =>
    ask(
      chamber,
      'set',
      undefined,
      `<publish node='${displayedNs}'><item id='${id}'>${payload}</item></publish>${preconditions({ access_model: 'whitelist', max_items: 'max' })}`,
    )
  await publish(romeo, tell(ids[1]!))
  expect(await unread(balcony)).toEqual([1])
  // §5.2: it is opaque to the server.
  await publish('not@a@jid', tell('x'))
  await publish(romeo, `<displayed xmlns='${displayedNs}'/>`)
  await publish(romeo, tell(ids[0]!))
  expect(await unread(balcony)).toEqual([1])
  chamber.clear()
  await publish(romeo, tell(ids[2]!))
  expect(await unread(balcony)).toEqual([0])
})

test('XEP-0490 §4.2: in a room the id is the room’s', async () => {
  const { balcony, chamber } = await play()
  balcony.says(`<message to='${room}' type='groupchat'>${marker('s5')}${tell('s5', room)}</message>`)
  await balcony.sync()
  expect(await items(chamber)).toEqual([`${room} s5 ${room}`])
  balcony.says(`<message to='${room}' type='groupchat'>${marker('s6')}</message>`)
  await balcony.sync()
  expect(await items(chamber)).toEqual([`${room} s6 ${room}`])
})

test.each([
  `<displayed xmlns='${displayedNs}'/>`,
  `<displayed xmlns='${displayedNs}'><stanza-id xmlns='urn:xmpp:sid:0' by='${juliet}'/></displayed>`,
  `<displayed xmlns='${displayedNs}'><stanza-id xmlns='urn:xmpp:sid:0' id='x'/></displayed>`,
  `<displayed xmlns='${displayedNs}'><other xmlns='urn:x'/></displayed>`,
])('XEP-0490 §4.1: %s is a bad request', async (element) => {
  const { phone, balcony } = await play()
  balcony.says(`<message to='${romeo}' id='d1'><body>a</body>${element}</message>`)
  await balcony.awaits(
    "<message type='error' id='d1'><error><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
  )
  await phone.hearsNothing()
  await expect(items(balcony)).rejects.toEqual(refusal('item-not-found'))
})

test('DESIGN 1, 3: item, inbox and message are kept together, and there after a crash', async () => {
  const { stage, balcony, chamber, ids } = await play()
  balcony.says(`<message to='${romeo}' id='d1'>${marker('m2')}${tell(ids[1]!)}</message>`)
  await balcony.settled()
  const batches = [...stage.journalStore.read(1)].filter(([, batch]) => batch.includes("id='m2'/>"))
  expect(batches.some(([, batch]) => batch.includes('/inbox/unread') && batch.includes('/pubsub/'))).toBe(true)
  stage.crash()
  await stage.start()
  for (const client of [balcony, chamber]) expect(await client.connect()).toBe('resumed')
  expect(await items(chamber)).toEqual([`${romeo} ${ids[1]} ${juliet}`])
  expect(await unread(balcony)).toEqual([1])
})
