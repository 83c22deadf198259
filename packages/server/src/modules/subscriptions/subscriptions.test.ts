import { type Actor, scenario, type ScenarioOptions } from '@jackdaw/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { presence } from '../presence/presence.ts'
import { roster } from '../roster/roster.ts'
import { subscriptions } from './subscriptions.ts'

const modules = [roster, subscriptions, presence]
const accounts = { romeo: ['phone'], juliet: ['balcony', 'garden'] }
const rosterGet = "<iq type='get'><query xmlns='jabber:iq:roster'/></iq>"
const pushed = (item: string) => `<iq type='set'><query xmlns='jabber:iq:roster' ver='…'>${item}</query></iq>`
const juliet = 'juliet@home.test'
const romeo = 'romeo@home.test'

async function opened(options: ScenarioOptions = { accounts }) {
  const play = await scenario({ modules, ...options })
  onTestFinished(() => play.stop())
  return play
}

/** romeo/phone and juliet/balcony are available and interested, juliet/garden is neither. */
async function evening() {
  const play = await opened()
  for (const client of [play.phone, play.balcony]) await arrive(client)
  return play
}

async function arrive(client: Actor): Promise<void> {
  await client.asks(rosterGet)
  client.says('<presence/>')
  await client.hears(`<presence from='${client.jid.toString()}'/>`)
}

const item = async (client: Actor) => {
  const found = (await client.asks(rosterGet)).first()!.first()
  return found && { subscription: found.attr('subscription'), ask: found.attr('ask'), approved: found.attr('approved') }
}

test('RFC 6121 §3.1: a request is pushed to its sender, delivered, approved, and then presence comes', async () => {
  const { phone, balcony, garden } = await evening()
  phone.says(`<presence to='${juliet}' type='subscribe' id='s1'><status>It is the east</status></presence>`)
  await phone.hears(pushed(`<item jid='${juliet}' subscription='none' ask='subscribe'/>`))
  const request = await balcony.hears(
    `<presence to='${juliet}' from='${romeo}' type='subscribe' id='s1'><status>It is the east</status></presence>`,
  )
  expect(request.from!.isBare).toBe(true)
  // A.1: the roster does not show who has only asked.
  expect(await item(balcony)).toBeUndefined()

  balcony.says(`<presence to='${romeo}' type='subscribed'/>`)
  await balcony.hears(pushed(`<item jid='${romeo}' subscription='from'/>`))
  await phone.hears(`<presence from='${juliet}' type='subscribed'/>`)
  await phone.hears(pushed(`<item jid='${juliet}' subscription='to'/>`))
  await phone.hears(`<presence from='${juliet}/balcony'/>`)
  for (const client of [phone, balcony, garden]) await client.hearsNothing()
})

test('RFC 6121 §3.1.1: a request to a full JID is one to the account', async () => {
  const { phone, balcony } = await evening()
  phone.says(`<presence to='${juliet}/garden' type='subscribe'/>`)
  await phone.hears(pushed(`<item jid='${juliet}' subscription='none' ask='subscribe'/>`))
  await balcony.hears(`<presence to='${juliet}' from='${romeo}' type='subscribe'/>`)
})

test('RFC 6121 §3.1.3: a request is delivered at each login, whole and once, until it is answered', async () => {
  const { phone, balcony, garden } = await opened()
  phone.says(`<presence to='${juliet}' type='subscribe'><status>first</status><x xmlns='urn:x'/></presence>`)
  phone.says(`<presence to='${juliet}' type='subscribe'><status>second</status></presence>`)
  await phone.sync()
  const request = `<presence to='${juliet}' from='${romeo}' type='subscribe'><status>first</status><x xmlns='urn:x'/></presence>`
  await arrive(balcony)
  await balcony.hears(request)
  await balcony.hearsNothing()
  await arrive(garden)
  await garden.hears(`<presence from='${juliet}/balcony'/>`)
  await garden.hears(request)
  await garden.hearsNothing()
  garden.says(`<presence to='${romeo}' type='unsubscribed'/>`)
  garden.says("<presence type='unavailable'/>")
  await garden.hears("<presence type='unavailable'/>")
  garden.says('<presence/>')
  await garden.hears(`<presence from='${juliet}/garden'/>`)
  await garden.hears(`<presence from='${juliet}/balcony'/>`)
  await garden.hearsNothing()
})

test('RFC 6121 §3.1.3: who is subscribed already gets the answer from the server', async () => {
  const { phone, balcony } = await evening()
  await subscribe(phone, balcony)
  phone.says(`<presence to='${juliet}' type='subscribe' id='again'/>`)
  await phone.hears(`<presence from='${juliet}/balcony'/>`)
  await phone.hearsNothing()
  await balcony.hearsNothing()
})

test('RFC 6121 §3.1.3: nothing tells whether an account exists', async () => {
  const { phone } = await evening()
  for (const type of ['subscribe', 'unsubscribe', 'subscribed', 'unsubscribed'])
    phone.says(`<presence to='nobody@home.test' type='${type}'/>`)
  await phone.hears(pushed("<item jid='nobody@home.test' subscription='none' ask='subscribe'/>"))
  await phone.hears(pushed("<item jid='nobody@home.test' subscription='none'/>"))
  await phone.hears(pushed("<item jid='nobody@home.test' approved='true'/>"))
  await phone.hears(pushed("<item jid='nobody@home.test' subscription='none'/>"))
  await phone.hearsNothing()
})

test('RFC 6121 §3.1.3: a request to an account that does not exist does not wait for it', async () => {
  const play = await evening()
  play.phone.says("<presence to='nobody@home.test' type='subscribe'/>")
  await play.phone.sync()
  await play.register('nobody')
  const nobody = await play.login('nobody', 'cellar')
  await arrive(nobody)
  await nobody.hearsNothing()
})

test('RFC 6121 §3.1.2: between accounts of two virtual hosts', async () => {
  const { phone, desk } = await opened({
    accounts: { romeo: ['phone'], 'juliet@work.test': ['desk'] },
  })
  await arrive(phone)
  await arrive(desk)
  phone.says("<presence to='juliet@work.test' type='subscribe'/>")
  await phone.hears(pushed("<item jid='juliet@work.test' ask='subscribe'/>"))
  await desk.hears(`<presence from='${romeo}' type='subscribe'/>`)
  desk.says(`<presence to='${romeo}' type='subscribed'/>`)
  await phone.hears("<presence from='juliet@work.test' type='subscribed'/>")
  await phone.hears(pushed("<item jid='juliet@work.test' subscription='to'/>"))
  await phone.hears("<presence from='juliet@work.test/desk'/>")
  desk.says("<presence type='unavailable'/>")
  await phone.hears("<presence from='juliet@work.test/desk' type='unavailable'/>")
})

test('RFC 6121 §3.1.2: a request that no server takes is answered to the account, and stays pending', async () => {
  const { phone } = await evening()
  phone.says("<presence to='x@elsewhere.test' type='subscribe' id='s1'/>")
  await phone.hears(pushed("<item jid='x@elsewhere.test' ask='subscribe'/>"))
  const error = await phone.hears(
    "<presence from='x@elsewhere.test' type='error' id='s1'><error type='cancel'/></presence>",
  )
  expect(error.child('error')!.first()!.name).toBe('remote-server-not-found')
  expect(await item(phone)).toMatchObject({ ask: 'subscribe' })
})

test('a request to the domain itself is declined', async () => {
  const { phone } = await evening()
  phone.says("<presence to='home.test' type='subscribe'/>")
  await phone.hears(pushed("<item jid='home.test' ask='subscribe'/>"))
  await phone.hears("<presence from='home.test' type='unsubscribed'/>")
  await phone.hears(pushed("<item jid='home.test' subscription='none'/>"))
})

test('nobody subscribes to itself', async () => {
  const { phone } = await evening()
  phone.says(`<presence to='${romeo}' type='subscribe'/>`)
  await phone.hearsNothing()
  expect(await item(phone)).toBeUndefined()
})

test('RFC 6121 §3.2: who cancels a subscription becomes unavailable for the contact first', async () => {
  const { phone, balcony } = await evening()
  await subscribe(phone, balcony)
  balcony.says(`<presence to='${romeo}/phone' type='unsubscribed'/>`)
  await balcony.hears(pushed(`<item jid='${romeo}' subscription='none'/>`))
  await phone.hears(`<presence from='${juliet}/balcony' type='unavailable'/>`)
  await phone.hears(`<presence from='${juliet}' to='${romeo}' type='unsubscribed'/>`)
  await phone.hears(pushed(`<item jid='${juliet}' subscription='none'/>`))
  balcony.says('<presence><show>away</show></presence>')
  await phone.hearsNothing()
})

test('RFC 6121 §3.3: who unsubscribes is told that the contact is unavailable, and hears no more', async () => {
  const { phone, balcony } = await evening()
  await subscribe(phone, balcony)
  phone.says(`<presence to='${juliet}' type='unsubscribe'/>`)
  await phone.hears(pushed(`<item jid='${juliet}' subscription='none'/>`))
  await balcony.hears(`<presence from='${romeo}' to='${juliet}' type='unsubscribe'/>`)
  await balcony.hears(pushed(`<item jid='${romeo}' subscription='none'/>`))
  await phone.hears(`<presence from='${juliet}/balcony' type='unavailable'/>`)
  balcony.says('<presence><show>away</show></presence>')
  await phone.hearsNothing()
})

test('RFC 6121 §2.6.1, §3.4: roster versions and approval in advance are announced after the login', async () => {
  const { phone } = await opened()
  expect(phone.features.child('ver', 'urn:xmpp:features:rosterver')).toBeDefined()
  expect(phone.features.child('sub', 'urn:xmpp:features:pre-approval')).toBeDefined()
})

test('RFC 6121 §3.4: a request approved in advance needs no answer', async () => {
  const { phone, balcony } = await evening()
  balcony.says(`<presence to='${romeo}' type='subscribed'/>`)
  await balcony.hears(pushed(`<item jid='${romeo}' subscription='none' approved='true'/>`))
  await phone.hearsNothing()
  phone.says(`<presence to='${juliet}' type='subscribe'/>`)
  await balcony.hears(pushed(`<item jid='${romeo}' subscription='from'/>`))
  await balcony.hearsNothing()
  await phone.hears(pushed(`<item jid='${juliet}' ask='subscribe'/>`))
  await phone.hears(`<presence from='${juliet}' type='subscribed'/>`)
  await phone.hears(pushed(`<item jid='${juliet}' subscription='to'/>`))
  await phone.hears(`<presence from='${juliet}/balcony'/>`)
  expect(await item(balcony)).toEqual({ subscription: 'from', ask: undefined, approved: undefined })
})

test('RFC 6121 §3.4: an approval in advance can be taken back', async () => {
  const { phone, balcony } = await evening()
  balcony.says(`<presence to='${romeo}' type='subscribed'/>`)
  await balcony.hears(pushed(`<item jid='${romeo}' approved='true'/>`))
  balcony.says(`<presence to='${romeo}' type='unsubscribed'/>`)
  await balcony.hears(pushed(`<item jid='${romeo}' subscription='none'/>`))
  expect(await item(balcony)).toEqual({ subscription: 'none', ask: undefined, approved: undefined })
  phone.says(`<presence to='${juliet}' type='subscribe'/>`)
  await balcony.hears(`<presence from='${romeo}' type='subscribe'/>`)
})

test('RFC 6121 §3.1.3: no more strangers than allowed wait for an answer', async () => {
  const { phone, balcony, garden } = await opened({
    accounts: { romeo: ['phone'], paris: ['garden'], juliet: ['balcony'] },
    config: { hosts: { 'home.test': { modules: { subscriptions: { requests: 1 } } } } },
  })
  for (const client of [phone, garden]) {
    client.says(`<presence to='${juliet}' type='subscribe'/>`)
    await client.sync()
  }
  await arrive(balcony)
  await balcony.hears(`<presence from='${romeo}' type='subscribe'/>`)
  await balcony.hearsNothing()
  // An answer makes room.
  balcony.says(`<presence to='${romeo}' type='unsubscribed'/>`)
  await balcony.sync()
  garden.says(`<presence to='${juliet}' type='subscribe'/>`)
  await balcony.hears("<presence from='paris@home.test' type='subscribe'/>")
})

test.each([juliet, 'nobody@home.test'])(
  'a request that is too long to be kept is refused, whether %s exists or not',
  async (to) => {
    const { phone } = await evening()
    phone.says(`<presence to='${to}' type='subscribe'><status>${'x'.repeat(10_000)}</status></presence>`)
    await phone.hears(pushed(`<item jid='${to}' ask='subscribe'/>`))
    const error = await phone.hears(`<presence from='${to}' type='error'><error type='modify'/></presence>`)
    expect(error.child('error')!.first()!.name).toBe('policy-violation')
  },
)

/** Lets romeo see juliet's presence. */
async function subscribe(phone: Actor, balcony: Actor): Promise<void> {
  phone.says(`<presence to='${juliet}' type='subscribe'/>`)
  await phone.hears(pushed(`<item jid='${juliet}' ask='subscribe'/>`))
  await balcony.hears(`<presence from='${romeo}' type='subscribe'/>`)
  balcony.says(`<presence to='${romeo}' type='subscribed'/>`)
  await balcony.hears(pushed(`<item jid='${romeo}' subscription='from'/>`))
  await phone.hears(`<presence from='${juliet}' type='subscribed'/>`)
  await phone.hears(pushed(`<item jid='${juliet}' subscription='to'/>`))
  await phone.hears(`<presence from='${juliet}/balcony'/>`)
}
