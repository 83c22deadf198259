import { type Actor, scenario } from '@jackdaw/testkit'
import { Jid } from '@jackdaw/xmpp'
import { expect, onTestFinished, test } from 'vitest'
import { subscriptions } from '../subscriptions/subscriptions.ts'
import { presence } from '../presence/presence.ts'
import { roster } from './roster.ts'

const modules = [roster, subscriptions, presence]
const accounts = { romeo: ['phone', 'laptop'], juliet: ['balcony'] }
/** romeo's phone and laptop and juliet's balcony have logged in, and sent nothing yet. */
async function home(configs: Record<string, Record<string, unknown>> = {}) {
  const play = await scenario({ modules, accounts, config: { hosts: { 'home.test': { modules: configs } } } })
  onTestFinished(() => play.stop())
  return play
}

const get = (ver?: string) =>
  `<iq type='get'><query xmlns='jabber:iq:roster'${ver === undefined ? '' : ` ver='${ver}'`}/></iq>`
const set = (items: string, to = '') => `<iq type='set'${to}><query xmlns='jabber:iq:roster'>${items}</query></iq>`
const pushed = (item: string) => `<iq type='set'><query xmlns='jabber:iq:roster' ver='…'>${item}</query></iq>`
const nurse = "<item jid='nurse@home.test' name='Nurse'><group>Servants</group></item>"

const itemsOf = async (client: Actor, ver?: string) =>
  (await client.asks(get(ver)))
    .first()
    ?.elements()
    .map((item) => item.attr('jid'))

test('RFC 6121 §2.2: a roster without contacts is an empty query', async () => {
  const { phone } = await home()
  const query = (await phone.asks(get())).first()
  expect(query?.ns).toBe('jabber:iq:roster')
  expect(query?.elements()).toEqual([])
})

test('RFC 6121 §2.3.2: a new item is pushed to all interested resources, and to no others', async () => {
  const { phone, laptop } = await home()
  await phone.asks(get())
  expect((await phone.asks(set(nurse))).elements()).toEqual([])
  const push = await phone.hears(
    pushed("<item jid='nurse@home.test' name='Nurse' subscription='none'><group>Servants</group></item>"),
  )
  expect(push.from).toBeUndefined()
  expect(push.to?.toString()).toBe('romeo@home.test/phone')
  await laptop.hearsNothing()
  await laptop.asks(get())
  await laptop.asks(set("<item jid='paris@home.test'/>"))
  await phone.hears(pushed("<item jid='paris@home.test' subscription='none'/>"))
  await laptop.hears(pushed("<item jid='paris@home.test' subscription='none'/>"))
})

test('RFC 6121 §2.4.2: an update replaces name and groups, and the client cannot change the subscription', async () => {
  const { phone } = await home()
  await phone.asks(set(nurse))
  await phone.asks(
    set("<item jid='nurse@home.test' name='Angelica' subscription='both' ask='subscribe' approved='true'/>"),
  )
  const query = (await phone.asks(get())).first()
  expect(query?.first()?.toString()).toBe(
    "<item xmlns='jabber:iq:roster' jid='nurse@home.test' name='Angelica' subscription='none'/>",
  )
})

const long = 'x'.repeat(1024)
test.each([
  ['no item', '', 'bad-request'],
  ['two items', "<item jid='nurse@home.test'/><item jid='paris@home.test'/>", 'bad-request'],
  ['an item without JID', '<item/>', 'bad-request'],
  ['a group twice', "<item jid='nurse@home.test'><group>A</group><group>A</group></item>", 'bad-request'],
  ['a malformed JID', "<item jid='@'/>", 'jid-malformed'],
  ['a handle that is too long', `<item jid='nurse@home.test' name='${long}'/>`, 'not-acceptable'],
  ['an empty group', "<item jid='nurse@home.test'><group/></item>", 'not-acceptable'],
  ['a group that is too long', `<item jid='nurse@home.test'><group>${long}</group></item>`, 'not-acceptable'],
  ['oneself', "<item jid='romeo@home.test'/>", 'not-allowed'],
])('RFC 6121 §2.3.3: a set of %s is refused', async (_, items, condition) => {
  const { phone } = await home()
  await expect(phone.asks(set(items))).rejects.toMatchObject({ condition })
  expect(await itemsOf(phone)).toEqual([])
})

test("RFC 6121 §2.3.3: another's roster cannot be set", async () => {
  const { phone, balcony } = await home()
  await expect(phone.asks(set(nurse, " to='juliet@home.test'"))).rejects.toMatchObject({ condition: 'forbidden' })
  expect(await itemsOf(balcony)).toEqual([])
})

test.each(['juliet', 'nobody'])(
  "RFC 6121 §2.2: another's roster cannot be read, nor does the answer tell whether %s exists",
  async (name) => {
    const { phone } = await home()
    const asking = phone.asks(get().replace('<iq', `<iq to='${name}@home.test'`))
    await expect(asking).rejects.toMatchObject({ condition: 'service-unavailable' })
  },
)

test('RFC 6121 §2.3.3: a full roster takes updates, but no more contacts', async () => {
  const { phone } = await home({ roster: { contacts: 1 } })
  await phone.asks(set(nurse))
  await expect(phone.asks(set("<item jid='paris@home.test'/>"))).rejects.toMatchObject({
    condition: 'resource-constraint',
  })
  await phone.asks(set("<item jid='nurse@home.test' name='Angelica'/>"))
  expect(await itemsOf(phone)).toEqual(['nurse@home.test'])
})

test('RFC 6121 §2.3.3: names and groups together are no longer than a roster can be sent', async () => {
  const { phone } = await home()
  const groups = Array.from({ length: 100 }, (_, i) => `<group>${i}${'x'.repeat(1000)}</group>`).join('')
  const put = (i: number, content: string) => phone.asks(set(`<item jid='c${i}@home.test'>${content}</item>`))
  for (let i = 1; i <= 10; i++) await put(i, groups)
  await expect(put(11, groups)).rejects.toMatchObject({ condition: 'resource-constraint' })
  await put(10, groups)
  await put(10, '')
  await put(11, groups)
})

test('RFC 6121 §2.5.2: a removed item is pushed and gone', async () => {
  const { phone } = await home()
  await phone.asks(set(nurse))
  await phone.asks(get())
  await phone.asks(set("<item jid='nurse@home.test' subscription='remove'/>"))
  await phone.hears(pushed("<item jid='nurse@home.test' subscription='remove'/>"))
  expect(await itemsOf(phone)).toEqual([])
})

test('RFC 6121 §2.5.3: what is not in the roster cannot be removed from it', async () => {
  const { phone } = await home()
  const removal = phone.asks(set("<item jid='nurse@home.test' subscription='remove'/>"))
  await expect(removal).rejects.toMatchObject({ condition: 'item-not-found' })
})

test('RFC 6121 §2.5.2: removing a contact ends the subscriptions both ways', async () => {
  const { phone, balcony } = await home()
  await befriend(phone, balcony)
  phone.says('<presence/>')
  await phone.hears("<presence from='romeo@home.test/phone'/>")
  await balcony.asks(get())
  balcony.says('<presence/>')
  await balcony.hears("<presence from='juliet@home.test/balcony'/>")
  await balcony.hears("<presence from='romeo@home.test/phone'/>")
  await phone.hears("<presence from='juliet@home.test/balcony'/>")

  await phone.asks(set("<item jid='juliet@home.test' subscription='remove'/>"))
  await balcony.hears("<presence type='unavailable' from='romeo@home.test/phone'/>")
  await balcony.hears("<presence type='unsubscribed' from='romeo@home.test'/>")
  await balcony.hears(pushed("<item jid='romeo@home.test' subscription='from'/>"))
  await balcony.hears("<presence type='unsubscribe' from='romeo@home.test'/>")
  await balcony.hears(pushed("<item jid='romeo@home.test' subscription='none'/>"))
  await phone.hears("<presence type='unavailable' from='juliet@home.test/balcony'/>")
  await phone.hearsNothing()
})

test('RFC 6121 §2.6.3: a client whose roster is up to date gets an empty result', async () => {
  const { phone } = await home()
  await phone.asks(set(nurse))
  const ver = (await phone.asks(get(''))).first()!.attr('ver')
  expect((await phone.asks(get(ver))).first()).toBeUndefined()
  await phone.hearsNothing()
})

test('RFC 6121 §2.6.3: a client with an older roster gets what has changed since, behind the result', async () => {
  const { phone, laptop } = await home()
  for (const name of ['nurse', 'paris', 'tybalt', 'abram']) await phone.asks(set(`<item jid='${name}@home.test'/>`))
  const ver = (await laptop.asks(get(''))).first()!.attr('ver')
  await phone.asks(set("<item jid='paris@home.test' subscription='remove'/>"))
  await phone.asks(set("<item jid='nurse@home.test' name='Nurse'/>"))
  phone.says(get(ver).replace('<iq', "<iq id='r'"))
  expect((await phone.hears("<iq type='result' id='r'/>")).first()).toBeUndefined()
  await phone.hears(pushed("<item jid='paris@home.test' subscription='remove'/>"))
  const last = await phone.hears(pushed("<item jid='nurse@home.test' name='Nurse'/>"))
  await phone.hearsNothing()
  expect((await phone.asks(get(last.first()!.attr('ver')))).first()).toBeUndefined()
})

test('RFC 6121 §2.6.2: a client with an unknown version gets the whole roster', async () => {
  const { phone } = await home()
  await phone.asks(set(nurse))
  for (const ver of ['', '1', 'ver11', '9999999999999999'])
    expect(await itemsOf(phone, ver)).toEqual(['nurse@home.test'])
})

test('RFC 6121 §2.6.3: who has missed more removals than are remembered gets the whole roster', async () => {
  const { phone, laptop } = await home()
  const sets = (name: string, count: number, rest: string) => {
    for (let i = 0; i < count; i++)
      laptop.says(set(`<item jid='${name}${i}@home.test'${rest}/>`).replace('<iq', `<iq id='${name}${i}'`))
  }
  sets('kept', 120, '')
  sets('gone', 101, '')
  await laptop.sync()
  const ver = (await phone.asks(get(''))).first()!.attr('ver')
  sets('gone', 100, " subscription='remove'")
  await laptop.sync()
  expect((await phone.asks(get(ver))).first()).toBeUndefined()
  laptop.says(set("<item jid='gone100@home.test' subscription='remove'/>").replace('<iq', "<iq id='last'"))
  await laptop.sync()
  expect((await itemsOf(phone, ver))?.length).toBe(120)
})

test("RFC 6121 §2.6.2: a version of a removed account's roster is none of its namesake's", async () => {
  const play = await home()
  const { accounts: registered } = play.server.hosts.get('home.test')!
  await play.phone.asks(set(nurse))
  const ver = (await play.phone.asks(get(''))).first()!.attr('ver')
  await registered.remove(Jid.parse('romeo@home.test'))
  await play.clock.advance(1)
  await play.register('romeo')
  const phone = await play.login('romeo', 'phone')
  expect(await itemsOf(phone, ver)).toEqual([])
  await phone.asks(set("<item jid='paris@home.test'/>"))
  expect(await itemsOf(phone, ver)).toEqual(['paris@home.test'])
})

test('a removed account leaves the rosters of its contacts without a subscription', async () => {
  const { server, phone, balcony } = await home()
  await befriend(phone, balcony)
  await server.hosts.get('home.test')!.accounts.remove(Jid.parse('juliet@home.test'))
  const query = (await phone.asks(get())).first()
  expect(query?.first()?.attr('subscription')).toBe('none')
})

/** Neither hears of it: they have asked for no roster and sent no presence. */
async function befriend(phone: Actor, balcony: Actor): Promise<void> {
  phone.says("<presence to='juliet@home.test' type='subscribe'/>")
  await phone.sync()
  balcony.says("<presence to='romeo@home.test' type='subscribed'/>")
  balcony.says("<presence to='romeo@home.test' type='subscribe'/>")
  await balcony.sync()
  phone.says("<presence to='juliet@home.test' type='subscribed'/>")
  await phone.sync()
}
