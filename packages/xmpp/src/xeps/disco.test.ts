import { expect, test } from 'vitest'
import { Jid } from '../jid.ts'
import { parse } from '../xml/parser.ts'
import { DiscoInfo, DiscoItems } from './disco.ts'

const info = (content: string) => parse(`<query xmlns='http://jabber.org/protocol/disco#info'>${content}</query>`)
const items = (content: string) => parse(`<query xmlns='http://jabber.org/protocol/disco#items'>${content}</query>`)

test('XEP-0030 §3.1: what is told of an entity is read as it was written', () => {
  const value: DiscoInfo = {
    node: 'music',
    identities: [
      { category: 'server', type: 'im', name: 'Jackdaw', lang: 'en' },
      { category: 'account', type: 'registered', name: undefined, lang: undefined },
    ],
    features: ['urn:xmpp:ping'],
    forms: [],
  }
  const element = DiscoInfo.write(value)
  expect(element.toString()).toBe(
    "<query xmlns='http://jabber.org/protocol/disco#info' node='music'>" +
      "<identity category='server' type='im' name='Jackdaw' xml:lang='en'/><identity category='account' type='registered'/>" +
      "<feature var='urn:xmpp:ping'/></query>",
  )
  expect(DiscoInfo.read(parse(element.toString()))).toEqual(value)
})

test('XEP-0128 §2: forms belong to it', () => {
  const form =
    "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>urn:x</value></field></x>"
  const value = DiscoInfo.read(info(form))
  expect(value.forms).toHaveLength(1)
  expect(DiscoInfo.write(value).toString()).toContain(
    "<field var='FORM_TYPE' type='hidden'><value>urn:x</value></field>",
  )
})

test('XEP-0030 §4.1: items are read as they were written', () => {
  const value: DiscoItems = {
    node: undefined,
    items: [{ jid: Jid.parse('catalog.home.test'), node: 'books', name: 'Books' }],
  }
  const element = DiscoItems.write(value)
  expect(element.toString()).toBe(
    "<query xmlns='http://jabber.org/protocol/disco#items'><item jid='catalog.home.test' node='books' name='Books'/></query>",
  )
  expect(DiscoItems.read(parse(element.toString()))).toEqual(value)
})

test.each([
  [info("<identity category='server'/>"), 'bad-request'],
  [info("<identity type='im'/>"), 'bad-request'],
  [info('<feature/>'), 'bad-request'],
  [items('<item/>'), 'bad-request'],
  [items("<item jid='@'/>"), 'jid-malformed'],
])('XEP-0030 §11: %s is refused with %s', (element, condition) => {
  const read = () => (element.ns === DiscoInfo.ns ? DiscoInfo : DiscoItems).read(element)
  expect(read).toThrow(expect.objectContaining({ condition }))
})
