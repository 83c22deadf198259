import { expect, test } from 'vitest'
import { parse } from '../xml/parser.ts'
import { PubsubOwnerRequest } from './pubsub-owner.ts'
import { PubsubRequest } from './pubsub-request.ts'

const ns = 'http://jabber.org/protocol/pubsub'
const form = "<x xmlns='jabber:x:data' type='submit'><field var='a'><value>b</value></field></x>"

test.each([
  "<create node='n'/>",
  '<create/>',
  `<create node='n'/><configure>${form}</configure>`,
  "<publish node='n'><item id='i'><entry xmlns='urn:x'/></item></publish>",
  `<publish node='n'/><publish-options>${form}</publish-options>`,
  "<retract node='n' notify='true'><item id='i'/></retract>",
  "<subscribe node='n' jid='a@b.test'/>",
  `<subscribe node='n' jid='a@b.test/c'/><options>${form}</options>`,
  "<unsubscribe node='n' jid='a@b.test' subid='s'/>",
  "<options node='n' jid='a@b.test'/>",
  `<options node='n' jid='a@b.test' subid='s'>${form}</options>`,
  "<items node='n' max_items='3' subid='s'><item id='i'/></items>",
  "<items node='n'/><set xmlns='http://jabber.org/protocol/rsm'><max>3</max></set>",
  '<subscriptions/>',
  "<affiliations node='n'/>",
  '<default/>',
])('XEP-0060 §5 to §8.1: %s is read as it is written', (content) => {
  const text = `<pubsub xmlns='${ns}'>${content}</pubsub>`
  expect(String(PubsubRequest.write(PubsubRequest.read(parse(text))))).toBe(text)
})

test.each([
  "<configure node='n'/>",
  `<configure node='n'>${form}</configure>`,
  "<default type='leaf'/>",
  "<delete node='n'/>",
  "<delete node='n'><redirect uri='xmpp:a@b.test'/></delete>",
  "<purge node='n'/>",
  "<affiliations node='n'><affiliation jid='a@b.test' affiliation='owner'/><affiliation jid='c@b.test'/></affiliations>",
  "<subscriptions node='n'><subscription jid='a@b.test' subid='s' subscription='none'/></subscriptions>",
])('XEP-0060 §8: %s is read as it is written', (content) => {
  const text = `<pubsub xmlns='${ns}#owner'>${content}</pubsub>`
  expect(String(PubsubOwnerRequest.write(PubsubOwnerRequest.read(parse(text))))).toBe(text)
})

test.each([
  ['', undefined],
  ["<dance node='n'/>", undefined],
  ["<constructor node='n'/>", undefined],
  ["<__proto__ node='n'/>", undefined],
  ['<publish/>', 'nodeid-required'],
  ["<publish node=''/>", 'nodeid-required'],
  ["<publish node='n'><item><a xmlns='urn:x'/><b xmlns='urn:x'/></item></publish>", 'invalid-payload'],
  ["<retract node='n'/>", 'item-required'],
  ["<retract node='n'><item/></retract>", 'item-required'],
  ["<retract node='n'><item id='a'/><item id='b'/></retract>", undefined],
  ["<subscribe node='n'/>", 'invalid-jid'],
  ["<options node='n'/>", 'jid-required'],
  ["<items node='n' max_items='-1'/>", undefined],
  [`<configure>${form}</configure><create node='n'/>`, undefined],
  [`<create node='n'/><configure node='n'>${form}</configure>`, undefined],
])('XEP-0060: %s is a bad request: %s', (content, application) => {
  expect(() => PubsubRequest.read(parse(`<pubsub xmlns='${ns}'>${content}</pubsub>`))).toThrow(
    expect.objectContaining({
      condition: 'bad-request',
      application: application ? expect.objectContaining({ name: application }) : undefined,
    }),
  )
})

test.each([
  "<__proto__ node='n'/>",
  "<toString node='n'/>",
  "<affiliations node='n'><affiliation jid='a@b.test' affiliation='king'/></affiliations>",
  "<affiliations node='n'><affiliation affiliation='owner'/></affiliations>",
  "<subscriptions node='n'><subscription jid='a@b.test' subscription='perhaps'/></subscriptions>",
])('XEP-0060 §8: %s is a bad request', (content) => {
  expect(() => PubsubOwnerRequest.read(parse(`<pubsub xmlns='${ns}#owner'>${content}</pubsub>`))).toThrow(
    expect.objectContaining({ condition: 'bad-request' }),
  )
})
