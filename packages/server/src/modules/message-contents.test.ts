import { type Actor, scenario } from '@jackdaw/testkit'
import { carbonsNs, isUrgent, MamQuery, parse, Stanza } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { carbons } from './carbons.ts'
import { mam } from './mam.ts'
import { offline } from './offline/offline.ts'
import { presence } from './presence/presence.ts'

const hint = (name: string) => `<${name} xmlns='urn:xmpp:hints'/>`
const body = '<body>a</body>'
const store = hint('store')
const state = "<composing xmlns='http://jabber.org/protocol/chatstates'/>"
const retract = "<retract xmlns='urn:xmpp:message-retract:1' id='m1'/>"
const receipt = "<received xmlns='urn:xmpp:receipts' id='m1'/>"
const marker = "<displayed xmlns='urn:xmpp:chat-markers:0' id='m1'/>"
const reaction = "<reactions xmlns='urn:xmpp:reactions:0' id='m1'><reaction>👋</reaction></reactions>"

/**
 * What becomes of each kind of message: A in the archive of who gets it; C copied to the others who are there; W waits for an account
 * that is away; U urgent to a client that nobody looks at.
 */
const table: readonly (readonly [kind: string, type: string, children: string, fate: string])[] = [
  ['RFC 6121 §5.2.3: a body', 'chat', body, 'ACWU'],
  ['RFC 6121 §5.2.3: a body', 'normal', body, 'ACWU'],
  ['RFC 6121 §5.2.4: a subject alone', 'normal', '<subject>a</subject>', '--WU'],
  ['RFC 6121 §5.2.2: a headline', 'headline', body, '----'],
  ['XEP-0334 §4.4: a headline to be stored', 'headline', body + store, 'A-W-'],
  ['XEP-0380 §3.1: encrypted without a body', 'normal', "<encryption xmlns='urn:xmpp:eme:0' namespace='x'/>", 'ACWU'],
  ['XEP-0384 §5.5: encrypted without a body', 'chat', "<encrypted xmlns='urn:xmpp:omemo:2'/>", 'ACWU'],
  ['XEP-0308 §3: a correction', 'chat', `${body}<replace xmlns='urn:xmpp:message-correct:0' id='m1'/>`, 'ACWU'],
  ['XEP-0424 §3: a retraction', 'chat', `${body}${retract}${store}`, 'ACWU'],
  ['XEP-0424 §5: a retraction without fallback or hint', 'normal', retract, 'ACWU'],
  ['XEP-0444 §3.1: reactions', 'chat', reaction + store, 'ACW-'],
  ['XEP-0444 §3.1: reactions without the hint', 'normal', reaction, 'ACW-'],
  ['XEP-0461 §3: a reply', 'chat', `${body}<reply xmlns='urn:xmpp:reply:0' id='m1' to='romeo@home.test'/>`, 'ACWU'],
  ['XEP-0333 §4.1: a body that may be marked', 'chat', `${body}<markable xmlns='urn:xmpp:chat-markers:0'/>`, 'ACWU'],
  ['XEP-0333 §4.2: a marker', 'normal', marker, 'ACW-'],
  ['XEP-0184 §7: a request for a receipt', 'chat', `${body}<request xmlns='urn:xmpp:receipts'/>`, 'ACWU'],
  ['XEP-0184 §5.4: a receipt', 'normal', receipt, 'ACW-'],
  ['XEP-0184 §5.4: a receipt', 'chat', receipt, 'ACW-'],
  ['XEP-0085 §5.8: a state with a body', 'chat', body + state, 'ACWU'],
  ['XEP-0085 §5.8: a state alone', 'chat', state, '-C--'],
  ['XEP-0085 §5.8: a state in its thread', 'normal', `${state}<thread>t</thread>${hint('no-store')}`, '-C--'],
  ['XEP-0334 §4.1: not for ever', 'chat', body + hint('no-permanent-store'), '-CWU'],
  ['XEP-0334 §4.2: not at all', 'chat', body + hint('no-store'), '-C-U'],
  ['XEP-0334 §4.3: not copied', 'chat', body + hint('no-copy'), 'A-WU'],
  ['XEP-0334 §4.4: whatever it is, stored', 'chat', `<x xmlns='urn:x'/>${store}`, 'ACWU'],
  ['XEP-0280 §9: private', 'chat', `${body}<private xmlns='${carbonsNs}'/>`, 'A-WU'],
  ['XEP-0249 §2: an invitation', 'normal', "<x xmlns='jabber:x:conference' jid='r@x'/>", 'ACWU'],
  ['XEP-0045 §7.8.2: an invitation', 'normal', mucUser("<invite from='a@b.test'/>"), 'ACWU'],
  ['XEP-0045 §7.5: from an occupant', 'chat', body + mucUser(''), 'A-WU'],
  ['something unknown', 'normal', "<x xmlns='urn:x'/>", '--WU'],
  ['something unknown', 'chat', "<x xmlns='urn:x'/>", '-CWU'],
  ['RFC 6121 §5.2.2: a group chat', 'groupchat', body, '---U'],
]

function mucUser(content: string): string {
  return `<x xmlns='http://jabber.org/protocol/muc#user'>${content}</x>`
}

test.each(table)('%s (%s): <message>%s</message> is %s', async (_, type, children, fate) => {
  await using s = await scenario({
    accounts: { romeo: ['phone'], juliet: ['balcony', 'chamber'], tybalt: ['street'] },
    modules: [mam, carbons, offline, presence],
  })
  const { phone, balcony, chamber, street } = s.clients as Record<string, Actor>
  for (const client of [balcony!, chamber!]) client.comes()
  await chamber!.asks(`<iq type='set'><enable xmlns='${carbonsNs}'/></iq>`)
  const to = (jid: string) => `<message id='m2' to='${jid}' type='${type}'>${children}</message>`
  phone!.says(to('juliet@home.test/balcony'))
  phone!.says(to('tybalt@home.test'))
  await phone!.sync()
  for (const client of [balcony!, chamber!]) await client.sync()
  street!.comes()
  await street!.sync()
  const held = street!.inbox.some(({ name }) => name === 'message')
  const copied = chamber!.inbox.some((stanza) => stanza.child('received', carbonsNs))
  expect(balcony!.inbox.filter(({ name }) => name === 'message')).toHaveLength(1)
  balcony!.clear()
  await balcony!.ask('set', MamQuery.write({}))
  const archived = balcony!.inbox.some((stanza) => stanza.child('result', MamQuery.ns))
  const isUrgentHere = isUrgent(
    Stanza.from(parse(to('a@b.test').replace('<message', "<message xmlns='jabber:client'"))),
  )
  const found = [archived, copied, held, isUrgentHere].map((is, i) => (is ? 'ACWU'[i] : '-')).join('')
  expect(found).toBe(fate)
})

test.each([
  ['<presence/>', false],
  ["<presence type='unavailable'/>", false],
  ["<presence type='subscribe'/>", true],
  ["<iq type='get'/>", true],
  ["<message type='error'/>", true],
  ["<message type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'/></message>", false],
])('XEP-0352 §3.2: %s is urgent: %s', (text, expected) => {
  const stanza = Stanza.from(parse(text.replace(/^<\w+/, "$& xmlns='jabber:client'")))
  expect(isUrgent(stanza)).toBe(expected)
})
