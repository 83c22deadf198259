import { expect, test } from 'vitest'
import { Jid } from '../jid.ts'
import { Stanza } from '../stanza.ts'
import { parse } from '../xml/parser.ts'
import { Delay, delayBy, withoutDelay } from './delay.ts'

const capulet = Jid.parse('capulet.com')
const held = `<message xmlns='jabber:client' from='romeo@montague.net/orchard' to='juliet@capulet.com' type='chat'>
  <body>O blessed, blessed night! I am afeard.</body>
  <delay xmlns='urn:xmpp:delay' from='capulet.com' stamp='2002-09-10T23:08:25Z'>Offline Storage</delay>
</message>`

test('XEP-0203 §3 example 1: read and written', () => {
  const value = { stamp: Date.UTC(2002, 8, 10, 23, 8, 25), from: capulet, reason: 'Offline Storage' }
  const element = parse(held).child('delay', 'urn:xmpp:delay')!
  expect(Delay.read(element)).toEqual(value)
  expect(Delay.write(value).toString()).toBe(element.toString())
})

test('XEP-0203 §2: from and reason may be missing, stamp may not', () => {
  expect(Delay.read(Delay.write({ stamp: 0 }))).toEqual({ stamp: 0 })
  expect(() => Delay.read(parse("<delay xmlns='urn:xmpp:delay'/>"))).toThrow(
    expect.objectContaining({ condition: 'bad-request' }),
  )
})

test('XEP-0203 §5: what is said in one entity’s name is found and left out, and nothing else', () => {
  const message = Stanza.from(parse(held))
  expect(delayBy(message, capulet)).toBe(Date.UTC(2002, 8, 10, 23, 8, 25))
  expect(delayBy(message, Jid.parse('montague.net'))).toBeUndefined()
  expect(withoutDelay(message, capulet).child('delay', 'urn:xmpp:delay')).toBeUndefined()
  expect(withoutDelay(message, capulet).child('body')).toBeDefined()
  expect(withoutDelay(message, Jid.parse('montague.net'))).toBe(message)
})
