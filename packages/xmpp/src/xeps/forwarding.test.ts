import { expect, test } from 'vitest'
import { parse } from '../xml/parser.ts'
import { Forwarded } from './forwarding.ts'

test('XEP-0297 §3.1 example 2: read and written, the namespace of what is forwarded preserved (§3.2 rule 3)', () => {
  const text = `<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='2010-07-10T23:08:25Z'/><message xmlns='jabber:client' from='juliet@capulet.lit/orchard' id='0202197' to='romeo@montague.lit' type='chat'><body>Yet I should kill thee with much cherishing.</body><mood xmlns='http://jabber.org/protocol/mood'><amorous/></mood></message></forwarded>`
  const value = Forwarded.read(parse(text))
  expect(value.delay?.stamp).toBe(Date.UTC(2010, 6, 10, 23, 8, 25))
  expect(value.stanza.from?.resource).toBe('orchard')
  expect(Forwarded.write(value).toString()).toBe(text)
})
