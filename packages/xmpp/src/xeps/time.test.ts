import { expect, test } from 'vitest'
import { parse } from '../xml/parser.ts'
import { EntityTime } from './time.ts'

test.each([
  [-360, '-06:00'],
  [0, '+00:00'],
  [345, '+05:45'],
  [-30, '-00:30'],
])('XEP-0202 §3: an offset of %i minutes is written %s and read again', (offset, text) => {
  const value = { utc: Date.UTC(2006, 11, 19, 17, 58, 35), offset }
  const element = EntityTime.write(value)
  expect(element.toString()).toBe(
    `<time xmlns='urn:xmpp:time'><tzo>${text}</tzo><utc>2006-12-19T17:58:35Z</utc></time>`,
  )
  expect(EntityTime.read(element)).toEqual(value)
})

test('XEP-0082 §3: Z is UTC, and what is no time zone is refused', () => {
  const read = (tzo: string) => EntityTime.read(parse(`<time xmlns='urn:xmpp:time'><tzo>${tzo}</tzo></time>`))
  expect(read('Z').offset).toBe(0)
  for (const text of ['CET', '+1:00', '0100', ''])
    expect(() => read(text), text).toThrow(expect.objectContaining({ condition: 'bad-request' }))
})
