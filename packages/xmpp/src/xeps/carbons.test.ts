import { expect, test } from 'vitest'
import { Jid } from '../jid.ts'
import { type Message, Stanza } from '../stanza.ts'
import { parse } from '../xml/parser.ts'
import { carbon, DisableCarbons, EnableCarbons, isCarbon, isPrivate, ReceivedCarbon, SentCarbon } from './carbons.ts'
import { isMessage } from './message-type.ts'

function message(text: string): Message {
  const stanza = Stanza.from(parse(text))
  if (!isMessage(stanza)) throw new TypeError(text)
  return stanza
}
const received = message(
  `<message xmlns='jabber:client' from='juliet@capulet.example/balcony' to='romeo@montague.example/garden' type='chat'><body>What man art thou that, thus bescreen'd in night, so stumblest on my counsel?</body><thread>0e3141cd80894871a68e6fe6b1ec56fa</thread></message>`,
)

test('XEP-0280 §7 example 9: a copy of what was received', () => {
  const copy = carbon(ReceivedCarbon, received, Jid.parse('romeo@montague.example/home'))
  expect(copy.toString()).toBe(
    `<message xmlns='jabber:client' to='romeo@montague.example/home' from='romeo@montague.example' type='chat'><received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>${received.toString()}</forwarded></received></message>`,
  )
  const { stanza } = ReceivedCarbon.read(parse(copy.toString()).first()!)
  expect(stanza.toString()).toBe(received.toString())
  expect(isCarbon(copy)).toBe(true)
  expect(isCarbon(received)).toBe(false)
})

test('XEP-0280 §8 example 12: a copy of what was sent', () => {
  const copy = carbon(SentCarbon, received, Jid.parse('romeo@montague.example/home'))
  expect(copy.child('sent', 'urn:xmpp:carbons:2')).toBeDefined()
  expect(copy.from?.toString()).toBe('romeo@montague.example')
})

test('XEP-0280 §4, §5: enable and disable', () => {
  expect(EnableCarbons.write().toString()).toBe("<enable xmlns='urn:xmpp:carbons:2'/>")
  expect(DisableCarbons.write().toString()).toBe("<disable xmlns='urn:xmpp:carbons:2'/>")
})

test('XEP-0280 §9 example 13: private', () => {
  expect(isPrivate(message(`<message xmlns='jabber:client'><private xmlns='urn:xmpp:carbons:2'/></message>`))).toBe(
    true,
  )
  expect(isPrivate(message(`<message xmlns='jabber:client'><private/></message>`))).toBe(false)
})

test('XEP-0280 §7: a copy of nothing is refused', () => {
  for (const child of [
    '',
    "<forwarded xmlns='urn:xmpp:forward:0'/>",
    "<forwarded xmlns='urn:xmpp:forward:0'><message/></forwarded>",
  ])
    expect(() => SentCarbon.read(parse(`<sent xmlns='urn:xmpp:carbons:2'>${child}</sent>`))).toThrow(
      expect.objectContaining({ condition: 'bad-request' }),
    )
})
