import { expect, test } from 'vitest'
import { message } from '../stanza.ts'
import { type Hint, hasHint, hintElement } from './hints.ts'

const hints: Hint[] = ['no-permanent-store', 'no-store', 'no-copy', 'store']

test.each(hints)('XEP-0334 §4: %s', (hint) => {
  const hinted = message({ type: 'chat' }, hintElement(hint))
  expect(hints.filter((one) => hasHint(hinted, one))).toEqual([hint])
})

test('XEP-0334 §5: the hints in an error do not count', () => {
  expect(hasHint(message({ type: 'error' }, hintElement('store')), 'store')).toBe(false)
})
