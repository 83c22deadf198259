import type { Actor, ComponentActor } from '@jackdaw/testkit'
import { DiscoInfo } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { domain, errorsNs, juliet, playing as stage, romeo } from '../privilege/fixture.ts'

const delegationNs = 'urn:xmpp:delegation:2'
const forwardNs = 'urn:xmpp:forward:0'
const pubsubNs = 'http://jabber.org/protocol/pubsub'
const infoNs = 'http://jabber.org/protocol/disco#info'
const itemsNs = 'http://jabber.org/protocol/disco#items'
const moodNs = 'urn:example:mood'

/** A component to which all this is delegated, and who else there is. */
const playing = (delegated: Record<string, string[]>, more: object = {}) => stage({ delegated, ...more })

/** It has been told, and asked what it can do, which it did not answer. */
async function managing(delegated: Record<string, string[]>, more?: object) {
  const s = await playing(delegated, more)
  await s.component.sync()
  return s
}

/** What was forwarded, when it matches. */
async function delegatedTo(component: ComponentActor, request: string): Promise<string> {
  const { id } = await component.hears(
    `<iq type='set' from='home.test' to='${domain}'><delegation xmlns='${delegationNs}'><forwarded xmlns='${forwardNs}'>${request}</forwarded></delegation></iq>`,
  )
  return id!
}

const answer =
  (content: string, from = domain, type = 'result') =>
  (id: string) =>
    `<iq type='${type}' id='${id}' from='${from}' to='home.test'><delegation xmlns='${delegationNs}'><forwarded xmlns='${forwardNs}'>${content}</forwarded></delegation></iq>`

const mood = `<mood xmlns='${moodNs}' node='n'/>`
const unavailable = `<error type='cancel'><service-unavailable xmlns='${errorsNs}'/></error>`

test('XEP-0355 §4.2: what is delegated is advertised, with its filtering attributes, each time it connects', async () => {
  await using s = await playing({ [moodNs]: ['node', 'name'], 'urn:b': [] })
  for (let i = 0; i < 2; i++) {
    await s.component.hears(
      `<message from='home.test' to='${domain}'><delegation xmlns='${delegationNs}'>
        <delegated namespace='${moodNs}'><attribute name='node'/><attribute name='name'/></delegated><delegated namespace='urn:b'/>
      </delegation></message>`,
    )
    await s.component.close()
    await s.component.connect()
  }
  await s.plain.hearsNothing()
})

test('XEP-0355 §7.1: the server says that it knows delegation', async () => {
  await using s = await managing({})
  const told = await s.phone.asks(`<iq type='get' to='home.test'><query xmlns='${infoNs}'/></iq>`)
  expect(String(told)).toContain(`<feature var='${delegationNs}'/>`)
})

test.each([
  ['to nobody', '', ''],
  ['to its own account', ` to='${romeo}'`, ` from='${romeo}'`],
  ['to its own account, answered without from', ` to='${romeo}'`, ''],
  ['to the host', ` to='home.test'`, ` from='home.test'`],
  ['to another account', ` to='${juliet}'`, ` from='${juliet}'`],
])('XEP-0355 §4.3: a request %s is forwarded, and its answer comes back', async (_, to, from) => {
  await using s = await managing({ [moodNs]: [] })
  for (const type of ['get', 'set']) {
    s.phone.says(`<iq type='${type}' id='1'${to}>${mood}</iq>`)
    const id = await delegatedTo(
      s.component,
      `<iq xmlns='jabber:client' type='${type}' id='1' from='${romeo}/phone'${to}>${mood}</iq>`,
    )
    // What it says next does not wait.
    await s.phone.sync()
    const good = `<iq xmlns='jabber:client' type='result' id='1' to='${romeo}/phone'${from}><ok xmlns='${moodNs}'/></iq>`
    s.component.says(answer(good)(id))
    const heard = await s.phone.hears(`<iq type='result' id='1' to='${romeo}/phone'><ok xmlns='${moodNs}'/></iq>`)
    expect(heard.from?.toString()).toBe(/'(.+)'/.exec(to)?.[1])
  }
})

test('XEP-0355 §4.3: from elsewhere, too: another host of the server, another component', async () => {
  await using s = await managing({ [moodNs]: [] })
  for (const [who, from] of [
    [s.nutshell, 'mab@other.test/nutshell'],
    [s.plain, 'nick@irc.home.test/x'],
  ] as const) {
    // prettier-ignore
    who.says(`<iq type='get' id='1' from='${from}' to='${juliet}'>${mood}</iq>`)
    const id = await delegatedTo(s.component, `<iq xmlns='jabber:client' type='get' from='${from}'>${mood}</iq>`)
    s.component.says(answer(`<iq xmlns='jabber:client' type='result' id='1' to='${from}' from='${juliet}'/>`)(id))
    await who.hears(`<iq type='result' id='1' from='${juliet}' to='${from}'/>`)
  }
})

test.each([
  ['to a session', { [moodNs]: [] }, `<iq type='get' to='${juliet}/balcony'>${mood}</iq>`],
  ['to another host', { [moodNs]: [] }, `<iq type='get' to='mab@other.test'>${mood}</iq>`],
  ['of another namespace', { [`${moodNs}:x`]: [] }, `<iq type='get' to='${juliet}'>${mood}</iq>`],
  ['without an attribute', { [moodNs]: ['node', 'name'] }, `<iq type='get' to='${juliet}'>${mood}</iq>`],
])('XEP-0355 §4.3: a request %s is not forwarded', async (_, delegated, request) => {
  await using s = await managing(delegated as unknown as Record<string, string[]>)
  s.balcony.says('<presence/>')
  const asked = s.phone.asks(request).catch((error: unknown) => error)
  if (request.includes('/balcony')) {
    const { id } = await s.balcony.awaits(`<iq type='get'>${mood}</iq>`)
    s.balcony.says(`<iq type='error' id='${id}' to='${romeo}/phone'>${unavailable}</iq>`)
  }
  expect(await asked).toMatchObject({ condition: 'service-unavailable' })
  await s.component.hearsNothing()
})

test('XEP-0355 §4.3: with the attribute it is forwarded', async () => {
  await using s = await managing({ [moodNs]: ['node'] })
  s.phone.says(`<iq type='get' id='1' to='${juliet}'>${mood}</iq>`)
  await delegatedTo(s.component, `<iq xmlns='jabber:client'>${mood}</iq>`)
})

const right = `xmlns='jabber:client' type='result' id='1' to='${romeo}/phone' from='${juliet}'`
test.each([
  ['to somebody else', answer(`<iq ${right.replace(romeo, juliet)}/>`)],
  ['from somebody else', answer(`<iq ${right.replace(juliet, romeo)}/>`)],
  ['from nobody', answer(`<iq ${right.replace(`from='${juliet}'`, '')}/>`)],
  ['from a session', answer(`<iq ${right.replace(juliet, `${juliet}/balcony`)}/>`)],
  ['with another id', answer(`<iq ${right.replace("id='1'", "id='2'")}/>`)],
  ['of another type', answer(`<iq ${right.replace('result', 'error')}>${unavailable}</iq>`)],
  ['that asks', answer(`<iq ${right.replace('result', 'get')}>${mood}</iq>`)],
  ['with two payloads', answer(`<iq ${right}>${mood}${mood}</iq>`)],
  ['that is two', answer(`<iq ${right}/><iq ${right}/>`)],
  ['that is a message', answer(`<message ${right}/>`)],
  ['of no stanza', answer('')],
  ['with no JID', answer(`<iq ${right.replace(juliet, 'a@')}/>`)],
  ['in no delegation', (id: string) => `<iq type='result' id='${id}' from='${domain}' to='home.test'/>`],
  ['that is an error', (id: string) => `<iq type='error' id='${id}' from='${domain}' to='home.test'>${unavailable}</iq>`], // prettier-ignore
])('XEP-0355 §4.3: an answer %s is service-unavailable', async (_, wrong) => {
  await using s = await managing({ [moodNs]: [] })
  s.phone.says(`<iq type='get' id='1' to='${juliet}'>${mood}</iq>`)
  const id = await delegatedTo(s.component, `<iq xmlns='jabber:client'>${mood}</iq>`)
  s.component.says(wrong(id))
  await s.phone.hears(`<iq type='error' id='1' from='${juliet}' to='${romeo}/phone'>${unavailable}</iq>`)
  s.component.says(answer(`<iq ${right}/>`)(id))
  await s.component.hearsNothing()
  for (const client of [s.phone, s.balcony]) await client.hearsNothing()
})

test('XEP-0355 §4.3: nobody but the managing entity answers', async () => {
  await using s = await managing({ [moodNs]: [] })
  s.phone.says(`<iq type='get' id='1' to='${juliet}'>${mood}</iq>`)
  const id = await delegatedTo(s.component, `<iq xmlns='jabber:client'>${mood}</iq>`)
  s.plain.says(answer(`<iq ${right}/>`, 'irc.home.test')(id))
  s.component.says(answer(`<iq ${right}/>`, `user@${domain}`)(id))
  await s.plain.sync()
  await s.component.sync()
  await s.phone.hearsNothing()
  s.component.says(answer(`<iq ${right}/>`)(id))
  await s.phone.hears(`<iq type='result' id='1' from='${juliet}'/>`)
})

test('XEP-0355 §4.3 N.B. 1: while it is not there, and when it goes, what waits is service-unavailable; when it is silent, too', async () => {
  await using s = await managing({ [moodNs]: [] })
  const ask = () => s.phone.says(`<iq type='get' id='1'>${mood}</iq>`)
  const told = () => s.phone.hears(`<iq type='error' id='1'>${unavailable}</iq>`)
  ask()
  await delegatedTo(s.component, `<iq xmlns='jabber:client'>${mood}</iq>`)
  await s.component.close()
  await told()
  ask()
  await told()
  await s.component.connect()
  await s.component.sync()
  ask()
  await s.component.sync()
  await s.clock.advance(30_000)
  await told()
  await s.phone.hearsNothing()
})

test('XEP-0355 §4.3: a thousand requests wait for a component, no more', async () => {
  await using s = await managing({ [moodNs]: [] })
  const ask = (user: number) => `<iq type='get' id='1' from='nick${user}@irc.home.test/x' to='${juliet}'>${mood}</iq>`
  for (let user = 0; user < 10; user++) s.plain.says(ask(user).repeat(100))
  await s.plain.hearsNothing()
  s.plain.says(ask(10))
  await s.plain.hears(`<iq type='error' id='1'><error><resource-constraint xmlns='${errorsNs}'/></error></iq>`)
  await s.component.close()
  for (let i = 0; i < 1000; i++) await s.plain.hears(`<iq type='error' id='1'>${unavailable}</iq>`)
  await s.plain.hearsNothing()
})

test('XEP-0355 §4.3.1: what the managing entity asks is answered as if nothing were delegated, also by privilege', async () => {
  const privileges = { roster: 'both', push: false, iq: { 'jabber:iq:roster': 'get' } }
  await using s = await managing({ 'jabber:iq:roster': [] }, { privileges })
  const get = `<query xmlns='jabber:iq:roster'/>`
  s.component.says(`<iq type='get' id='1' from='${domain}' to='${romeo}'>${get}</iq>`)
  await s.component.hears(`<iq type='result' id='1' from='${romeo}'>${get}</iq>`)
  s.component.says(
    `<iq type='get' id='2' from='${domain}' to='${romeo}'><privileged_iq xmlns='urn:xmpp:privilege:2'><iq xmlns='jabber:client' type='get' id='i'>${get}</iq></privileged_iq></iq>`,
  )
  expect(String(await s.component.hears(`<iq type='result' id='2'/>`))).toContain(`id='i' type='result'`)
  s.phone.says(`<iq type='get' id='3'>${get}</iq>`)
  await delegatedTo(s.component, `<iq xmlns='jabber:client' id='3' from='${romeo}/phone'>${get}</iq>`)
})

test('XEP-0355 §8 rule 5: nobody asks for a delegation, nor forwards by one', async () => {
  await using s = await managing({ [moodNs]: [] })
  for (const payload of [
    `<query xmlns='${delegationNs}' to='${romeo}'><delegate namespace='urn:x'/></query>`,
    `<delegation xmlns='${delegationNs}'/>`,
  ]) {
    // prettier-ignore
    s.component.says(`<iq type='set' id='1' from='${domain}' to='home.test'>${payload}</iq>`)
    await s.component.hears(`<iq type='error' id='1'>${unavailable}</iq>`)
  }
})

async function info(client: Actor, to: string) {
  const result = await client.asks(`<iq type='get' to='${to}'><query xmlns='${infoNs}'/></iq>`)
  return DiscoInfo.read(result.first()!)
}

test('XEP-0355 §7.2: what it can do stands in place of what the server can, of the host and of accounts, with identities and forms; while it is there', async () => {
  await using s = await playing({ [pubsubNs]: [] })
  await s.component.hears('<message/>')
  const form = `<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>${pubsubNs}#meta</value></field></x>`
  for (const [separator, content] of [
    ['::', `<feature var='${pubsubNs}#publish-options'/><feature var='urn:extra'/>${form}`],
    [':bare:', `<identity category='pubsub' type='pep' name='Butler'/><feature var='${pubsubNs}#auto-create'/>`],
  ]) {
    const node = `${delegationNs}${separator}${pubsubNs}`
    const { id } = await s.component.hears(
      `<iq type='get' from='home.test' to='${domain}'><query xmlns='${infoNs}' node='${node}'/></iq>`,
    )
    s.component.says(
      `<iq type='result' id='${id}' from='${domain}' to='home.test'><query xmlns='${infoNs}' node='${node}'>${content}</query></iq>`,
    )
  }
  await s.component.hearsNothing()
  const server = await info(s.phone, 'home.test')
  const ofPubsub = (features: readonly string[]) => features.filter((one) => one.startsWith(pubsubNs))
  expect(ofPubsub(server.features)).toEqual([`${pubsubNs}#publish-options`])
  expect(server.features).toContain('urn:extra')
  expect(server.identities.map(({ category }) => category)).not.toContain('pubsub')
  expect(server.forms.map((one) => one.fields![0]!.values![0])).toContain(`${pubsubNs}#meta`)
  const account = await info(s.phone, romeo)
  expect(ofPubsub(account.features)).toEqual([`${pubsubNs}#auto-create`])
  expect(account.identities).toContainEqual(expect.objectContaining({ type: 'pep', name: 'Butler' }))
  expect(account.identities).toHaveLength(2)
  await s.component.close()
  const without = await info(s.phone, 'home.test')
  expect(ofPubsub(without.features)).toEqual([])
  expect(without.features).not.toContain('urn:extra')
})

test('XEP-0355 §7.2: what is left of discovery: nodes of accounts that the server does not have', async () => {
  await using s = await managing({ [`${delegationNs}:bare:disco#info:*`]: [] })
  await s.phone.asks(
    `<iq type='set'><pubsub xmlns='${pubsubNs}'><publish node='urn:own'><item><x xmlns='urn:x'/></item></publish></pubsub></iq>`,
  )
  const own = `<iq type='get' to='${romeo}'><query xmlns='${infoNs}' node='urn:own'/></iq>`
  expect(String(await s.phone.asks(own))).toContain(`category='pubsub'`)
  await info(s.phone, romeo)
  await expect(
    s.phone.asks(`<iq type='get' to='home.test'><query xmlns='${infoNs}' node='urn:blog'/></iq>`),
  ).rejects.toMatchObject({ condition: 'item-not-found' })
  await s.phone.asks(`<iq type='get' to='${romeo}'><query xmlns='${itemsNs}'/></iq>`)
  await s.component.hearsNothing()
  s.phone.says(`<iq type='get' id='1' to='${romeo}'><query xmlns='${infoNs}' node='urn:blog'/></iq>`)
  await delegatedTo(s.component, `<iq xmlns='jabber:client' id='1'><query xmlns='${infoNs}' node='urn:blog'/></iq>`)
})

test('XEP-0355 §7.2: what is left of discovery: what accounts have, and what their other nodes have', async () => {
  await using s = await managing({ [`${delegationNs}:bare:disco#items:*`]: [] })
  await s.phone.asks(
    `<iq type='set'><pubsub xmlns='${pubsubNs}'><publish node='urn:own'><item><x xmlns='urn:x'/></item></publish></pubsub></iq>`,
  )
  await s.phone.asks(`<iq type='get' to='${romeo}'><query xmlns='${itemsNs}' node='urn:own'/></iq>`)
  await s.phone.asks(`<iq type='get' to='home.test'><query xmlns='${itemsNs}'/></iq>`)
  await s.component.hearsNothing()
  for (const node of ['', ` node='urn:blog'`]) {
    s.phone.says(`<iq type='get' id='1' to='${romeo}'><query xmlns='${itemsNs}'${node}/></iq>`)
    const id = await delegatedTo(s.component, `<iq xmlns='jabber:client'><query xmlns='${itemsNs}'${node}/></iq>`)
    const items = `<query xmlns='${itemsNs}'${node}><item jid='${romeo}' node='urn:mood'/></query>`
    s.component.says(answer(`<iq xmlns='jabber:client' type='result' id='1' to='${romeo}/phone'>${items}</iq>`)(id))
    await s.phone.hears(`<iq type='result' id='1' from='${romeo}'>${items}</iq>`)
  }
})

test('XEP-0191 §3.3: who is blocked reaches nobody by a component either', async () => {
  await using s = await managing({ [moodNs]: [] })
  await s.balcony.asks(`<iq type='set'><block xmlns='urn:xmpp:blocking'><item jid='${romeo}'/></block></iq>`)
  await expect(s.phone.asks(`<iq type='get' to='${juliet}'>${mood}</iq>`)).rejects.toMatchObject({
    condition: 'service-unavailable',
  })
  await s.component.hearsNothing()
})

test('metrics: what was delegated', async () => {
  await using s = await managing({ [moodNs]: [] })
  s.phone.says(`<iq type='get' id='1'>${mood}</iq>`)
  await s.component.sync()
  const text = await s.server.metrics.registry.metrics()
  expect(text).toMatch(/^jackdaw_delegated_requests_total\{host="home.test"\} 1$/m)
})

test('XEP-0355 §4.3: nobody takes all places while the component is silent, and places are given back', async () => {
  await using s = await managing({ [moodNs]: [] })
  for (let i = 0; i < 100; i++) {
    s.phone.says(`<iq type='get' id='${i}' to='home.test'>${mood}</iq>`)
    // Within what a client may send.
    if (i % 50 === 49) await s.clock.advance(1000)
  }
  const ask = (client: Actor) => client.asks(`<iq type='get' to='home.test'>${mood}</iq>`)
  await expect(ask(s.phone)).rejects.toMatchObject({ condition: 'resource-constraint' })
  s.balcony.says(`<iq type='get' id='b' to='home.test'>${mood}</iq>`)
  await s.balcony.hearsNothing()
  await s.component.close()
  await s.balcony.hears(`<iq type='error' id='b'>${unavailable}</iq>`)
  for (let i = 0; i < 100; i++) await s.phone.hears(`<iq type='error' id='${i}'>${unavailable}</iq>`)
  await s.component.connect()
  s.phone.says(`<iq type='get' id='again' to='home.test'>${mood}</iq>`)
  await s.phone.hearsNothing()
})
