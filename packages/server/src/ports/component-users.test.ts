import { type Actor, type ComponentActor, scenario, turn } from '@jackdaw/testkit'
import { expect, test } from 'vitest'
import { carbonsNs } from '@jackdaw/xmpp'

const errorsNs = 'urn:ietf:params:xml:ns:xmpp-stanzas'
const domain = 'irc.home.test'
const nick = `nick@${domain}`
const secret = 'a secret that nobody guesses'

/** Romeo with two devices, and a component, connected. Nobody has sent presence. */
async function play() {
  const s = await scenario({
    accounts: { romeo: ['phone', 'laptop'] },
    config: { hosts: { 'home.test': { components: { [domain]: { secret } } } } },
    resume: true,
  })
  const irc = s.component(domain, secret) as ComponentActor
  await irc.connect()
  return Object.assign(s, { irc, phone: s.phone as Actor, laptop: s.laptop as Actor })
}

/** Romeo's phone is available and sees nick's presence, and nick sees his. */
async function friends() {
  const s = await play()
  s.phone.comes()
  await s.phone.asks(`<iq type='get'><query xmlns='jabber:iq:roster'/></iq>`)
  s.phone.says(`<presence to='${nick}' type='subscribe'/>`)
  await s.irc.hears(`<presence type='subscribe'/>`)
  s.irc.says(`<presence from='${nick}' to='romeo@home.test' type='subscribed'/>`)
  s.irc.says(`<presence from='${nick}' to='romeo@home.test' type='subscribe'/>`)
  await s.phone.awaits(`<presence from='${nick}' type='subscribe'/>`)
  s.phone.says(`<presence to='${nick}' type='subscribed'/>`)
  await s.irc.awaits(`<presence from='romeo@home.test/phone' to='${nick}'/>`)
  await s.phone.sync()
  s.phone.clear()
  return s
}

const blocks = (client: Actor, jid: string, verb = 'block') =>
  client.asks(`<iq type='set'><${verb} xmlns='urn:xmpp:blocking'><item jid='${jid}'/></${verb}></iq>`)

test('RFC 6121 §3.1: a subscription to a component’s user, and its presence', async () => {
  await using s = await play()
  s.phone.comes()
  await s.phone.awaits(`<presence from='romeo@home.test/phone'/>`)
  await s.phone.asks(`<iq type='get'><query xmlns='jabber:iq:roster'/></iq>`)
  s.phone.says(`<presence to='${nick}' type='subscribe'/>`)
  await s.irc.hears(`<presence from='romeo@home.test' to='${nick}' type='subscribe'/>`)
  await s.phone.hears(
    `<iq type='set'><query xmlns='jabber:iq:roster'><item jid='${nick}' subscription='none' ask='subscribe'/></query></iq>`,
  )
  s.irc.says(`<presence from='${nick}' to='romeo@home.test' type='subscribed'/>`)
  await s.phone.hears(`<presence from='${nick}' type='subscribed'/>`)
  await s.phone.hears(
    `<iq type='set'><query xmlns='jabber:iq:roster'><item jid='${nick}' subscription='to'/></query></iq>`,
  )
  s.irc.says(`<presence from='${nick}/irc' to='romeo@home.test'><show>away</show></presence>`)
  await s.phone.hears(`<presence from='${nick}/irc'><show>away</show></presence>`)
  await s.irc.hearsNothing()
})

test('RFC 6121 §3.1.2, §4.3.1: at login a component is asked again, and probed', async () => {
  await using s = await friends()
  s.phone.says(`<presence to='other@${domain}' type='subscribe'/>`)
  await s.irc.hears(`<presence to='other@${domain}' type='subscribe'/>`)
  s.laptop.comes()
  await s.irc.hears(`<presence from='romeo@home.test/laptop' to='${nick}'/>`)
  await s.irc.hears(`<presence from='romeo@home.test/laptop' to='${nick}' type='probe'/>`)
  await s.irc.hears(`<presence from='romeo@home.test' to='other@${domain}' type='subscribe'/>`)
  await s.irc.hearsNothing()
})

test('RFC 6121 §4.3.2: a component’s user probes: who is subscribed gets the presence, a stranger unsubscribed', async () => {
  await using s = await friends()
  s.irc.says(`<presence from='${nick}/irc' to='romeo@home.test' type='probe'/>`)
  await s.irc.hears(`<presence from='romeo@home.test/phone' to='${nick}/irc'/>`)
  for (const to of ['romeo@home.test', 'nobody@home.test']) {
    s.irc.says(`<presence from='other@${domain}' to='${to}' type='probe'/>`)
    await s.irc.hears(`<presence from='${to}' to='other@${domain}' type='unsubscribed'/>`)
  }
  await s.irc.hearsNothing()
})

test('RFC 6121 §3.3, §3.2, §4.5: unsubscribe, unsubscribed, unavailable', async () => {
  await using s = await friends()
  s.phone.says(`<presence to='${nick}' type='unsubscribe'/>`)
  await s.irc.hears(`<presence from='romeo@home.test' to='${nick}' type='unsubscribe'/>`)
  s.irc.says(`<presence from='${nick}' to='romeo@home.test' type='unsubscribe'/>`)
  await s.irc.hears(`<presence from='romeo@home.test/phone' to='${nick}' type='unavailable'/>`)
  s.phone.says(`<presence><show>dnd</show></presence>`)
  await s.irc.hearsNothing()
})

test('RFC 6121 §2.5.2: an account that is removed leaves its contacts at a component', async () => {
  await using s = await friends()
  await s.server.hosts.get('home.test')!.accounts.remove(s.phone.account)
  for (const type of ['unavailable', 'unsubscribed', 'unsubscribe'])
    await s.irc.hears(`<presence to='${nick}' type='${type}'/>`)
})

test('XEP-0191 §3.3: whom a user blocks sees it offline, and neither reaches the other; the whole domain too', async () => {
  await using s = await friends()
  for (const jid of [nick, domain]) {
    await blocks(s.phone, jid)
    await s.irc.hears(`<presence from='romeo@home.test/phone' to='${nick}' type='unavailable'/>`)
    s.irc.says(`<message from='${nick}' to='romeo@home.test' id='1'><body>x</body></message>`)
    await s.irc.hears(
      `<message from='romeo@home.test' type='error' id='1'><error><service-unavailable xmlns='${errorsNs}'/></error></message>`,
    )
    s.irc.says(`<presence from='${nick}/irc' to='romeo@home.test'/>`)
    s.irc.says(`<presence from='${nick}' to='romeo@home.test' type='probe'/>`)
    s.phone.says(`<message to='${nick}' id='2'/>`)
    await s.phone.hears(`<message type='error' id='2'><error><not-acceptable xmlns='${errorsNs}'/></error></message>`)
    await s.irc.hearsNothing()
    await s.phone.hearsNothing()
    await blocks(s.phone, jid, 'unblock')
    await s.irc.hears(`<presence from='romeo@home.test/phone' to='${nick}'/>`)
    await s.irc.hears(`<presence from='romeo@home.test/phone' to='${nick}' type='probe'/>`)
  }
})

test('XEP-0280, XEP-0313: messages of both directions are copied and archived', async () => {
  await using s = await friends()
  s.laptop.comes(-1)
  await s.laptop.asks(`<iq type='set'><enable xmlns='${carbonsNs}'/></iq>`)
  await s.laptop.sync()
  s.laptop.clear()
  s.irc.says(`<message from='${nick}/irc' to='romeo@home.test/phone' type='chat'><body>in</body></message>`)
  await s.phone.awaits(`<message from='${nick}/irc'><body>in</body></message>`)
  await s.laptop.hears(`<message><received xmlns='${carbonsNs}'>…</received></message>`)
  s.phone.says(`<message to='${nick}/irc' type='chat'><body>out</body></message>`)
  await s.irc.awaits(`<message to='${nick}/irc'><body>out</body></message>`)
  await s.laptop.hears(`<message><sent xmlns='${carbonsNs}'>…</sent></message>`)
  await s.phone.sync()
  s.phone.clear()
  await s.phone.asks(`<iq type='set'><query xmlns='urn:xmpp:mam:2' queryid='q'/></iq>`)
  const kept = s.phone.inbox.filter((stanza) => stanza.child('result', 'urn:xmpp:mam:2')).map(String)
  expect(kept.map((text) => /<body>(.*?)<\/body>/.exec(text)![1])).toEqual(['in', 'out'])
})

test('XEP-0160: what comes from a component while nobody is there waits, through a kill', async () => {
  await using s = await play()
  s.irc.says(`<message from='${nick}' to='romeo@home.test' type='chat'><body>later</body></message>`)
  await s.irc.hearsNothing()
  s.crash()
  await s.start()
  const tablet = await s.login('romeo', 'tablet')
  tablet.comes()
  await tablet.awaits(`<message from='${nick}'><body>later</body></message>`)
})

test('a component’s question is not answered by what is meant for another one', async () => {
  await using s = await play()
  const room = 'coven@rooms.home.test'
  for (const [client, name] of [
    [s.phone, 'a'],
    [s.laptop, 'b'],
  ] as const) {
    client.says(`<presence to='${room}/${name}'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
    await client.awaits(`<message from='${room}'><subject/></message>`)
    if (client === s.phone)
      await client.asks(
        `<iq to='${room}' type='set'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>`,
      )
  }
  s.phone.says(`<iq to='${room}/b' type='get' id='v'><query xmlns='jabber:iq:version'/></iq>`)
  const asked = await s.laptop.awaits(`<iq from='${room}/a' type='get'/>`)
  s.irc.says(
    `<iq from='${nick}' to='${s.laptop.jid}' type='get' id='${asked.id}'><query xmlns='jabber:iq:version'/></iq>`,
  )
  await s.laptop.hears(`<iq from='${nick}' type='get'/>`)
  s.laptop.says(`<iq to='${nick}' type='result' id='${asked.id}'><query xmlns='jabber:iq:version'/></iq>`)
  await s.irc.hears(`<iq type='result' id='${asked.id}'/>`)
  s.laptop.says(
    `<iq to='${room}/a' type='result' id='${asked.id}'><query xmlns='jabber:iq:version'><name>B</name></query></iq>`,
  )
  await s.phone.awaits(`<iq type='result' id='v'><query xmlns='jabber:iq:version'><name>B</name></query></iq>`)
})

test('XEP-0045 §18.1.2: a component’s users in a room stay in it through a kill; when they cannot be reached they leave', async () => {
  await using s = await play()
  const room = 'coven@rooms.home.test'
  s.phone.says(`<presence to='${room}/romeo'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
  await s.phone.awaits(`<message from='${room}'><subject/></message>`)
  await s.phone.asks(
    `<iq to='${room}' type='set'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>`,
  )
  const most = 30
  const everybody = Array.from({ length: most }, (_, i) => `u${i}`).sort()
  for (let i = 0; i < most; i++) {
    s.irc.says(
      `<presence from='u${i}@${domain}/irc' to='${room}/u${i}'><x xmlns='http://jabber.org/protocol/muc'/></presence>`,
    )
    await s.irc.awaits(`<message to='u${i}@${domain}/irc' type='groupchat'><subject/></message>`)
  }
  s.crash()
  await s.start()
  await s.phone.connect()
  await s.irc.connect()
  s.phone.says(`<message to='${room}' type='groupchat'><body>still here?</body></message>`)
  const told = []
  for (let i = 0; i < most; i++)
    told.push((await s.irc.hears(`<message from='${room}/romeo'><body>still here?</body></message>`)).to!.local)
  expect(told.length).toBe(most)
  expect(new Set(told)).toEqual(new Set(everybody))
  await s.irc.hearsNothing()
  await s.irc.cut()
  s.phone.says(`<message to='${room}' type='groupchat'><body>and now?</body></message>`)
  await s.phone.awaits(`<message from='${room}/romeo'><body>and now?</body></message>`)
  await turn()
  await s.phone.sync()
  const left = s.phone.inbox
    .filter(({ name, type }) => name === 'presence' && type === 'unavailable')
    .map(({ from }) => from!.resource)
  expect(left.length).toBe(most)
  expect(new Set(left)).toEqual(new Set(everybody))
})
