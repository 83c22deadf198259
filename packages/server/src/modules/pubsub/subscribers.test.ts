import type { Actor } from '@jackdaw/testkit'
import { expect, test } from 'vitest'
import { ask, events, form, ns, own, refusal } from './words.fixture.ts'
import { at, create, items, opened, publish, subscribe } from './stage.fixture.ts'

const hamlet = 'hamlet@home.test'
const francisco = 'francisco@home.test'

test('XEP-0060 §6.1.2: a subscriber is told so, with an id of the subscription', async () => {
  const { elsinore, barracks } = await opened()
  await create(elsinore, 'musings')
  const answer = await subscribe(barracks, 'musings')
  const subscription = answer!.child('subscription')!
  expect([subscription.attr('node'), subscription.attr('jid'), subscription.attr('subscription')]).toEqual([
    'musings',
    francisco,
    'subscribed',
  ])
  // §6.1.6: asked again, it is the same.
  expect(String(await subscribe(barracks, 'musings'))).toBe(String(answer))
})

test('XEP-0060 §6.1.3.1: nobody is subscribed by others', async () => {
  const { elsinore, barracks } = await opened()
  await create(elsinore, 'musings')
  await expect(subscribe(barracks, 'musings', hamlet)).rejects.toEqual(refusal('bad-request', 'invalid-jid'))
  await expect(ask(barracks, 'set', at, "<subscribe node='musings'/>")).rejects.toEqual(
    refusal('bad-request', 'invalid-jid'),
  )
})

test.each([
  ['§6.1.3.2', { access_model: 'presence' }, 'not-authorized', 'presence-subscription-required'],
  ['§6.1.3.3', { access_model: 'roster' }, 'not-authorized', 'not-in-roster-group'],
  ['§6.1.3.4', { access_model: 'whitelist' }, 'not-allowed', 'closed-node'],
  ['§6.1.3.10', { subscribe: 'false' }, 'feature-not-implemented', 'unsupported'],
])('XEP-0060 %s: %o refuses a subscriber with %s, %s', async (_, config, condition, application) => {
  const { elsinore, barracks } = await opened()
  await create(elsinore, 'musings', config)
  await expect(subscribe(barracks, 'musings')).rejects.toEqual(refusal(condition, application))
})

test('XEP-0060 §4.5: at the service, presence and roster access follow the owner’s roster', async () => {
  const { elsinore, barracks } = await opened()
  barracks.says(`<presence to='${hamlet}' type='subscribe'/>`)
  await barracks.sync()
  elsinore.says(`<presence to='${francisco}' type='subscribed'/>`)
  await elsinore.sync()
  await create(elsinore, 'presence', { access_model: 'presence' })
  await create(elsinore, 'roster', { access_model: 'roster', roster_groups_allowed: ['Guards'] })
  await subscribe(barracks, 'presence')
  await expect(subscribe(barracks, 'roster')).rejects.toEqual(refusal('not-authorized', 'not-in-roster-group'))
  await elsinore.asks(
    `<iq type='set'><query xmlns='jabber:iq:roster'><item jid='${francisco}'><group>Guards</group></item></query></iq>`,
  )
  await subscribe(barracks, 'roster')
  await barracks.sync()
  barracks.clear()
  for (const node of ['presence', 'roster']) await publish(elsinore, node, 'a')
  await barracks.sync()
  expect(events(barracks)).toEqual(['item presence a', 'item roster a'])
  // What has been lost is not heard of any more.
  elsinore.says(`<presence to='${francisco}' type='unsubscribed'/>`)
  await elsinore.sync()
  barracks.clear()
  for (const node of ['presence', 'roster']) await publish(elsinore, node, 'b')
  await barracks.sync()
  expect(events(barracks)).toEqual([])
})

test('XEP-0060 §6.1.3.6: who has no account cannot subscribe', async () => {
  const { stage, elsinore } = await opened({ config: { hosts: { 'home.test': { anonymous: true } } } })
  await create(elsinore, 'musings')
  const anonymous = stage.client('anonymous')
  await anonymous.open()
  anonymous.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>")
  await anonymous.next()
  await anonymous.loggedIn()
  await anonymous.bind()
  await expect(subscribe(anonymous, 'musings', anonymous.jid.bare.toString())).rejects.toEqual(
    expect.objectContaining({ condition: 'forbidden', type: 'cancel' }),
  )
  await expect(create(anonymous, 'mine')).rejects.toEqual(refusal('forbidden'))
})

test('XEP-0060 §6.1.3.8, §6.5.9.10: an outcast neither subscribes nor reads', async () => {
  const { elsinore, barracks } = await opened()
  await create(elsinore, 'musings')
  await own(
    elsinore,
    'set',
    at,
    `<affiliations node='musings'><affiliation jid='${francisco}' affiliation='outcast'/></affiliations>`,
  )
  await expect(subscribe(barracks, 'musings')).rejects.toEqual(refusal('forbidden'))
  await expect(items(barracks, 'musings')).rejects.toEqual(refusal('forbidden'))
})

test('XEP-0060 §6.1.3.9: a node has as many subscriptions as allowed', async () => {
  const { elsinore, barracks } = await opened({
    config: { hosts: { 'home.test': { modules: { pubsub: { subscriptions: 1 } } } } },
  })
  await create(elsinore, 'musings')
  await subscribe(barracks, 'musings')
  await expect(subscribe(barracks, 'musings', `${francisco}/barracks`)).rejects.toEqual(
    refusal('policy-violation', 'too-many-subscriptions'),
  )
})

test('XEP-0060 §6.1.3.9: one entity does not take all the subscriptions of a node, under whatever resources', async () => {
  const { elsinore, barracks, gate } = await opened({
    config: { hosts: { 'home.test': { modules: { pubsub: { subscriptions: 101 } } } } },
  })
  await create(elsinore, 'musings')
  for (let i = 0; i < 100; i++) await subscribe(barracks, 'musings', `${francisco}/${i}`)
  await expect(subscribe(barracks, 'musings')).rejects.toEqual(refusal('policy-violation', 'too-many-subscriptions'))
  await subscribe(gate, 'musings')
  await ask(barracks, 'set', at, `<unsubscribe node='musings' jid='${francisco}/0'/>`)
})

test.each(['subscribe', 'unsubscribe', 'options'])('XEP-0060 §6: %s for a node that there is not', async (verb) => {
  const { barracks } = await opened()
  await expect(ask(barracks, 'set', at, `<${verb} node='nothing' jid='${francisco}'/>`)).rejects.toEqual(
    refusal('item-not-found'),
  )
})

/** Hears the owner’s request for approval. */
const asked = (owner: Actor) =>
  owner.awaits(
    `<message from='${at}' to='${hamlet}'><x xmlns='jabber:x:data' type='form'><field var='pubsub#allow'/><field var='pubsub#node'><value>musings</value></field><field var='pubsub#subscriber_jid'><value>${francisco}</value></field></x></message>`,
  )

const decide = (owner: Actor, id: string, allow: string) =>
  owner.says(
    `<message to='${at}' id='${id}'>${form('subscribe_authorization', { node: 'musings', subscriber_jid: francisco, allow })}</message>`,
  )

test('XEP-0060 §6.1.4, §8.6: with the authorize model an owner allows a subscriber', async () => {
  const { elsinore, barracks } = await opened()
  await create(elsinore, 'musings', { access_model: 'authorize' })
  await publish(elsinore, 'musings', 'a')
  const answer = await subscribe(barracks, 'musings')
  expect(answer!.child('subscription')!.attr('subscription')).toBe('pending')
  // §6.1.3.7
  await expect(subscribe(barracks, 'musings')).rejects.toEqual(refusal('not-authorized', 'pending-subscription'))
  // §6.5.9.3
  await expect(items(barracks, 'musings')).rejects.toEqual(refusal('not-authorized', 'not-subscribed'))
  await publish(elsinore, 'musings', 'b')
  await barracks.hearsNothing()
  const request = await asked(elsinore)
  decide(elsinore, request.id!, 'true')
  await elsinore.sync()
  await barracks.sync()
  expect(events(barracks)).toEqual([`subscription musings ${francisco} subscribed`, 'item musings b'])
  expect(await items(barracks, 'musings')).toEqual(['a', 'b'])
})

test('XEP-0060 §8.6: an owner denies a subscriber; a cancelled form decides nothing; only owners decide', async () => {
  const { elsinore, barracks } = await opened()
  await create(elsinore, 'musings', { access_model: 'authorize' })
  await subscribe(barracks, 'musings')
  const request = await asked(elsinore)
  elsinore.says(
    `<message to='${at}' id='${request.id}'><x xmlns='jabber:x:data' type='cancel'><field var='FORM_TYPE' type='hidden'><value>${ns}#subscribe_authorization</value></field></x></message>`,
  )
  await elsinore.sync()
  decide(barracks, request.id!, '1')
  await barracks.awaits(
    "<message type='error'><error><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
  )
  await expect(subscribe(barracks, 'musings')).rejects.toEqual(refusal('not-authorized', 'pending-subscription'))
  decide(elsinore, request.id!, '0')
  await elsinore.sync()
  await barracks.sync()
  expect(events(barracks)).toEqual([`subscription musings ${francisco} none`])
  decide(elsinore, request.id!, '0')
  await elsinore.awaits(
    "<message type='error'><error><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
  )
})

test('XEP-0060 §8.6: the request waits for an owner who is away', async () => {
  const { stage, elsinore, barracks } = await opened()
  await create(elsinore, 'musings', { access_model: 'authorize' })
  await elsinore.close()
  await subscribe(barracks, 'musings')
  const back = await stage.login('hamlet', 'back')
  back.comes()
  await asked(back)
})

test('XEP-0060 §6.1.6, §7.1.2.4: several subscriptions with options of their own, one notification, named', async () => {
  const { elsinore, barracks } = await opened()
  await create(elsinore, 'musings')
  const first = await subscribe(barracks, 'musings')
  const lease = `<options>${form('subscribe_options', { expire: '2027-01-01T00:00:00Z' })}</options>`
  const second = await ask(barracks, 'set', at, `<subscribe node='musings' jid='${francisco}'/>${lease}`)
  const [one, other] = [first, second].map((answer) => answer!.child('subscription')!.attr('subid')!)
  expect(one).not.toBe(other)
  await publish(elsinore, 'musings', 'a')
  await barracks.hears(
    `<message from='${at}' to='${francisco}'><event xmlns='${ns}#event'/><headers xmlns='http://jabber.org/protocol/shim'><header name='SubID'>${one}</header><header name='SubID'>${other}</header></headers></message>`,
  )
  await barracks.hearsNothing()
  // §6.2.3.1, §6.3.4.4, §6.5.9.1
  for (const content of [
    `<unsubscribe node='musings' jid='${francisco}'/>`,
    `<options node='musings' jid='${francisco}'>${form('subscribe_options', {})}</options>`,
  ])
    await expect(ask(barracks, 'set', at, content)).rejects.toEqual(refusal('bad-request', 'subid-required'))
  await expect(items(barracks, 'musings')).rejects.toEqual(refusal('bad-request', 'subid-required'))
  // §6.2.3.5, §6.3.4.5, §6.5.9.2
  for (const content of [
    `<unsubscribe node='musings' jid='${francisco}' subid='x'/>`,
    `<options node='musings' jid='${francisco}' subid='x'/>`,
  ])
    await expect(ask(barracks, 'set', at, content)).rejects.toEqual(refusal('not-acceptable', 'invalid-subid'))
  await expect(items(barracks, 'musings', " subid='x'")).rejects.toEqual(refusal('not-acceptable', 'invalid-subid'))
  await ask(barracks, 'set', at, `<unsubscribe node='musings' jid='${francisco}' subid='${one}'/>`)
  expect(await items(barracks, 'musings', ` subid='${other}'`)).toEqual(['a'])
})

test('XEP-0060 §6.1.6, §12.13: who is told of a subscription is told which one', async () => {
  const { elsinore, barracks } = await opened()
  await create(elsinore, 'musings', { access_model: 'authorize' })
  const answer = await subscribe(barracks, 'musings')
  const subid = answer!.child('subscription')!.attr('subid')!
  for (const state of ['subscribed', 'none']) {
    await own(
      elsinore,
      'set',
      at,
      `<subscriptions node='musings'><subscription jid='${francisco}' subid='${subid}' subscription='${state}'/></subscriptions>`,
    )
    await barracks.hears(
      `<message to='${francisco}'><event xmlns='${ns}#event'><subscription node='musings' jid='${francisco}' subid='${subid}' subscription='${state}'/></event></message>`,
    )
  }
})

test('XEP-0060 §6.1.7: a new subscriber gets the last item, with its time, unless the node is otherwise configured', async () => {
  const { stage, elsinore, barracks } = await opened()
  await create(elsinore, 'musings')
  await create(elsinore, 'silent', { send_last_published_item: 'never' })
  for (const node of ['musings', 'silent']) await publish(elsinore, node, 'a')
  await stage.clock.advance(60_000)
  await subscribe(barracks, 'musings')
  await barracks.hears(
    `<message from='${at}' to='${francisco}'><event xmlns='${ns}#event'><items node='musings'><item id='a'/></items></event><delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/></message>`,
  )
  await subscribe(barracks, 'silent')
  await barracks.hearsNothing()
})

test('XEP-0060 §4.3: a subscriber who comes online gets the last item at that resource', async () => {
  const { stage, elsinore, barracks } = await opened()
  await create(elsinore, 'musings')
  await subscribe(barracks, 'musings')
  await publish(elsinore, 'musings', 'a')
  const castle = await stage.login('francisco', 'castle')
  castle.comes()
  await castle.awaits(`<message from='${at}' to='${francisco}/castle'><event xmlns='${ns}#event'/></message>`)
})

test('XEP-0060 §6.2: who has unsubscribed hears nothing', async () => {
  const { elsinore, barracks } = await opened()
  await create(elsinore, 'musings')
  await subscribe(barracks, 'musings')
  const answer = await ask(barracks, 'set', at, `<unsubscribe node='musings' jid='${francisco}'/>`)
  expect(answer!.child('subscription')!.attr('subscription')).toBe('none')
  await publish(elsinore, 'musings', 'a')
  await barracks.hearsNothing()
  // §6.2.3.2, §6.2.3.3
  await expect(ask(barracks, 'set', at, `<unsubscribe node='musings' jid='${francisco}'/>`)).rejects.toEqual(
    refusal('unexpected-request', 'not-subscribed'),
  )
  await expect(ask(barracks, 'set', at, `<unsubscribe node='musings' jid='${hamlet}'/>`)).rejects.toEqual(
    refusal('forbidden'),
  )
})

test('XEP-0060 §6.3: options are asked for and set; without delivery nothing comes', async () => {
  const { elsinore, barracks } = await opened()
  await create(elsinore, 'musings')
  await subscribe(barracks, 'musings')
  const set = (values: Record<string, string>) =>
    ask(
      barracks,
      'set',
      at,
      `<options node='musings' jid='${francisco}'>${form('subscribe_options', values)}</options>`,
    )
  const deliver = async () => {
    const answer = await ask(barracks, 'get', at, `<options node='musings' jid='${francisco}'/>`)
    const fields = answer!.child('options')!.child('x', 'jabber:x:data')!.elements()
    return fields.find((field) => field.attr('var') === 'pubsub#deliver')!.child('value')!.text
  }
  expect(await deliver()).toBe('true')
  await set({ deliver: '0', digest: '0' })
  expect(await deliver()).toBe('false')
  await publish(elsinore, 'musings', 'a')
  await barracks.hearsNothing()
  // §6.3.6.2
  for (const values of [{ deliver: 'perhaps' }, { digest: '1' }, { colour: 'red' }, { expire: '2000-01-01T00:00:00Z' }])
    await expect(set(values)).rejects.toEqual(refusal('bad-request', 'invalid-options'))
})

test('XEP-0060 §6.3.4: what is wrong with a request for options', async () => {
  const { elsinore, barracks } = await opened()
  await create(elsinore, 'musings')
  const get = (attributes: string) => ask(barracks, 'get', at, `<options ${attributes}/>`)
  await expect(get(`node='musings' jid='${hamlet}'`)).rejects.toEqual(refusal('forbidden'))
  await expect(get(`node='musings' jid='${francisco}'`)).rejects.toEqual(
    refusal('unexpected-request', 'not-subscribed'),
  )
  await expect(get("node='musings'")).rejects.toEqual(refusal('bad-request', 'jid-required'))
  await expect(get(`jid='${francisco}'`)).rejects.toEqual(refusal('bad-request', 'nodeid-required'))
})

test('XEP-0060 §6.3.7: subscribed and configured at once', async () => {
  const { elsinore, barracks } = await opened()
  await create(elsinore, 'musings')
  const chosen = `<options>${form('subscribe_options', { deliver: 'false' })}</options>`
  const wanted = `<subscribe node='musings' jid='${francisco}'/>`
  const answer = await ask(barracks, 'set', at, wanted + chosen)
  expect(String(answer!.child('options'))).toContain('<value>false</value>')
  await expect(ask(barracks, 'set', at, chosen + wanted)).rejects.toMatchObject({ condition: 'bad-request' })
  await expect(
    ask(barracks, 'set', at, `${wanted}<options node='musings'>${form('subscribe_options', {})}</options>`),
  ).rejects.toEqual(refusal('bad-request'))
})

test('XEP-0060 §12.3: a subscription that is to bring nothing does not bring the last item either', async () => {
  const { elsinore, barracks } = await opened()
  await create(elsinore, 'musings')
  await publish(elsinore, 'musings', 'a')
  const chosen = `<options>${form('subscribe_options', { deliver: 'false' })}</options>`
  await ask(barracks, 'set', at, `<subscribe node='musings' jid='${francisco}'/>${chosen}`)
  await barracks.hearsNothing()
})

test('XEP-0060 §12.18: a lease ends', async () => {
  const { stage, elsinore, barracks } = await opened()
  await create(elsinore, 'musings')
  await subscribe(barracks, 'musings')
  await ask(
    barracks,
    'set',
    at,
    `<options node='musings' jid='${francisco}'>${form('subscribe_options', { expire: '2026-01-01T00:01:00Z' })}</options>`,
  )
  await stage.clock.advance(59_000)
  await publish(elsinore, 'musings', 'a')
  await barracks.hears(`<message from='${at}'/>`)
  await stage.clock.advance(1000)
  await publish(elsinore, 'musings', 'b')
  await barracks.hearsNothing()
})

test('XEP-0060 §6.4: the default options', async () => {
  const { barracks } = await opened()
  const answer = await ask(barracks, 'get', at, '<default/>')
  expect(answer!.child('default')!.child('x', 'jabber:x:data')!.attr('type')).toBe('result')
})

test('XEP-0060 §5.6, §5.7: one’s own subscriptions and affiliations', async () => {
  const { elsinore, barracks } = await opened()
  for (const node of ['musings', 'news']) await create(elsinore, node)
  await subscribe(barracks, 'musings')
  await subscribe(barracks, 'news', `${francisco}/barracks`)
  const subscriptions = async (client: Actor, node = '') => {
    const answer = await ask(client, 'get', at, `<subscriptions${node}/>`)
    return answer!
      .child('subscriptions')!
      .elements()
      .map((one) => `${one.attr('node')} ${one.attr('jid')} ${one.attr('subscription')}`)
  }
  expect((await subscriptions(barracks)).toSorted()).toEqual([
    `musings ${francisco} subscribed`,
    `news ${francisco}/barracks subscribed`,
  ])
  expect(await subscriptions(barracks, " node='news'")).toEqual([`news ${francisco}/barracks subscribed`])
  expect(await subscriptions(elsinore)).toEqual([])
  const affiliations = await ask(elsinore, 'get', at, "<affiliations node='news'/>")
  expect(String(affiliations)).toContain("<affiliation node='news' affiliation='owner'/>")
  expect((await ask(barracks, 'get', at, '<affiliations/>'))!.child('affiliations')!.elements()).toEqual([])
})

test('XEP-0060 §12.4: who cannot be reached for good is not a subscriber any more', async () => {
  const { elsinore, barracks } = await opened()
  await create(elsinore, 'a node')
  await subscribe(barracks, 'a node', `${francisco}/barracks`)
  const bounce = async (type: string) => {
    await publish(elsinore, 'a node', type)
    const heard = await barracks.awaits(`<message from='${at}'/>`)
    barracks.says(`<message type='error' to='${at}' id='${heard.id}'><error type='${type}'/></message>`)
    await barracks.sync()
  }
  await bounce('wait')
  await bounce('cancel')
  await publish(elsinore, 'a node', 'c')
  await barracks.hearsNothing()
})
