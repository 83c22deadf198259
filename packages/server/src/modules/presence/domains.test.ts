import { type Actor, type ComponentActor, scenario } from '@jackdaw/testkit'
import { test } from 'vitest'
import { blocking } from '../blocking/blocking.ts'
import { roster } from '../roster/roster.ts'
import { subscriptions } from '../subscriptions/subscriptions.ts'
import { presence } from './presence.ts'

const domain = 'irc.home.test'
const nick = `nick@${domain}`
const secret = 'a secret that nobody guesses'

/** Romeo's phone is there, and his contact nick at a component, too; Mab, of another host, has been shown nick directly. */
async function evening() {
  const s = await scenario({
    accounts: { romeo: ['phone', 'laptop'], 'mab@other.test': ['nutshell'] },
    modules: [roster, subscriptions, presence, blocking],
    config: { hosts: { 'home.test': { components: { [domain]: { secret }, 'sms.home.test': { secret } } } } },
    resume: true,
  })
  const [irc, sms] = [s.component(domain, secret), s.component('sms.home.test', secret)] as const
  await irc.connect()
  await sms.connect()
  const [phone, nutshell] = [s['phone'] as Actor, s['nutshell'] as Actor]
  phone.comes()
  nutshell.comes()
  for (const [component, user] of [
    [irc, nick],
    [sms, '1@sms.home.test'],
  ] as const) {
    // prettier-ignore
    phone.says(`<presence to='${user}' type='subscribe'/>`)
    await component.hears(`<presence type='subscribe'/>`)
    component.says(`<presence from='${user}' to='romeo@home.test' type='subscribed'/>`)
    component.says(`<presence from='${user}/a' to='romeo@home.test'/>`)
    await component.sync()
  }
  irc.says(`<presence from='${nick}/a' to='mab@other.test/nutshell'/>`)
  await irc.sync()
  for (const client of [phone, nutshell]) {
    await client.sync()
    client.clear()
  }
  return Object.assign(s, { irc: irc as ComponentActor, sms: sms as ComponentActor, phone, nutshell })
}

const leaves = (client: Actor, from: string) => client.hears(`<presence from='${from}' type='unavailable'/>`)

test.each(['close', 'cut'] as const)(
  'RFC 6121 §4.5: who is at a component leaves with it (%s), for all who have seen them, each once',
  async (how) => {
    await using s = await evening()
    s.irc.says(`<presence from='${nick}/b' to='romeo@home.test'/>`)
    s.irc.says(`<presence from='other@${domain}' to='romeo@home.test'/>`)
    s.irc.says(`<presence from='other@${domain}' to='romeo@home.test' type='unavailable'/>`)
    await s.irc.sync()
    await s.phone.sync()
    s.phone.clear()
    await s.irc[how]()
    await leaves(s.phone, `${nick}/a`)
    await leaves(s.phone, `${nick}/b`)
    await leaves(s.nutshell, `${nick}/a`)
    for (const client of [s.phone, s.nutshell]) await client.hearsNothing()
  },
)

test('RFC 6121 §4.3.1: when it comes back the presence of contacts there is asked for, by whoever is there, and of nobody else', async () => {
  await using s = await evening()
  await s.irc.close()
  await leaves(s.phone, `${nick}/a`)
  const laptop = s['laptop'] as Actor
  laptop.comes()
  await laptop.sync()
  await s.irc.connect()
  await s.irc.hears(`<presence from='romeo@home.test/phone' to='${nick}' type='probe'/>`)
  await s.irc.hears(`<presence from='romeo@home.test/laptop' to='${nick}' type='probe'/>`)
  await s.irc.hearsNothing()
  await s.phone.sync()
  s.phone.clear()
  s.irc.says(`<presence from='${nick}/a' to='romeo@home.test/phone'/>`)
  await s.phone.hears(`<presence from='${nick}/a'/>`)
  await s.irc.close()
  await leaves(s.phone, `${nick}/a`)
})

test('whoever is at a component that is configured no more leaves', async () => {
  await using s = await evening()
  const home = { plaintext: true, components: { 'sms.home.test': { secret } } }
  await s.server.reload({ log: { level: 'fatal' }, hosts: { 'home.test': home, 'other.test': { plaintext: true } } })
  await leaves(s.phone, `${nick}/a`)
  await leaves(s.nutshell, `${nick}/a`)
  await s.phone.hearsNothing()
})

test('XEP-0191 §3.3: whoever blocks a contact does not ask for it', async () => {
  await using s = await evening()
  await s.phone.asks(`<iq type='set'><block xmlns='urn:xmpp:blocking'><item jid='${nick}'/></block></iq>`)
  await s.irc.close()
  await s.irc.connect()
  await s.irc.hearsNothing()
})

test('a session that has gone is not told, nor the next one of its name', async () => {
  await using s = await evening()
  await s.nutshell.close()
  const next = await s.login('mab@other.test', 'nutshell')
  await s.irc.close()
  await next.hearsNothing()
})

test('RFC 6121 §4.3.2: whoever has not come back a while after a restart has left, others have not', async () => {
  await using s = await evening()
  s.crash()
  await s.start()
  await s.phone.connect()
  await s.sms.connect()
  await s.sms.hears(`<presence to='1@sms.home.test' type='probe'/>`)
  await s.clock.advance(59_999)
  await s.phone.hearsNothing()
  await s.clock.advance(1)
  await leaves(s.phone, nick)
  await s.phone.hearsNothing()
})

test('while the server restarts nobody leaves; probes tell who has', async () => {
  await using s = await evening()
  await s.stop()
  await s.start()
  await s.phone.connect()
  await s.phone.hearsNothing()
  await s.irc.connect()
  await s.irc.hears(`<presence from='romeo@home.test/phone' to='${nick}' type='probe'/>`)
  s.irc.says(`<presence from='${nick}' to='romeo@home.test/phone' type='unavailable'/>`)
  await leaves(s.phone, nick)
})
