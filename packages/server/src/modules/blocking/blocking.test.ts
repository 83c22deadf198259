import { type Actor, type Scenario, scenario } from '@jackdaw/testkit'
import { StanzaError } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import type { Module } from '../../module.ts'
import { carbons } from '../carbons.ts'
import { disco } from '../disco.ts'
import { mam } from '../mam.ts'
import { offline } from '../offline/offline.ts'
import { ping } from '../ping.ts'
import { comesFor, events } from '../pubsub/words.fixture.ts'
import { pubsub } from '../pubsub/pubsub.ts'
import { subscriptions } from '../subscriptions/subscriptions.ts'
import { blocking } from './blocking.ts'

const modules = [blocking, subscriptions, offline, mam, carbons, disco, ping]
const romeo = 'romeo@home.test'
const juliet = 'juliet@home.test'
const accounts = { romeo: ['phone'], juliet: ['balcony', 'chamber'] }
const errors = "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'"
const unavailable = `<error type='cancel'><service-unavailable ${errors}/></error>`
const blocked = `<error type='cancel'><not-acceptable ${errors}/><blocked xmlns='urn:xmpp:blocking:errors'/></error>`

const list = (client: Actor) => client.asks("<iq type='get'><blocklist xmlns='urn:xmpp:blocking'/></iq>")
const items = (jids: readonly string[]) => jids.map((jid) => `<item jid='${jid}'/>`).join('')
const block = (client: Actor, ...jids: string[]) =>
  client.asks(`<iq type='set'><block xmlns='urn:xmpp:blocking'>${items(jids)}</block></iq>`)
const unblock = (client: Actor, ...jids: string[]) =>
  client.asks(`<iq type='set'><unblock xmlns='urn:xmpp:blocking'>${items(jids)}</unblock></iq>`)

/** All are there, and each of the two sees the other. */
async function evening(options: { readonly modules?: readonly Module[] } = {}) {
  const s = await scenario({ accounts, modules, ...options })
  for (const client of Object.values(s.clients)) client.comes()
  await befriend(s.phone, s.balcony)
  await befriend(s.balcony, s.phone)
  await settle(s)
  return s
}

async function befriend(asking: Actor, asked: Actor): Promise<void> {
  asking.says(`<presence to='${asked.account}' type='subscribe'/>`)
  await asked.awaits(`<presence from='${asking.account}' type='subscribe'/>`)
  asked.says(`<presence to='${asking.account}' type='subscribed'/>`)
  await asking.awaits(`<presence from='${asked.jid}'/>`)
}

async function settle(s: Scenario): Promise<void> {
  for (const client of Object.values(s.clients)) await client.sync()
  for (const client of Object.values(s.clients)) client.clear()
}

async function settleAll(...clients: Actor[]): Promise<void> {
  for (const client of clients) await client.sync()
}

test('XEP-0191 §3.1: the server says that it lets people be blocked', async () => {
  await using s = await evening()
  const info = await s.phone.asks(
    "<iq type='get' to='home.test'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
  )
  expect(String(info)).toContain("var='urn:xmpp:blocking'")
})

test('XEP-0191 §3.2–3.5: the list is what was blocked and not unblocked, also after a restart', async () => {
  await using s = await evening()
  expect((await list(s.balcony)).first()?.elements()).toEqual([])
  await block(s.balcony, romeo, 'iago@shakespeare.lit')
  await block(s.balcony, 'Iago@shakespeare.lit', 'tybalt.test')
  await unblock(s.balcony, 'iago@shakespeare.lit', 'nobody@home.test')
  await s.stop()
  await s.start()
  const chamber = await s.login('juliet', 'chamber')
  const jids = (await list(chamber))
    .first()!
    .elements()
    .map((item) => item.attr('jid'))
  expect(jids).toEqual([romeo, 'tybalt.test'])
  await unblock(chamber)
  expect((await list(chamber)).first()?.elements()).toEqual([])
})

test('XEP-0191 §3.3, §3.4: the resources that have asked for the list are told of changes, without the reasons', async () => {
  await using s = await evening()
  await list(s.balcony)
  await block(s.chamber, 'iago@shakespeare.lit')
  await s.balcony.hears(`<iq to='${juliet}/balcony' type='set' id='…'>
    <block xmlns='urn:xmpp:blocking'><item jid='iago@shakespeare.lit'/></block></iq>`)
  await unblock(s.chamber, 'iago@shakespeare.lit')
  await s.balcony.hears(
    `<iq type='set'><unblock xmlns='urn:xmpp:blocking'><item jid='iago@shakespeare.lit'/></unblock></iq>`,
  )
  await unblock(s.balcony)
  const all = await s.balcony.hears(`<iq type='set'><unblock xmlns='urn:xmpp:blocking'/></iq>`)
  expect(all.first()!.elements()).toEqual([])
  await s.chamber.hearsNothing()
})

test('XEP-0191 §3.3: who is blocked sees the account leave; §3.4: and come back; their subscriptions stay', async () => {
  await using s = await evening()
  await block(s.balcony, romeo)
  await s.phone.hears(`<presence from='${juliet}/balcony' type='unavailable'/>`)
  await s.phone.hears(`<presence from='${juliet}/chamber' type='unavailable'/>`)
  await block(s.balcony, romeo, `${romeo}/phone`, 'home.test')
  await s.phone.hearsNothing()
  await unblock(s.balcony, 'home.test', `${romeo}/phone`)
  await s.phone.hearsNothing()
  await s.balcony.hearsNothing()
  await unblock(s.balcony)
  await s.phone.hears(`<presence from='${juliet}/balcony'/>`)
  await s.phone.hears(`<presence from='${juliet}/chamber'/>`)
  // What Romeo said meanwhile was dropped: he is asked again.
  await s.balcony.hears(`<presence from='${romeo}/phone'/>`)
})

test('XEP-0191 §3.3: one resource of a contact is blocked, and leaves when it alone is', async () => {
  await using s = await evening()
  const tablet = await s.login('romeo', 'tablet')
  tablet.comes()
  await settle(s)
  tablet.clear()
  await block(s.balcony, `${romeo}/tablet`)
  await tablet.hears(`<presence from='${juliet}/balcony' type='unavailable'/>`)
  await tablet.hears(`<presence from='${juliet}/chamber' type='unavailable'/>`)
  tablet.says(`<message to='${juliet}/balcony' id='1'><body>hi</body></message>`)
  await tablet.hears(`<message id='1' type='error'>${unavailable}</message>`)
  s.phone.says(`<message to='${juliet}/balcony'><body>hi</body></message>`)
  await s.balcony.hears(`<message from='${romeo}/phone'><body>hi</body></message>`)
  s.phone.says(`<presence><status>here</status></presence>`)
  await s.balcony.hears(`<presence from='${romeo}/phone'/>`)
})

test('XEP-0191 §3.3: it leaves those to whom it has sent its presence directly', async () => {
  await using s = await scenario({ accounts, modules })
  for (const client of Object.values(s.clients)) client.comes()
  await settle(s)
  s.balcony.says(`<presence to='${romeo}/phone'/>`)
  await s.phone.hears(`<presence from='${juliet}/balcony'/>`)
  await block(s.chamber, romeo)
  await s.phone.hears(`<presence from='${juliet}/balcony' type='unavailable'/>`)
  await s.phone.hearsNothing()
  s.balcony.says(`<presence type='unavailable'/>`)
  await s.balcony.sync()
  await s.phone.hearsNothing()
})

test('XEP-0191 §3.3: from who is blocked nothing comes: messages are refused as of an account that is offline, presence is dropped', async () => {
  await using s = await evening()
  await block(s.balcony, romeo)
  await settle(s)
  const { phone } = s
  for (const to of [juliet, `${juliet}/balcony`]) {
    for (const type of ['chat', 'normal']) {
      phone.says(`<message to='${to}' type='${type}' id='1'><body>hi</body></message>`)
      const error = await phone.hears(`<message id='1' from='${to}' type='error'>${unavailable}</message>`)
      // Not a word more than a server says about who does not exist.
      expect(error.child('error')!.elements()).toHaveLength(1)
    }
    for (const type of ['groupchat', 'headline', 'error'])
      phone.says(`<message to='${to}' type='${type}'><body>x</body></message>`)
    for (const type of ['probe', 'subscribe', 'unsubscribe', 'subscribed', 'unavailable', 'error'])
      phone.says(`<presence to='${to}' type='${type}'/>`)
    phone.says(`<presence to='${to}'/>`)
    for (const type of ['get', 'set'] as const)
      await expect(
        phone.asks(`<iq to='${to}' type='${type}'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`),
      ).rejects.toMatchObject({ condition: 'service-unavailable' })
    phone.says(`<iq to='${to}' type='result' id='x'/>`)
  }
  phone.says('<presence><status>away</status></presence>')
  await phone.awaits(`<presence from='${romeo}/phone'><status>away</status></presence>`)
  await phone.hearsNothing()
  await s.balcony.hearsNothing()
  await s.chamber.hearsNothing()
})

test('XEP-0191 §3.3: who blocks does not reach whom it blocks', async () => {
  await using s = await evening()
  await block(s.balcony, romeo)
  await settle(s)
  for (const to of [romeo, `${romeo}/phone`]) {
    s.balcony.says(`<message to='${to}' id='m' type='chat'><body>Can you hear me now?</body></message>`)
    await s.balcony.hears(`<message type='error' id='m' from='${to}' to='${juliet}/balcony'>${blocked}</message>`)
    s.balcony.says(`<presence to='${to}' id='p'/>`)
    await s.balcony.hears(`<presence type='error' id='p' from='${to}'>${blocked}</presence>`)
    const wish = s.balcony.asks(`<iq to='${to}' type='get'><ping xmlns='urn:xmpp:ping'/></iq>`)
    await expect(wish).rejects.toSatisfy((error: StanzaError) =>
      String(error.toElement()).includes('urn:xmpp:blocking:errors'),
    )
    s.balcony.says(`<iq to='${to}' type='result' id='r'/>`)
  }
  await s.chamber.hearsNothing()
  await s.phone.hearsNothing()
})

test('XEP-0191 §3.3: whom it blocks does not learn of its presence, nor that it comes', async () => {
  await using s = await evening()
  await block(s.balcony, romeo)
  await settle(s)
  s.balcony.says('<presence><status>secret</status></presence>')
  await s.balcony.close()
  await s.chamber.close()
  const garden = await s.login('juliet', 'garden')
  garden.comes()
  await garden.sync()
  await s.phone.hearsNothing()
  // Not even that somebody of the account asks for it.
  garden.clear()
  s.phone.comes()
  await s.phone.sync()
  await garden.hearsNothing()
})

test('XEP-0191 §3.3: a request for a subscription that waits is not told again while its sender is blocked', async () => {
  await using s = await scenario({ accounts, modules })
  s.phone.comes()
  s.phone.says(`<presence to='${juliet}' type='subscribe'/>`)
  await s.phone.sync()
  await block(s.balcony, romeo)
  s.balcony.comes()
  await s.balcony.hears(`<presence from='${juliet}/balcony'/>`)
  await s.balcony.hearsNothing()
  await unblock(s.balcony)
  s.chamber.comes()
  await s.chamber.awaits(`<presence from='${romeo}' type='subscribe'/>`)
})

test('XEP-0191 §3.3: nothing is kept for later of what who is blocked has sent, nor copied', async () => {
  await using s = await evening()
  await s.chamber.asks("<iq type='set'><enable xmlns='urn:xmpp:carbons:2'/></iq>")
  await block(s.balcony, romeo)
  await settle(s)
  s.phone.says(`<message to='${juliet}/balcony' type='chat' id='1'><body>hi</body></message>`)
  await s.phone.hears(`<message type='error' id='1'/>`)
  s.balcony.says(`<message to='${romeo}' type='chat' id='2'><body>hi</body></message>`)
  await s.balcony.hears(`<message type='error' id='2'/>`)
  await s.chamber.hearsNothing()
  await s.balcony.close()
  await s.chamber.close()
  s.phone.says(`<message to='${juliet}' type='chat' id='3'><body>hi</body></message>`)
  await s.phone.hears(`<message type='error' id='3'>${unavailable}</message>`)
  const garden = await s.login('juliet', 'garden')
  garden.comes()
  await garden.hears(`<presence from='${juliet}/garden'/>`)
  await garden.hearsNothing()
})

test('XEP-0191 §3.3, XEP-0163 §4: news of nodes goes neither to who is blocked nor comes from there', async () => {
  await using s = await evening({ modules: [...modules, pubsub] })
  const publish = (client: Actor) =>
    client.asks(`<iq type='set'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='urn:x'>
      <item id='1'><x xmlns='urn:x'/></item></publish></pubsub></iq>`)
  await comesFor(s.phone, ['urn:x'])
  await comesFor(s.balcony, ['urn:x'])
  await publish(s.balcony)
  await s.phone.sync()
  expect(events(s.phone)).toEqual(['item urn:x 1'])
  await block(s.balcony, romeo)
  await settle(s)
  await publish(s.balcony)
  await publish(s.phone)
  await settleAll(s.phone, s.balcony)
  expect(events(s.phone)).toEqual(['item urn:x 1'])
  expect(events(s.balcony)).toEqual(['item urn:x 1'])
})

test('XEP-0191 §5: nobody blocks its own resources', async () => {
  await using s = await evening()
  await block(s.balcony, juliet, 'home.test')
  await settle(s)
  s.balcony.says(`<message to='${juliet}/chamber'><body>note</body></message>`)
  await s.chamber.hears(`<message from='${juliet}/balcony'><body>note</body></message>`)
  s.balcony.says('<presence><status>here</status></presence>')
  await s.chamber.hears(`<presence from='${juliet}/balcony'><status>here</status></presence>`)
})

test.each([
  ['an account with its resource', `${romeo}/phone`, true],
  ['another resource', `${romeo}/tablet`, false],
  ['an account', romeo, true],
  ['a domain', 'home.test', true],
  ['a resource of the domain', 'home.test/phone', true],
  ['another domain', 'test', false],
  ['another account', 'mercutio@home.test', false],
])('XEP-0191 §6: %s is matched', async (_, entry, isBlocked) => {
  await using s = await evening()
  await block(s.balcony, entry)
  await settle(s)
  s.phone.says(`<message to='${juliet}/balcony' id='1'><body>hi</body></message>`)
  if (isBlocked) await s.phone.hears(`<message id='1' type='error'>${unavailable}</message>`)
  else await s.balcony.hears(`<message id='1'><body>hi</body></message>`)
})

test('XEP-0191 §3.3, XEP-0045 §7.8.2: the invitation of who is blocked does not come through a room either', async () => {
  await using s = await evening()
  const invitation = (from: string) =>
    `<message to='${juliet}/balcony'><x xmlns='http://jabber.org/protocol/muc#user'><invite from='${from}'/></x></message>`
  await block(s.balcony, 'iago@shakespeare.lit')
  s.phone.says(invitation('iago@shakespeare.lit/tent'))
  s.phone.says(invitation('not a jid@@'))
  await s.balcony.hears(invitation('not a jid@@'))
  await s.phone.hearsNothing()
})

test.each([
  ["<block xmlns='urn:xmpp:blocking'/>", 'bad-request'],
  ["<block xmlns='urn:xmpp:blocking'><item/></block>", 'bad-request'],
  ["<block xmlns='urn:xmpp:blocking'><item jid='@'/></block>", 'jid-malformed'],
  ["<unblock xmlns='urn:xmpp:blocking'><item jid='a@'/></unblock>", 'jid-malformed'],
])('XEP-0191 §3.3: %s → %s, and nothing is blocked', async (payload, condition) => {
  await using s = await scenario({ accounts, modules })
  await expect(s.balcony.asks(`<iq type='set'>${payload}</iq>`)).rejects.toMatchObject({ condition })
  expect((await list(s.balcony)).first()?.elements()).toEqual([])
})

test('the list has a limit', async () => {
  await using s = await scenario({
    accounts,
    modules,
    config: { hosts: { 'home.test': { modules: { blocking: { entries: 2 } } } } },
  })
  await block(s.balcony, 'a@b')
  await expect(block(s.balcony, 'c@d', 'e@f')).rejects.toMatchObject({ condition: 'resource-constraint' })
  await block(s.balcony, 'a@b', 'c@d')
})

test("another's list is nobody's business, and who exists neither", async () => {
  await using s = await scenario({ accounts, modules })
  for (const to of [juliet, 'nobody@home.test'])
    for (const [type, name] of [
      ['get', 'blocklist'],
      ['set', 'block'],
      ['set', 'unblock'],
    ])
      await expect(
        s.phone.asks(
          `<iq type='${type}' to='${to}'><${name} xmlns='urn:xmpp:blocking'><item jid='a@b'/></${name}></iq>`,
        ),
      ).rejects.toMatchObject({ condition: 'service-unavailable' })
})
