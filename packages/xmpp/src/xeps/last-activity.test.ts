import { expect, test } from 'vitest'
import { parse } from '../xml/parser.ts'
import { LastActivity } from './last-activity.ts'

test('XEP-0012 §3: seconds and status are read as they were written, and a request has neither', () => {
  const element = LastActivity.write({ seconds: 903, status: 'Heading Home' })
  expect(element.toString()).toBe("<query xmlns='jabber:iq:last' seconds='903'>Heading Home</query>")
  expect(LastActivity.read(element)).toEqual({ seconds: 903, status: 'Heading Home' })
  expect(LastActivity.read(parse("<query xmlns='jabber:iq:last'/>"))).toEqual({ seconds: undefined, status: undefined })
})

test.each(['-1', '1.5', 'soon', ''])('XEP-0012 §11: %j seconds are refused with bad-request', (seconds) => {
  const element = parse(`<query xmlns='jabber:iq:last' seconds='${seconds}'/>`)
  expect(() => LastActivity.read(element)).toThrow(expect.objectContaining({ condition: 'bad-request' }))
})
