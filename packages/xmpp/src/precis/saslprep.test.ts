import { saslprep as oracle } from '@mongodb-js/saslprep'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { PrecisError } from './precis-error.ts'
import { saslprep } from './saslprep.ts'

test.each([
  ['I\u00ADX', 'IX'],
  ['user', 'user'],
  ['USER', 'USER'],
  ['\u00AA', 'a'],
  ['\u2168', 'IX'],
  ['\u00AD', ''],
])('RFC 4013 §3: %j gives %j', (input, expected) => {
  expect(saslprep(input)).toBe(expected)
})

test.each(['\u0007', '\u0627\u0031', '\u{1F40E}'])('RFC 4013 §3: %j is refused', (input) => {
  expect(() => saslprep(input)).toThrow(PrecisError)
})

test('RFC 4013: each code point of the first two planes, alone and between letters of both directions, as the oracle has it', () => {
  const different: string[] = []
  for (let point = 1; point < 0x20000; point++) {
    const c = String.fromCodePoint(point)
    if (/[\p{Script=Han}\p{Script=Hangul}\p{Co}]/u.test(c) && point % 50 !== 0) continue
    for (const s of [c, `a${c}`, `\u05D0${c}\u05D0`]) {
      if (outcome(saslprep, s) !== outcome(oracle, s)) different.push(s)
    }
  }
  expect(different).toEqual([])
}, 60_000)

test('RFC 4013: any string, as the oracle has it', () => {
  const unit = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    fc.constantFrom(...Array.from('aA1 \u05D0\u0627\u064E\xAD\u200B\uFF21e\u0301')),
  )
  fc.assert(
    fc.property(fc.string({ unit }), (s) => {
      // Noncharacters (C.4) that the oracle's table lacks.
      fc.pre(!/[\u{FFFFE}\u{FFFFF}]/u.test(s))
      expect(outcome(saslprep, s)).toBe(outcome(oracle, s))
    }),
    { numRuns: 500 },
  )
}, 60_000)

/** The oracle falls over a string of nothing but what is mapped to nothing, which gives the empty string. */
function outcome(prepare: (s: string) => string, s: string): string {
  try {
    return `=${prepare(s)}`
  } catch (error) {
    if (error instanceof TypeError) return '='
    return 'refused'
  }
}
