import { expect, test } from 'vitest'
import { at, create, items, opened, publish, subscribe } from './stage.fixture.ts'
import { ask, events, form, ns, own, preconditions, refusal } from './words.fixture.ts'

const hamlet = 'hamlet@home.test'
const francisco = 'francisco@home.test'
const entry = "<entry xmlns='urn:entry'/>"

test('XEP-0060 §7.1.2: the publisher gets the id, subscribers the item', async () => {
  const { elsinore, barracks } = await opened()
  await create(elsinore, 'musings')
  await subscribe(barracks, 'musings')
  const given = await publish(elsinore, 'musings', 'a')
  expect(given!.child('publish')!.child('item')!.attr('id')).toBe('a')
  const made = await ask(elsinore, 'set', at, `<publish node='musings'><item>${entry}</item></publish>`)
  const id = made!.child('publish')!.child('item')!.attr('id')!
  for (const one of ['a', id])
    await barracks.hears(
      `<message from='${at}' to='${francisco}' type='headline' id='…'><event xmlns='${ns}#event'><items node='musings'><item id='${one}'>${entry}</item></items></event></message>`,
    )
  expect(await items(barracks, 'musings')).toEqual(['a', id])
})

test('XEP-0060 §7.1.2.2: without payloads only that there is one', async () => {
  const { elsinore, barracks } = await opened()
  await create(elsinore, 'musings', { deliver_payloads: '0', notification_type: 'normal' })
  await subscribe(barracks, 'musings')
  await publish(elsinore, 'musings', 'a')
  const heard = await barracks.hears(`<message from='${at}'><event xmlns='${ns}#event'/></message>`)
  expect([heard.type, String(heard.child('event', `${ns}#event`))]).toEqual([
    undefined,
    `<event xmlns='${ns}#event'><items node='musings'><item id='a'/></items></event>`,
  ])
})

test('XEP-0060 §4.3: a transient node keeps nothing; with neither payload nor items it only tells that something happened', async () => {
  const { elsinore, barracks } = await opened()
  await create(elsinore, 'ticks', { persist_items: 'false', deliver_payloads: 'false' })
  await create(elsinore, 'radio', { persist_items: 'false' })
  for (const node of ['ticks', 'radio']) await subscribe(barracks, node)
  await ask(elsinore, 'set', at, "<publish node='ticks'/>")
  await publish(elsinore, 'radio', 'a')
  await barracks.sync()
  expect(events(barracks)).toEqual(['items ticks', 'item radio a'])
  await expect(items(barracks, 'radio')).rejects.toEqual(
    refusal('feature-not-implemented', 'unsupported', 'persistent-items'),
  )
})

test('XEP-0060 §7.1.2.3: the publisher is named by the server', async () => {
  const { elsinore, barracks } = await opened()
  await create(elsinore, 'musings', { itemreply: 'publisher', publish_model: 'open' })
  await subscribe(barracks, 'musings')
  await ask(
    elsinore,
    'set',
    at,
    `<publish node='musings'><item id='a' publisher='bard@home.test'>${entry}</item></publish>`,
  )
  await barracks.hears(
    `<message><event xmlns='${ns}#event'><items node='musings'><item id='a' publisher='${hamlet}'/></items></event></message>`,
  )
  await publish(barracks, 'musings', 'b')
  const answer = await ask(barracks, 'get', at, "<items node='musings'/>")
  expect(
    answer!
      .child('items')!
      .elements()
      .map((item) => item.attr('publisher')),
  ).toEqual([hamlet, `${francisco}/barracks`])
})

test('XEP-0060 §7.1.2, §12.1: the same id again is a change, and makes it the newest', async () => {
  const { elsinore } = await opened()
  await create(elsinore, 'musings')
  for (const id of ['a', 'b', 'a']) await publish(elsinore, 'musings', id)
  expect(await items(elsinore, 'musings')).toEqual(['b', 'a'])
})

test.each([
  ['retract-oldest', ['retract musings a', 'item musings c']],
  ['discard-oldest', ['item musings c']],
])('XEP-0060 §7.1.2.5: a full node with %s makes room', async (publish_node_full, expected) => {
  const { elsinore, barracks } = await opened()
  await create(elsinore, 'musings', { max_items: '2', publish_node_full })
  await subscribe(barracks, 'musings')
  for (const id of ['a', 'b']) await publish(elsinore, 'musings', id)
  await barracks.sync()
  barracks.clear()
  await publish(elsinore, 'musings', 'c')
  await barracks.sync()
  expect([events(barracks), await items(elsinore, 'musings')]).toEqual([expected, ['b', 'c']])
})

test('XEP-0060 §7.1.3.4: a full node that rejects', async () => {
  const { elsinore } = await opened()
  await create(elsinore, 'musings', { max_items: '1', publish_node_full: 'reject' })
  await publish(elsinore, 'musings', 'a')
  await publish(elsinore, 'musings', 'a')
  await expect(publish(elsinore, 'musings', 'b')).rejects.toEqual(refusal('conflict', 'node-full'))
})

test('XEP-0060 §7.1.3: what is wrong with a publication', async () => {
  const { elsinore, barracks } = await opened()
  await create(elsinore, 'musings', { max_payload_size: '100' })
  await create(elsinore, 'ticks', { persist_items: 'false', deliver_payloads: 'false' })
  // §7.1.3.1
  await expect(publish(barracks, 'musings', 'a')).rejects.toEqual(refusal('forbidden'))
  // §7.1.3.3
  await expect(publish(elsinore, 'nothing', 'a')).rejects.toEqual(refusal('item-not-found'))
  // §7.1.3.5
  await expect(publish(elsinore, 'musings', 'a', `<entry xmlns='urn:entry'>${'é'.repeat(50)}</entry>`)).rejects.toEqual(
    refusal('not-acceptable', 'payload-too-big'),
  )
  // §7.1.3.6
  await expect(publish(elsinore, 'musings', 'a', entry + entry)).rejects.toEqual(
    refusal('bad-request', 'invalid-payload'),
  )
  // §7.1.3.7
  const set = (content: string) => ask(elsinore, 'set', at, content)
  await expect(set("<publish node='musings'/>")).rejects.toEqual(refusal('bad-request', 'item-required'))
  await expect(set("<publish node='musings'><item/></publish>")).rejects.toEqual(
    refusal('bad-request', 'payload-required'),
  )
  await expect(publish(elsinore, 'ticks', 'a')).rejects.toEqual(refusal('bad-request', 'item-forbidden'))
  await expect(set(`<publish><item>${entry}</item></publish>`)).rejects.toEqual(
    refusal('bad-request', 'nodeid-required'),
  )
  await expect(set(`<publish node='musings'><item>${entry}</item><item>${entry}</item></publish>`)).rejects.toEqual(
    refusal('bad-request'),
  )
  await expect(publish(elsinore, 'musings', 'x'.repeat(1024))).rejects.toEqual(refusal('not-acceptable'))
  expect(await items(elsinore, 'musings')).toEqual([])
})

test.each([
  ['publishers', false],
  ['subscribers', true],
  ['open', true],
])('XEP-0060 §16.4.4: with the publish model %s, a subscriber may publish: %s', async (publish_model, may) => {
  const { elsinore, barracks } = await opened()
  await create(elsinore, 'musings', { publish_model })
  await subscribe(barracks, 'musings')
  const published = publish(barracks, 'musings', 'a')
  if (may) await published
  else await expect(published).rejects.toEqual(refusal('forbidden'))
})

test.each([
  ['publisher', true, true],
  ['publish-only', true, false],
  ['member', false, true],
  ['outcast', false, false],
])('XEP-0060 §4.1: a %s may publish: %s, and read: %s', async (affiliation, mayPublish, mayRead) => {
  const { elsinore, barracks } = await opened()
  await create(elsinore, 'musings', { access_model: 'whitelist' })
  await own(
    elsinore,
    'set',
    at,
    `<affiliations node='musings'><affiliation jid='${francisco}' affiliation='${affiliation}'/></affiliations>`,
  )
  const is = (done: Promise<unknown>) =>
    done.then(
      () => true,
      () => false,
    )
  expect([
    await is(publish(barracks, 'musings', 'a')),
    await is(items(barracks, 'musings')),
    await is(subscribe(barracks, 'musings')),
  ]).toEqual([mayPublish, mayRead, mayRead])
})

test('XEP-0060 §7.1.5: preconditions at the service', async () => {
  const { elsinore } = await opened()
  await create(elsinore, 'musings')
  const publishWith = (values: Record<string, string>) =>
    ask(elsinore, 'set', at, `<publish node='musings'><item id='a'>${entry}</item></publish>${preconditions(values)}`)
  await publishWith({ access_model: 'open', persist_items: '1', purge_offline: '0' })
  await expect(publishWith({ access_model: 'whitelist' })).rejects.toEqual(refusal('conflict', 'precondition-not-met'))
  await expect(publishWith({ unheard_of: '1' })).rejects.toEqual(refusal('not-acceptable'))
})

test('XEP-0060 §7.2: the publisher and the owner delete items, others do not', async () => {
  const { elsinore, barracks, gate } = await opened()
  await create(elsinore, 'musings', { publish_model: 'open', notify_retract: '0' })
  await subscribe(barracks, 'musings')
  const retract = (client: typeof gate, id: string, notify = '') =>
    ask(client, 'set', at, `<retract node='musings'${notify}><item id='${id}'/></retract>`)
  for (const id of ['a', 'b']) await publish(gate, 'musings', id)
  // §7.2.3.1
  await expect(retract(barracks, 'a')).rejects.toEqual(refusal('forbidden'))
  await barracks.sync()
  barracks.clear()
  expect(await retract(gate, 'a')).toBeUndefined()
  await barracks.hearsNothing()
  await retract(elsinore, 'b', " notify='true'")
  await barracks.sync()
  expect(events(barracks)).toEqual(['retract musings b'])
})

test('XEP-0060 §7.2.3: what is wrong with a retraction', async () => {
  const { elsinore } = await opened()
  await create(elsinore, 'musings')
  await create(elsinore, 'radio', { persist_items: '0' })
  const retract = (content: string) => ask(elsinore, 'set', at, content)
  await expect(retract("<retract node='nothing'><item id='a'/></retract>")).rejects.toEqual(refusal('item-not-found'))
  await expect(retract("<retract node='musings'><item id='a'/></retract>")).rejects.toEqual(refusal('item-not-found'))
  await expect(retract("<retract><item id='a'/></retract>")).rejects.toEqual(refusal('bad-request', 'nodeid-required'))
  await expect(retract("<retract node='musings'/>")).rejects.toEqual(refusal('bad-request', 'item-required'))
  await expect(retract("<retract node='musings'><item/></retract>")).rejects.toEqual(
    refusal('bad-request', 'item-required'),
  )
  await expect(retract("<retract node='radio'><item id='a'/></retract>")).rejects.toEqual(
    refusal('feature-not-implemented', 'unsupported', 'persistent-items'),
  )
})

test('XEP-0060 §16.4.4: items go after their time', async () => {
  const { stage, elsinore } = await opened()
  await create(elsinore, 'musings', { item_expire: '60' })
  await publish(elsinore, 'musings', 'a')
  await stage.clock.advance(30_000)
  await publish(elsinore, 'musings', 'b')
  await stage.clock.advance(30_000)
  expect(await items(elsinore, 'musings')).toEqual(['b'])
})

test('what was acknowledged outlives a kill, whole', async () => {
  const { stage, elsinore, barracks } = await opened({ partBatches: 5 })
  await create(elsinore, 'musings', { max_items: '3', title: 'Musings' })
  await subscribe(barracks, 'musings')
  await ask(
    barracks,
    'set',
    at,
    `<options node='musings' jid='${francisco}'>${form('subscribe_options', { deliver: '0' })}</options>`,
  )
  for (const id of ['a', 'b', 'c', 'd']) await publish(elsinore, 'musings', id)
  await ask(elsinore, 'set', at, "<retract node='musings'><item id='b'/></retract>")
  for (let life = 0; life < 2; life++) {
    stage.crash()
    await stage.start()
    const back = await stage.login('hamlet', 'back')
    expect(await items(back, 'musings')).toEqual(['c', 'd'])
    const subscriptions = await own(back, 'get', at, "<subscriptions node='musings'/>")
    expect(
      subscriptions!
        .child('subscriptions')!
        .elements()
        .map((one) => one.attr('jid')),
    ).toEqual([francisco])
    const subscriber = await stage.login('francisco', 'back')
    await publish(back, 'musings', 'd')
    await subscriber.hearsNothing()
  }
})
