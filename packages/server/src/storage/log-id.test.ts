import { expect, test } from 'vitest'
import { LogIds } from './log-id.ts'
import { UnknownIdError } from './storage.ts'

const ids = new LogIds('secret')

test('ids compare as positions do, and lead back to them', () => {
  const positions = [0, 1, 35, 36, 36 ** 4 - 1, 36 ** 4, 1_800_000_000_000_000, 1_800_000_000_000_001, 2 ** 52]
  const made = positions.map((position) => ids.id(position))
  expect(made.toSorted()).toEqual(made)
  expect(made.map((id) => ids.position(id))).toEqual(positions)
  expect(made.map((id) => Number.parseInt(id.slice(0, 11), 36))).toEqual(positions)
})

test('XEP-0313 §3.1: an id cannot be made without the secret', () => {
  const id = ids.id(1_800_000_000_000_000)
  const next = new LogIds('another secret').id(1_800_000_000_000_001)
  for (const guess of [
    next,
    id.slice(0, 11),
    `${id}0`,
    id.slice(0, -1) + (id.endsWith('0') ? '1' : '0'),
    '',
    'x',
    '__proto__',
  ])
    expect(() => ids.position(guess)).toThrow(UnknownIdError)
  // Nor from that of its neighbour.
  expect(new Set(Array.from({ length: 100 }, (_, position) => ids.id(position).slice(11))).size).toBe(100)
})
