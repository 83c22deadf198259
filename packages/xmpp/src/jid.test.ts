import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Jid, JidError } from './jid.ts'

describe('RFC 7622 §3.5', () => {
  test.each([
    ['juliet@example.com', 'juliet', 'example.com', undefined],
    ['juliet@example.com/foo', 'juliet', 'example.com', 'foo'],
    ['juliet@example.com/foo bar', 'juliet', 'example.com', 'foo bar'],
    ['juliet@example.com/foo@bar', 'juliet', 'example.com', 'foo@bar'],
    ['foo\\20bar@example.com', 'foo\\20bar', 'example.com', undefined],
    ['fussball@example.com', 'fussball', 'example.com', undefined],
    ['fu\u00DFball@example.com', 'fu\u00DFball', 'example.com', undefined],
    ['\u03C0@example.com', '\u03C0', 'example.com', undefined],
    ['\u03A3@example.com/foo', '\u03C3', 'example.com', 'foo'],
    ['\u03C3@example.com/foo', '\u03C3', 'example.com', 'foo'],
    ['\u03C2@example.com/foo', '\u03C2', 'example.com', 'foo'],
    ['king@example.com/\u265A', 'king', 'example.com', '\u265A'],
    ['example.com', undefined, 'example.com', undefined],
    ['example.com/foobar', undefined, 'example.com', 'foobar'],
    ['a.example.com/b@example.net', undefined, 'a.example.com', 'b@example.net'],
  ])('table 1: %j is a JID', (text, local, domain, resource) => {
    const jid = Jid.parse(text)
    expect([jid.local, jid.domain, jid.resource]).toEqual([local, domain, resource])
    expect(jid.toString()).toBe(text.replace('\u03A3', '\u03C3'))
    expect(jid.equals(Jid.of({ local, domain, resource }))).toBe(true)
  })

  test.each([
    '"juliet"@example.com',
    'foo bar@example.com',
    '@example.com/',
    'henri\u2163@example.com',
    '\u265A@example.com',
    'juliet@',
    '/foobar',
  ])('table 2: %j is none', (text) => {
    expect(() => Jid.parse(text)).toThrow(JidError)
  })

  test('table 2: a leading space in the resourcepart is let through, because OpaqueString (§3.4) allows spaces', () => {
    expect(Jid.parse('juliet@example.com/ foo').resource).toBe(' foo')
  })
})

test('RFC 6120 §8.3.3.8: the error carries its condition, names the part and does not repeat the string', () => {
  let error: unknown
  try {
    Jid.parse('s\0cret@example.com')
  } catch (thrown) {
    error = thrown
  }
  expect(error).toMatchObject({ name: 'JidError', condition: 'jid-malformed' })
  expect(String(error)).toMatch(/localpart/)
  expect(String(error)).not.toMatch(/cret/)
})

test.each([
  '',
  '@',
  '/',
  '@/',
  'a@b@c',
  'example.com/',
  '@example.com',
  'a@/b',
  'a@b/',
  'a:b@c',
  'a&b@c',
  "a'b@c",
  'a<b@c',
  'a>b@c',
  '＠@c',
  'a＆b@c',
  'ﬁ@c',
  'a@b\0',
  'a@b/\0',
  'a@b/\x7F',
  'a@b/\uD800',
])('RFC 7622 §3: %j is refused', (text) => {
  expect(() => Jid.parse(text)).toThrow(JidError)
})

test('RFC 7622 §3.3.1: a localpart made from parts may hold none of " & \' / : < > @', () => {
  for (const c of '"&\'/:<>@') expect(() => Jid.of({ local: `a${c}b`, domain: 'example.com' })).toThrow(JidError)
})

test('RFC 7622 §3.2–3.4: an empty part is refused, a missing one is not', () => {
  expect(() => Jid.of({ local: '', domain: 'example.com' })).toThrow(JidError)
  expect(() => Jid.of({ domain: 'example.com', resource: '' })).toThrow(JidError)
  expect(() => Jid.of({ domain: '' })).toThrow(JidError)
  expect(Jid.of({ local: undefined, domain: 'example.com', resource: undefined }).toString()).toBe('example.com')
})

const domainOf1023 = `${`${'a'.repeat(63)}.`.repeat(15)}${'b'.repeat(63)}`

test.each([
  ['localpart', (part: string) => `${part}@example.com`, 'a'.repeat(1023), 'a'],
  ['localpart of two octets a character', (part: string) => `${part}@example.com`, `${'é'.repeat(511)}a`, 'a'],
  ['domainpart', (part: string) => part, domainOf1023, '.b'],
  ['resourcepart', (part: string) => `example.com/${part}`, 'a'.repeat(1023), 'a'],
  ['resourcepart of four octets a character', (part: string) => `example.com/${part}`, '♚'.repeat(341), 'a'],
])('RFC 7622 §3.2–3.4: a %s has 1023 octets at the most', (_, jid, longest, more) => {
  expect(Jid.parse(jid(longest)).toString()).toBe(jid(longest))
  expect(() => Jid.parse(jid(longest + more))).toThrow(JidError)
})

test('RFC 7622 §3.3: the limit is counted after enforcement', () => {
  const decomposed = '\u03B1\u0313\u0300\u0345'.repeat(341)
  expect(Jid.parse(`${decomposed}@example.com`).local).toBe('\u1F82'.repeat(341))
  // U+1D160 has no composed form: four octets become twelve.
  expect(() => Jid.parse(`example.com/${'\u{1D160}'.repeat(86)}`)).toThrow(JidError)
})

test('bare, withResource and equals', () => {
  const full = Jid.parse('Juliet@Example.com/Balcony')
  expect(full.isBare).toBe(false)
  expect(full.bare.toString()).toBe('juliet@example.com')
  expect(full.bare.isBare).toBe(true)
  expect(full.bare).toBe(full.bare)
  expect(full.bare.bare).toBe(full.bare)
  expect(Jid.parse('juliet@example.com/Chamber').bare).toBe(full.bare)
  expect(full.withResource('e\u0301').toString()).toBe('juliet@example.com/\u00E9')
  expect(Jid.parse('example.com').withResource('a/b').toString()).toBe('example.com/a/b')
  expect(full.withResource('e').bare).toBe(full.bare)
  expect(full.bare.withResource('e').bare).toBe(full.bare)
  expect(full.withResource('Balcony')).toBe(Jid.parse('juliet@example.com/Balcony'))
  expect(() => full.withResource('')).toThrow(JidError)
  expect(full.equals(Jid.parse('juliet@example.com/Balcony'))).toBe(true)
  expect(full.equals(Jid.parse('juliet@example.com/balcony'))).toBe(false)
  expect(full.equals(undefined)).toBe(false)
})

test('the same string gives the same object, and after 16,384 others a new one', () => {
  const first = Jid.parse('once@example.com')
  expect(Jid.parse('once@example.com')).toBe(first)
  for (let i = 0; i < 16_384; i++) Jid.parse(`other${i}@example.com`)
  expect(Jid.parse('once@example.com')).not.toBe(first)
  expect(Jid.parse('once@example.com').equals(first)).toBe(true)
})

test('an address in use stays remembered while 40,000 others pass', () => {
  const used = Jid.parse('Used@example.com')
  const found = new Set<Jid>()
  for (let i = 0; i < 40_000; i++) {
    Jid.parse(`passing${i}@example.com`)
    found.add(Jid.parse('Used@example.com'))
  }
  expect([...found]).toEqual([used])
})

const letter = fc.constantFrom(
  ...Array.from('aB1éΣßİĿ\u0301\u0345\u05D0\u0627\u0661\u0915\u094D\u200C\u200Dｶﾞ가'),
  '\u{10400}',
)
const character = fc.oneof(
  letter,
  fc.constantFrom(...Array.from('.-@/[]: ✓。．＠'), 'xn--'),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
)
const anyText = fc.oneof(
  fc.string({ unit: character, maxLength: 30 }),
  fc
    .tuple(fc.string({ unit: letter, maxLength: 6 }), fc.string({ unit: character, maxLength: 6 }))
    .map(([local, resource]) => `${local}@Example.com/${resource}`),
  fc.string({ unit: letter, maxLength: 5 }).map((domain) => `a@${domain}.example`),
)

test('RFC 7622: a JID gives itself when parsed again, whole or from its parts; any other string JidError', () => {
  let accepted = 0
  fc.assert(
    fc.property(anyText, (text) => {
      const jid = parsed(text)
      if (jid === undefined) return
      accepted++
      expect(Jid.parse(jid.toString()).toString()).toBe(jid.toString())
      expect(Jid.of(jid).toString()).toBe(jid.toString())
      expect(jid.bare.toString()).toBe(Jid.of({ local: jid.local, domain: jid.domain }).toString())
      const { local = '', domain, resource = '' } = jid
      expect(`${local}${domain}${resource}`).not.toMatch(/[\p{Cc}\p{Cs}\p{Cn}]/u)
      expect([local, domain, resource]).toEqual([local, domain, resource].map((part) => part.normalize('NFC')))
    }),
    { numRuns: 5000 },
  )
  expect(accepted).toBeGreaterThan(500)
})

test('equal JIDs are those with the same string', () => {
  const jid = fc
    .tuple(
      fc.constantFrom(undefined, 'a', 'A', 'é', 'e\u0301'),
      fc.constantFrom('b', 'B.', 'xn--tda', 'ü'),
      fc.constantFrom(undefined, 'c', 'C', '\u3000', ' '),
    )
    .map(([local, domain, resource]) => Jid.of({ local, domain, resource }))
  fc.assert(
    fc.property(jid, jid, (a, b) => {
      expect(a.equals(b)).toBe(a.toString() === b.toString())
    }),
  )
})

test('RFC 7622 §3: control characters are refused in each part', () => {
  for (let point = 0; point < 0xa0; point++) {
    if (point === 0x20) point = 0x7f
    const c = String.fromCharCode(point)
    for (const text of [`a${c}@b`, `a@b${c}c`, `a@b/c${c}`]) expect(() => Jid.parse(text)).toThrow(JidError)
  }
})

test.each([
  ['a', 'a'],
  ['separators', '@/'],
  ['dots', 'a.'],
  ['marks', '\u0301'],
  ['joiners', '\u0628\u064E\u200C'],
  ['right to left', '\u05D0\u05B0'],
  ['A-labels', 'xn--'],
  ['soft hyphens', '\xAD'],
  ['ligatures', '\uFDFA'],
  ['colons', ':0'],
  ['lone surrogates', '\uD800'],
])(
  'RFC 7622 §3.2–3.4: a part of more than 1023 octets of %s is refused before it is mapped, a shorter one in little time',
  (_, unit) => {
    const texts = (length: number): string[] => {
      const garbage = unit.repeat(Math.ceil(length / unit.length)).slice(0, length)
      return [garbage, `${garbage}\0@example.com`, `a@${garbage}\0`, `a@[${garbage}]`, `a@b/${garbage}\0`]
    }
    for (const text of [...texts(1365), ...texts(1_000_000)])
      expect(() => Jid.parse(text)).toThrow(unit === '@/' ? JidError : /^\w+: longer than 1023 octets$/)
    // Some of these are JIDs. What grows much faster than its length would not end within the time of a test.
    for (const text of [300, 1000, 1364].flatMap(texts)) {
      const canonical = parsed(text)?.toString()
      expect(canonical && Jid.parse(canonical).toString()).toBe(canonical)
    }
  },
)

test.each([
  ['full JIDs', (i: number) => `juliet-${i}@capulet.example/balcony-of-the-house`],
  ['domains', (i: number) => `room-${i}.conference.capulet.example`],
  ['JIDs to be mapped', (i: number) => `JULIET-${i}@capulet.example/balcony-of-the-house`],
])(
  '20,000 %s kept out of chunks of 16 KiB do not keep the chunks',
  (_, address) => {
    const kept: Jid[] = []
    const before = heapUsed()
    for (let i = 0; i < 20_000; i++) {
      const chunk = decoder.decode(encoder.encode(`<message to='${address(i)}'>`.padEnd(16_384)))
      kept.push(Jid.parse(chunk.slice(13, chunk.indexOf("'>"))))
    }
    // The chunks are 328 MB.
    expect(heapUsed() - before).toBeLessThan(20_000_000)
    expect(kept[7]?.toString()).toBe(address(7).toLowerCase())
  },
  30_000,
)

const encoder = new TextEncoder()
const decoder = new TextDecoder()
setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

function heapUsed(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

function parsed(text: string): Jid | undefined {
  try {
    return Jid.parse(text)
  } catch (error) {
    if (error instanceof JidError) return undefined
    throw error
  }
}
