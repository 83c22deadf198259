import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { named } from './names.ts'

test('any part of a text comes back as it is, whatever was read before', () => {
  const few = fc.string({ unit: fc.constantFrom('a', 'b', '_', '\u00e9', '\ud83d'), maxLength: 80 })
  fc.assert(
    fc.property(
      fc.oneof(few, fc.string({ unit: 'binary' }), fc.constantFrom('__proto__', 'constructor', '1')),
      (name) => {
        for (let i = 0; i < 2; i++) expect(named(`<${name}>`, 1, 1 + name.length)).toBe(name)
      },
    ),
  )
})

test('names that share a place do not stand for one another', () => {
  // First, middle and last unit and the length are the same.
  for (const name of ['abcde', 'axcye', 'abcde']) expect(named(name, 0, 5)).toBe(name)
})
