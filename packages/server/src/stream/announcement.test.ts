import { defaultLimits, type Element, parse, saslNs, TcpFraming, WebSocketFraming, xml } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { announcement } from './announcement.ts'

const tcp = new TcpFraming(defaultLimits)
const one = xml('one', 'urn:x')
const other = xml('other', 'urn:x')
const another = xml('another', 'urn:x')
const namesIn = ({ children }: Element) => children.map((child) => (typeof child === 'string' ? child : child.name))

test('RFC 6120 §4.3.2: what is announced are the offers of this moment, in their order, in whatever framing', () => {
  const websocket = new WebSocketFraming(defaultLimits)
  for (let round = 0; round < 2; round++)
    for (const offers of [[], [one], [one, other], [one, another], [other, one], [xml('one', 'urn:x')]]) {
      const wanted = offers.map((offer) => offer.name)
      const inStream = parse(
        `<s xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>${announcement(offers, 'tcp', tcp)}</s>`,
      )
      expect(namesIn(inStream.first()!)).toEqual(wanted)
      expect(namesIn(parse(announcement(offers, 'websocket', websocket)))).toEqual(wanted)
    }
})

test('it is rendered once for the same offers', () => {
  let rendered = 0
  const framing = new (class extends TcpFraming {
    override element(...given: Parameters<TcpFraming['element']>): string {
      rendered++
      return super.element(...given)
    }
  })(defaultLimits)
  const first = xml('mechanisms', saslNs)
  for (let stream = 0; stream < 3; stream++) announcement([first, other], 'tcp', framing)
  expect(rendered).toBe(1)
  announcement([first, another], 'tcp', framing)
  expect(rendered).toBe(2)
})
