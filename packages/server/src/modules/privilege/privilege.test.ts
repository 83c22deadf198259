import type { ComponentActor } from '@jackdaw/testkit'
import { Jid, parse } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { domain, errorsNs, juliet, playing, privilegeNs, romeo, secret } from './fixture.ts'

const rosterGet = parse(`<query xmlns='jabber:iq:roster'/>`)
const rosterSet = (jid: string, more = '') =>
  parse(`<query xmlns='jabber:iq:roster'><item jid='${jid}' name='N' ${more}><group>G</group></item></query>`)
const mailNs = 'urn:example:mail'

const both = { privileges: { roster: 'both', message: 'outgoing', presence: 'roster', iq: { [mailNs]: 'set', 'jabber:iq:private': 'both' } } } // prettier-ignore

/** What it is told first. */
const advertised = (component: ComponentActor, ...perms: string[]) =>
  component.hears(
    `<message from='home.test' to='${domain}'><privilege xmlns='${privilegeNs}'>${perms.join('')}</privilege></message>`,
  )

async function granted(privileges: object) {
  const s = await playing({ privileges })
  await s.component.awaits(`<message from='home.test'><privilege xmlns='${privilegeNs}'/></message>`)
  return s
}

const refused = (component: ComponentActor, id: string, condition = 'forbidden') =>
  component.hears(`<message id='${id}' type='error'><error><${condition} xmlns='${errorsNs}'/></error></message>`)

test('XEP-0356 §4.2, §5.2, §6.2, §7.5: what is granted is advertised, each time it connects; nothing to who has nothing', async () => {
  await using s = await playing(both)
  const expected = [
    `<perm access='roster' type='both' push='true'/>`,
    `<perm access='message' type='outgoing'/>`,
    `<perm access='iq'><namespace ns='${mailNs}' type='set'/><namespace ns='jabber:iq:private' type='both'/></perm>`,
    `<perm access='presence' type='roster'/>`,
  ]
  await advertised(s.component, ...expected)
  await s.plain.hearsNothing()
  await s.component.close()
  await s.component.connect()
  await advertised(s.component, ...expected)
  await s.component.hearsNothing()
})

test('XEP-0356 §4.2: only what is granted is advertised', async () => {
  await using s = await playing({ privileges: { roster: 'set' } })
  const told = await advertised(s.component, `<perm access='roster' type='set'/>`)
  expect(told.first()!.elements()).toHaveLength(1)
  expect(told.first()!.first()!.attr('push')).toBeUndefined()
})

test('when the configuration grants something else the component connects again and is told', async () => {
  await using s = await granted({ message: 'outgoing' })
  const butler = { secret, privileges: { roster: 'get' } } as const
  await s.server.reload({
    log: { level: 'fatal' },
    hosts: { 'home.test': { plaintext: true, components: { [domain]: butler } } },
  })
  await s.component.whenGone
  expect(s.component.streamError).toMatchObject({ condition: 'reset' })
  await s.component.connect()
  await advertised(s.component, `<perm access='roster' type='get' push='true'/>`)
})

test('XEP-0356 §4.3, §4.4: it gets and sets the roster of an account; who uses it and the component are told', async () => {
  await using s = await granted({ roster: 'both' })
  await s.phone.asks(`<iq type='get'><query xmlns='jabber:iq:roster'/></iq>`)
  s.component.says(
    `<iq id='1' type='set' from='${domain}' to='${romeo}'>${rosterSet('nurse@home.test', `subscription='both'`)}</iq>`,
  )
  // A subscription is what both sides have agreed upon: nobody sets one, the account itself neither.
  const item = `<item jid='nurse@home.test' name='N' subscription='none'><group>G</group></item>`
  const push = await s.component.hears(
    `<iq type='set' from='${romeo}' to='${domain}'><query xmlns='jabber:iq:roster'>${item}</query></iq>`,
  )
  s.component.says(`<iq type='result' id='${push.id}' from='${domain}' to='${romeo}'/>`)
  await s.component.hears(`<iq id='1' type='result' from='${romeo}' to='${domain}'/>`)
  await s.phone.hears(`<iq type='set'><query xmlns='jabber:iq:roster'>${item}</query></iq>`)
  const roster = await s.component.asks('get', romeo, rosterGet)
  expect(roster!.elements().map((one) => one.attr('jid'))).toEqual(['nurse@home.test'])
  s.phone.says(
    `<iq type='set' id='x'><query xmlns='jabber:iq:roster'><item jid='nurse@home.test' subscription='remove'/></query></iq>`,
  )
  await s.component.hears(
    `<iq type='set' from='${romeo}'><query xmlns='jabber:iq:roster'><item jid='nurse@home.test' subscription='remove'/></query></iq>`,
  )
  await s.component.hearsNothing()
})

test('XEP-0356 §4.4: no push for a request that is no part of the roster, nor with push off', async () => {
  await using s = await granted({ roster: 'get' })
  s.phone.says(`<presence to='${juliet}' type='subscribe'/>`)
  await s.component.hears(
    `<iq type='set' from='${romeo}'><query xmlns='jabber:iq:roster'><item jid='${juliet}' ask='subscribe'/></query></iq>`,
  )
  await s.phone.sync()
  await s.balcony.sync()
  await s.component.hearsNothing()
  await using quiet = await granted({ roster: 'both', push: false })
  await quiet.component.asks('set', romeo, rosterSet('nurse@home.test'))
  await quiet.component.hearsNothing()
})

test.each([
  ['get', 'set'],
  ['set', 'get'],
] as const)('XEP-0356 §4.3: with roster %s, a %s is forbidden', async (roster, type) => {
  await using s = await granted({ roster })
  const payload = type === 'get' ? rosterGet : rosterSet('nurse@home.test')
  await expect(s.component.asks(type, romeo, payload)).rejects.toMatchObject({ condition: 'forbidden' })
})

test('XEP-0356 §4.3: other privileges do not open rosters; nor accounts that do not exist, other hosts, or as one of its users', async () => {
  await using s = await granted({ message: 'outgoing' })
  for (const [type, payload] of [
    ['get', rosterGet],
    ['set', rosterSet('nurse@home.test')],
  ] as const)
    // prettier-ignore
    await expect(s.component.asks(type, romeo, payload)).rejects.toMatchObject({ condition: 'forbidden' })
  await using open = await granted({ roster: 'both' })
  for (const [to, from, get] of [
    ['nobody@home.test', domain, 'forbidden'],
    ['mab@other.test', domain, 'service-unavailable'],
    [romeo, `user@${domain}`, 'service-unavailable'],
    [romeo, `${domain}/x`, 'service-unavailable'],
  ] as const) {
    await expect(open.component.asks('get', to, rosterGet, from)).rejects.toMatchObject({ condition: get })
    await expect(open.component.asks('set', to, rosterSet('a@b'), from)).rejects.toMatchObject({
      condition: 'forbidden',
    })
  }
  await open.component.hearsNothing()
})

test('XEP-0356 §9: it may not do with a roster what the account may not, and an account that blocks it is not served', async () => {
  await using s = await granted({ roster: 'both' })
  const wrong = parse(`<query xmlns='jabber:iq:roster'><item jid='a@b'/><item jid='c@d'/></query>`)
  await expect(s.component.asks('set', romeo, wrong)).rejects.toMatchObject({ condition: 'bad-request' })
  await expect(s.component.asks('set', romeo, rosterSet(romeo))).rejects.toMatchObject({ condition: 'not-allowed' })
  await s.phone.asks(`<iq type='set'><block xmlns='urn:xmpp:blocking'><item jid='${domain}'/></block></iq>`)
  await expect(s.component.asks('get', romeo, rosterGet)).rejects.toMatchObject({ condition: 'service-unavailable' })
})

const privileged = (content: string, attrs = `from='${domain}' to='home.test'`) =>
  `<message id='m' ${attrs}><privilege xmlns='${privilegeNs}'><forwarded xmlns='urn:xmpp:forward:0'>${content}</forwarded></privilege></message>`
const inner = (from: string, to = juliet, more = '<body>hi</body>') =>
  `<message xmlns='jabber:client' type='chat' id='i' from='${from}' to='${to}'>${more}</message>`

test('XEP-0356 §5.3: it sends messages in the name of the host and of accounts; those are copied and archived like their own', async () => {
  await using s = await granted({ message: 'outgoing' })
  s.balcony.comes()
  s.phone.comes()
  await s.phone.asks(`<iq type='set'><enable xmlns='urn:xmpp:carbons:2'/></iq>`)
  await s.balcony.sync()
  await s.phone.sync()
  s.balcony.clear()
  s.phone.clear()
  s.component.says(privileged(inner('home.test')))
  await s.balcony.hears(`<message from='home.test' to='${juliet}' id='i' type='chat'><body>hi</body></message>`)
  s.component.says(privileged(inner(romeo)))
  await s.balcony.hears(`<message from='${romeo}' to='${juliet}' id='i' type='chat'><body>hi</body></message>`)
  await s.phone.hears(`<message from='${romeo}'><sent xmlns='urn:xmpp:carbons:2'>…</sent></message>`)
  await s.phone.asks(`<iq type='set'><query xmlns='urn:xmpp:mam:2'/></iq>`)
  expect(s.phone.inbox.map(String).filter((text) => text.includes('urn:xmpp:mam:2'))).toHaveLength(1)
  await s.component.hearsNothing()
})

test('XEP-0356 §5.3: without to it is for the account itself; what fails is nobody’s affair', async () => {
  await using s = await granted({ message: 'outgoing' })
  s.phone.comes()
  await s.phone.sync()
  s.phone.clear()
  s.component.says(privileged(`<message xmlns='jabber:client' from='${romeo}'><body>note</body></message>`))
  await s.phone.hears(`<message from='${romeo}'><body>note</body></message>`)
  s.component.says(privileged(inner(romeo, 'nobody@home.test')))
  s.component.says(privileged(inner(romeo, 'a@nowhere.test')))
  await s.component.hearsNothing()
  await s.phone.hearsNothing()
})

test.each([
  ['a carbon', 'received', 'urn:xmpp:carbons:2'],
  ['a carbon of what it sent', 'sent', 'urn:xmpp:carbons:2'],
  ['the result of an archive', 'result', 'urn:xmpp:mam:2'],
])('%s, which clients believe to be from their server, is not sent in the name of an account', async (_, name, ns) => {
  await using s = await granted({ message: 'outgoing' })
  s.phone.comes()
  await s.phone.sync()
  s.phone.clear()
  const forged = `<message xmlns='jabber:client' from='${juliet}/balcony' to='${romeo}'><body>I love thee not</body></message>`
  const content = `<${name} xmlns='${ns}'><forwarded xmlns='urn:xmpp:forward:0'>${forged}</forwarded></${name}>`
  s.component.says(privileged(inner(romeo, romeo, content)))
  await refused(s.component, 'm')
  await s.phone.hearsNothing()
})

test('XEP-0356 §9: a message passes what the account has blocked as little as its own', async () => {
  await using s = await granted({ message: 'outgoing' })
  s.balcony.comes()
  await s.balcony.sync()
  s.balcony.clear()
  await s.phone.asks(`<iq type='set'><block xmlns='urn:xmpp:blocking'><item jid='${juliet}'/></block></iq>`)
  s.component.says(privileged(inner(romeo)))
  await s.component.hearsNothing()
  await s.balcony.hearsNothing()
})

test.each([
  ['a full JID', inner(`${romeo}/phone`), 'forbidden'],
  ['an account that does not exist', inner('nobody@home.test'), 'forbidden'],
  ['another host', inner('other.test'), 'forbidden'],
  ['an account of another host', inner('mab@other.test'), 'forbidden'],
  ['one of its own users', inner(`a@${domain}`), 'forbidden'],
  ['nobody', `<message xmlns='jabber:client' to='${juliet}'/>`, 'forbidden'],
  ['what is no JID', inner('a@'), 'jid-malformed'],
  ['two at once', inner(romeo) + inner(romeo), 'bad-request'],
  ['none', '', 'bad-request'],
  ['presence', `<presence xmlns='jabber:client' from='${romeo}' to='${juliet}'/>`, 'bad-request'],
  ['another namespace', `<message from='${romeo}' to='${juliet}'/>`, 'bad-request'],
])('XEP-0356 §5.1: a message from %s is refused', async (_, content, condition) => {
  await using s = await granted({ message: 'outgoing' })
  s.balcony.comes()
  await s.balcony.sync()
  s.balcony.clear()
  s.component.says(privileged(content))
  await refused(s.component, 'm', condition)
  await s.component.hearsNothing()
  await s.balcony.hearsNothing()
})

test('XEP-0356 §5.1: who may not send messages is refused: without the permission, as a user of it, as another component, as a client, at another host', async () => {
  await using s = await granted({ roster: 'both' })
  s.component.says(privileged(inner(romeo)))
  await refused(s.component, 'm')
  await using open = await granted({ message: 'outgoing' })
  open.component.says(privileged(inner(romeo), `from='a@${domain}' to='home.test'`))
  await refused(open.component, 'm')
  open.component.says(privileged(inner('mab@other.test'), `from='${domain}' to='other.test'`))
  await refused(open.component, 'm')
  open.plain.says(privileged(inner(romeo), `from='irc.home.test' to='home.test'`))
  await refused(open.plain, 'm')
  open.phone.says(privileged(inner(juliet, romeo), `to='home.test'`))
  await open.phone.hears(`<message type='error' id='m'><error><forbidden xmlns='${errorsNs}'/></error></message>`)
})

const request = (content: string, { type = 'set', to = romeo, from = domain } = {}) =>
  `<iq id='o' type='${type}' from='${from}' to='${to}'><privileged_iq xmlns='${privilegeNs}'>${content}</privileged_iq></iq>`
const held = (attrs: string, ns = mailNs) =>
  `<iq xmlns='jabber:client' id='i' type='set' ${attrs}><mail xmlns='${ns}'/></iq>`

test('XEP-0356 §6.3: a request in the name of an account, with its answer: a result, an error', async () => {
  await using s = await granted({ iq: { [mailNs]: 'set' } })
  const forwarded = (content: string) =>
    `<iq id='o' type='result' from='${romeo}' to='${domain}'><privilege xmlns='${privilegeNs}'><forwarded xmlns='urn:xmpp:forward:0'>${content}</forwarded></privilege></iq>`
  for (const from of ['', `from='${romeo}'`]) {
    s.component.says(request(held(`to='${juliet}/balcony' ${from}`)))
    const asked = await s.balcony.hears(`<iq type='set' from='${romeo}'><mail xmlns='${mailNs}'/></iq>`)
    s.balcony.says(`<iq type='result' to='${romeo}' id='${asked.id}'><sent xmlns='${mailNs}'/></iq>`)
    await s.component.hears(
      forwarded(
        `<iq xmlns='jabber:client' type='result' id='i' from='${juliet}/balcony' to='${romeo}'><sent xmlns='${mailNs}'/></iq>`,
      ),
    )
  }
  s.component.says(request(held(`to='${juliet}/nowhere'`)))
  await s.component.hears(
    forwarded(
      `<iq xmlns='jabber:client' type='error' id='i' from='${juliet}/nowhere' to='${romeo}'><error type='cancel'><service-unavailable xmlns='${errorsNs}'/></error></iq>`,
    ),
  )
  await s.component.hearsNothing()
})

test('XEP-0356 §6.3: without to it is for the account itself, which answers it', async () => {
  await using s = await granted({ iq: { 'jabber:iq:private': 'both' } })
  const note = `<query xmlns='jabber:iq:private'><note xmlns='urn:n'>x</note></query>`
  s.component.says(request(`<iq xmlns='jabber:client' type='set' id='i'>${note}</iq>`))
  await s.component.hears(`<iq id='o' type='result'/>`)
  const kept = await s.phone.asks(`<iq type='get'><query xmlns='jabber:iq:private'><note xmlns='urn:n'/></query></iq>`)
  expect(String(kept)).toContain('>x</note>')
  s.component.says(request(`<iq xmlns='jabber:client' type='get' id='i'>${note}</iq>`, { type: 'get' }))
  expect(String(await s.component.hears(`<iq id='o' type='result'/>`))).toContain('>x</note>')
})

test.each([
  ['another namespace', request(held(`to='${juliet}/balcony'`, 'urn:other'))],
  ['another type than is granted', request(held('').replace("'set'", "'get'"), { type: 'get' })],
  ['another type within', request(held('', 'urn:both'), { type: 'get' })],
  ['no type within', request(held('', 'urn:both').replace(`type='set'`, ''), { type: 'get' })],
  ['a namespace that is no longer jabber:client', request(held('').replace(" xmlns='jabber:client'", ''))],
  ['another sender', request(held(`from='${juliet}'`))],
  ['a full JID as sender', request(held(`from='${romeo}/phone'`))],
  ['two requests', request(held('') + held(''))],
  ['no request', request('')],
  ['an account that does not exist', request(held(''), { to: 'nobody@home.test' })],
  ['a session', request(held(''), { to: `${romeo}/phone` })],
  ['the host', request(held(''), { to: 'home.test' })],
  ['an account of another host', request(held(''), { to: 'mab@other.test' })],
  ['one of its users', request(held(''), { from: `a@${domain}` })],
])('XEP-0356 §6.3: for %s it is forbidden', async (_, text) => {
  await using s = await granted({ iq: { [mailNs]: 'set', 'urn:both': 'both' } })
  s.component.says(text)
  await s.component.hears(`<iq id='o' type='error'><error><forbidden xmlns='${errorsNs}'/></error></iq>`)
  await s.component.hearsNothing()
  for (const client of [s.phone, s.balcony, s.nutshell]) await client.hearsNothing()
})

test('XEP-0356 §6.3: nobody else may: another component, a client', async () => {
  await using s = await granted({ iq: { [mailNs]: 'set' } })
  s.plain.says(request(held(''), { from: 'irc.home.test' }))
  await s.plain.hears(`<iq id='o' type='error'><error><forbidden xmlns='${errorsNs}'/></error></iq>`)
  const payload = `<privileged_iq xmlns='${privilegeNs}'>${held('')}</privileged_iq>`
  for (const to of [juliet, `${juliet}/balcony`])
    await expect(s.phone.asks(`<iq type='set' to='${to}'>${payload}</iq>`)).rejects.toMatchObject({
      condition: 'forbidden',
    })
  await s.balcony.hearsNothing()
})

test('XEP-0356 §6.3: an answer that nobody gives does not hold up what the component says next', async () => {
  await using s = await granted({ iq: { [mailNs]: 'set' } })
  s.component.says(request(held(`to='${juliet}/balcony'`)))
  await s.component.hearsNothing()
  await s.clock.advance(30_000)
  const late = await s.component.hears(`<iq id='o' type='result'/>`)
  expect(String(late)).toContain('remote-server-timeout')
})

test('XEP-0356 §6.3: a thousand requests wait for answers, no more; and others are not held up', async () => {
  await using s = await granted({ message: 'outgoing', iq: { [mailNs]: 'set' } })
  const ask = request(held(`to='${juliet}/balcony'`))
  s.component.says(ask.repeat(1000))
  await s.component.hearsNothing()
  s.component.says(ask)
  await s.component.hears(`<iq id='o' type='error'><error><resource-constraint xmlns='${errorsNs}'/></error></iq>`)
  const { id } = await s.balcony.hears(`<iq type='set'><mail xmlns='${mailNs}'/></iq>`)
  s.balcony.says(`<iq type='result' to='${romeo}' id='${id}'/>`)
  await s.component.hears(`<iq id='o' type='result'/>`)
  s.component.says(ask)
  await s.component.hearsNothing()
})

test('metrics: what is sent by privilege', async () => {
  await using s = await granted({ message: 'outgoing', iq: { [mailNs]: 'set' } })
  s.component.says(privileged(inner(romeo)))
  s.component.says(privileged(inner('home.test')))
  s.component.says(request(held(`to='${juliet}/balcony'`)))
  await s.component.sync()
  const text = await s.server.metrics.registry.metrics()
  expect(text).toMatch(/^jackdaw_privileged_stanzas_total\{host="home.test"\} 3$/m)
})

test('XEP-0356 §5.1, §6.3, XEP-0133 §4.3: nobody speaks for an account that is disabled; its roster is kept on', async () => {
  await using s = await granted({ message: 'outgoing', roster: 'both', iq: { [mailNs]: 'set' } })
  const { accounts } = s.server.hosts.get('home.test')!
  await accounts.disable(Jid.parse(romeo))
  s.balcony.comes()
  await s.balcony.sync()
  s.balcony.clear()
  s.component.says(privileged(inner(romeo)))
  await refused(s.component, 'm')
  s.component.says(request(held(`to='${juliet}/balcony'`)))
  await s.component.hears(`<iq id='o' type='error'><error><forbidden xmlns='${errorsNs}'/></error></iq>`)
  await s.balcony.hearsNothing()
  s.component.says(`<iq id='r' type='get' from='${domain}' to='${romeo}'><query xmlns='jabber:iq:roster'/></iq>`)
  await s.component.hears(`<iq id='r' type='result'/>`)
  await accounts.enable(Jid.parse(romeo))
  s.component.says(privileged(inner(romeo)))
  await s.balcony.hears(`<message from='${romeo}'><body>hi</body></message>`)
})
