import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { PrecisError } from './precis-error.ts'
import { usernameCaseMapped } from './username-case-mapped.ts'

test.each([
  ['juliet@example.com', 'juliet@example.com'],
  ['fussball', 'fussball'],
  ['fußball', 'fußball'],
  ['π', 'π'],
  ['Σ', 'σ'],
  ['σ', 'σ'],
  ['ς', 'ς'],
])('RFC 8265 §3.5 table 1: %j is the username %j', (input, expected) => {
  expect(usernameCaseMapped(input)).toBe(expected)
})

test.each(['foo bar', '', 'henry\u2163', '\u265A'])('RFC 8265 §3.5 table 2: %j is refused', (input) => {
  expect(() => usernameCaseMapped(input)).toThrow(PrecisError)
})

test.each([
  ['full width', 'Ｊｕｌｉｅｔ', 'juliet'],
  ['half width', 'ｶﾞ', 'ガ'],
  ['NFC', 'Zoe\u0308', 'zo\u00EB'],
  ['case of every script that has it', 'ÄЖՖႠ\u{10400}', 'äжֆⴀ\u{10428}'],
  ['no final sigma', 'ΟΔΟΣ', 'οδοσ'],
])('RFC 8265 §3.3.2: %s', (_, input, expected) => {
  expect(usernameCaseMapped(input)).toBe(expected)
})

test.each([
  ['a compatibility equivalent (ligature fi)', '\uFB01sh'],
  ['a compatibility equivalent (Kelvin sign)', '\u212A'],
  ['NUL', 'a\0'],
  ['a control', 'a\x85'],
  ['a soft hyphen', 'a\xADb'],
  ['a variation selector', 'a\uFE0F'],
  ['an old Hangul jamo', '\u1100\u1161'],
  ['tatweel (RFC 5892 §2.6)', '\u0628\u0640'],
  ['a symbol', 'i\u2665'],
  ['punctuation', 'a\u2014b'],
  ['a title-case letter', '\u1FBC'],
  ['an enclosing mark', 'a\u20DD'],
  ['private use', '\uE000'],
  ['a lone surrogate', 'a\uD800'],
  ['a noncharacter', '\uFFFE'],
  ['an unassigned code point', '\u0378'],
])('RFC 8264 §8: IdentifierClass refuses %s', (_, input) => {
  expect(() => usernameCaseMapped(input)).toThrow(PrecisError)
})

test.each([
  ['A.1 ZWNJ after a virama', '\u0915\u094D\u200C\u0937', 'a\u200Cb'],
  ['A.1 ZWNJ between joining letters', '\u0646\u0627\u0645\u0647\u200C\u0627\u06CC', '\u0627\u200C\u0628'],
  ['A.1 ZWNJ with marks between', '\u0628\u064E\u200C\u064E\u0628', '\u0628\u064E\u200Ca'],
  ['A.2 ZWJ after a virama', '\u0915\u094D\u200D\u0937', '\u0915\u200D'],
  ['A.3 middle dot between two l', 'COL\u00B7LECTIU', 'a\u00B7l'],
  ['A.3 middle dot between two l', 'l\u00B7l', 'l\u00B7'],
  ['A.4 keraia before Greek', '\u0375\u03B1', '\u0375a'],
  ['A.5 geresh after Hebrew', '\u05D0\u05F3', '\u0661\u05F3'],
  ['A.6 gershayim after Hebrew', '\u05D0\u05F4', '\u05F4\u05D0'],
  ['A.7 katakana middle dot', 'a\u30FB\u30A2', 'a\u30FB'],
  ['A.8 Arabic-Indic digits', '\u0627\u0661', '\u0627\u0661\u06F1'],
  ['A.9 extended Arabic-Indic digits', '\u0627\u06F1', '\u0627\u06F1\u0661'],
])('RFC 5892 %s', (_, valid, invalid) => {
  expect(usernameCaseMapped(valid)).toBe(valid.toLowerCase())
  expect(() => usernameCaseMapped(invalid)).toThrow(PrecisError)
})

test.each([
  ['1: begins right to left', '\u05D01', '1\u05D0'],
  ['2: no left-to-right character', '\u05D0-\u05D1', '\u05D0a\u05D1'],
  ['3: ends in a letter or digit, marks aside', '\u05D0\u05B0', '\u05D0-'],
  ['4: one kind of digit', '\u0627\u0661', '\u06271\u0661'],
  ['5: no right-to-left character after a left-to-right start', 'a1', 'a\u05D0'],
])('RFC 5893 §2 condition %s', (_, valid, invalid) => {
  expect(usernameCaseMapped(valid)).toBe(valid)
  expect(() => usernameCaseMapped(invalid)).toThrow(PrecisError)
})

test('RFC 8264 §7: an enforced string is enforced already, for letters of every script and in any company', () => {
  const changed: string[] = []
  // The rest is refused in any case, or has neither case nor width.
  for (let point = 0; point < 0x20000; point++) {
    const c = String.fromCodePoint(point)
    if (/[[\p{L}\p{M}\p{N}]--[\p{Script=Han}\p{Script=Hangul}]]/v.test(c)) changed.push(...unstable(c))
  }
  expect(changed).toEqual([])
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom(...Array.from('aÄΣς\u0301\u0345ｶﾞ\u05D0ßẞİ')) }),
      (any, common) => {
        expect([...unstable(any), ...unstable(common)]).toEqual([])
      },
    ),
  )
})

function unstable(s: string): string[] {
  let enforced: string
  try {
    enforced = usernameCaseMapped(s)
  } catch (error) {
    if (!(error instanceof PrecisError)) throw error
    return []
  }
  return usernameCaseMapped(enforced) === enforced ? [] : [s]
}
