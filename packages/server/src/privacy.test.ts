import { type Actor, type Scenario, scenario } from '@jackdaw/testkit'
import { expect, test } from 'vitest'
import { modules } from './modules/modules.ts'

/*
 * A stranger walks along every request that accounts answer, every kind of presence and every error: it must not learn who is here, what
 * anybody has said or keeps, nor, but for messages (docs/decisions/0003), which accounts there are. All that is nobody's business holds
 * the word `secret`.
 */

const everything = Object.fromEntries(modules.map(({ name }) => [name, true]))
const juliet = 'juliet@home.test'
const pubsub = 'http://jabber.org/protocol/pubsub'
const avatar = 'urn:xmpp:avatar:metadata'

/** More than the bare element of the requests that have something in them. */
const longer: Readonly<Record<string, readonly string[]>> = {
  'http://jabber.org/protocol/disco#info': [`node='${avatar}'`, `node='urn:x'`].map((attr) => `<query ${attr}/>`),
  'http://jabber.org/protocol/disco#items': [`node='${avatar}'`, `node='urn:x'`].map((attr) => `<query ${attr}/>`),
  'jabber:iq:roster': [`<query><item jid='romeo@home.test' subscription='both'/></query>`],
  'jabber:iq:private': [`<query><secret xmlns='urn:private'/></query>`],
  'jabber:iq:register': [
    '<query><remove/></query>',
    '<query><username>juliet</username><password>x</password></query>',
  ],
  'urn:xmpp:blocking': [
    `<block><item jid='romeo@home.test'/></block>`,
    `<unblock><item jid='romeo@home.test'/></unblock>`,
  ],
  'vcard-temp': ['<vCard><FN>x</FN></vCard>'],
  'urn:xmpp:mam:2': [`<query><set xmlns='http://jabber.org/protocol/rsm'><max>5</max><before/></set></query>`],
  [pubsub]: [
    `<items node='${avatar}'/>`,
    `<items node='${avatar}'><item id='secret'/></items>`,
    `<items node='urn:x'/>`,
    `<subscribe node='${avatar}' jid='STRANGER'/>`,
    `<subscribe node='urn:x' jid='STRANGER'/>`,
    `<unsubscribe node='${avatar}' jid='STRANGER'/>`,
    `<options node='${avatar}' jid='STRANGER'/>`,
    `<subscriptions/>`,
    `<subscriptions node='${avatar}'/>`,
    `<affiliations/>`,
    `<affiliations node='${avatar}'/>`,
    `<default/>`,
    `<create node='${avatar}'/>`,
    `<create/>`,
    `<publish node='${avatar}'><item id='1'><x xmlns='urn:x'/></item></publish>`,
    `<publish node='urn:new'><item id='1'><x xmlns='urn:x'/></item></publish>`,
    `<retract node='${avatar}'><item id='secret'/></retract>`,
  ].map((inner) => `<pubsub>${inner}</pubsub>`),
  [`${pubsub}#owner`]: ['configure', 'affiliations', 'subscriptions', 'purge', 'delete']
    .flatMap((name) => [`<${name} node='${avatar}'/>`, `<${name} node='urn:x'/>`])
    .map((inner) => `<pubsub>${inner}</pubsub>`),
}

async function world() {
  const s: Scenario & Record<string, any> & AsyncDisposable = await scenario({
    accounts: {
      juliet: ['secret-balcony'],
      nurse: [],
      'secret-friend': ['garden'],
      romeo: ['orchard'],
      'iago@away.test': ['venice'],
    },
    config: {
      hosts: { 'home.test': { modules: everything }, 'away.test': { modules: { ...everything, search: false } } },
    },
  })
  const balcony: Actor = s.clients['secret-balcony']!
  const friend: Actor = s.garden
  balcony.says('<presence><status>secret</status></presence>')
  friend.comes()
  friend.says(`<presence to='${juliet}' type='subscribe'/>`)
  await balcony.awaits("<presence type='subscribe'/>")
  balcony.says("<presence to='secret-friend@home.test' type='subscribed'/>")
  balcony.says("<message to='secret-friend@home.test' type='chat'><body>secret</body></message>")
  for (const [type, payload] of [
    ['set', `<query xmlns='jabber:iq:private'><secret xmlns='urn:private'/></query>`],
    ['set', `<block xmlns='urn:xmpp:blocking'><item jid='secret@enemy.test'/></block>`],
    [
      'set',
      `<pubsub xmlns='${pubsub}'><publish node='${avatar}'><item id='secret'><metadata xmlns='${avatar}'/></item></publish></pubsub>`,
    ],
    ['get', `<query xmlns='jabber:iq:roster'/>`],
  ])
    await balcony.asks(`<iq type='${type}'>${payload}</iq>`)
  await friend.awaits('<message><body>secret</body></message>')
  return { s, strangers: [s.orchard as Actor, s.venice as Actor], known: [balcony, friend] }
}

/** All that the stranger hears after it has sent something to `to`, with that address taken out. */
async function hears(stranger: Actor, xml: string, to: string): Promise<string> {
  stranger.clear()
  stranger.says(xml.replaceAll('ADDRESS', to).replaceAll('STRANGER', String(stranger.account)))
  await stranger.sync()
  await stranger.sync()
  return stranger.inbox
    .map(String)
    .join('\n')
    .replaceAll(to, 'ADDRESS')
    .replaceAll(to.split('@')[0]!, 'ADDRESS')
    .replace(/(ver|id)='(push-)?[\w-]{8,}'/g, "$1='…'")
    .replace(/ver='\d+'/g, "ver='…'")
}

function requests(s: Scenario): string[] {
  const all: string[] = []
  for (const { type, at, payload } of s.server.hosts.get('home.test')!.virtual.answers) {
    if (at !== 'account') continue
    const { name, ns } = payload
    const bodies = [`<${name}/>`, ...(longer[ns] ?? []).filter((body) => body.startsWith(`<${name}`))]
    for (const body of bodies)
      all.push(`<iq id='1' type='${type}' to='ADDRESS'>${body.replace(`<${name}`, `<${name} xmlns='${ns}'`)}</iq>`)
  }
  return all
}

test('RFC 6121 §8.5.1, §11: to whoever asks, an account that it does not see is as one that does not exist', async () => {
  const { s, strangers } = await world()
  await using _ = s
  const asked = requests(s)
  expect(asked.length).toBeGreaterThan(40)
  const leaks: string[] = []
  for (const stranger of strangers)
    for (const request of [...asked, `<iq id='1' type='get' to='ADDRESS'><unknown xmlns='urn:unknown'/></iq>`]) {
      const nobody = await hears(stranger, request, 'nobody@home.test')
      expect(nobody, request).toContain("id='1'")
      for (const account of [juliet, 'nurse@home.test']) {
        const heard = await hears(stranger, request, account)
        if (heard !== nobody || /secret/.test(heard.replaceAll(/id='secret'/g, '')))
          leaks.push(`${request}\n  ${account}: ${heard}\n  nobody: ${nobody}`)
      }
    }
  expect(leaks).toEqual([])
})

test('RFC 6121 §8.5.3.2: nor does a resource that is not there tell', async () => {
  const { s, strangers } = await world()
  await using _ = s
  for (const stranger of strangers)
    for (const request of requests(s)) {
      const nobody = await hears(stranger, request.replace('ADDRESS', 'ADDRESS/guess'), 'nobody@home.test')
      expect(await hears(stranger, request.replace('ADDRESS', 'ADDRESS/guess'), juliet)).toBe(nobody)
    }
})

const presences = [
  '',
  'unavailable',
  'probe',
  'subscribe',
  'subscribed',
  'unsubscribe',
  'unsubscribed',
  'error',
  'invalid',
].map((type) => `<presence to='ADDRESS' id='1'${type && ` type='${type}'`}/>`)
const messages = ['error', 'headline', 'groupchat'].map(
  (type) => `<message to='ADDRESS' id='1' type='${type}'><body>hi</body></message>`,
)

test('RFC 6121 §3.1.3, §4.3.2, §8.5.1: no presence tells anything, nor what is not for people to read', async () => {
  const { s, strangers } = await world()
  await using _ = s
  const sent = [...presences, ...presences.map((one) => one.replace('ADDRESS', 'ADDRESS/guess')), ...messages]
  for (const stanza of sent)
    for (const stranger of strangers) {
      const nobody = await hears(stranger, stanza, 'nobody@home.test')
      for (const account of [juliet, 'nurse@home.test'])
        expect(await hears(stranger, stanza, account), stanza).toBe(nobody)
      expect(nobody).not.toContain('secret')
    }
})

test('XEP-0045, XEP-0060: services tell strangers nothing of who is here', async () => {
  const { s, strangers } = await world()
  await using _ = s
  const virtual = s.server.hosts.get('home.test')!.virtual
  for (const stranger of strangers)
    for (const [answers, domain] of [
      [virtual.answers, 'home.test'],
      ...[...virtual.services].map((service) => [service.answers, String(service.domain)] as const),
    ] as const)
      for (const { type, at, payload } of answers) {
        if (at === 'account') continue
        const to = at === 'local' ? `x@${domain}` : domain
        const heard = await hears(
          stranger,
          `<iq id='1' type='${type}' to='${to}'><${payload.name} xmlns='${payload.ns}'/></iq>`,
          'nobody@home.test',
        )
        expect(heard).not.toContain('secret')
        expect(heard).not.toContain('juliet')
      }
})
