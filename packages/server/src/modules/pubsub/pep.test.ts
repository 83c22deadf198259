import { createHash } from 'node:crypto'
import { type Actor, scenario, type ScenarioOptions } from '@jackdaw/testkit'
import { Caps, capsText, DiscoInfo, Jid } from '@jackdaw/xmpp'
import { expect, onTestFinished, test } from 'vitest'
import { defineModule, type Host } from '../../module.ts'
import { blocking } from '../blocking/blocking.ts'
import { presence } from '../presence/presence.ts'
import { roster } from '../roster/roster.ts'
import { subscriptions } from '../subscriptions/subscriptions.ts'
import { ask, comesFor, events, form, ns, own, preconditions, refusal } from './words.fixture.ts'
import { pubsub } from './pubsub.ts'

const modules = [roster, subscriptions, presence, pubsub]
const accounts = { romeo: ['phone', 'laptop'], juliet: ['balcony', 'garden'] }
const romeo = 'romeo@home.test'
const juliet = 'juliet@home.test'

interface Play {
  readonly stage: Awaited<ReturnType<typeof scenario>>
  readonly phone: Actor
  readonly laptop: Actor
  readonly balcony: Actor
  readonly garden: Actor
}

async function opened(options: ScenarioOptions = {}): Promise<Play> {
  const stage = await scenario({ modules, accounts, ...options })
  onTestFinished(() => stage.stop())
  const [phone, laptop, balcony, garden] = [
    stage['phone'],
    stage['laptop'],
    stage['balcony'],
    stage['garden'],
  ] as Actor[]
  return { stage, phone: phone!, laptop: laptop!, balcony: balcony!, garden: garden! }
}

/** Romeo sees juliet's presence. */
async function friends(options?: ScenarioOptions): Promise<Play> {
  const play = await opened(options)
  await befriend(play)
  return play
}

async function befriend({ phone, balcony }: Play): Promise<void> {
  phone.says(`<presence to='${juliet}' type='subscribe'/>`)
  await phone.sync()
  balcony.says(`<presence to='${romeo}' type='subscribed'/>`)
  await balcony.sync()
  await phone.sync()
}

const tune = (title: string) => `<tune xmlns='urn:tune'><title>${title}</title></tune>`

function publish(client: Actor, node: string, id: string, options = '', payload = tune(id), to = '') {
  return client.asks(
    `<iq type='set'${to}><pubsub xmlns='${ns}'><publish node='${node}'><item id='${id}'>${payload}</item></publish>${options}</pubsub></iq>`,
  )
}

async function items(client: Actor, node: string, owner = juliet): Promise<string[]> {
  const answer = await client.asks(
    `<iq type='get' to='${owner}'><pubsub xmlns='${ns}'><items node='${node}'/></pubsub></iq>`,
  )
  return answer
    .child('pubsub', ns)!
    .child('items')!
    .elements()
    .map((item) => item.attr('id')!)
}

test('XEP-0163 §5: publishing makes the node; the answer has the id; the owner reads the item', async () => {
  const { balcony } = await opened()
  const answer = await publish(balcony, 'tune', 'a')
  expect(String(answer.first())).toBe(`<pubsub xmlns='${ns}'><publish node='tune'><item id='a'/></publish></pubsub>`)
  expect(await items(balcony, 'tune')).toEqual(['a'])
})

test('XEP-0163 §4.3: contacts and own resources that are interested are told, at their full JIDs, from the account', async () => {
  const { phone, laptop, balcony, garden } = await friends()
  await comesFor(phone, ['tune'])
  await comesFor(laptop, ['mood'])
  await comesFor(garden, ['tune'])
  for (const client of [phone, laptop, garden]) client.clear()
  await publish(balcony, 'tune', 'a')
  const heard = await phone.hears(
    `<message from='${juliet}' to='${romeo}/phone' type='headline'><event xmlns='${ns}#event'><items node='tune'><item id='a'>${tune('a')}</item></items></event></message>`,
  )
  expect(heard.id).toBeDefined()
  await garden.hears(`<message from='${juliet}' to='${juliet}/garden' type='headline'/>`)
  await laptop.hearsNothing()
  await phone.hearsNothing()
})

test('XEP-0060 §9.2: who is not interested, or does not see the presence, hears nothing', async () => {
  const { phone, balcony } = await opened()
  await comesFor(phone, ['tune'])
  phone.clear()
  await publish(balcony, 'tune', 'a')
  await phone.hearsNothing()
})

test('XEP-0163 §4.3.4: the last item comes with the first presence, with its time, and not again', async () => {
  const { stage, phone, balcony } = await friends()
  await publish(balcony, 'tune', 'a')
  await publish(balcony, 'mood', 'b')
  await stage.clock.advance(60_000)
  await comesFor(phone, ['tune'])
  await phone.hears(
    `<message from='${juliet}' to='${romeo}/phone'><event xmlns='${ns}#event'><items node='tune'><item id='a'>${tune('a')}</item></items></event><delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/></message>`,
  )
  await comesFor(phone, ['tune'])
  await comesFor(phone, ['tune'], juliet)
  await phone.hearsNothing()
  // XEP-0060 §12.2: a new interest brings what is new.
  await comesFor(phone, ['tune', 'mood'])
  expect(events(phone)).toEqual(['item mood b'])
})

test('XEP-0060 §12.2: a session remembers of which nodes it has got the last items as far as it wants to hear of them', async () => {
  let host!: Host
  const curious = defineModule({ name: 'curious', start: (given) => void (host = given) })
  const { phone } = await opened({ modules: [...modules, curious] })
  for (const nodes of [['a', 'b'], ['b', 'c'], ['d']]) await comesFor(phone, nodes)
  expect(host.session(phone.jid)!.get('interests')).toEqual(['d'])
})

test('XEP-0163 §4.3.3: who says another hash goes on hearing what it wanted until it is known what that stands for', async () => {
  const { phone, balcony } = await friends()
  await comesFor(phone, ['tune'])
  phone.says("<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:test' ver='new'/></presence>")
  await phone.sync()
  phone.clear()
  for (const node of ['tune', 'mood']) await publish(balcony, node, 'a')
  await phone.sync()
  expect(events(phone)).toEqual(['item tune a'])
  phone.says('<presence/>')
  await phone.sync()
  await publish(balcony, 'tune', 'b')
  await phone.sync()
  expect(events(phone)).toEqual([])
})

test('XEP-0163 §4.3.4: the last item also comes to who has sent presence to somebody else before its hash was known', async () => {
  const { phone, balcony } = await friends()
  await publish(balcony, 'tune', 'a')
  await publish(phone, 'tune', 'b')
  await comesFor(phone, ['tune'], undefined, 'nurse@home.test')
  expect(events(phone)).toEqual(['item tune b', 'item tune a'])
})

test('XEP-0163 §4.3.4: own resources get the last item, also when their hash is known already', async () => {
  const { balcony, garden } = await opened()
  await comesFor(balcony, ['tune'])
  await publish(balcony, 'tune', 'a')
  await comesFor(garden, ['tune'])
  expect(events(garden)).toEqual(['item tune a'])
})

test('XEP-0163 §5: the default is the presence access model and one item', async () => {
  const { balcony } = await opened()
  await publish(balcony, 'tune', 'a')
  await publish(balcony, 'tune', 'b')
  expect(await items(balcony, 'tune')).toEqual(['b'])
  const answer = await balcony.asks(`<iq type='get'><pubsub xmlns='${ns}#owner'><configure node='tune'/></pubsub></iq>`)
  const fields = answer.first()!.child('configure')!.child('x', 'jabber:x:data')!.elements()
  const value = (name: string) => fields.find((field) => field.attr('var') === `pubsub#${name}`)!.child('value')!.text
  expect(['access_model', 'max_items', 'send_last_published_item', 'deliver_notifications'].map(value)).toEqual([
    'presence',
    '1',
    'on_sub_and_presence',
    'true',
  ])
})

test('XEP-0060 §7.1.5: options make the node so, and are preconditions from then on', async () => {
  const { balcony } = await opened()
  const wanted = preconditions({ access_model: 'whitelist', persist_items: 'true', max_items: 'max' })
  await publish(balcony, 'keys', 'a', wanted)
  await publish(balcony, 'keys', 'b', wanted)
  expect(await items(balcony, 'keys')).toEqual(['a', 'b'])
  await expect(publish(balcony, 'keys', 'c', preconditions({ access_model: 'open' }))).rejects.toEqual(
    refusal('conflict', 'precondition-not-met'),
  )
  await expect(publish(balcony, 'keys', 'c', preconditions({ colour: 'red' }))).rejects.toEqual(
    refusal('not-acceptable'),
  )
  expect(await items(balcony, 'keys')).toEqual(['a', 'b'])
})

test('XEP-0223 §3: nobody else reads a private node, nor hears of it, nor finds it', async () => {
  const { phone, balcony } = await friends()
  await comesFor(phone, ['keys'])
  phone.clear()
  await publish(balcony, 'keys', 'a', preconditions({ access_model: 'whitelist', persist_items: '1' }))
  await phone.hearsNothing()
  await expect(items(phone, 'keys')).rejects.toEqual(refusal('not-allowed', 'closed-node'))
  const found = await phone.asks(
    `<iq type='get' to='${juliet}'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>`,
  )
  expect(
    found
      .first()!
      .elements()
      .filter((item) => item.attr('node')),
  ).toEqual([])
})

test('XEP-0060 §4.5: roster access is for contacts in one of the groups', async () => {
  const { phone, balcony } = await friends()
  await publish(balcony, 'geoloc', 'a', preconditions({ access_model: 'roster', roster_groups_allowed: ['Friends'] }))
  await expect(items(phone, 'geoloc')).rejects.toEqual(refusal('not-authorized', 'not-in-roster-group'))
  await publish(balcony, 'tune', 'b')
  await comesFor(phone, ['geoloc', 'tune'])
  expect(events(phone)).toEqual(['item tune b'])
  await balcony.asks(
    `<iq type='set'><query xmlns='jabber:iq:roster'><item jid='${romeo}'><group>Friends</group></item></query></iq>`,
  )
  await phone.sync()
  // §12.2 item 6
  expect(events(phone)).toEqual(['item geoloc a'])
  expect(await items(phone, 'geoloc')).toEqual(['a'])
})

test('XEP-0060 §9.1.2: approval of a contact brings the last items', async () => {
  const play = await opened()
  const { phone, balcony } = play
  await publish(balcony, 'tune', 'a')
  await comesFor(phone, ['tune'])
  await befriend(play)
  expect(events(phone)).toEqual(['item tune a'])
})

test('XEP-0060 §9.1.3: who sends presence hears of open nodes until it goes', async () => {
  const { phone, balcony } = await opened()
  await publish(balcony, 'blog', 'a', preconditions({ access_model: 'open' }))
  await publish(balcony, 'tune', 'b')
  await comesFor(phone, ['blog', 'tune'], juliet)
  expect(events(phone)).toEqual(['item blog a'])
  await publish(balcony, 'blog', 'c')
  await publish(balcony, 'tune', 'd')
  await phone.sync()
  expect(events(phone)).toEqual(['item blog c'])
  phone.says(`<presence to='${juliet}' type='unavailable'/>`)
  await phone.sync()
  await publish(balcony, 'blog', 'e')
  await phone.hearsNothing()
})

test('XEP-0060 §9.1.3, §12.2: who has sent presence, and then says that it wants more, gets the last items of that', async () => {
  const { phone, balcony } = await opened()
  for (const node of ['blog', 'tune']) await publish(balcony, node, 'a', preconditions({ access_model: 'open' }))
  phone.says(`<presence to='${juliet}'/>`)
  await phone.sync()
  await comesFor(phone, ['blog'], juliet)
  expect(events(phone)).toEqual(['item blog a'])
  await comesFor(phone, ['blog', 'tune'], juliet)
  expect(events(phone)).toEqual(['item tune a'])
  phone.says(`<presence to='${juliet}'/>`)
  await comesFor(phone, ['blog'], juliet)
  expect(events(phone)).toEqual([])
  // §9.2: until it is known what another hash stands for, what came before holds.
  phone.says(
    `<presence to='${juliet}'><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:test' ver='new'/></presence>`,
  )
  await phone.sync()
  phone.clear()
  await publish(balcony, 'blog', 'b')
  await phone.sync()
  expect(events(phone)).toEqual(['item blog b'])
})

test.each([
  ['the node is for contacts', juliet, 'tune'],
  ['the node is private', juliet, 'keys'],
  ['there is no such node', juliet, 'nothing'],
  ['there is no such account', 'nobody@home.test', 'tune'],
])('a stranger is told the same when %s', async (_, to, node) => {
  const { phone, balcony } = await opened()
  await publish(balcony, 'tune', 'a')
  await publish(balcony, 'keys', 'a', preconditions({ access_model: 'whitelist' }))
  const answers: string[] = []
  const tries = async (type: string, content: string, at = ns) => {
    const error = await phone.asks(`<iq type='${type}' to='${to}'>${content}</iq>`).then(String, (e) => e)
    answers.push(
      typeof error === 'string' ? error : `${at} ${error.condition} ${error.application?.name} ${error.text}`,
    )
  }
  await tries('get', `<pubsub xmlns='${ns}'><items node='${node}'/></pubsub>`)
  await tries('set', `<pubsub xmlns='${ns}'><subscribe node='${node}' jid='${romeo}'/></pubsub>`)
  await tries('set', `<pubsub xmlns='${ns}'><unsubscribe node='${node}' jid='${romeo}'/></pubsub>`)
  await tries('get', `<pubsub xmlns='${ns}'><options node='${node}' jid='${romeo}'/></pubsub>`)
  await tries('set', `<pubsub xmlns='${ns}'><publish node='${node}'><item/></publish></pubsub>`)
  await tries('set', `<pubsub xmlns='${ns}'><retract node='${node}'><item id='a'/></retract></pubsub>`)
  await tries('set', `<pubsub xmlns='${ns}'><create node='${node}'/></pubsub>`)
  await tries('set', `<pubsub xmlns='${ns}#owner'><delete node='${node}'/></pubsub>`)
  await tries('get', `<pubsub xmlns='${ns}#owner'><configure node='${node}'/></pubsub>`)
  await tries('get', `<query xmlns='http://jabber.org/protocol/disco#info' node='${node}'/>`)
  expect(answers).toEqual([
    `${ns} not-authorized presence-subscription-required undefined`,
    `${ns} not-authorized presence-subscription-required undefined`,
    `${ns} not-authorized presence-subscription-required undefined`,
    `${ns} not-authorized presence-subscription-required undefined`,
    `${ns} forbidden undefined undefined`,
    `${ns} forbidden undefined undefined`,
    `${ns} forbidden undefined undefined`,
    `${ns} forbidden undefined undefined`,
    `${ns} forbidden undefined undefined`,
    `${ns} service-unavailable undefined undefined`,
  ])
})

test('XEP-0060 §7.2.2.1: a retraction with notify is told', async () => {
  const { phone, balcony } = await friends()
  await comesFor(phone, ['tune'])
  await publish(balcony, 'tune', 'a', preconditions({ notify_retract: 'false' }))
  phone.clear()
  const retract = (id: string, notify: string) =>
    balcony.asks(
      `<iq type='set'><pubsub xmlns='${ns}'><retract node='tune'${notify}><item id='${id}'/></retract></pubsub></iq>`,
    )
  await retract('a', '')
  await phone.hearsNothing()
  await publish(balcony, 'tune', 'b')
  await retract('b', " notify='1'")
  await phone.sync()
  expect(events(phone)).toEqual(['item tune b', 'retract tune b'])
  expect(await items(balcony, 'tune')).toEqual([])
  await expect(retract('b', '')).rejects.toEqual(refusal('item-not-found'))
})

test('XEP-0163 §7.1: who loses access is unsubscribed', async () => {
  const { phone, balcony } = await friends()
  await publish(balcony, 'tune', 'a')
  phone.comes()
  phone.says(
    `<iq type='set' id='s' to='${juliet}'><pubsub xmlns='${ns}'><subscribe node='tune' jid='${romeo}'/></pubsub></iq>`,
  )
  await phone.sync()
  // XEP-0060 §6.1.7, after the answer.
  expect(phone.inbox.map(({ name }) => name).slice(-2)).toEqual(['iq', 'message'])
  expect(events(phone)).toEqual(['item tune a'])
  balcony.says(`<presence to='${romeo}' type='unsubscribed'/>`)
  await balcony.sync()
  await phone.sync()
  expect(events(phone)).toEqual([`subscription tune ${romeo} none`])
  await publish(balcony, 'tune', 'b')
  await phone.sync()
  expect(events(phone)).toEqual([])
})

test('XEP-0163 §4.3.3, XEP-0191 §3.3: who is blocked hears nothing, also of open nodes', async () => {
  const play = await opened({ modules: [...modules, blocking] })
  const { phone, balcony } = play
  await befriend(play)
  await comesFor(phone, ['tune', 'blog'])
  await publish(balcony, 'blog', 'a', preconditions({ access_model: 'open' }))
  await phone.sync()
  expect(events(phone)).toEqual(['item blog a'])
  await balcony.asks(`<iq type='set'><block xmlns='urn:xmpp:blocking'><item jid='${romeo}'/></block></iq>`)
  await phone.sync()
  phone.clear()
  await publish(balcony, 'blog', 'b')
  await publish(balcony, 'tune', 'c')
  await phone.hearsNothing()
  await expect(items(phone, 'blog')).rejects.toEqual(refusal('service-unavailable'))
})

test('XEP-0163 §6.1: an account has the identity pubsub/pep and its features', async () => {
  const { balcony } = await opened()
  const answer = await balcony.asks(
    `<iq type='get' to='${juliet}'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`,
  )
  const said = answer.first()!.elements()
  expect(said.map((one) => `${one.attr('category')}/${one.attr('type')}`)).toContain('pubsub/pep')
  for (const name of ['access-presence', 'auto-create', 'auto-subscribe', 'filtered-notifications', 'publish-options'])
    expect(said.map((one) => one.attr('var'))).toContain(`${ns}#${name}`)
})

test('nodes, items and subscriptions outlive a kill, and so does what clients want to hear', async () => {
  const { stage, phone, laptop, balcony } = await friends({ resume: true })
  await comesFor(phone, ['tune'])
  await publish(balcony, 'tune', 'a')
  await publish(balcony, 'keys', 'k', preconditions({ access_model: 'whitelist', max_items: 'max' }))
  await laptop.asks(
    `<iq type='set' to='${juliet}'><pubsub xmlns='${ns}'><subscribe node='tune' jid='${romeo}/laptop'/></pubsub></iq>`,
  )
  stage.crash()
  await stage.start()
  for (const client of [phone, laptop, balcony]) await client.connect()
  for (const client of [phone, laptop, balcony]) client.clear()
  expect([await items(balcony, 'tune'), await items(balcony, 'keys')]).toEqual([['a'], ['k']])
  await publish(balcony, 'tune', 'b')
  for (const client of [phone, laptop]) await client.sync()
  expect([events(phone), events(laptop)]).toEqual([['item tune b'], ['item tune b']])
})

test('an account that was removed leaves nothing to its namesake', async () => {
  const { stage, balcony } = await opened()
  await publish(balcony, 'tune', 'a')
  await stage.server.hosts.get('home.test')!.accounts.remove(Jid.parse(juliet))
  await stage.register('juliet')
  const again = await stage.login('juliet', 'again')
  await expect(items(again, 'tune')).rejects.toEqual(refusal('item-not-found'))
})

test('XEP-0060 §8.6: an account decides itself who reads a node with the authorize model', async () => {
  const { phone, balcony } = await friends()
  balcony.comes()
  await publish(balcony, 'diary', 'a', preconditions({ access_model: 'authorize' }))
  await expect(items(phone, 'diary')).rejects.toEqual(refusal('not-authorized', 'not-subscribed'))
  await ask(phone, 'set', juliet, `<subscribe node='diary' jid='${romeo}/phone'/>`)
  const asked = await balcony.awaits(`<message from='${juliet}'><x xmlns='jabber:x:data' type='form'/></message>`)
  balcony.says(
    `<message to='${juliet}' id='${asked.id}'>${form('subscribe_authorization', { node: 'diary', subscriber_jid: `${romeo}/phone`, allow: '1' })}</message>`,
  )
  await balcony.hearsNothing()
  await phone.sync()
  expect(events(phone)).toEqual([`subscription diary ${romeo}/phone subscribed`, 'item diary a'])
  expect(await items(phone, 'diary')).toEqual(['a'])
})

test('nothing acknowledged is lost, nothing comes twice, wherever the server is killed', async () => {
  const { stage, phone, balcony } = await friends({ resume: true, partBatches: 3 })
  await comesFor(phone, ['diary'])
  await publish(balcony, 'diary', 'first', preconditions({ max_items: 'max' }))
  for (let life = 0; life < 5; life++) {
    for (let i = 0; i < 10; i++)
      balcony.says(
        `<iq type='set' id='${life}-${i}'><pubsub xmlns='${ns}'><publish node='diary'><item id='${life}-${i}'>${tune('x')}</item></publish></pubsub></iq>`,
      )
    // Some of it has been read, handled, kept and sent, some has not.
    for (let turn = 0; turn < life * 2; turn++) await new Promise(setImmediate)
    stage.crash()
    await stage.start()
    for (const client of [balcony, phone]) expect(await client.connect()).toBe('resumed')
  }
  for (const client of [balcony, phone]) await client.sync()
  const all = ['first', ...Array.from({ length: 50 }, (_, n) => `${Math.floor(n / 10)}-${n % 10}`)]
  expect(events(phone)).toEqual(all.map((id) => `item diary ${id}`))
  expect(await items(balcony, 'diary')).toEqual(all)
})

test('XEP-0163 §3.2: an account stays the owner of its nodes, whomever it has made another', async () => {
  const { phone, balcony } = await friends()
  await publish(balcony, 'tune', 'a')
  const become = (client: Actor, jid: string, affiliation: string) =>
    own(
      client,
      'set',
      juliet,
      `<affiliations node='tune'><affiliation jid='${jid}' affiliation='${affiliation}'/></affiliations>`,
    )
  await become(balcony, romeo, 'owner')
  for (const affiliation of ['none', 'outcast'])
    await expect(become(phone, juliet, affiliation)).rejects.toEqual(refusal('not-acceptable'))
  await publish(balcony, 'tune', 'b')
  await become(phone, romeo, 'none')
})

test('XEP-0163 §4.3.4: a new subscriber of another domain that is there already gets the last items', async () => {
  const domain = 'irc.home.test'
  const secret = 'a secret that nobody guesses'
  const { stage, balcony } = await opened({
    config: { hosts: { 'home.test': { components: { [domain]: { secret } } } } },
  })
  const irc = stage.component(domain, secret)
  await irc.connect()
  balcony.comes()
  await publish(balcony, 'tune', 'a')
  const info = { identities: [{ category: 'client', type: 'pc' }], features: ['tune+notify'], forms: [] }
  const ver = createHash('sha1').update(capsText(info)).digest('base64')
  const caps = Caps.write({ hash: 'sha-1', node: 'urn:test', ver })
  irc.says(`<presence from='nick@${domain}/a' to='${juliet}'>${caps}</presence>`)
  const asked = await irc.awaits(`<iq type='get' to='nick@${domain}/a'/>`)
  const said = DiscoInfo.write({ ...info, node: `urn:test#${ver}` })
  irc.says(`<iq type='result' id='${asked.id}' from='nick@${domain}/a' to='home.test'>${said}</iq>`)
  irc.says(`<presence from='nick@${domain}' to='${juliet}' type='subscribe'/>`)
  await irc.hearsNothing()
  balcony.says(`<presence to='nick@${domain}' type='subscribed'/>`)
  await balcony.sync()
  const heard = (await irc.sync()).filter(({ name }) => name === 'message')
  expect(heard.map((one) => [one.attr('to'), one.child('event', `${ns}#event`)?.child('items')?.attr('node')])).toEqual(
    [[`nick@${domain}/a`, 'tune']],
  )
})

test('XEP-0060 §12.2: who gains access to a node because of its configuration gets the last item, others do not get it again', async () => {
  const { phone, balcony, garden } = await friends()
  await comesFor(phone, ['tune'])
  await comesFor(garden, ['tune'])
  await publish(balcony, 'tune', 'a', preconditions({ access_model: 'whitelist' }))
  await garden.sync()
  garden.clear()
  await phone.sync()
  expect(events(phone)).toEqual([])
  const configure = (values: Record<string, string>) =>
    own(balcony, 'set', undefined, `<configure node='tune'>${form('node_config', values)}</configure>`)
  await configure({ access_model: 'presence' })
  await phone.sync()
  expect(events(phone)).toEqual(['item tune a'])
  await configure({ access_model: 'open' })
  for (const client of [phone, garden]) await client.hearsNothing()
})

test('XEP-0163 §4.3.4: a contact of another host gets the last item with its first presence', async () => {
  const { stage, balcony } = await opened({ accounts: { ...accounts, 'mab@other.test': ['nutshell'] } })
  const nutshell = stage['nutshell'] as Actor
  await publish(balcony, 'tune', 'a')
  for (const [one, other] of [
    [balcony, nutshell],
    [nutshell, balcony],
  ] as const) {
    one.says(`<presence to='${other.account}' type='subscribe'/>`)
    await one.sync()
    other.says(`<presence to='${one.account}' type='subscribed'/>`)
    await other.sync()
  }
  await comesFor(nutshell, ['tune'])
  expect(events(nutshell)).toEqual(['item tune a'])
})
