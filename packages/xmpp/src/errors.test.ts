import { describe, expect, test } from 'vitest'
import { SaslError, StanzaError, StreamError } from './errors.ts'
import { xml } from './xml/element.ts'
import { parse } from './xml/parser.ts'

const application = xml('too-many', 'urn:example:errors')

describe('RFC 6120 §8.3: stanza errors', () => {
  test('written with condition, its usual type, text and application condition', () => {
    expect(String(new StanzaError('item-not-found').toElement())).toBe(
      `<error xmlns='jabber:client' type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`,
    )
    expect(String(new StanzaError('policy-violation', 'slow', { type: 'wait', application }).toElement())).toBe(
      `<error xmlns='jabber:client' type='wait'><policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>` +
        `<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>slow</text><too-many xmlns='urn:example:errors'/></error>`,
    )
  })

  test.each([
    new StanzaError('bad-request'),
    new StanzaError('gone', 'moved', { payload: 'xmpp:a@b' }),
    new StanzaError('policy-violation', undefined, { type: 'wait', application }),
  ])('$condition is read as written', (error) => {
    const read = StanzaError.from(parse(String(error.toElement())))
    expect(String(read.toElement())).toBe(String(error.toElement()))
    expect(read).toMatchObject({
      condition: error.condition,
      type: error.type,
      text: error.text,
      payload: error.payload,
    })
    expect(String(StanzaError.from(xml('iq', 'jabber:client', undefined, error.toElement())).toElement())).toBe(
      String(error.toElement()),
    )
  })

  test('§8.3.3: an unknown condition, type or nothing at all is undefined-condition', () => {
    const ns = 'urn:ietf:params:xml:ns:xmpp-stanzas'
    for (const child of [xml('toString', ns), undefined])
      expect(StanzaError.from(xml('error', 'jabber:client', { type: 'x' }, child))).toMatchObject({
        condition: 'undefined-condition',
        type: 'cancel',
      })
    expect(StanzaError.from(xml('iq', 'jabber:client')).condition).toBe('undefined-condition')
  })
})

test('RFC 6120 §4.9, §4.9.2: stream errors, with the language of their text', () => {
  const error = new StreamError('see-other-host', 'there', { payload: 'b.example', application })
  expect(String(error.toElement())).toBe(
    `<stream:error xmlns:stream='http://etherx.jabber.org/streams'>` +
      `<see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>b.example</see-other-host>` +
      `<text xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='en'>there</text><too-many xmlns='urn:example:errors'/></stream:error>`,
  )
  expect(StreamError.from(parse(String(error.toElement())))).toMatchObject({
    condition: 'see-other-host', text: 'there', payload: 'b.example', application: { name: 'too-many' },
  }) // prettier-ignore
  expect(StreamError.from(xml('error', 'http://etherx.jabber.org/streams')).condition).toBe('undefined-condition')
})

test('RFC 6120 §6.5 and XEP-0388 §2.6.2: SASL failures', () => {
  const error = new SaslError('not-authorized', 'no', { application })
  expect(String(error.toElement())).toBe(
    `<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/><text xml:lang='en'>no</text><too-many xmlns='urn:example:errors'/></failure>`,
  )
  expect(String(error.toElement('urn:xmpp:sasl:2'))).toBe(
    `<failure xmlns='urn:xmpp:sasl:2'><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/><text xml:lang='en'>no</text>` +
      `<too-many xmlns='urn:example:errors'/></failure>`,
  )
  for (const ns of [undefined, 'urn:xmpp:sasl:2'])
    expect(SaslError.from(parse(String(error.toElement(ns))))).toMatchObject({
      condition: 'not-authorized',
      text: 'no',
      application: { name: 'too-many' },
    })
})
