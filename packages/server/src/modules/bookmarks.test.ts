import { type Actor, scenario } from '@jackdaw/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { bookmarks } from './bookmarks.ts'
import { presence } from './presence/presence.ts'
import { ask, comesFor, events, form, own, preconditions } from './pubsub/words.fixture.ts'

const ns = 'urn:xmpp:bookmarks:1'
const legacy = 'storage:bookmarks'
const play = 'theplay@rooms.home.test'
const orchard = 'orchard@rooms.home.test'

async function opened() {
  const stage = await scenario({
    accounts: { juliet: ['balcony', 'garden'], romeo: ['phone'] },
    modules: [presence, bookmarks],
  })
  onTestFinished(() => stage.stop())
  const [balcony, garden, phone] = [stage['balcony'], stage['garden'], stage['phone']] as Actor[]
  return { stage, balcony: balcony!, garden: garden!, phone: phone! }
}

const privately = {
  access_model: 'whitelist',
  persist_items: 'true',
  max_items: 'max',
  send_last_published_item: 'never',
}

const bookmark = (client: Actor, room: string, content = '', attributes = '') =>
  ask(
    client,
    'set',
    undefined,
    `<publish node='${ns}'><item id='${room}'><conference xmlns='${ns}'${attributes}>${content}</conference></item></publish>${preconditions(privately)}`,
  )

const forget = (client: Actor, room: string) =>
  ask(client, 'set', undefined, `<retract node='${ns}' notify='1'><item id='${room}'/></retract>`)

/** The payloads at a node, each as it is written. */
async function kept(client: Actor, node: string): Promise<string[]> {
  const answer = await ask(client, 'get', undefined, `<items node='${node}'/>`)
  return answer!
    .child('items')!
    .elements()
    .map((item) => `${item.attr('id')} ${String(item.first())}`)
}

const storage = (content: string) => `<storage xmlns='${legacy}'>${content}</storage>`

async function inPrivate(client: Actor): Promise<string> {
  const answer = await client.asks(`<iq type='get'><query xmlns='jabber:iq:private'>${storage('')}</query></iq>`)
  return String(answer.first()!.first())
}

const keepInPrivate = (client: Actor, content: string) =>
  client.asks(`<iq type='set'><query xmlns='jabber:iq:private'>${storage(content)}</query></iq>`)

const keepInPep = (client: Actor, content: string) =>
  ask(
    client,
    'set',
    undefined,
    `<publish node='${legacy}'><item id='current'>${storage(content)}</item></publish>${preconditions({ access_model: 'whitelist', persist_items: '1' })}`,
  )

test('XEP-0402 §7.2.1: a bookmark is found by older clients in private storage and in their node', async () => {
  const { balcony, garden } = await opened()
  await comesFor(garden, [legacy])
  await bookmark(balcony, play, '<nick>JC</nick>', " name='The Play' autojoin='1'")
  await bookmark(balcony, orchard)
  const all = storage(
    `<conference jid='${play}' name='The Play' autojoin='true'><nick>JC</nick></conference><conference jid='${orchard}'/>`,
  )
  expect(await inPrivate(balcony)).toBe(all)
  expect(await kept(balcony, legacy)).toEqual([`current ${all}`])
  await garden.sync()
  expect(events(garden)).toEqual([`item ${legacy} current`, `item ${legacy} current`])
  await forget(balcony, play)
  const left = storage(`<conference jid='${orchard}'/>`)
  expect([await inPrivate(balcony), await kept(balcony, legacy)]).toEqual([left, [`current ${left}`]])
})

test.each([
  ['private storage (XEP-0049)', keepInPrivate],
  ['the node of XEP-0048', keepInPep],
])('XEP-0402 §7.2.2: what an older client keeps in %s changes what differs, and nothing else', async (_, keep) => {
  const { balcony, garden } = await opened()
  await comesFor(garden, [ns])
  const extensions = "<extensions><state xmlns='urn:client' minimized='true'/></extensions>"
  await bookmark(balcony, play, extensions, " name='The Play'")
  await bookmark(balcony, orchard, extensions)
  await garden.sync()
  garden.clear()
  await keep(
    balcony,
    `<conference jid='${play}' name='The Play'/><conference jid='${orchard}' name='The Orchard'/><conference jid='Council@Rooms.home.test' autojoin='0'/><url name='x' url='https://x.test'/><conference jid='@'/>`,
  )
  await garden.sync()
  expect(events(garden)).toEqual([`item ${ns} ${orchard}`, `item ${ns} council@rooms.home.test`])
  expect(await kept(balcony, ns)).toEqual([
    `${play} <conference xmlns='${ns}' name='The Play'>${extensions}</conference>`,
    `${orchard} <conference xmlns='${ns}' name='The Orchard'>${extensions}</conference>`,
    `council@rooms.home.test <conference xmlns='${ns}'/>`,
  ])
  await keep(balcony, `<conference jid='${orchard}' name='The Orchard'/>`)
  await garden.sync()
  expect(events(garden)).toEqual([`retract ${ns} ${play}`, `retract ${ns} council@rooms.home.test`])
  expect(await inPrivate(balcony)).toContain(`jid='${orchard}'`)
  expect(await kept(balcony, legacy)).toEqual([
    `current ${storage(`<conference jid='${orchard}' name='The Orchard'/>`)}`,
  ])
})

test('a bookmark that is too long is left out, the others are kept', async () => {
  const { balcony } = await opened()
  await keepInPrivate(
    balcony,
    `<conference jid='${play}' name='${'x'.repeat(140_000)}'/><conference jid='${orchard}'/>`,
  )
  expect(await kept(balcony, ns)).toEqual([`${orchard} <conference xmlns='${ns}'/>`])
  await bookmark(balcony, play)
  expect(await inPrivate(balcony)).toContain(`jid='${play}'`)
})

test('XEP-0048 §2.2: web pages stay where they were put', async () => {
  const { balcony } = await opened()
  const page = "<url name='x' url='https://x.test'/>"
  await keepInPrivate(balcony, page)
  await bookmark(balcony, play)
  expect(await inPrivate(balcony)).toBe(storage(`<conference jid='${play}'/>${page}`))
})

test('XEP-0402 §10: bookmarks are made for their owner alone; those that others may read get nothing from elsewhere', async () => {
  const { balcony } = await opened()
  await keepInPrivate(balcony, `<conference jid='${play}'/>`)
  const model = async (node: string) => String(await own(balcony, 'get', undefined, `<configure node='${node}'/>`))
  for (const node of [ns, legacy])
    expect(await model(node)).toMatch(/pubsub#access_model'[^>]*>(<option>.*?<\/option>)*<value>whitelist/)
  await own(
    balcony,
    'set',
    undefined,
    `<configure node='${ns}'>${form('node_config', { access_model: 'open' })}</configure>`,
  )
  await keepInPrivate(balcony, `<conference jid='${orchard}'/>`)
  expect(await kept(balcony, ns)).toEqual([`${play} <conference xmlns='${ns}'/>`])
  expect(await inPrivate(balcony)).toBe(storage(`<conference jid='${orchard}'/>`))
})

test('XEP-0402 §7.2.1: what goes because its node is configured to keep less goes for older clients, too', async () => {
  const { balcony } = await opened()
  for (const room of [play, orchard]) await bookmark(balcony, room)
  await own(balcony, 'set', undefined, `<configure node='${ns}'>${form('node_config', { max_items: '1' })}</configure>`)
  expect(await kept(balcony, legacy)).toEqual([`current ${storage(`<conference jid='${orchard}'/>`)}`])
})

test('XEP-0402 §8: the account says that it converts', async () => {
  const { balcony } = await opened()
  const answer = await balcony.asks(
    "<iq type='get' to='juliet@home.test'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
  )
  const features = answer
    .first()!
    .elements()
    .map((one) => one.attr('var'))
  expect(features).toEqual(expect.arrayContaining([`${ns}#compat`, `${ns}#compat-pep`]))
})

test('XEP-0492 §2: notification settings outlive what older clients change', async () => {
  const { balcony } = await opened()
  const notify = "<extensions><notify xmlns='urn:xmpp:notification-settings:1'><never/></notify></extensions>"
  await bookmark(balcony, play, notify)
  await keepInPep(balcony, `<conference jid='${play}' name='New'/>`)
  expect(await kept(balcony, ns)).toEqual([`${play} <conference xmlns='${ns}' name='New'>${notify}</conference>`])
})

test('all of it is one batch: after a kill, either everywhere or nowhere', async () => {
  const { stage, balcony } = await opened()
  await keepInPrivate(balcony, `<conference jid='${play}'/><conference jid='${orchard}'/>`)
  stage.crash()
  await stage.start()
  const back = await stage.login('juliet', 'back')
  expect((await kept(back, ns)).length).toBe(2)
  expect(await kept(back, legacy)).toEqual([`current ${await inPrivate(back)}`])
})

test('XEP-0402 §7.2.1: a bookmark stays as its client has made it, whatever the older form makes of its address', async () => {
  const { balcony, garden } = await opened()
  await comesFor(garden, [ns])
  const extensions = "<extensions><state xmlns='urn:client'/></extensions>"
  await bookmark(balcony, 'Council@Rooms.home.test', extensions)
  await bookmark(balcony, 'no@address@at.all', extensions)
  await garden.sync()
  expect(events(garden)).toEqual([`item ${ns} Council@Rooms.home.test`, `item ${ns} no@address@at.all`])
  const both = [
    `Council@Rooms.home.test <conference xmlns='${ns}'>${extensions}</conference>`,
    `no@address@at.all <conference xmlns='${ns}'>${extensions}</conference>`,
  ]
  expect(await kept(balcony, ns)).toEqual(both)
  await keepInPrivate(balcony, `<conference jid='council@rooms.home.test' name='Council'/>`)
  expect(await kept(balcony, ns)).toEqual([both[1], both[0]!.replace(`'${ns}'`, `'${ns}' name='Council'`)])
  await keepInPrivate(balcony, '')
  expect(await kept(balcony, ns)).toEqual([both[1]])
})

test('bookmarks that are too long together are kept in private storage, and each by itself', async () => {
  const { balcony } = await opened()
  const long = 'x'.repeat(100_000)
  await keepInPrivate(
    balcony,
    `<conference jid='${play}' name='${long}'/><conference jid='${orchard}' name='${long}'/>`,
  )
  expect(await kept(balcony, ns)).toHaveLength(2)
  await bookmark(balcony, 'council@rooms.home.test')
  expect(await inPrivate(balcony)).toContain("jid='council@rooms.home.test'")
})
