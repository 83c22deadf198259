import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { domainpart } from './domainpart.ts'
import { PrecisError } from './precis-error.ts'

test.each([
  ['lower case', 'Example.COM', 'example.com'],
  ['the final dot is stripped', 'example.com.', 'example.com'],
  ['an A-label becomes a U-label', 'xn--bcher-kva.example', 'bücher.example'],
  ['an A-label in upper case', 'XN--BCHER-KVA.example', 'bücher.example'],
  ['a U-label in lower case and NFC', 'BU\u0308CHER.example', 'bücher.example'],
  ['full width, and the ideographic full stop', 'ｅｘａｍｐｌｅ。ｃｏｍ。', 'example.com'],
  ['sharp s stays (IDNA2008)', 'faß.example', 'faß.example'],
  ['right to left', '\u05D0\u05D1.example', '\u05D0\u05D1.example'],
  [
    'a joiner in its context',
    '\u0646\u0627\u0645\u0647\u200C\u0627\u06CC.example',
    '\u0646\u0627\u0645\u0647\u200C\u0627\u06CC.example',
  ],
  ['one label', 'localhost', 'localhost'],
  ['digits', '1.2.3.example', '1.2.3.example'],
])('RFC 7622 §3.2: %s', (_, input, expected) => {
  expect(domainpart(input)).toBe(expected)
})

test.each([
  '',
  '.',
  '..',
  '.example',
  'a..b',
  'example..',
  'a b',
  'a_b.example',
  '-a.example',
  'a-.example',
  'ab--cd.example',
  'xn--a',
  'xn--bcher',
  'xn--example',
  'ex\0ample',
  'exam\u200Dple',
  'a\u05D0.example',
  '\u2665.example',
  'a\u30FB.example',
  '\u0301a.example',
  '\uD800.example',
  'a/b',
  'a@b',
  'a:5222',
  '\u00AD',
  '\u0378.example',
  `${'a'.repeat(64)}.example`,
  `${'ü'.repeat(60)}.example`,
])('RFC 5890 §2.3: %j is no domain name', (input) => {
  expect(() => domainpart(input)).toThrow(PrecisError)
})

test('RFC 1034 §3.1: a label has 63 octets at the most', () => {
  const label = 'a'.repeat(63)
  expect(domainpart(`${label}.example`)).toBe(`${label}.example`)
})

test.each(['127.0.0.1', '255.255.255.255', '0.0.0.0'])('RFC 3986 §3.2.2: %s is an IPv4 address', (input) => {
  expect(domainpart(input)).toBe(input)
})

test.each(['256.0.0.1', '01.2.3.4', '1.2.3', '1.2.3.4.5', '2130706433', '0x7f000001', '127.0.0.0x1', '１.2.3.256'])(
  'RFC 3986 §3.2.2: %s is neither an IPv4 address nor a domain name',
  (input) => {
    expect(() => domainpart(input)).toThrow(PrecisError)
  },
)

test.each([
  ['[::1]', '[::1]'],
  ['[::]', '[::]'],
  ['[2001:0DB8::0001]', '[2001:db8::1]'],
  ['[2001:db8:0:0:0:0:2:1]', '[2001:db8::2:1]'],
  ['[2001:db8:0:1:1:1:1:1]', '[2001:db8:0:1:1:1:1:1]'],
  ['[2001:db8::1:1:1:1:1]', '[2001:db8:0:1:1:1:1:1]'],
  ['[2001:0:0:1:0:0:0:1]', '[2001:0:0:1::1]'],
  ['[2001:db8:0:0:1:0:0:1]', '[2001:db8::1:0:0:1]'],
  ['[1:2:3:4:5:6:7::]', '[1:2:3:4:5:6:7:0]'],
  ['[fe80:0:0:0:0:0:0:0]', '[fe80::]'],
  ['[::FFFF:c000:0201]', '[::ffff:192.0.2.1]'],
  ['[::ffff:192.0.2.1]', '[::ffff:192.0.2.1]'],
  ['[64:ff9b::192.0.2.33]', '[64:ff9b::c000:221]'],
])('RFC 5952 §4–5: %s is written %s', (input, expected) => {
  expect(domainpart(input)).toBe(expected)
  expect(domainpart(expected)).toBe(expected)
})

test.each([
  '[]',
  '[',
  '[::1',
  '::1',
  '[::1].',
  '[:::]',
  '[1::2::3]',
  '[1:2:3:4:5:6:7]',
  '[1:2:3:4:5:6:7:8:9]',
  '[1:2:3:4:5:6:7:8::]',
  '[12345::]',
  '[g::]',
  '[:1]',
  '[1:]',
  '[::1.2.3]',
  '[::1.2.3.256]',
  '[1.2.3.4]',
  '[1.2.3.4::]',
  '[fe80::1%eth0]',
  '[v1.a]',
  '[::1]]',
  '[ ::1]',
])('RFC 3986 §3.2.2: %s is no IPv6 address in brackets', (input) => {
  expect(() => domainpart(input)).toThrow(PrecisError)
})

test('RFC 5952: any eight groups, written twice, are the same as URL has them', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 }), (groups) => {
      // RFC 5952 §5: what holds an IPv4 address is written with it; URL does not do so.
      fc.pre(groups.findIndex((group) => group !== 0) !== 5 || groups[5] !== 0xffff)
      const literal = `[${groups.map((group) => group.toString(16)).join(':')}]`
      expect(domainpart(literal)).toBe(new URL(`http://${literal}`).hostname)
    }),
  )
})
