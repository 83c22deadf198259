import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Actor, ComponentActor, scenario, type ScenarioOptions, tcp, tls, turn } from '@jackdaw/testkit'
import { DiscoItems, xml } from '@jackdaw/xmpp'
import { expect, onTestFinished, test } from 'vitest'
import { createServer } from '../server.ts'

const errorsNs = 'urn:ietf:params:xml:ns:xmpp-stanzas'
const domain = 'irc.home.test'
const secret = 'a secret that nobody guesses'
const components = { [domain]: { secret, name: 'IRC' } }

/** Romeo and Juliet on a server with a component, which is not connected yet. */
async function play(options: ScenarioOptions = {}) {
  const s = await scenario({
    accounts: { romeo: ['phone'], juliet: ['balcony'] },
    ...options,
    config: { ...options.config, hosts: { 'home.test': { components } } },
  })
  return Object.assign(s, {
    irc: s.component(domain, secret) as ComponentActor,
    phone: s.phone as Actor,
    balcony: s.balcony as Actor,
  })
}

/** And connected. */
async function playing(options?: ScenarioOptions) {
  const s = await play(options)
  await s.irc.connect()
  return s
}

/** What a component is told that says this; nothing comes after it. */
async function told(irc: ComponentActor, header?: string, ...more: string[]): Promise<string> {
  await irc.open(header)
  for (const text of more) irc.write(text)
  await irc.whenGone
  return irc.streamError!.condition
}

const header = (attrs: string) =>
  `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' ${attrs}>`

test('XEP-0114 §3: header, handshake, stanzas in both directions', async () => {
  await using s = await play()
  const answer = await s.irc.open()
  expect(answer.attr('from')).toBe(domain)
  expect(answer.attr('id')).toMatch(/^[\w-]{24}$/)
  expect(answer.attr('version')).toBeUndefined()
  await s.irc.shakeHands(answer.attr('id')!)
  s.phone.says(`<message to='nick@${domain}/x' id='1' type='chat'><body>hi</body></message>`)
  await s.irc.hears(
    `<message from='romeo@home.test/phone' to='nick@${domain}/x' id='1' type='chat'><body>hi</body></message>`,
  )
  s.irc.says(`<message from='nick@${domain}/x' to='romeo@home.test/phone' type='chat'><body>ho</body></message>`)
  await s.phone.hears(
    `<message from='nick@${domain}/x' to='romeo@home.test/phone' type='chat'><body>ho</body></message>`,
  )
})

test.each([
  ['host-unknown', header(`to='other.home.test'`)],
  ['host-unknown', header(`to='home.test'`)],
  ['host-unknown', header(`to='sub.${domain}'`)],
  ['improper-addressing', header('')],
  ['invalid-namespace', header(`to='${domain}'`).replace('jabber:component:accept', 'jabber:client')],
  ['invalid-namespace', header(`to='${domain}'`).replace('jabber:component:accept', 'jabber:component:connect')],
  ['not-authorized', header(`to='${domain}'`), `<message from='a@${domain}' to='romeo@home.test'/>`],
  ['not-authorized', header(`to='${domain}'`), '<presence/>'],
  ['policy-violation', header(`to='${domain}'`), `<handshake>${'x'.repeat(20_000)}</handshake>`],
  ['not-well-formed', header(`to='${domain}'`), '<handshake></message>'],
  ['unsupported-stanza-type', header(`to='${domain}'`), '<stream:features/>'],
])('XEP-0114 §3: %s', async (condition, text, ...more) => {
  await using s = await play()
  expect(await told(s.irc, text, ...more)).toBe(condition)
})

test('XEP-0114 §3: a handshake that was not made of the secret is not-authorized, after a while that grows', async () => {
  await using s = await play()
  for (const wait of [1000, 2000]) {
    const answered = await s.irc.open()
    const answer = s.irc.shakeHands(answered.attr('id')!, 'a guess').catch((error: unknown) => error)
    await turn()
    await s.clock.advance(wait - 1)
    expect(s.irc.isConnected).toBe(true)
    await s.clock.advance(1)
    expect(await answer).toMatchObject({ condition: 'not-authorized' })
    await s.irc.whenGone
  }
  s.phone.says(`<message to='${domain}' id='1'/>`)
  await s.phone.hears(`<message type='error' id='1'/>`)
})

test('XEP-0114 §3: who does not send a handshake in time is cut off', async () => {
  await using s = await play()
  await s.irc.open()
  await s.clock.advance(30_000)
  await s.irc.whenGone
  expect(s.irc.streamError).toMatchObject({ condition: 'connection-timeout' })
})

test('XEP-0114 §3: one that is connected stays; a second one gets conflict, and the first one is asked whether it lives', async () => {
  await using s = await playing()
  const second = s.component(domain, secret)
  await expect(second.connect()).rejects.toMatchObject({ condition: 'conflict' })
  const probe = await s.irc.hears(`<iq type='get' from='home.test' to='${domain}'><ping xmlns='urn:xmpp:ping'/></iq>`)
  s.irc.says(`<iq type='result' from='${domain}' to='home.test' id='${probe.attr('id')}'/>`)
  await s.irc.hearsNothing()
  await s.clock.advance(120_000)
  await expect(second.connect()).rejects.toMatchObject({ condition: 'conflict' })
  await s.irc.hears(`<iq type='get'/>`)
  await s.clock.advance(60_000)
  await s.irc.whenGone
  expect(s.irc.streamError).toMatchObject({ condition: 'connection-timeout' })
  await second.connect()
})

test('RFC 6120 §4.6: a silent component is asked for a sign of life, then given up', async () => {
  await using s = await playing()
  await s.clock.advance(300_000)
  await s.irc.hears(`<iq type='get' to='${domain}'><ping xmlns='urn:xmpp:ping'/></iq>`)
  await s.clock.advance(60_000)
  await s.irc.whenGone
  expect(s.irc.streamError).toMatchObject({ condition: 'connection-timeout' })
})

test.each([
  `<message to='romeo@home.test'/>`,
  `<message from='juliet@home.test' to='romeo@home.test'/>`,
  `<message from='home.test' to='romeo@home.test'/>`,
  `<message from='a@sub.${domain}' to='romeo@home.test'/>`,
  `<message from='@' to='romeo@home.test'/>`,
])('XEP-0114 §3: invalid-from: %s', async (stanza) => {
  await using s = await playing()
  s.irc.says(stanza)
  await s.irc.whenGone
  expect(s.irc.streamError).toMatchObject({ condition: 'invalid-from' })
  await s.phone.hearsNothing()
})

test.each([
  [`<message from='a@${domain}' id='1'/>`, 'bad-request', 'home.test'],
  [`<message from='a@${domain}' to='@' id='1'/>`, 'jid-malformed', 'home.test'],
  [`<iq from='a@${domain}' to='romeo@home.test' id='1' type='get'/>`, 'bad-request', 'romeo@home.test'],
  [`<iq from='${domain}' to='home.test' id='1' type='x'><q xmlns='x'/></iq>`, 'bad-request', 'home.test'],
  [`<message from='${domain}' to='nobody@home.test' id='1'/>`, 'service-unavailable', 'nobody@home.test'],
  [`<message from='a@${domain}/b' to='a@nowhere.test' id='1'/>`, 'remote-server-not-found', 'a@nowhere.test'],
])('RFC 6120 §8.3: %s is answered with %s, and the stream goes on', async (stanza, condition, from) => {
  await using s = await playing()
  s.irc.says(stanza)
  const kind = stanza.slice(1, stanza.indexOf(' '))
  await s.irc.hears(
    `<${kind} type='error' id='1' from='${from}'><error><${condition} xmlns='${errorsNs}'/></error></${kind}>`,
  )
  await s.irc.hearsNothing()
})

test('RFC 6120 §8.3.1: an error of a component’s that cannot be delivered is not answered', async () => {
  await using s = await playing()
  s.irc.says(`<message type='error' from='a@${domain}' id='1'/>`)
  s.irc.says(`<iq type='result' from='a@${domain}' id='1'/>`)
  s.irc.says(`<message type='error' from='a@${domain}' to='nobody@home.test'/>`)
  await s.irc.hearsNothing()
})

test('RFC 6120 §8.3.3.17: what is for a component that is not there is answered with remote-server-timeout; of another domain, with remote-server-not-found', async () => {
  await using s = await play()
  const error = (condition: string) => `<error type='…'><${condition} xmlns='${errorsNs}'/></error>`
  for (const [to, condition] of [
    [`a@${domain}`, 'remote-server-timeout'],
    [domain, 'remote-server-timeout'],
    [`sub.${domain}`, 'remote-server-not-found'],
  ]) {
    s.phone.says(`<message to='${to}' id='1'/>`)
    await s.phone.hears(`<message from='${to}' type='error' id='1'>${error(condition!)}</message>`)
    s.phone.says(`<presence to='${to}' id='2'/>`)
    await s.phone.hears(`<presence from='${to}' type='error' id='2'>${error(condition!)}</presence>`)
    await expect(s.phone.asks(`<iq to='${to}' type='get'><q xmlns='x'/></iq>`)).rejects.toMatchObject({ condition })
  }
  await s.irc.connect()
  s.phone.says(`<message to='a@${domain}'/>`)
  await s.irc.hears(`<message to='a@${domain}'/>`)
  await s.irc.close()
  s.phone.says(`<message to='a@${domain}' id='3'/>`)
  await s.phone.hears(`<message type='error' id='3'>${error('remote-server-timeout')}</message>`)
})

test('XEP-0030 §4: the host lists a component while it is connected', async () => {
  await using s = await play()
  const items = async () => {
    const answer = await s.phone.asks(
      `<iq to='home.test' type='get'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>`,
    )
    return DiscoItems.read(answer.first()!).items.map(({ jid, name }) => `${jid} ${name}`)
  }
  expect(await items()).not.toContain(`${domain} IRC`)
  await s.irc.connect()
  expect(await items()).toContain(`${domain} IRC`)
  await s.irc.cut()
  expect(await items()).not.toContain(`${domain} IRC`)
})

test('what stands in the namespace of the stream is in that of clients for clients, forwarded stanzas too', async () => {
  await using s = await playing()
  s.irc.says(
    `<message from='${domain}' to='romeo@home.test/phone'><body>b</body><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:component:accept'><body>f</body></message></forwarded></message>`,
  )
  await s.phone.hears(
    `<message><body>b</body><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'><body>f</body></message></forwarded></message>`,
  )
  s.phone.says(
    `<message to='${domain}'><body>b</body><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'/></forwarded></message>`,
  )
  await s.irc.hears(
    `<message><body>b</body><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'/></forwarded></message>`,
  )
})

test('RFC 6120 §4.7.4: the language of the stream is that of its stanzas', async () => {
  await using s = await play()
  const answer = await s.irc.open(header(`to='${domain}' xml:lang='de'`))
  await s.irc.shakeHands(answer.attr('id')!)
  s.irc.says(`<message from='${domain}' to='romeo@home.test/phone'/>`)
  await s.phone.hears(`<message xml:lang='de'/>`)
})

test('a component asks the server, its accounts and services; what is for their owners alone it is refused', async () => {
  await using s = await playing()
  expect(String(await s.irc.asks('get', 'home.test', xml('query', 'http://jabber.org/protocol/disco#info')))).toContain(
    `category='server'`,
  )
  expect(
    String(await s.irc.asks('get', 'rooms.home.test', xml('query', 'http://jabber.org/protocol/disco#info'))),
  ).toContain(`category='conference'`)
  for (const ns of ['jabber:iq:roster', 'http://jabber.org/protocol/disco#info', 'urn:xmpp:blocking'])
    await expect(s.irc.asks('get', 'romeo@home.test', xml('query', ns), `romeo@${domain}`)).rejects.toMatchObject({
      condition: 'service-unavailable',
    })
})

test('limits: a component that is too fast waits, and nothing of it is lost', async () => {
  await using s = await playing({
    config: { limits: { component: { stanzasPerSecond: 10, stanzasBurst: 20 } } },
  })
  for (let i = 0; i < 40; i++) s.irc.says(`<message from='a@${domain}' to='romeo@home.test/phone' id='m${i}'/>`)
  await turn()
  await s.clock.advance(10_000)
  for (let i = 0; i < 40; i++) await s.phone.hears(`<message id='m${i}'/>`)
})

test('limits: a stanza that is too long ends the stream', async () => {
  await using s = await playing({ config: { limits: { stanzaBytes: 10_000 } } })
  s.irc.says(`<message from='a@${domain}' to='romeo@home.test/phone'><body>${'x'.repeat(10_000)}</body></message>`)
  await s.irc.whenGone
  expect(s.irc.streamError).toMatchObject({ condition: 'policy-violation' })
})

test('the server stops: system-shutdown', async () => {
  const s = await playing()
  await s.stop()
  await s.irc.whenGone
  expect(s.irc.streamError).toMatchObject({ condition: 'system-shutdown' })
})

test('a component comes back to a server that was killed, and hears what comes then', async () => {
  await using s = await playing()
  s.crash()
  await s.irc.whenGone
  await s.start()
  await s.irc.connect()
  await s.phone.connect()
  s.phone.says(`<message to='${domain}'/>`)
  await s.irc.hears(`<message from='romeo@home.test/phone'/>`)
})

test('a reload ends a component that is configured no more, or with another secret, and lets others be', async () => {
  const others = { 'sms.home.test': { secret }, 'sip.home.test': { secret } }
  await using s = await playing()
  const reload = (named: Record<string, { secret: string; name?: string }>) =>
    s.server.reload({ log: { level: 'fatal' }, hosts: { 'home.test': { plaintext: true, components: named } } })
  await reload({ ...components, ...others })
  const [sms, sip] = [s.component('sms.home.test', secret), s.component('sip.home.test', secret)]
  await sms.connect()
  await sip.connect()
  await reload({ [domain]: { secret, name: 'Chat' }, 'sms.home.test': { secret: 'another one' } })
  await sip.whenGone
  expect(sip.streamError).toMatchObject({ condition: 'host-gone' })
  await sms.whenGone
  expect(sms.streamError).toMatchObject({ condition: 'reset' })
  await s.irc.hearsNothing()
  await expect(sip.connect()).rejects.toMatchObject({ condition: 'host-unknown' })
  await s.component('sms.home.test', 'another one').connect()
  s.phone.says(`<message to='sip.home.test' id='1'/>`)
  await s.phone.hears(`<message type='error'><error><remote-server-not-found xmlns='${errorsNs}'/></error></message>`)
})

test('while the disk is full nobody is let in, and what comes from who is there waits', async () => {
  await using s = await playing()
  s.journalStore.failure = new Error('ENOSPC')
  s.phone.says(`<message to='juliet@home.test'><body>x</body></message>`)
  await turn()
  s.irc.says(`<message from='a@${domain}' to='romeo@home.test/phone' id='1'/>`)
  await turn()
  expect(s.phone.inbox).toEqual([])
  const second = s.component(domain, secret)
  await second.open()
  await second.whenGone
  expect(second.streamError).toMatchObject({ condition: 'resource-constraint' })
  s.journalStore.failure = undefined
  await s.clock.advance(1000)
  await s.phone.hears(`<message from='a@${domain}' id='1'/>`)
})

test('metrics: how many are connected, and what passed', async () => {
  await using s = await playing()
  s.phone.says(`<message to='${domain}'/>`)
  await s.irc.hears(`<message/>`)
  s.irc.says(`<message from='${domain}' to='romeo@home.test/phone'/>`)
  await s.phone.hears(`<message/>`)
  const text = await s.server.metrics.registry.metrics()
  expect(text).toMatch(/^jackdaw_components 1$/m)
  expect(text).toMatch(/^jackdaw_component_stanzas_sent_total 1$/m)
  expect(text).toMatch(/^jackdaw_component_stanzas_received_total 1$/m)
})

test('components connect over TCP, and over direct TLS where that is configured; without components nothing listens', async () => {
  const data = mkdtempSync(join(tmpdir(), 'jackdaw-component-'))
  onTestFinished(() => rmSync(data, { recursive: true }))
  const free = { port: 0, address: '127.0.0.1' }
  const listen = { xmpp: false, xmpps: false, http: false, https: false, component: 0, componentTls: free } as const
  const log = { level: 'fatal' } as const
  for (const named of [components, {}]) {
    const server = await createServer({ data, log, listen, hosts: { 'home.test': { components: named } } })
    try {
      const listening = await server.start()
      expect(listening.map(({ name, address }) => `${name} ${address}`)).toEqual(
        named === components ? ['component 127.0.0.1', 'componentTls 127.0.0.1'] : [],
      )
      for (const { name, port } of listening) {
        const irc = new ComponentActor({ domain, secret, connect: name === 'component' ? tcp(port) : tls(port) })
        await irc.connect()
        await irc.hearsNothing()
        await irc.close()
      }
    } finally {
      await server.stop()
    }
  }
})
