import { type Actor } from '@jackdaw/testkit'
import { Element } from '@jackdaw/xmpp'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { configured, coven, entered, quiet, room } from './fixture.ts'

const mucNs = 'http://jabber.org/protocol/muc'
const spaces = [
  mucNs,
  `${mucNs}#user`,
  `${mucNs}#admin`,
  `${mucNs}#owner`,
  'jabber:x:data',
  'jabber:iq:register',
  'http://jabber.org/protocol/disco#info',
  'http://jabber.org/protocol/disco#items',
  'http://jabber.org/protocol/rsm',
  'http://jabber.org/protocol/commands',
  'urn:xmpp:hats:0',
  'urn:xmpp:mam:2',
  'urn:xmpp:message-moderate:1',
  'urn:xmpp:message-retract:1',
  'urn:xmpp:occupant-id:0',
  'urn:xmpp:sid:0',
  'urn:xmpp:delay',
  'urn:xmpp:ping',
  'vcard-temp',
  'jabber:client',
]
const names = [
  ...[
    'x',
    'query',
    'item',
    'invite',
    'decline',
    'destroy',
    'reason',
    'actor',
    'password',
    'history',
    'status',
    'continue',
    'command',
    'hats',
  ],
  ...[
    'field',
    'value',
    'option',
    'registered',
    'remove',
    'username',
    'set',
    'max',
    'after',
    'before',
    'moderate',
    'retract',
  ],
  ...['vCard', 'PHOTO', 'BINVAL', 'body', 'subject', 'thread', 'occupant-id', 'stanza-id', 'delay', 'ping', 'metadata'],
]
const values = [
  ...[
    '',
    'x',
    '0',
    '1',
    '-1',
    '1e9',
    'true',
    'none',
    'owner',
    'admin',
    'member',
    'outcast',
    'moderator',
    'participant',
    'visitor',
  ],
  ...[
    'submit',
    'form',
    'cancel',
    'result',
    'get',
    'set',
    'error',
    'groupchat',
    'chat',
    'unavailable',
    room,
    `${room}/firstwitch`,
  ],
  ...[
    'hag66@home.test',
    'home.test',
    'a@b@c',
    '@',
    '/',
    'urn:xmpp:mam:2',
    `${mucNs}#roomconfig`,
    `${mucNs}#request`,
    `${mucNs}#register`,
  ],
  ...[
    'muc#roomconfig_whois',
    'muc#roomconfig_roomowners',
    'muc#role',
    'muc#request_allow',
    'muc#register_allow',
    'muc#register_roomnick',
  ],
  ...['create', 'destroy', 'list', 'assign', 'unassign', 'list-assigned'].map((one) => `urn:xmpp:hats:commands:${one}`),
  ...['hats#uri', 'hats#title', 'hats#hue', 'hats#jid', 'urn:hat:1', 'execute', 'complete'],
  ...['FORM_TYPE', 'with', 'start', 'ids', '2026-01-01T00:00:00Z', 'x-roomuser-item', 'thirdwitch', '\u202e', '𝕏'],
]
const attributes = [
  'to',
  'from',
  'jid',
  'nick',
  'role',
  'affiliation',
  'id',
  'type',
  'var',
  'node',
  'code',
  'thread',
  'by',
  'stamp',
  'maxchars',
  'maxstanzas',
  'seconds',
  'since',
  'queryid',
  'xml:lang',
]

const attrs = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...attributes), fc.constantFrom(...values)), {
    selector: ([name]) => name,
    maxLength: 4,
  })
  .map((pairs) => pairs.flat())
const { element } = fc.letrec<{ element: Element }>((tie) => ({
  element: fc
    .tuple(
      fc.constantFrom(...names),
      fc.constantFrom(...spaces),
      attrs,
      fc.oneof(
        { maxDepth: 4 },
        fc.array(fc.constantFrom(...values), { maxLength: 1 }),
        fc.array(tie('element'), { maxLength: 3 }),
      ),
    )
    .map(([name, ns, given, children]) => {
      // A child of the same space more often than not, as in what is meant.
      const own = children.map((child) =>
        typeof child === 'string' || given.length % 4 > 0
          ? child
          : new Element(child.name, ns, child.attrs, child.children),
      )
      return new Element(name, ns, given, own)
    }),
}))
const addresses = [
  room,
  `${room}/firstwitch`,
  `${room}/thirdwitch`,
  `${room}/other`,
  'heath@rooms.home.test/x',
  'rooms.home.test',
  'rooms.home.test/x',
]
const stanza = fc
  .tuple(
    fc.constantFrom('message', 'presence', 'iq', 'iq'),
    fc.constantFrom(...addresses),
    fc.constantFrom('get', 'set', 'groupchat', 'error', 'unavailable', 'normal', undefined),
    fc.array(element, { minLength: 1, maxLength: 2 }),
  )
  .map(([name, to, type, children]) => {
    const of = name === 'iq' && type !== 'get' ? 'set' : type
    return new Element(
      name,
      'jabber:client',
      ['to', to, 'id', 'f', ...(of ? ['type', of] : [])],
      name === 'iq' ? children.slice(0, 1) : children,
    )
  })

test('whatever is sent to a room is answered as it should be, or not at all, and the room goes on', async () => {
  const limits = { stanzasBurst: 1_000_000, inboundBurstBytes: '1 GiB' }
  const config = { limits, hosts: { 'home.test': { modules: { muc: { messagesPerSecond: 100_000 } } } } }
  const play = await coven({ persistentroom: '1' }, { config })
  const senders: Actor[] = [play.desktop, play.pda, play.tablet]
  await fc.assert(
    fc.asyncProperty(fc.array(stanza, { minLength: 50, maxLength: 50 }), async (stanzas) => {
      for (const [i, sent] of stanzas.entries()) senders[i % 3]!.send(sent)
      for (const client of senders) {
        await client.sync()
        for (const heard of client.inbox)
          if (heard.type === 'error') expect(String(heard)).not.toContain('internal-server-error')
        client.clear()
      }
    }),
    { numRuns: 40, endOnFailure: true },
  )
  await quiet(play)
  await entered(play.laptop, 'maker', '', 'new@rooms.home.test')
  await configured(play.laptop, {}, 'new@rooms.home.test')
}, 60_000)
