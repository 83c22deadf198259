import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { opaqueString } from './opaque-string.ts'
import { PrecisError } from './precis-error.ts'

test.each([
  ['correct horse battery staple', 'correct horse battery staple'],
  ['Correct Horse Battery Staple', 'Correct Horse Battery Staple'],
  ['\u03C0\u00DF\u00E5', '\u03C0\u00DF\u00E5'],
  ['Jack of \u2666s', 'Jack of \u2666s'],
  ['foo\u1680bar', 'foo bar'],
])('RFC 8265 §4.3 table 3: %j is the password %j', (input, expected) => {
  expect(opaqueString(input)).toBe(expected)
})

test.each(['', 'my cat is a \tby'])('RFC 8265 §4.3 table 4: %j is refused', (input) => {
  expect(() => opaqueString(input)).toThrow(PrecisError)
})

test.each([
  ['spaces at the ends stay', '  a ', '  a '],
  ['NFC', 'e\u0301\u3000E', '\u00E9 E'],
  ['a compatibility equivalent stays', '\uFB01\uFF21', '\uFB01\uFF21'],
  ['right to left needs no order', 'a\u05D0-', 'a\u05D0-'],
])('RFC 8265 §4.2: %s', (_, input, expected) => {
  expect(opaqueString(input)).toBe(expected)
})

test.each([
  'a\0',
  '\x7F',
  '\u200B',
  '\uFEFF',
  '\u2028',
  '\uE000',
  '\uDC00',
  '\uFDD0',
  '\u0378',
  '\u1100',
  'a\u200Db',
  'a\u00B7b',
])('RFC 8264 §8: FreeformClass refuses %j', (input) => {
  expect(() => opaqueString(input)).toThrow(PrecisError)
})

test('RFC 8264 §7: an enforced string is enforced already', () => {
  fc.assert(
    fc.property(
      fc.string({
        unit: fc.constantFrom(...Array.from('aé\u0301\u0915\u093C\u0958\u212B\u3000 \u00A0가\u0345ᾳ'), '\u{1D15E}'),
        minLength: 1,
      }),
      (s) => {
        const enforced = opaqueString(s)
        expect(opaqueString(enforced)).toBe(enforced)
      },
    ),
  )
})
