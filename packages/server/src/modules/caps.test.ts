import { createHash } from 'node:crypto'
import { type Actor, scenario } from '@jackdaw/testkit'
import { Caps, CapsHashes, capsHashNode, capsHashText, capsText, DiscoInfo } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { caps } from './caps.ts'
import { ping } from './ping.ts'

const accounts = { romeo: ['phone'] }
const offered = (client: Actor) => client.features.child(Caps.name, Caps.ns)
const info = (node: string) =>
  `<iq type='get' to='home.test'><query xmlns='http://jabber.org/protocol/disco#info' node='${node}'/></iq>`

test('XEP-0115 §6.3: what the stream features promise is what the server answers for node#ver', async () => {
  await using s = await scenario({ accounts, modules: [caps] })
  const { hash, node, ver } = Caps.read(offered(s.phone)!)
  const answer = await s.phone.asks(info(`${node}#${ver}`))
  const told = DiscoInfo.read(answer.first())
  expect(told.node).toBe(`${node}#${ver}`)
  expect(told.features).toContain('http://jabber.org/protocol/caps')
  expect(hash).toBe('sha-1')
  expect(createHash('sha1').update(capsText(told)).digest('base64')).toBe(ver)
})

test('XEP-0115 §6.3: before the login nothing is told', async () => {
  await using s = await scenario({ accounts, modules: [caps] })
  const client = s.client('romeo')
  await client.open()
  expect(offered(client)).toBeUndefined()
})

test('XEP-0115 §6.1: with another module comes another verification string; the old one is an unknown node', async () => {
  await using s = await scenario({ accounts, modules: [caps] })
  const before = Caps.read(offered(s.phone)!)
  await s.server.hosts.get('home.test')!.modules.load(ping)
  const laptop = await s.login('romeo', 'laptop')
  const after = Caps.read(offered(laptop)!)
  expect(after.node).toBe(before.node)
  expect(after.ver).not.toBe(before.ver)
  await expect(laptop.asks(info(`${before.node}#${before.ver}`))).rejects.toMatchObject({ condition: 'item-not-found' })
  await laptop.asks(info(`${after.node}#${after.ver}`))
})

test('XEP-0390 §5.2: the newer hash is of what the server answers for its node', async () => {
  await using s = await scenario({ accounts, modules: [caps] })
  const hash = CapsHashes.read(s.phone.features.child(CapsHashes.name, CapsHashes.ns)!).get('sha-256')!
  const answer = await s.phone.asks(info(capsHashNode('sha-256', hash)))
  const told = answer.first()!
  expect(createHash('sha256').update(capsHashText(told)!).digest('base64')).toBe(hash)
  expect(DiscoInfo.read(told).features).toContain('urn:xmpp:caps')
})
