import { type Actor, scenario, turn } from '@jackdaw/testkit'
import { type StanzaCondition, write } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { defineModule } from '../module.ts'
import { offline } from '../modules/offline/offline.ts'

/** Broadcasts nothing, only notes who is available with which priority: what RFC 6121 §8.5 decides by. */
const notesPresence = defineModule({
  name: 'notes-presence',
  start(host) {
    host.hook('presence:out', 'check', ({ stanza, sender }) => {
      if (stanza.to) return
      sender!.set('presence', stanza.type === 'unavailable' ? undefined : write(stanza, 'jabber:client'))
      return 'stop'
    })
  },
})

type Outcome = 'all' | 'match' | 'silence' | StanzaCondition

/** Priorities of juliet's resources r0, r1 …; 'connected' has sent no presence. */
type There = readonly (number | 'connected')[]

const none: There = []
const negative: There = [-1]
const one: There = [0]
const two: There = [0, 5]
const error: Outcome = 'service-unavailable'

/** RFC 6121 §8.5.4, table 1, and the text of §8.5.1 – §8.5.3 for presence, errors and IQs. 'S' is taken as said in delivery.ts. */
const rows: readonly (readonly [section: string, kind: string, to: string, there: There, outcome: Outcome])[] = [
  ...(['normal', 'chat', 'groupchat'] as const).flatMap((type) => [
    ['§8.5.1', type, 'nobody@home.test', none, error] as const,
    ['§8.5.1', type, 'nobody@home.test/r0', none, error] as const,
  ]),
  ['§8.5.1', 'headline', 'nobody@home.test', none, 'silence'],
  ['§8.5.1', 'error', 'nobody@home.test', none, 'silence'],
  ['§8.5.1', 'presence', 'nobody@home.test', none, 'silence'],
  ['§8.5.1', 'get', 'nobody@home.test', none, error],
  ['§8.5.1', 'result', 'nobody@home.test', none, 'silence'],

  ['§8.5.2.2', 'groupchat', 'juliet@home.test', none, error],
  ['§8.5.2.2', 'headline', 'juliet@home.test', none, 'silence'],
  ['§8.5.2.2', 'error', 'juliet@home.test', none, 'silence'],
  ['§8.5.2.2', 'presence', 'juliet@home.test', none, 'silence'],
  ['§8.5.2.2', 'get', 'juliet@home.test', none, error],
  ['§8.5.2.1.1', 'chat', 'juliet@home.test', ['connected'], error],
  ['§8.5.2.1.1', 'headline', 'juliet@home.test', negative, 'silence'],
  ['§8.5.2.1.1', 'groupchat', 'juliet@home.test', negative, error],

  ['§8.5.2.1.1', 'normal', 'juliet@home.test', one, 'all'],
  ['§8.5.2.1.1', 'chat', 'juliet@home.test', one, 'all'],
  ['§8.5.2.1.1', 'groupchat', 'juliet@home.test', one, error],
  ['§8.5.2.1.1', 'headline', 'juliet@home.test', one, 'all'],
  ['§8.5.2.1.1', 'error', 'juliet@home.test', one, 'silence'],
  ['§8.5.2.1.1', 'normal', 'juliet@home.test', two, 'all'],
  ['§8.5.2.1.1', 'chat', 'juliet@home.test', two, 'all'],
  ['§8.5.2.1.1', 'headline', 'juliet@home.test', two, 'all'],
  ['§8.5.2.1.2', 'presence', 'juliet@home.test', two, 'all'],
  ['§8.5.2.1.3', 'get', 'juliet@home.test', two, error],

  ...(['normal', 'chat', 'groupchat', 'headline', 'error', 'presence', 'get', 'result'] as const).flatMap((kind) => [
    ['§8.5.3.1', kind, 'juliet@home.test/r0', one, 'match'] as const,
    ['§8.5.3.1', kind, 'juliet@home.test/r0', two, 'match'] as const,
    ['§8.5.3.1', kind, 'juliet@home.test/r0', negative, 'match'] as const,
    ['§8.5.3.1', kind, 'juliet@home.test/r0', ['connected'] as There, 'match'] as const,
  ]),

  ['§8.5.3.2.1', 'normal', 'juliet@home.test/other', one, error],
  ['§8.5.3.2.1', 'groupchat', 'juliet@home.test/other', one, error],
  ['§8.5.3.2.1', 'headline', 'juliet@home.test/other', one, 'silence'],
  ['§8.5.3.2.1', 'chat', 'juliet@home.test/other', one, 'all'],
  ['§8.5.3.2.1', 'chat', 'juliet@home.test/other', two, 'all'],
  ['§8.5.3.2.1', 'error', 'juliet@home.test/other', two, 'silence'],
  ['§8.5.3.2.2', 'presence', 'juliet@home.test/other', one, 'silence'],
  ['§8.5.3.2.3', 'get', 'juliet@home.test/other', one, error],
  ['§8.5.3.2.3', 'result', 'juliet@home.test/other', one, 'silence'],
]

test.each(rows)('RFC 6121 %s: %s to %s with %j → %s', async (_, kind, to, there, outcome) => {
  const resources = there.map((__, i) => `r${i}`)
  await using s = await scenario({ accounts: { romeo: ['phone'], juliet: resources }, modules: [notesPresence] })
  for (const [i, priority] of there.entries()) {
    if (priority === 'connected') continue
    s[`r${i}`].comes(priority)
    await s[`r${i}`].sync()
  }
  const name = kind === 'presence' ? 'presence' : kind === 'get' || kind === 'result' ? 'iq' : 'message'
  const type = kind === 'presence' || kind === 'normal' ? '' : `type='${kind}'`
  const payload = kind === 'get' ? `<q xmlns='urn:x'/>` : ''
  const sent = `<${name} id='1' ${type} from='romeo@home.test/phone'>${payload}</${name}>`
  s.phone.says(sent.replace('>', ` to='${to}'>`))
  await s.phone.sync()
  const hearers = outcome === 'all' ? resources : outcome === 'match' ? ['r0'] : []
  for (const resource of resources) {
    const client: Actor = s[resource]
    if (hearers.includes(resource)) await client.hears(sent)
    await client.hearsNothing()
  }
  if (!hearers.length && outcome !== 'silence')
    await s.phone.hears(`<${name} id='1' type='error' from='${to}'>
      <error><${outcome} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></${name}>`)
  await s.phone.hearsNothing()
  expect(s.phone.isConnected).toBe(true)
})

test('RFC 6121 §8.5.2.2: who leaves while a module reads has not been there: what comes waits for the account', async () => {
  const slow = defineModule({
    name: 'slow',
    start(host) {
      host.hook('message:in', 'check', async ({ recipients }) => {
        for (const { jid } of recipients) host.session(jid)!.end()
        await turn()
      })
    },
  })
  await using s = await scenario({
    accounts: { romeo: ['phone'], juliet: ['balcony'] },
    modules: [slow, offline],
    resume: true,
  })
  s.balcony.comes()
  await s.balcony.sync()
  s.phone.says(`<message to='juliet@home.test/balcony' type='chat' id='1'><body>hi</body></message>`)
  await s.phone.settled()
  const back = await s.login('juliet', 'chamber')
  back.comes()
  await back.awaits("<message id='1'/>")
})
