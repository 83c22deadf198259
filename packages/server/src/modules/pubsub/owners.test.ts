import type { Actor } from '@jackdaw/testkit'
import { Jid } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { at, create, items, opened, publish, subscribe } from './stage.fixture.ts'
import { ask, events, form, ns, own, refusal } from './words.fixture.ts'

const hamlet = 'hamlet@home.test'
const francisco = 'francisco@home.test'
const bernardo = 'bernardo@home.test'

const disco = async (client: Actor, what: 'info' | 'items', node = '', to = at, set = '') => {
  const answer = await client.asks(
    `<iq type='get' to='${to}'><query xmlns='http://jabber.org/protocol/disco#${what}'${node}>${set}</query></iq>`,
  )
  return answer.first()!
}

test('XEP-0060 §5.1: the host names the service, which says what it can do', async () => {
  const { gate } = await opened()
  expect(String(await disco(gate, 'items', '', 'home.test'))).toContain(`jid='${at}'`)
  const said = (await disco(gate, 'info')).elements()
  expect(said[0]!.attrs).toEqual(['category', 'pubsub', 'type', 'service', 'name', 'Publish-Subscribe'])
  const features = said.map((one) => one.attr('var'))
  for (const name of [
    'publish',
    'subscribe',
    'retrieve-items',
    'last-published',
    'instant-nodes',
    'get-pending',
    'rsm',
  ])
    expect(features).toContain(`${ns}#${name}`)
  for (const name of ['collections', 'auto-create']) expect(features).not.toContain(`${ns}#${name}`)
})

test('XEP-0060 §5.2: nodes that one may know of, in pages', async () => {
  const { elsinore, gate } = await opened()
  for (const node of ['a', 'b', 'c']) await create(elsinore, node, { title: `Node ${node}` })
  await create(elsinore, 'closed', { access_model: 'whitelist' })
  await create(elsinore, 'friends', { access_model: 'presence' })
  const nodes = async (client: Actor, set = '') =>
    (await disco(client, 'items', '', at, set))
      .elements()
      .map((item) => item.attr('node') ?? item.elements().map(String).join(''))
  expect(await nodes(gate)).toEqual(['a', 'b', 'c'])
  expect(await nodes(elsinore)).toEqual(['a', 'b', 'c', 'closed', 'friends'])
  expect(await nodes(gate, "<set xmlns='http://jabber.org/protocol/rsm'><max>1</max><after>a</after></set>")).toEqual([
    'b',
    "<first xmlns='http://jabber.org/protocol/rsm' index='1'>b</first><last xmlns='http://jabber.org/protocol/rsm'>b</last><count xmlns='http://jabber.org/protocol/rsm'>3</count>",
  ])
  await own(elsinore, 'set', at, "<delete node='b'/>")
  expect(await nodes(gate)).toEqual(['a', 'c'])
})

test('XEP-0060 §5.3, §5.4: what a node is; nothing of a closed one, nor its items', async () => {
  const { elsinore, gate } = await opened()
  await create(elsinore, 'musings', { title: 'Princely Musings' })
  await create(elsinore, 'closed', { access_model: 'whitelist' })
  await publish(elsinore, 'closed', 'a')
  await publish(elsinore, 'musings', 'a')
  await subscribe(gate, 'musings')
  const info = await disco(gate, 'info', " node='musings'")
  expect(info.child('identity')!.attrs).toEqual(['category', 'pubsub', 'type', 'leaf'])
  const fields = info.child('x', 'jabber:x:data')!.elements()
  const value = (name: string) => fields.find((field) => field.attr('var') === `pubsub#${name}`)?.child('value')?.text
  expect(['title', 'creator', 'creation_date', 'owner', 'num_subscribers', 'access_model'].map(value)).toEqual([
    'Princely Musings',
    hamlet,
    '2026-01-01T00:00:00Z',
    hamlet,
    '1',
    'open',
  ])
  // §5.5
  expect((await disco(gate, 'items', " node='musings'")).elements().map(({ attrs }) => attrs)).toEqual([
    ['jid', at, 'name', 'a'],
  ])
  for (const node of ['closed', 'nothing'])
    for (const what of ['info', 'items'] as const)
      await expect(disco(gate, what, ` node='${node}'`)).rejects.toEqual(refusal('item-not-found'))
})

test('XEP-0060 §8.1: a node is made by an account of the host, once, with a name or without', async () => {
  const { elsinore, gate } = await opened()
  await create(elsinore, 'musings')
  await expect(create(gate, 'musings')).rejects.toEqual(refusal('conflict'))
  const instant = await ask(elsinore, 'set', at, '<create/>')
  const node = instant!.child('create')!.attr('node')!
  await publish(elsinore, node, 'a')
  for (const name of ['a&#10;b', 'x'.repeat(1024)])
    await expect(create(elsinore, name)).rejects.toEqual(refusal('not-acceptable'))
})

test('XEP-0060 §8.1.2, §8.1.3: a configuration goes with it, behind it, as far as there is such', async () => {
  const { elsinore } = await opened()
  await expect(create(elsinore, 'n', { access_model: 'magic' })).rejects.toEqual(
    refusal('not-acceptable', 'unsupported-access-model'),
  )
  await expect(create(elsinore, 'n', { node_type: 'collection' })).rejects.toEqual(
    refusal('feature-not-implemented', 'unsupported', 'collections'),
  )
  for (const config of [{ max_items: 'many' }, { persist_items: 'perhaps' }, { purge_offline: '1' }, { colour: 'red' }])
    await expect(create(elsinore, 'n', config)).rejects.toEqual(refusal('not-acceptable'))
  const configure = `<configure>${form('node_config', {})}</configure>`
  await expect(ask(elsinore, 'set', at, `${configure}<create node='n'/>`)).rejects.toMatchObject({
    condition: 'bad-request',
  })
  await expect(
    ask(elsinore, 'set', at, `<create node='n'/>${configure.replace('<configure', "<configure node='n'")}`),
  ).rejects.toEqual(refusal('bad-request'))
  await create(elsinore, 'n', { purge_offline: '0', tempsub: 'false', node_type: 'leaf' })
})

test('a person makes as many nodes as allowed', async () => {
  const { elsinore, gate } = await opened({ config: { hosts: { 'home.test': { modules: { pubsub: { nodes: 1 } } } } } })
  await create(elsinore, 'a')
  await expect(create(elsinore, 'b')).rejects.toEqual(refusal('policy-violation', 'max-nodes-exceeded'))
  await create(gate, 'b')
  await own(elsinore, 'set', at, "<delete node='a'/>")
  await create(elsinore, 'c')
  await ask(elsinore, 'set', undefined, "<create node='mine'/>")
  await expect(ask(elsinore, 'set', undefined, "<create node='more'/>")).rejects.toEqual(
    refusal('policy-violation', 'max-nodes-exceeded'),
  )
})

test('XEP-0060 §8.2: the owner reads and changes the configuration; subscribers are told where they are to be', async () => {
  const { elsinore, barracks } = await opened()
  await create(elsinore, 'musings')
  await subscribe(barracks, 'musings')
  const asks = await own(elsinore, 'get', at, "<configure node='musings'/>")
  expect(asks!.child('configure')!.child('x', 'jabber:x:data')!.attr('type')).toBe('form')
  const set = (values: Record<string, string>) =>
    own(elsinore, 'set', at, `<configure node='musings'>${form('node_config', values)}</configure>`)
  await set({ title: 'New' })
  await barracks.hearsNothing()
  await set({ notify_config: '1' })
  await barracks.hears(
    `<message><event xmlns='${ns}#event'><configuration node='musings'><x xmlns='jabber:x:data' type='result'><field var='pubsub#title'><value>New</value></field></x></configuration></event></message>`,
  )
  await set({ deliver_payloads: '0' })
  const heard = await barracks.stanza()
  expect(String(heard.child('event', `${ns}#event`))).toBe(
    `<event xmlns='${ns}#event'><configuration node='musings'/></event>`,
  )
  // §8.2.5: cancelled.
  await own(elsinore, 'set', at, "<configure node='musings'><x xmlns='jabber:x:data' type='cancel'/></configure>")
  await barracks.hearsNothing()
})

test('XEP-0060 §8.2: fewer items, none, or another access model take effect at once', async () => {
  const { elsinore, barracks } = await opened()
  await create(elsinore, 'musings')
  await subscribe(barracks, 'musings')
  for (const id of ['a', 'b', 'c']) await publish(elsinore, 'musings', id)
  const set = (values: Record<string, string>) =>
    own(elsinore, 'set', at, `<configure node='musings'>${form('node_config', values)}</configure>`)
  await set({ max_items: '2' })
  expect(await items(elsinore, 'musings')).toEqual(['b', 'c'])
  await set({ persist_items: '0' })
  await set({ persist_items: '1' })
  expect(await items(elsinore, 'musings')).toEqual([])
  await barracks.sync()
  barracks.clear()
  await set({ access_model: 'whitelist' })
  await barracks.sync()
  expect(events(barracks)).toEqual([`subscription musings ${francisco} none`])
})

test.each([
  ["<configure node='NODE'/>", 'get'],
  ["<delete node='NODE'/>", 'set'],
  ["<purge node='NODE'/>", 'set'],
  ["<subscriptions node='NODE'/>", 'get'],
  ["<subscriptions node='NODE'/>", 'set'],
  ["<affiliations node='NODE'/>", 'get'],
  ["<affiliations node='NODE'/>", 'set'],
] as const)('XEP-0060 §8.2 to §8.9: %s (%s) is for owners, of nodes that there are', async (content, type) => {
  const { elsinore, gate } = await opened()
  await create(elsinore, 'musings')
  await expect(own(gate, type, at, content.replace('NODE', 'musings'))).rejects.toEqual(refusal('forbidden'))
  await expect(own(elsinore, type, at, content.replace('NODE', 'nothing'))).rejects.toEqual(refusal('item-not-found'))
  await expect(own(elsinore, type, at, content.replace(" node='NODE'", ''))).rejects.toEqual(
    refusal('bad-request', 'nodeid-required'),
  )
})

test('XEP-0060 §8.3: the default configuration, of leaf nodes', async () => {
  const { gate } = await opened()
  const answer = await own(gate, 'get', at, '<default/>')
  expect(String(answer)).toContain("var='pubsub#access_model'")
  await expect(own(gate, 'get', at, "<default type='collection'/>")).rejects.toEqual(
    refusal('feature-not-implemented', 'unsupported', 'collections'),
  )
})

test('XEP-0060 §8.4: a node is deleted with all that is in it; all who have subscribed learn where it has gone', async () => {
  const { elsinore, barracks, gate } = await opened()
  await create(elsinore, 'musings', { access_model: 'authorize' })
  await own(
    elsinore,
    'set',
    at,
    `<subscriptions node='musings'><subscription jid='${francisco}' subscription='subscribed'/></subscriptions>`,
  )
  await subscribe(gate, 'musings')
  await publish(elsinore, 'musings', 'a')
  for (const client of [barracks, gate]) {
    await client.sync()
    client.clear()
  }
  await own(elsinore, 'set', at, "<delete node='musings'><redirect uri='xmpp:x@home.test?;node=blog'/></delete>")
  for (const client of [barracks, gate])
    await client.hears(
      `<message from='${at}'><event xmlns='${ns}#event'><delete node='musings'><redirect uri='xmpp:x@home.test?;node=blog'/></delete></event></message>`,
    )
  await create(elsinore, 'musings')
  expect(await items(elsinore, 'musings')).toEqual([])
  expect(String(await ask(gate, 'get', at, '<subscriptions/>'))).not.toContain('musings')
})

test('XEP-0060 §8.5: purged, with one notification', async () => {
  const { elsinore, barracks } = await opened()
  await create(elsinore, 'musings')
  await create(elsinore, 'radio', { persist_items: '0' })
  await subscribe(barracks, 'musings')
  for (const id of ['a', 'b']) await publish(elsinore, 'musings', id)
  await barracks.sync()
  barracks.clear()
  await own(elsinore, 'set', at, "<purge node='musings'/>")
  await barracks.sync()
  expect([events(barracks), await items(elsinore, 'musings')]).toEqual([['purge musings'], []])
  await expect(own(elsinore, 'set', at, "<purge node='radio'/>")).rejects.toEqual(
    refusal('feature-not-implemented', 'unsupported', 'persistent-items'),
  )
})

const command = (client: Actor, attributes: string, content = '') =>
  client
    .asks(
      `<iq type='set' to='${at}'><command xmlns='http://jabber.org/protocol/commands' node='${ns}#get-pending'${attributes}>${content}</command></iq>`,
    )
    .then((answer) => answer.first()!)

test('XEP-0060 §8.7: an owner asks for the subscription requests that wait', async () => {
  const { elsinore, barracks, gate } = await opened()
  for (const node of ['musings', 'news']) await create(elsinore, node, { access_model: 'authorize' })
  await subscribe(barracks, 'musings')
  await elsinore.sync()
  elsinore.clear()
  const first = await command(elsinore, " action='execute'")
  const options = first
    .child('x', 'jabber:x:data')!
    .elements()
    .flatMap((field) => field.elements().filter(({ name }) => name === 'option'))
  expect([first.attr('status'), options.map((option) => option.child('value')!.text)]).toEqual([
    'executing',
    ['musings'],
  ])
  const pick = (node: string) =>
    `<x xmlns='jabber:x:data' type='submit'><field var='pubsub#node'><value>${node}</value></field></x>`
  const done = await command(elsinore, ` sessionid='${first.attr('sessionid')}'`, pick('musings'))
  expect(done.attr('status')).toBe('completed')
  await elsinore.hears(`<message from='${at}' to='${hamlet}'><x xmlns='jabber:x:data' type='form'/></message>`)
  // §8.7.3
  await expect(command(gate, '')).rejects.toEqual(refusal('forbidden'))
  await expect(command(elsinore, '', pick('nothing'))).rejects.toEqual(refusal('item-not-found'))
})

test('XEP-0060 §8.7.4: what an affiliation means for those who wait', async () => {
  const { elsinore, barracks, gate } = await opened()
  await create(elsinore, 'musings', { access_model: 'authorize' })
  await subscribe(barracks, 'musings')
  await subscribe(gate, 'musings')
  await own(
    elsinore,
    'set',
    at,
    `<affiliations node='musings'><affiliation jid='${francisco}' affiliation='publisher'/><affiliation jid='${bernardo}' affiliation='outcast'/></affiliations>`,
  )
  await barracks.sync()
  await gate.sync()
  expect([events(barracks), events(gate)]).toEqual([
    [`subscription musings ${francisco} subscribed`],
    [`subscription musings ${bernardo} none`],
  ])
})

const entries = (list: { elements(): { attr(name: string): string | undefined }[] }, name: string) =>
  list.elements().map((one) => `${one.attr('jid')} ${one.attr(name)}`)

test('XEP-0060 §8.8: an owner lists, adds and removes subscriptions; those concerned are told', async () => {
  const { elsinore, barracks, gate } = await opened()
  await create(elsinore, 'musings')
  await subscribe(barracks, 'musings')
  const set = (content: string) => own(elsinore, 'set', at, `<subscriptions node='musings'>${content}</subscriptions>`)
  await set(
    `<subscription jid='${francisco}' subscription='none'/><subscription jid='${bernardo}' subscription='subscribed'/>`,
  )
  await barracks.sync()
  await gate.sync()
  expect([events(barracks), events(gate)]).toEqual([
    [`subscription musings ${francisco} none`],
    [`subscription musings ${bernardo} subscribed`],
  ])
  const list = await own(elsinore, 'get', at, "<subscriptions node='musings'/>")
  expect(entries(list!.child('subscriptions')!, 'subscription')).toEqual([`${bernardo} subscribed`])
  // §8.8.2.4: what cannot be is told, the rest is done.
  elsinore.says(
    `<iq type='set' id='m' to='${at}'><pubsub xmlns='${ns}#owner'><subscriptions node='musings'><subscription jid='${francisco}' subscription='none'/><subscription jid='${bernardo}' subscription='none'/></subscriptions></pubsub></iq>`,
  )
  await elsinore.awaits(
    `<iq type='error' id='m'><pubsub xmlns='${ns}#owner'><subscriptions node='musings'><subscription jid='${francisco}' subscription='none'/></subscriptions></pubsub><error type='modify'><not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
  )
  expect(String(await own(elsinore, 'get', at, "<subscriptions node='musings'/>"))).not.toContain('jid=')
})

test('XEP-0060 §8.9: an owner lists and changes affiliations; somebody always owns the node', async () => {
  const { elsinore, gate } = await opened()
  await create(elsinore, 'musings')
  const set = (content: string) => own(elsinore, 'set', at, `<affiliations node='musings'>${content}</affiliations>`)
  const list = async () =>
    entries(
      (await own(elsinore, 'get', at, "<affiliations node='musings'/>"))!.child('affiliations')!,
      'affiliation',
    ).toSorted()
  await set(`<affiliation jid='${francisco}/barracks' affiliation='publisher'/>`)
  expect(await list()).toEqual([`${francisco} publisher`, `${hamlet} owner`])
  // §8.9.2.4, §4.1
  elsinore.says(
    `<iq type='set' id='m' to='${at}'><pubsub xmlns='${ns}#owner'><affiliations node='musings'><affiliation jid='${hamlet}' affiliation='none'/><affiliation jid='${francisco}' affiliation='member'/><affiliation jid='${bernardo}' affiliation='member'/></affiliations></pubsub></iq>`,
  )
  const error = await elsinore.awaits(
    "<iq type='error' id='m'><error type='modify'><not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
  )
  expect(entries(error.child('pubsub', `${ns}#owner`)!.child('affiliations')!, 'affiliation').toSorted()).toEqual([
    `${francisco} publisher`,
    `${hamlet} owner`,
  ])
  expect(await list()).toEqual([`${bernardo} member`, `${francisco} publisher`, `${hamlet} owner`])
  const twice = `<affiliation jid='${bernardo}' affiliation='none'/>`
  await expect(set(twice + twice)).rejects.toEqual(refusal('bad-request'))
  // §8.9.3, and another owner takes over.
  await set(`${twice}<affiliation jid='${francisco}' affiliation='owner'/>`)
  await set(`<affiliation jid='${hamlet}' affiliation='none'/>`)
  await expect(own(elsinore, 'get', at, "<affiliations node='musings'/>")).rejects.toEqual(refusal('forbidden'))
  await expect(own(gate, 'get', at, "<affiliations node='musings'/>")).rejects.toEqual(refusal('forbidden'))
})

test('XEP-0060 §12.14: with notify_sub the owner learns who comes and goes', async () => {
  const { elsinore, barracks } = await opened()
  await create(elsinore, 'musings', { notify_sub: '1' })
  await subscribe(barracks, 'musings')
  await ask(barracks, 'set', at, `<unsubscribe node='musings' jid='${francisco}'/>`)
  await elsinore.sync()
  expect(events(elsinore)).toEqual([
    `subscription musings ${francisco} subscribed`,
    `subscription musings ${francisco} none`,
  ])
})

test('an account that was removed owns and reads nothing any more', async () => {
  const { stage, elsinore, barracks, gate } = await opened()
  await create(elsinore, 'hers', {})
  await create(elsinore, 'ours', {})
  await own(
    elsinore,
    'set',
    at,
    `<affiliations node='ours'><affiliation jid='${bernardo}' affiliation='owner'/></affiliations>`,
  )
  await subscribe(barracks, 'hers')
  await subscribe(elsinore, 'ours')
  await stage.server.hosts.get('home.test')!.accounts.remove(Jid.parse(hamlet))
  await barracks.sync()
  expect(events(barracks)).toEqual(['delete hers'])
  const left = await own(gate, 'get', at, "<affiliations node='ours'/>")
  expect(entries(left!.child('affiliations')!, 'affiliation')).toEqual([`${bernardo} owner`])
  expect(String(await own(gate, 'get', at, "<subscriptions node='ours'/>"))).not.toContain(hamlet)
})

test.each(['presence', 'roster', 'whitelist'])(
  'XEP-0060 §4.5, §12.13: who was admitted to a %s node by its affiliation alone goes with that',
  async (access_model) => {
    const { elsinore, gate } = await opened()
    await create(elsinore, 'musings', { access_model, publish_model: 'subscribers' })
    const become = (affiliation: string) =>
      own(
        elsinore,
        'set',
        at,
        `<affiliations node='musings'><affiliation jid='${bernardo}' affiliation='${affiliation}'/></affiliations>`,
      )
    await become('member')
    await subscribe(gate, 'musings')
    await become('none')
    await gate.hears(
      `<message><event xmlns='${ns}#event'><subscription node='musings' jid='${bernardo}' subscription='none'/></event></message>`,
    )
    await expect(publish(gate, 'musings', 'a')).rejects.toEqual(refusal('forbidden'))
  },
)
