import { expect, test } from 'vitest'
import { befriend, domain, juliet, playing, privilegeNs, romeo } from './fixture.ts'

const user = 'nick@irc.home.test'

async function watching(presence: string) {
  const s = await playing({ privileges: { roster: 'get', push: false, presence } })
  await s.component.awaits(`<message><privilege xmlns='${privilegeNs}'/></message>`)
  return s
}

test('XEP-0356 §7.1, §7.3: managed_entity: initial presence and unavailable presence, nothing else', async () => {
  await using s = await watching('managed_entity')
  await befriend(s.phone, s.balcony)
  s.phone.says(`<presence id='1' xml:lang='en'><show>chat</show></presence>`)
  await s.component.hears(
    `<presence from='${romeo}/phone' to='${domain}' id='1' xml:lang='en'><show>chat</show></presence>`,
  )
  s.phone.says(`<presence><show>away</show></presence>`)
  s.phone.says(`<presence to='${juliet}'><show>dnd</show></presence>`)
  s.phone.says(`<presence to='${juliet}' type='probe'/>`)
  await s.phone.sync()
  await s.component.hearsNothing()
  s.phone.says(`<presence type='unavailable'><status>bye</status></presence>`)
  await s.component.hears(
    `<presence from='${romeo}/phone' to='${domain}' type='unavailable'><status>bye</status></presence>`,
  )
  s.balcony.comes()
  await s.component.hears(`<presence from='${juliet}/balcony' to='${domain}'/>`)
  await s.balcony.close()
  await s.component.hears(`<presence from='${juliet}/balcony' to='${domain}' type='unavailable'/>`)
  s.nutshell.comes()
  await s.nutshell.sync()
  await s.component.hearsNothing()
  await s.plain.hearsNothing()
})

test('XEP-0356 §8 rule 1: who connects later is sent all that there is', async () => {
  await using s = await watching('managed_entity')
  await s.component.close()
  for (const client of [s.phone, s.balcony, s.nutshell]) client.comes()
  for (const client of [s.phone, s.balcony, s.nutshell]) await client.sync()
  await s.component.connect()
  await s.component.hears(`<message/>`)
  const heard = (await s.component.sync()).map((presence) => presence.attr('from')!)
  expect(heard.sort()).toEqual([`${juliet}/balcony`, `${romeo}/phone`])
})

test('XEP-0356 §7.4: roster: of local contacts every change, of who is nobody’s contact the first and the last', async () => {
  await using s = await watching('roster')
  await befriend(s.phone, s.balcony)
  for (const client of [s.phone, s.balcony]) {
    client.comes()
    await s.component.hears(`<presence from='${client.jid}' to='${domain}'/>`)
    client.says(`<presence><show>away</show></presence>`)
    await s.component.hears(`<presence from='${client.jid}' to='${domain}'><show>away</show></presence>`)
  }
  await s.register('tybalt')
  const tomb = await s.login('tybalt', 'tomb')
  tomb.comes()
  await s.component.hears(`<presence from='tybalt@home.test/tomb'/>`)
  tomb.says(`<presence><show>away</show></presence>`)
  await tomb.sync()
  await s.component.hearsNothing()
})

test('XEP-0356 §7.6, §8 rule 2: roster: contacts elsewhere once, whoever has them, also when the account is not there', async () => {
  await using s = await watching('roster')
  for (const client of [s.phone, s.balcony]) {
    client.says(`<presence to='${user}' type='subscribe'/>`)
    await client.sync()
    s.plain.says(`<presence from='${user}' to='${client.account}' type='subscribed'/>`)
  }
  const tell = (content: string, type = '') => {
    for (const to of [romeo, juliet])
      s.plain.says(`<presence from='${user}/irc' to='${to}'${type}>${content}</presence>`)
    return s.plain.sync()
  }
  await tell('')
  await s.component.hears(`<presence from='${user}/irc' to='${domain}'/>`)
  await tell('<show>away</show>')
  await s.component.hears(`<presence from='${user}/irc' to='${domain}'><show>away</show></presence>`)
  // Who is nobody's contact is not shown, nor what is for nobody.
  s.plain.says(`<presence from='other@irc.home.test' to='${romeo}'/>`)
  s.plain.says(`<presence from='${user}/irc' to='mab@other.test'><show>xa</show></presence>`)
  await s.plain.sync()
  await s.component.hearsNothing()
  // §8 rule 1
  await s.component.close()
  await s.component.connect()
  await s.component.hears('<message/>')
  await s.component.hears(`<presence from='${user}/irc' to='${domain}'><show>away</show></presence>`)
  await tell('', ` type='unavailable'`)
  await s.component.hears(`<presence from='${user}/irc' to='${domain}' type='unavailable'/>`)
  await s.component.hearsNothing()
  // Who is lost with its domain leaves as well.
  await tell('')
  await s.component.hears(`<presence from='${user}/irc' to='${domain}'/>`)
  await s.plain.close()
  await s.component.hears(`<presence from='${user}/irc' to='${domain}' type='unavailable'/>`)
  await s.component.hearsNothing()
})

test('XEP-0356 §8 rule 1: however many there are, all are sent, in portions', async () => {
  await using s = await watching('roster')
  s.phone.says(`<presence to='${user}' type='subscribe'/>`)
  await s.phone.sync()
  s.plain.says(`<presence from='${user}' to='${romeo}' type='subscribed'/>`)
  for (let i = 0; i < 1200; i++) s.plain.says(`<presence from='${user}/${i}' to='${romeo}'/>`)
  await s.plain.sync()
  await s.component.close()
  await s.component.connect()
  await s.component.hears('<message/>')
  for (let i = 0; i < 1200; i++) await s.component.hears(`<presence from='${user}/${i}' to='${domain}'/>`)
  await s.component.hearsNothing()
})

test('XEP-0356 §7.4: whom the account has blocked it does not see, so nobody does through it', async () => {
  await using s = await watching('roster')
  s.phone.says(`<presence to='${user}' type='subscribe'/>`)
  await s.phone.sync()
  s.plain.says(`<presence from='${user}' to='${romeo}' type='subscribed'/>`)
  await s.plain.sync()
  await s.phone.asks(`<iq type='set'><block xmlns='urn:xmpp:blocking'><item jid='${user}'/></block></iq>`)
  s.plain.says(`<presence from='${user}/irc' to='${romeo}'/>`)
  await s.plain.sync()
  await s.component.hearsNothing()
})

test('XEP-0356 §7: the presence of who may not reach other domains stays here, and he hears nothing of it', async () => {
  const described = { privileges: { roster: 'get', push: false, presence: 'roster' } }
  const roles = { pupil: { accounts: [romeo], may: [] } }
  await using s = await playing(described, {}, { roles })
  await s.component.awaits(`<message><privilege xmlns='${privilegeNs}'/></message>`)
  s.phone.comes()
  await s.phone.hears(`<presence from='${romeo}/phone'/>`)
  await s.phone.hearsNothing()
  s.balcony.comes()
  await s.component.hears(`<presence from='${juliet}/balcony' to='${domain}'/>`)
  await s.component.close()
  await s.component.connect()
  await s.component.hears(`<message/>`)
  await s.component.hears(`<presence from='${juliet}/balcony' to='${domain}'/>`)
  await s.component.hearsNothing()
  await s.phone.hearsNothing()
})
