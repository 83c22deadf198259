import { createHash } from 'node:crypto'
import { type Actor, type Scenario, scenario } from '@jackdaw/testkit'
import { photoOf } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { avatars } from './avatars.ts'
import { comesFor, events } from './pubsub/words.fixture.ts'
import { pubsub } from './pubsub/pubsub.ts'
import { subscriptions } from './subscriptions/subscriptions.ts'
import { vcard } from './vcard.ts'

const modules = [subscriptions, vcard, pubsub, avatars]
const accounts = { juliet: ['balcony'], romeo: ['orchard'] }
const juliet = 'juliet@home.test'
const png = Buffer.from('\x89PNG an image', 'latin1')
const data = png.toString('base64')
const id = createHash('sha1').update(png).digest('hex')
const info = `<info bytes='${png.length}' id='${id}' type='image/png' width='64' height='64'/>`
const open = `<publish-options><x xmlns='jabber:x:data' type='submit'>
  <field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field>
  <field var='pubsub#access_model'><value>open</value></field></x></publish-options>`

const publish = (client: Actor, node: string, item: string, options = open) =>
  client.asks(`<iq type='set'><pubsub xmlns='http://jabber.org/protocol/pubsub'>
    <publish node='urn:xmpp:avatar:${node}'>${item}</publish>${options}</pubsub></iq>`)
const publishData = (client: Actor, options = open, itemId = id) =>
  publish(client, 'data', `<item id='${itemId}'><data xmlns='urn:xmpp:avatar:data'>${data}</data></item>`, options)
const publishMetadata = (client: Actor, infos: string, options = open) =>
  publish(
    client,
    'metadata',
    `<item id='${id}'><metadata xmlns='urn:xmpp:avatar:metadata'>${infos}</metadata></item>`,
    options,
  )
const setCard = (client: Actor, inner: string) =>
  client.asks(`<iq type='set'><vCard xmlns='vcard-temp'>${inner}</vCard></iq>`)
const photo = (type = '<TYPE>image/png</TYPE>', bytes = data) => `<PHOTO>${type}<BINVAL>${bytes}</BINVAL></PHOTO>`

async function photoIn(client: Actor) {
  return photoOf((await client.asks("<iq type='get'><vCard xmlns='vcard-temp'/></iq>")).first()!)
}

async function items(client: Actor, node: string): Promise<string[]> {
  const answer = await client.asks(`<iq type='get' to='${juliet}'><pubsub xmlns='http://jabber.org/protocol/pubsub'>
    <items node='urn:xmpp:avatar:${node}'/></pubsub></iq>`)
  return answer
    .first()!
    .first()!
    .elements()
    .map((item) => `${item.attr('id')} ${item.first()!}`)
}

const play = (options = {}) => scenario({ accounts, modules, ...options })

test('XEP-0398 §2: the account says that it converts', async () => {
  await using s = await play()
  const answer = await s.balcony.asks(
    `<iq type='get' to='${juliet}'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`,
  )
  expect(String(answer)).toContain("var='urn:xmpp:pep-vcard-conversion:0'")
})

test('XEP-0398 §3.1: an avatar that is published is in the vCard beside what was there, and in the presence', async () => {
  await using s: Scenario & Record<string, any> & AsyncDisposable = await play()
  s.balcony.comes()
  await s.balcony.sync()
  await setCard(s.balcony, '<FN>Juliet</FN>')
  await publishData(s.balcony)
  s.balcony.clear()
  await publishMetadata(s.balcony, `<info bytes='1' id='x' type='image/gif' url='http://a.test/x.gif'/>${info}`)
  await s.balcony.awaits(
    `<presence from='${juliet}/balcony'><x xmlns='vcard-temp:x:update'><photo>${id}</photo></x></presence>`,
  )
  const card = await s.orchard.asks(`<iq type='get' to='${juliet}'><vCard xmlns='vcard-temp'/></iq>`)
  expect(String(card.first())).toBe(
    `<vCard xmlns='vcard-temp'><FN>Juliet</FN><PHOTO><TYPE>image/png</TYPE><BINVAL>${data}</BINVAL></PHOTO></vCard>`,
  )
  await publishMetadata(s.balcony, '')
  expect(await photoIn(s.balcony)).toBeUndefined()
})

test('XEP-0398 §3.1: an avatar that is taken back leaves the vCard', async () => {
  await using s = await play()
  await publishData(s.balcony)
  await publishMetadata(s.balcony, info)
  expect(await photoIn(s.balcony)).toBeDefined()
  await s.balcony.asks(`<iq type='set'><pubsub xmlns='http://jabber.org/protocol/pubsub'>
    <retract node='urn:xmpp:avatar:metadata'><item id='${id}'/></retract></pubsub></iq>`)
  expect(await photoIn(s.balcony)).toBeUndefined()
})

test('XEP-0398 §7: an avatar that is not for everybody is not in the vCard', async () => {
  await using s = await play()
  await setCard(s.balcony, '<FN>Juliet</FN>')
  await publishData(s.balcony, '')
  await publishMetadata(s.balcony, info, '')
  expect(await photoIn(s.balcony)).toBeUndefined()
})

test.each([
  [
    'whose hash is another',
    async (client: Actor) => publishData(client, open, 'a'.repeat(40)),
    info.replace(id, 'a'.repeat(40)),
  ],
  ['that is elsewhere', publishData, info.replace('<info', "<info url='http://a.test/x.png'")],
  ['of which there are no data', async () => {}, info],
  ['that is not described', publishData, '<info/>'],
])('XEP-0398 §3.1: an avatar %s is not converted, and the vCard stays', async (_, prepare, metadata) => {
  await using s = await play()
  await setCard(s.balcony, photo('', 'AAAA'))
  await prepare(s.balcony)
  await publishMetadata(s.balcony, metadata).catch(() => undefined)
  expect(await photoIn(s.balcony)).toEqual({ type: '', data: 'AAAA' })
})

test('XEP-0398 §3.2: the avatar of a vCard is published: first the data, then what it is', async () => {
  await using s = await play()
  await comesFor(s.balcony, ['urn:xmpp:avatar:metadata'])
  events(s.balcony)
  await setCard(s.balcony, photo())
  await s.balcony.sync()
  expect(events(s.balcony)).toEqual([`item urn:xmpp:avatar:metadata ${id}`])
  expect(await items(s.orchard, 'data')).toEqual([`${id} <data xmlns='urn:xmpp:avatar:data'>${data}</data>`])
  expect(await items(s.orchard, 'metadata')).toEqual([
    `${id} <metadata xmlns='urn:xmpp:avatar:metadata'><info bytes='${png.length}' id='${id}' type='image/png'/></metadata>`,
  ])
  await setCard(s.balcony, photo() + '<FN>Juliet</FN>')
  await s.balcony.sync()
  expect(events(s.balcony)).toEqual([])
  await setCard(s.balcony, '<FN>Juliet</FN>')
  expect(await items(s.orchard, 'metadata')).toEqual([`${id} <metadata xmlns='urn:xmpp:avatar:metadata'/>`])
})

test.each([
  ['image/jpeg', 'ÿØÿà'],
  ['image/gif', 'GIF89a'],
  ['image/webp', 'RIFF'],
  ['image/png', '\x89PNG'],
])('XEP-0153 §5: an image of which no type is told is %s by what it is', async (type, start) => {
  await using s = await play()
  await setCard(s.balcony, photo('', Buffer.from(start, 'latin1').toString('base64')))
  expect((await items(s.balcony, 'metadata'))[0]).toContain(`type='${type}'`)
})

test('a node that is closed stays so, and what is for subscribers only becomes no open node', async () => {
  await using s = await play()
  await publishData(s.balcony, '')
  await publishMetadata(s.balcony, '', '')
  await setCard(s.balcony, photo())
  await expect(items(s.orchard, 'metadata')).rejects.toMatchObject({ condition: 'not-authorized' })
  expect((await items(s.balcony, 'metadata'))[0]).toContain(id)

  const config = { hosts: { 'home.test': { modules: { vcard: { access: 'subscribers' } } } } }
  await using closed = await play({ config })
  await setCard(closed.balcony, photo())
  await expect(items(closed.orchard, 'data')).rejects.toMatchObject({ condition: 'not-authorized' })
})

test('an image too large for the node is kept in the vCard alone', async () => {
  const config = { hosts: { 'home.test': { modules: { pubsub: { payload: '1 KiB' } } } } }
  await using s = await play({ config })
  await setCard(s.balcony, photo('', 'A'.repeat(2000)))
  expect((await photoIn(s.balcony))!.data).toHaveLength(2000)
})
