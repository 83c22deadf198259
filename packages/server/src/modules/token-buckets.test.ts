import { ManualClock } from '@jackdaw/testkit'
import { expect, test } from 'vitest'
import { TokenBuckets } from './token-buckets.ts'

const minute = 60_000

test('so many at once, and so many an hour in the long run, each key for itself', async () => {
  const clock = new ManualClock()
  const buckets = new TokenBuckets(clock, 3)
  const takes = (key: string) => [1, 2, 3, 4].map(() => buckets.take(key))
  expect(takes('a')).toEqual([true, true, true, false])
  expect(takes('b')).toEqual([true, true, true, false])
  await clock.advance(19 * minute)
  expect(buckets.has('a')).toBe(false)
  await clock.advance(minute)
  expect([buckets.has('a'), buckets.take('a'), buckets.take('a')]).toEqual([true, true, false])
  await clock.advance(1000 * minute)
  expect(takes('a')).toEqual([true, true, true, false])
})

test('it remembers a bounded number of keys: those that took last', () => {
  const buckets = new TokenBuckets(new ManualClock(), 2, 2)
  for (const key of ['a', 'b', 'a', 'c']) buckets.take(key)
  expect(buckets.size).toBe(2)
  expect(buckets.has('a')).toBe(false)
  expect([buckets.take('b'), buckets.take('b'), buckets.take('b')]).toEqual([true, true, false])
})
