import { type Actor, turn } from '@jackdaw/testkit'
import { csiNs, Jid, PushNotification, StanzaError, xml } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { ask, preconditions } from '../pubsub/words.fixture.ts'
import { body, disable, enable, night, type Night, says, secret } from './push.fixture.ts'

const own = 'romeo@home.test'
/** Nothing more is told, however long one waits. */
async function silent(s: Night, count = 0): Promise<void> {
  await s.desk.sync()
  await s.clock.advance(60_000)
  await turn()
  expect(s.service.told).toHaveLength(count)
}
/** Romeo logs in again: while time passed his connection has been given up. */
async function again(s: Night): Promise<Night> {
  await s.desk.cut()
  s.desk.resumption = undefined
  await s.desk.connect()
  return s
}
const notify = (level: string) => `<notify xmlns='urn:xmpp:notification-settings:1'><${level}/></notify>`
const privately = { access_model: 'whitelist', persist_items: 'true', max_items: 'max' }
const bookmark = (client: Actor, chat: string, level: string) =>
  ask(
    client,
    'set',
    undefined,
    `<publish node='urn:xmpp:bookmarks:1'><item id='${chat}'><conference xmlns='urn:xmpp:bookmarks:1'><extensions>${notify(level)}</extensions></conference></item></publish>${preconditions(privately)}`,
  )

test('XEP-0357 §3.1: the account says that it can', async () => {
  const s = await night()
  const info = await s.phone.asks(
    "<iq type='get' to='juliet@home.test'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
  )
  expect(String(info)).toContain("<feature var='urn:xmpp:push:0'/>")
})

test('XEP-0357 §4, §6: while the account is offline its services are told, with the publish-options', async () => {
  const s = await night()
  await s.phone.asks(enable('n1', secret('old')))
  await s.phone.asks(enable('n1', secret('shared')))
  await s.phone.close()
  await s.laptop.close()
  await says(s, body('hi'))
  const told = { from: 'home.test', node: 'n1', secret: 'shared', messageCount: 1, pendingSubscriptionCount: 0 }
  expect(await s.service.hears(1)).toEqual([told])
  await silent(s, 1)
})

test('XEP-0133 §4.3: nobody is woken who could not log in; when the account is enabled again, they are', async () => {
  const s = await night()
  const { accounts } = s.server.hosts.get('home.test')!
  const juliet = Jid.parse('juliet@home.test')
  await accounts.disable(juliet)
  await s.phone.whenGone
  await says(s, body('psst'))
  await silent(s)
  await accounts.enable(juliet)
  await again(s)
  await says(s, body('hi'))
  expect(await s.service.hears(1)).toMatchObject([{ node: 'n1' }])
})

test('XEP-0357 §4: what enables nothing', async () => {
  const s = await night()
  const refused = (text: string) => s.phone.asks(text).catch((error: StanzaError) => error.condition)
  const push = (attrs: string, content = '') =>
    `<iq type='set'><enable xmlns='urn:xmpp:push:0' ${attrs}>${content}</enable></iq>`
  const form = (type: string, name: string) =>
    `<x xmlns='jabber:x:data' type='${type}'><field var='FORM_TYPE'><value>${name}</value></field></x>`
  const options = 'http://jabber.org/protocol/pubsub#publish-options'
  expect(await refused(push("node='n'"))).toBe('bad-request')
  expect(await refused(push("jid='@' node='n'"))).toBe('jid-malformed')
  expect(await refused(push("jid='x.test'", form('submit', 'urn:other')))).toBe('bad-request')
  expect(await refused(push("jid='x.test'", form('cancel', options)))).toBe('bad-request')
  expect(await refused(push(`jid='x.test' node='${'n'.repeat(1025)}'`))).toBe('not-acceptable')
  expect(await refused(enable('n', secret('s'.repeat(4097))))).toBe('not-acceptable')
  expect(await refused("<iq type='set'><disable xmlns='urn:xmpp:push:0'/></iq>")).toBe('bad-request')
  for (const kind of ['enable', 'disable'])
    expect(
      await refused(`<iq type='set' to='${own}'><${kind} xmlns='urn:xmpp:push:0' jid='x.test' node='n'/></iq>`),
    ).toBe('forbidden')
})

test('XEP-0357 §5: one node, or all of a service, are disabled', async () => {
  const s = await night()
  await s.phone.asks(enable('n2'))
  await s.phone.asks(enable('n3'))
  await s.phone.asks(disable("node='n1'"))
  await s.phone.close()
  await says(s, body('hi'))
  expect((await s.service.hears(2)).map(({ node }) => node).toSorted()).toEqual(['n2', 'n3'])
  await s.laptop.asks(disable())
  await says(s, body('again'))
  await silent(s, 2)
})

test('one account has no more services than it may: the oldest goes', async () => {
  const s = await night({}, { services: 2 })
  for (const node of ['n2', 'n3']) {
    await s.clock.advance(1000)
    await s.phone.asks(enable(node))
  }
  await s.phone.close()
  await says(s, body('hi'))
  expect((await s.service.hears(2)).map(({ node }) => node).toSorted()).toEqual(['n2', 'n3'])
  await silent(s, 2)
})

test('XEP-0357 §4: what was enabled outlives kill -9', async () => {
  const s = await night()
  s.crash()
  await s.start()
  const desk = await s.login('romeo', 'other')
  desk.says(`<message to='juliet@home.test' type='chat'>${body('hi')}</message>`)
  expect(await s.service.hears(1)).toMatchObject([{ node: 'n1' }])
})

test('a notification that no service has taken outlives kill -9', async () => {
  const s = await night()
  await s.phone.close()
  s.service.state.answer = new Promise(() => {})
  await says(s, body('hi'))
  await s.service.hears(1)
  s.crash()
  s.service.state.answer = undefined
  await s.start()
  await s.clock.advance(1000)
  expect(await s.service.hears(2)).toMatchObject([{ messageCount: 1 }, { node: 'n1', messageCount: 1 }])
  await s.clock.advance(1000)
  s.crash()
  await s.start()
  await s.clock.advance(1000)
  await turn()
  expect(s.service.told).toHaveLength(2)
})

test.each([
  ['what is said', body('hi'), 1],
  ['an encrypted message', "<encrypted xmlns='eu.siacs.conversations.axolotl'/><body>fallback</body>", 1],
  ['a call', "<propose xmlns='urn:xmpp:jingle-message:0' id='c'/><store xmlns='urn:xmpp:hints'/>", 1],
  ['a chat state', "<composing xmlns='http://jabber.org/protocol/chatstates'/>", 0],
  ['a receipt', "<received xmlns='urn:xmpp:receipts' id='x'/>", 0],
  ['a marker', "<displayed xmlns='urn:xmpp:chat-markers:0' id='x'/>", 0],
  ['a correction', `${body('hi')}<replace xmlns='urn:xmpp:message-correct:0' id='m1'/>`, 0],
])('%s notifies: %s', async (_, content, count) => {
  const s = await night()
  await s.phone.close()
  await says(s, content)
  await silent(s, count)
})

test('XEP-0357 §12.3: sender and body are told where the host wants it, of an encrypted message never the body', async () => {
  const s = await night({}, { fields: ['last-message-sender', 'last-message-body'] })
  await s.phone.close()
  await says(s, body('hi'))
  const sender = 'romeo@home.test/desk'
  const base = { from: 'home.test', node: 'n1', lastMessageSender: sender }
  expect(await s.service.hears(1)).toEqual([{ ...base, lastMessageBody: 'hi' }])
  await s.clock.advance(1000)
  await says(s, "<encrypted xmlns='urn:xmpp:omemo:2'/><body>You cannot read this</body>")
  expect((await s.service.hears(2))[1]).toEqual(base)
})

test('a notification that may tell nothing has no form', () => {
  expect(String(PushNotification.write({}))).toBe("<notification xmlns='urn:xmpp:push:0'/>")
  expect(PushNotification.read(PushNotification.write({ messageCount: 3, lastMessageBody: 'x' }))).toEqual({
    messageCount: 3,
    lastMessageBody: 'x',
  })
})

test('XEP-0198: a client whose connection is broken is notified at once; it was, when its session ends', async () => {
  const s = await night()
  await s.phone.cut()
  await says(s, body('hi'))
  expect(await s.service.hears(1)).toMatchObject([{ messageCount: 1 }])
  await s.clock.advance(24 * 3_600_000)
  await silent(s, 1)
})

test('XEP-0198: a connected client is notified when it does not acknowledge in time', async () => {
  const s = await night()
  const silentPhone = s.client('juliet', 'silent', { acknowledges: false, resume: true })
  await silentPhone.connect()
  silentPhone.comes()
  await silentPhone.asks(enable('n2'))
  silentPhone.acknowledge()
  await says(s, body('hi'))
  await s.clock.advance(19_000)
  expect(s.service.told).toEqual([])
  await s.clock.advance(2000)
  expect(await s.service.hears(1)).toMatchObject([{ node: 'n2' }])
  await silent(s, 1)
})

test('XEP-0198: what a client did not acknowledge before a kill is told when its session ends', async () => {
  const s = await night()
  const silentPhone = s.client('juliet', 'silent', { acknowledges: false, resume: true })
  await silentPhone.connect()
  silentPhone.comes()
  await silentPhone.asks(enable('n2'))
  silentPhone.acknowledge()
  await s.phone.close()
  await says(s, body('hi'))
  expect(await s.service.hears(1)).toMatchObject([{ node: 'n1' }])
  await s.clock.advance(1000)
  s.crash()
  await s.start()
  await s.clock.advance(24 * 3_600_000)
  expect((await s.service.hears(2)).map(({ node }) => node)).toEqual(['n1', 'n2'])
})

test('a client that acknowledges is not notified', async () => {
  const s = await night()
  await says(s, body('hi'))
  await s.phone.awaits('<message><body>hi</body></message>')
  await silent(s)
})

test('XEP-0352: without acknowledgements a client that nobody looks at is notified', async () => {
  const s = await night({ resume: false })
  await says(s, body('one'))
  await silent(s)
  s.phone.send(xml('inactive', csiNs))
  await s.phone.sync()
  s.phone.send(xml('inactive', csiNs))
  await says(s, body('two'))
  await s.service.hears(1)
})

test('a client that is unavailable, or away while another one is there, is notified', async () => {
  const s = await night()
  s.laptop.comes()
  s.phone.says("<presence type='unavailable'/>")
  await s.phone.sync()
  await says(s, body('one'))
  await s.service.hears(1)
  await s.clock.advance(1000)
  await s.phone.close()
  await says(s, body('two'))
  await s.service.hears(2)
  // What one of her own devices says, or nobody keeps, tells her nothing.
  await s.clock.advance(1000)
  s.laptop.says(`<message to='juliet@home.test' type='chat'>${body('note')}</message>`)
  await says(s, `${body('off the record')}<no-store xmlns='urn:xmpp:hints'/>`)
  await silent(s, 2)
})

test('what comes while a service is being told goes with the next notification', async () => {
  const s = await night({}, { interval: '10 s' })
  await s.phone.close()
  for (const text of ['one', 'two', 'three']) await says(s, body(text))
  await s.service.hears(1)
  await s.clock.advance(9000)
  expect(s.service.told).toHaveLength(1)
  await s.clock.advance(1000)
  expect((await s.service.hears(2))[1]!.messageCount).toBe(3)
  await silent(s, 2)
})

test('XEP-0357 §6.1: a service that refuses is disabled', async () => {
  const s = await night()
  await s.phone.close()
  s.service.state.answer = new StanzaError('item-not-found')
  await says(s, body('one'))
  await s.service.hears(1)
  s.service.state.answer = undefined
  await says(s, body('two'))
  await silent(s, 1)
  const metrics = await s.server.metrics.registry.metrics()
  expect(metrics).toMatch(/jackdaw_push_disabled_total\{host=.*home.test.*\} 1/)
})

test('XEP-0357 §6.1: one that cannot be reached is tried again, and disabled when that goes on', async () => {
  const s = await night({}, { attempts: 3 })
  await s.phone.close()
  s.service.state.answer = new StanzaError('resource-constraint')
  await says(s, body('one'))
  await s.service.hears(1)
  await s.clock.advance(60_000)
  await s.service.hears(2)
  s.service.state.answer = undefined
  await s.clock.advance(120_000)
  await s.service.hears(3)
  // That it was taken is the end of the row.
  s.service.state.answer = new StanzaError('resource-constraint')
  await says(s, body('two'))
  for (let i = 4; i <= 6; i++) {
    await s.clock.advance(240_000)
    await s.service.hears(i)
  }
  s.service.state.answer = undefined
  await s.clock.advance(1000)
  await says(await again(s), body('three'))
  await silent(s, 6)
})

test('XEP-0357 §7: a service says itself that it takes nothing more', async () => {
  const s = await night()
  await s.phone.asks(enable('n2'))
  await s.phone.close()
  const bye = (from: string, node: string) =>
    `<message to='juliet@home.test'><pubsub xmlns='http://jabber.org/protocol/pubsub' node='${node}'><affiliation jid='juliet@home.test' affiliation='none'/></pubsub></message>`.replace(
      '<message',
      `<message from='${from}'`,
    )
  // Romeo is not the service.
  s.desk.says(bye('romeo@home.test/desk', 'n1'))
  s.service.send(bye('gateway.home.test', 'n2'))
  await s.desk.sync()
  await says(s, body('hi'))
  expect(await s.service.hears(1)).toMatchObject([{ node: 'n1' }])
  await silent(s, 1)
})

test('RFC 6121 §3.1: a request for a subscription is told once', async () => {
  const s = await night()
  await s.phone.close()
  for (let i = 0; i < 2; i++) {
    s.desk.says("<presence to='juliet@home.test' type='subscribe'/>")
    await s.desk.sync()
  }
  expect(await s.service.hears(1)).toMatchObject([{ pendingSubscriptionCount: 1, messageCount: 0 }])
  await silent(s, 1)
})

test('XEP-0492 §3: who never wants to be told of somebody is not', async () => {
  const s = await night()
  await bookmark(s.phone, own, 'never')
  await s.phone.close()
  await says(s, body('one'))
  await silent(s)
  await bookmark(s.laptop, own, 'always')
  await says(s, body('two'))
  await s.service.hears(1)
})

test('XEP-0191: who is blocked wakes nobody', async () => {
  const s = await night()
  await s.phone.asks(`<iq type='set'><block xmlns='urn:xmpp:blocking'><item jid='${own}'/></block></iq>`)
  await s.phone.close()
  s.desk.says(`<message to='juliet@home.test' type='chat'>${body('hi')}</message>`)
  await silent(s)
})

test('an account that is removed leaves nothing', async () => {
  const s = await night()
  await s.phone.close()
  s.service.state.answer = new StanzaError('resource-constraint')
  await says(s, body('hi'))
  await s.service.hears(1)
  await s.server.hosts.get('home.test')!.accounts.remove(s.laptop.account)
  await s.register('juliet')
  s.service.state.answer = undefined
  await says(s, body('hi'))
  await silent(s, 1)
})
