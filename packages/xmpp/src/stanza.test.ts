import { describe, expect, expectTypeOf, test } from 'vitest'
import { StanzaError, StreamError } from './errors.ts'
import { Jid } from './jid.ts'
import { errorReply, iq, message, type Message, presence, Stanza } from './stanza.ts'
import { xml } from './xml/element.ts'
import { parse } from './xml/parser.ts'

const romeo = Jid.parse('romeo@example.net/orchard')
const juliet = Jid.parse('juliet@example.com')
const read = (text: string) => Stanza.from(parse(text))

describe('RFC 6120 §8: stanzas', () => {
  test('read with their addresses', () => {
    const stanza = read(
      `<message xmlns='jabber:client' to='Juliet@example.com' id='1' type='chat' xml:lang='en'><body>hi</body></message>`,
    )
    expect(stanza.to!.equals(juliet)).toBe(true)
    expect(stanza).toMatchObject({ from: undefined, id: '1', type: 'chat', lang: 'en', name: 'message' })
    expect(Stanza.from(stanza)).toBe(stanza)
  })

  test('read with the likely address, where it is the one that is written', () => {
    const to = (text: string) => Stanza.from(parse(`<message xmlns='jabber:client'${text}/>`), juliet).to
    expect(to(` to='juliet@example.com'`)).toBe(juliet)
    expect(to(` to='Juliet@example.com'`)?.equals(juliet)).toBe(true)
    expect(to(` to='juliet@example.com/balcony'`)?.resource).toBe('balcony')
    expect(to('')).toBeUndefined()
  })

  test('§8.1.2.1: what does not say whom it is from is its sender’s', () => {
    const sent = (text: string) => Stanza.from(parse(`<iq xmlns='jabber:client'${text}/>`), undefined, romeo)
    expect(sent(` id='1'`).from).toBe(romeo)
    expect(String(sent(` id='1'`))).toBe(`<iq xmlns='jabber:client' id='1' from='romeo@example.net/orchard'/>`)
    expect(sent(` from='juliet@example.com'`).from?.equals(juliet)).toBe(true)
    expect(() => sent(` from='@'`)).toThrow(StanzaError)
  })

  test('§8.1.1: an address that is none is jid-malformed', () => {
    for (const to of ['', '@', 'a@b@c', 'a@'])
      expect(() => read(`<iq xmlns='jabber:client' to='${to}'/>`)).toThrow(
        expect.objectContaining({ condition: 'jid-malformed' }),
      )
  })

  test('§4.9.3.24: any other element is an unsupported stanza type', () => {
    for (const text of [`<foo xmlns='jabber:client'/>`, '<message/>']) expect(() => read(text)).toThrow(StreamError)
  })

  test('made', () => {
    expect(
      String(
        message({ to: juliet, type: 'chat', lang: 'en' }, xml('body', 'jabber:client', undefined, 'hi'), undefined),
      ),
    ).toBe(`<message xmlns='jabber:client' to='juliet@example.com' type='chat' xml:lang='en'><body>hi</body></message>`)
    expect(String(presence({}))).toBe(`<presence xmlns='jabber:client'/>`)
    expectTypeOf(message({}).addressed({})).toEqualTypeOf<Message>()
  })

  test('addressed anew: children are shared, the rest stays', () => {
    const stanza = message({ to: juliet, id: '1' }, xml('body', 'jabber:client', undefined, 'hi'))
    const sent = stanza.addressed({ from: romeo })
    expect(String(sent)).toBe(
      `<message xmlns='jabber:client' to='juliet@example.com' from='romeo@example.net/orchard' id='1'><body>hi</body></message>`,
    )
    expect(sent.children).toBe(stanza.children)
    expect(sent.from).toBe(romeo)
    expect(String(sent.addressed({ to: undefined, from: undefined }))).toBe(
      `<message xmlns='jabber:client' id='1'><body>hi</body></message>`,
    )
    expect(stanza.from).toBeUndefined()
  })

  test('a copy is a stanza whose addresses are those of its attributes', () => {
    const stanza = message({ to: juliet, from: romeo })
    expect(stanza.with({ id: '2' })).toMatchObject({ to: juliet, from: romeo, id: '2' })
    expect(stanza.with({ to: 'a@b', from: undefined })).toMatchObject({ from: undefined })
    expect(String(stanza.with({ to: 'a@b' }).to)).toBe('a@b')
    expect(stanza.append(xml('body', 'jabber:client'))).toMatchObject({
      to: juliet,
      from: romeo,
      children: [{ name: 'body' }],
    })
  })

  test('§8.2.3: a reply to an IQ', () => {
    const reply = iq({ to: juliet, from: romeo, id: '1', type: 'get' }, xml('q', 'u')).reply('result', xml('r', 'u'))
    expect(String(reply)).toBe(
      `<iq xmlns='jabber:client' to='romeo@example.net/orchard' from='juliet@example.com' id='1' type='result'><r xmlns='u'/></iq>`,
    )
  })

  test('§8.3.1: an error, also for what could not become a stanza', () => {
    const error = new StanzaError('jid-malformed')
    const expected =
      `<iq xmlns='jabber:client' to='romeo@example.net/orchard' id='1' type='error'><error type='modify'>` +
      `<jid-malformed xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`
    expect(String(iq({ to: juliet, from: romeo, id: '1' }).error(error))).toBe(
      expected.replace(' id=', ` from='juliet@example.com' id=`),
    )
    expect(String(errorReply(xml('iq', 'jabber:client', { to: '@', from: String(romeo), id: '1' }), error))).toBe(
      expected,
    )
  })
})
