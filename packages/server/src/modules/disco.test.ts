import { type Actor, scenario } from '@jackdaw/testkit'
import { DiscoInfo, DiscoItems, type Payload, type Stanza, registerNs } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { defineModule } from '../module.ts'
import { disco } from './disco.ts'
import { modules } from './modules.ts'
import { presence } from './presence/presence.ts'
import { subscriptions } from './subscriptions/subscriptions.ts'

const accounts = { romeo: ['phone'], juliet: ['balcony', 'garden'] }
const to = (address: string) => (address === '' ? '' : ` to='${address}'`)
const node = (name?: string) => (name === undefined ? '' : ` node='${name}'`)
const info = (address: string, name?: string) =>
  `<iq type='get'${to(address)}><query xmlns='http://jabber.org/protocol/disco#info'${node(name)}/></iq>`
const items = (address: string, name?: string) =>
  `<iq type='get'${to(address)}><query xmlns='http://jabber.org/protocol/disco#items'${node(name)}/></iq>`
const read = <T>(payload: Payload<T>, answer: Stanza) => payload.read(answer.first()!)
const jids = (answer: Stanza) => read(DiscoItems, answer).items.map(({ jid }) => jid.toString())

/** Romeo sees Juliet's presence; she does not see his. */
async function subscribed({ phone, balcony }: Record<'phone' | 'balcony', Actor>): Promise<void> {
  for (const client of [phone, balcony]) client.comes()
  phone.says("<presence to='juliet@home.test' type='subscribe'/>")
  await balcony.awaits("<presence from='romeo@home.test' type='subscribe'/>")
  balcony.says("<presence to='romeo@home.test' type='subscribed'/>")
  await phone.awaits("<presence from='juliet@home.test/balcony'/>")
}

test('XEP-0030 §3.1: the server is an IM server', async () => {
  await using s = await scenario({ accounts, modules: [disco] })
  const answer = await s.phone.asks(info('home.test'))
  expect(String(answer.from)).toBe('home.test')
  expect(read(DiscoInfo, answer)).toMatchObject({
    node: undefined,
    identities: [{ category: 'server', type: 'im', name: 'Jackdaw' }],
    features: ['http://jabber.org/protocol/disco#info', 'http://jabber.org/protocol/disco#items'],
  })
})

test('XEP-0030 §4.1: the server has no items, which is an empty answer', async () => {
  await using s = await scenario({ accounts, modules: [disco] })
  expect(jids(await s.phone.asks(items('home.test')))).toEqual([])
})

test('XEP-0030 §7: an unknown node is item-not-found', async () => {
  await using s = await scenario({ accounts, modules: [disco] })
  for (const request of [info, items])
    for (const address of ['home.test', 'romeo@home.test', ''])
      await expect(s.phone.asks(request(address, 'music')), address).rejects.toMatchObject({
        condition: 'item-not-found',
      })
})

test('XEP-0030 §3.1: an account is told of itself, with or without its address', async () => {
  await using s = await scenario({ accounts, modules: [disco] })
  for (const address of ['romeo@home.test', ''])
    expect(read(DiscoInfo, await s.phone.asks(info(address)))).toMatchObject({
      identities: [{ category: 'account', type: 'registered' }],
      features: ['http://jabber.org/protocol/disco#info', 'http://jabber.org/protocol/disco#items'],
    })
})

test('XEP-0030 §4.1: the items of an account are its available resources', async () => {
  await using s = await scenario({ accounts, modules: [disco, presence] })
  s.balcony.comes()
  await s.balcony.sync()
  expect(jids(await s.balcony.asks(items('juliet@home.test')))).toEqual(['juliet@home.test/balcony'])
})

test('XEP-0030 §8: who sees the presence of an account is told of it, and nobody else', async () => {
  await using s = await scenario({ accounts, modules: [disco, presence, subscriptions] })
  const { phone, balcony } = s
  await subscribed({ phone, balcony })
  expect(read(DiscoInfo, await phone.asks(info('juliet@home.test'))).identities).toMatchObject([
    { category: 'account' },
  ])
  expect(jids(await phone.asks(items('juliet@home.test')))).toEqual(['juliet@home.test/balcony'])
  await expect(balcony.asks(info('romeo@home.test'))).rejects.toMatchObject({ condition: 'service-unavailable' })
  expect(jids(await balcony.asks(items('romeo@home.test')))).toEqual([])
})

test('XEP-0030 §8: a stranger cannot tell an account from none', async () => {
  await using s = await scenario({ accounts, modules: [disco, presence] })
  const { phone } = s
  s.balcony.comes()
  const answers = async (address: string) => {
    const all: string[] = []
    for (const request of [info(address), info(address, 'music'), items(address), items(address, 'music')])
      all.push(await phone.asks(request).then(String, String))
    return all.map((answer) => answer.replaceAll(address, '').replaceAll(/id='[^']*'/g, ''))
  }
  const [ofNobody, ofJuliet] = [await answers('nobody@home.test'), await answers('juliet@home.test')]
  expect(ofJuliet).toEqual(ofNobody)
  expect(ofJuliet[2]).toContain('disco#items')
})

test('XEP-0030 §3.1: what is advertised is what the running modules declare, and nothing else', async () => {
  await using s = await scenario({ accounts, config: { hosts: { 'home.test': { modules: { register: true } } } } })
  for (const [place, address] of [
    ['server', 'home.test'],
    ['account', 'romeo@home.test'],
  ] as const) {
    const { features } = read(DiscoInfo, await s.phone.asks(info(address)))
    const declared = new Set(modules.flatMap((module) => module.features?.[place] ?? []))
    // Said only where nobody else keeps the accounts, so it is no part of the declaration.
    if (place === 'server') declared.add(registerNs)
    expect(features.toSorted()).toEqual([...declared].sort())
  }
})

test('XEP-0030 §3.1: features come and go with their module', async () => {
  const guest = defineModule({
    name: 'guest',
    features: { server: ['urn:guest'] },
    start: (host) => host.feature('account', 'urn:guest:account'),
  })
  await using s = await scenario({ accounts, modules: [disco] })
  const running = s.server.hosts.get('home.test')!.modules
  const features = async (address: string) => read(DiscoInfo, await s.phone.asks(info(address))).features
  await running.load(guest, undefined)
  expect(await features('home.test')).toContain('urn:guest')
  expect(await features('')).toContain('urn:guest:account')
  await running.unload(guest)
  expect(await features('home.test')).not.toContain('urn:guest')
  expect(await features('')).not.toContain('urn:guest:account')
})
