import { expect, test } from 'vitest'
import { Jid } from '../jid.ts'
import { message } from '../stanza.ts'
import { xml } from '../xml/element.ts'
import { parse } from '../xml/parser.ts'
import { OriginId, StanzaId, stanzaIdBy, stanzaIdNs, withoutStanzaId } from './stanza-id.ts'

const juliet = Jid.parse('juliet@capulet.lit')
const id = 'de305d54-75b4-431b-adb2-eb6b9e546013'

test('XEP-0359 §2.1 example 1: read and written', () => {
  const text = `<stanza-id xmlns='urn:xmpp:sid:0' id='${id}' by='room@muc.example.com'/>`
  const value = { id, by: Jid.parse('room@muc.example.com') }
  expect(StanzaId.read(parse(text))).toEqual(value)
  expect(StanzaId.write(value).toString()).toBe(text)
})

test('XEP-0359 §2.2 example 2: an origin-id', () => {
  const text = `<origin-id xmlns='urn:xmpp:sid:0' id='${id}'/>`
  expect(OriginId.read(parse(text))).toBe(id)
  expect(OriginId.write(id).toString()).toBe(text)
})

test.each([`<stanza-id xmlns='urn:xmpp:sid:0' id='1'/>`, `<stanza-id xmlns='urn:xmpp:sid:0' by='capulet.lit'/>`])(
  'XEP-0359 §3 rule 5: id and by are needed: %s',
  (text) => {
    expect(() => StanzaId.read(parse(text))).toThrow(expect.objectContaining({ condition: 'bad-request' }))
  },
)

test('XEP-0359 §3 rule 2: only ids "by" the entity are deleted, however its address is written', () => {
  const sent = message(
    { type: 'chat' },
    xml('body', 'jabber:client', undefined, 'hi'),
    xml('stanza-id', stanzaIdNs, { id: 'forged', by: 'JULIET@capulet.lit' }),
    xml('stanza-id', stanzaIdNs, { id: 'kept', by: 'room@muc.example.com' }),
    xml('stanza-id', stanzaIdNs, { id: 'nobody', by: '@' }),
    OriginId.write('origin'),
  )
  expect(stanzaIdBy(sent, juliet)).toBe('forged')
  const left = withoutStanzaId(sent, juliet)
  expect(left.elements().map((child) => child.attr('id'))).toEqual([undefined, 'kept', 'nobody', 'origin'])
  expect(stanzaIdBy(left, juliet)).toBeUndefined()
  expect(withoutStanzaId(left, juliet)).toBe(left)
})
