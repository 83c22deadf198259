import { expect, test } from 'vitest'
import { formatDateTime, parseDateTime } from './date-time.ts'

test('XEP-0082 §3.2: the same moment in UTC and with an offset', () => {
  expect(parseDateTime('1969-07-21T02:56:15Z')).toBe(Date.UTC(1969, 6, 21, 2, 56, 15))
  expect(parseDateTime('1969-07-20T21:56:15-05:00')).toBe(parseDateTime('1969-07-21T02:56:15Z'))
})

test('XEP-0082 §3.2: fractions of a second are optional', () => {
  expect(parseDateTime('2002-09-10T23:08:25.123456Z')).toBe(Date.UTC(2002, 8, 10, 23, 8, 25, 123))
  expect(formatDateTime(Date.UTC(2002, 8, 10, 23, 8, 25))).toBe('2002-09-10T23:08:25Z')
  expect(formatDateTime(Date.UTC(2002, 8, 10, 23, 8, 25, 120))).toBe('2002-09-10T23:08:25.120Z')
})

test.each([
  '',
  'yesterday',
  '2002-09-10',
  '2002-09-10T23:08:25',
  '20020910T23:08:25',
  '2002-13-10T23:08:25Z',
  '2002-09-31T23:08:25Z',
  '2002-02-29T23:08:25Z',
  '2002-09-00T23:08:25Z',
  '2002-09-10 23:08:25Z',
])('XEP-0082 §3.2: %j is no date and time', (text) =>
  expect(() => parseDateTime(text)).toThrow(expect.objectContaining({ condition: 'bad-request' })),
)

test('XEP-0082 §3.2: a leap day is one', () => {
  expect(parseDateTime('2004-02-29T00:00:00Z')).toBe(Date.UTC(2004, 1, 29))
})
