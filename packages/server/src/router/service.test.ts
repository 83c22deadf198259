import { type Actor, scenario } from '@jackdaw/testkit'
import { DiscoItems, Jid, message, type Payload, presence as presenceOf, StanzaError, xml } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { defineModule } from '../module.ts'
import { disco } from '../modules/disco.ts'
import { presence } from '../modules/presence/presence.ts'

const Question: Payload<void> = {
  name: 'question',
  ns: 'urn:x',
  read: () => undefined,
  write: () => xml('question', 'urn:x'),
}

/** Says back what it hears, and whether a local session said it. */
const echo = defineModule({
  name: 'echo',
  start(host) {
    const heard: string[] = []
    const service = host.serve('echo', {
      name: 'Echo',
      message(stanza, sender) {
        if (stanza.type === 'error') return void heard.push(`error from ${stanza.from}`)
        if (stanza.child('body')?.text === 'no') throw new StanzaError('policy-violation')
        host.send(stanza.reply(stanza.type, xml('body', 'jabber:client', {}, `${stanza.to} ${sender?.jid}`)))
      },
      presence(stanza) {
        heard.push(`${stanza.type ?? 'available'} from ${stanza.from} to ${stanza.to}`)
      },
      iq(stanza) {
        host.send(stanza.reply('result', xml('relayed', 'urn:x', { to: String(stanza.to) })))
      },
    })
    for (const at of ['domain', 'local'] as const)
      service.answer('get', at, Question, ({ to, from }) =>
        xml('answer', 'urn:x', { at, to: `${to}`, from: `${from}` }),
      )
    return { heard, send: host.send.bind(host), ask: host.ask.bind(host) }
  },
})

async function play() {
  let api!: { heard: string[]; send: (stanza: any) => void; ask: (iq: any) => Promise<any> }
  const spy = defineModule({ name: 'spy', needs: [echo], start: (host) => void (api = host.use(echo) as never) })
  const s = await scenario({
    accounts: { romeo: ['phone'], 'juliet@away.test': ['balcony'] },
    modules: [presence, disco, echo, spy],
    config: { hosts: { 'home.test': {}, 'away.test': { modules: { echo: false, spy: false } } } },
  })
  return Object.assign(s, { api, phone: s.phone as Actor, balcony: s.balcony as Actor })
}

test('what is for a served domain, or for any address of it, reaches the module, from every host', async () => {
  await using s = await play()
  for (const to of ['echo.home.test', 'a@echo.home.test', 'a@echo.home.test/b', 'echo.home.test/b'])
    for (const client of [s.phone, s.balcony]) {
      client.says(`<message to='${to}' id='1' type='chat'><body>hi</body></message>`)
      await client.hears(`<message from='${to}' id='1' type='chat'><body>${to} ${client.jid}</body></message>`)
    }
})

test('RFC 6120 §8.3: what the module refuses is answered with its error', async () => {
  await using s = await play()
  s.phone.says("<message to='a@echo.home.test' id='1'><body>no</body></message>")
  await s.phone.hears(
    "<message from='a@echo.home.test' id='1' type='error'><error><policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
  )
})

test.each([
  ['echo.home.test', 'domain'],
  ['a@echo.home.test', 'local'],
])('a request to %s is answered by who answers at the place %s', async (to, at) => {
  await using s = await play()
  const answer = await s.balcony.asks(`<iq to='${to}' type='get'><question xmlns='urn:x'/></iq>`)
  expect(String(answer.from)).toBe(to)
  expect(answer.first()!.toString()).toBe(
    `<answer xmlns='urn:x' at='${at}' to='${to}' from='juliet@away.test/balcony'/>`,
  )
})

test('a request that nobody answers, or that is for a full JID, is the module’s to handle', async () => {
  await using s = await play()
  for (const [to, name] of [
    ['echo.home.test', 'other'],
    ['a@echo.home.test', 'other'],
    ['a@echo.home.test/b', 'question'],
  ]) {
    const answer = await s.phone.asks(`<iq to='${to}' type='get'><${name} xmlns='urn:x'/></iq>`)
    expect(answer.first()!.attr('to')).toBe(to)
  }
})

test('RFC 6120 §8.2.3: a request is checked as everywhere', async () => {
  await using s = await play()
  s.phone.says("<iq to='a@echo.home.test' type='get' id='1'/>")
  await s.phone.hears("<iq type='error' id='1' from='a@echo.home.test'><error type='modify'/></iq>")
})

test('RFC 6121 §4.6.3: a service that got directed presence learns that the session has ended', async () => {
  await using s = await play()
  s.phone.says("<presence to='a@echo.home.test/nick'/>")
  await s.phone.sync()
  await s.phone.close()
  expect(s.api.heard).toEqual([
    'available from romeo@home.test/phone to a@echo.home.test/nick',
    'unavailable from romeo@home.test/phone to a@echo.home.test/nick',
  ])
})

test('a service sends to accounts, sessions and services of all hosts, and hears of what fails', async () => {
  await using s = await play()
  const from = Jid.parse('a@echo.home.test/b')
  s.balcony.comes()
  await s.balcony.hears("<presence from='juliet@away.test/balcony'/>")
  s.api.send(message({ from, to: s.phone.jid, type: 'groupchat' }))
  await s.phone.hears("<message from='a@echo.home.test/b' type='groupchat'/>")
  s.api.send(message({ from, to: s.balcony.account }))
  await s.balcony.hears("<message from='a@echo.home.test/b'/>")
  s.api.send(presenceOf({ from, to: Jid.parse('c@echo.home.test') }))
  s.api.send(message({ from, to: s.phone.account.withResource('gone'), type: 'groupchat' }))
  expect(s.api.heard).toEqual([
    'available from a@echo.home.test/b to c@echo.home.test',
    'error from romeo@home.test/gone',
  ])
})

test('XEP-0030 §4: the host lists what is served below it, while it is', async () => {
  await using s = await play()
  const items = async (host: string) => {
    const answer = await s.phone.asks(
      `<iq to='${host}' type='get'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>`,
    )
    return DiscoItems.read(answer.first()!).items.map(({ jid, name }) => `${jid} ${name}`)
  }
  expect(await items('home.test')).toEqual(['echo.home.test Echo'])
  expect(await items('away.test')).toEqual([])
  await s.server.hosts.get('home.test')!.modules.unload(echo)
  expect(await items('home.test')).toEqual([])
  s.phone.says("<message to='echo.home.test' id='1'/>")
  await s.phone.hears("<message id='1' type='error'><error type='cancel'/></message>")
})

test('RFC 6120 §8.3.3.19: a module that takes no messages and no requests answers so', async () => {
  const mute = defineModule({ name: 'mute', start: (host) => void host.serve('mute', { name: 'Mute' }) })
  await using s = await scenario({ accounts: { romeo: ['phone'] }, modules: [mute] })
  s.phone.says("<presence to='mute.home.test'/>")
  s.phone.says("<message to='mute.home.test' id='1'/>")
  await s.phone.hears("<message id='1' type='error'><error type='cancel'/></message>")
  await expect(s.phone.asks("<iq to='mute.home.test' type='get'><q xmlns='urn:x'/></iq>")).rejects.toMatchObject({
    condition: 'service-unavailable',
  })
  await s.phone.hearsNothing()
})
