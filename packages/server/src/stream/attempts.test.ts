import { ManualClock } from '@jackdaw/testkit'
import { expect, test } from 'vitest'
import { Attempts } from './attempts.ts'

const limits = { authenticationDelay: 1000, authenticationDelayMax: 8000 }

test('RFC 6120 §6.4.5: each failure from one address waits longer, up to a limit, until it is forgotten', async () => {
  const clock = new ManualClock()
  const attempts = new Attempts(clock, limits)
  expect(Array.from({ length: 5 }, () => attempts.failed('192.0.2.1'))).toEqual([1000, 2000, 4000, 8000, 8000])
  expect(attempts.failed('192.0.2.2')).toBe(1000)
  await clock.advance(600_000)
  expect(attempts.failed('192.0.2.1')).toBe(1000)
})

test('the addresses of one IPv6 /64 share their failures; an IPv4 client of an IPv6 socket is itself', () => {
  const attempts = new Attempts(new ManualClock(), limits)
  expect(['2001:db8:0:1::5', '2001:db8:0:1:ffff::', '2001:db8:0:2::5'].map((from) => attempts.failed(from))).toEqual([
    1000, 2000, 1000,
  ])
  expect(['::ffff:192.0.2.1', '192.0.2.1', '::ffff:192.0.2.2'].map((from) => attempts.failed(from))).toEqual([
    1000, 2000, 1000,
  ])
})
