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

test('however many networks and accounts there are, what is remembered is bounded and the oldest go first', () => {
  const attempts = new Attempts(new ManualClock(), limits)
  for (let i = 0; i < 100; i++) attempts.failed('192.0.2.1', 'romeo@home.test')
  expect(attempts.isGuarded('192.0.2.1', 'juliet@home.test')).toBe(true)
  expect(attempts.isGuarded('192.0.2.2', 'romeo@home.test')).toBe(true)
  for (let i = 0; i < 10_000; i++) attempts.failed(`10.0.${i >> 8}.${i & 255}`, `name${i}@home.test`)
  expect(attempts.isGuarded('192.0.2.1', 'romeo@home.test')).toBe(false)
})

test('a proxy on this machine is nobody’s network', () => {
  const attempts = new Attempts(new ManualClock(), limits)
  for (let i = 0; i < 100; i++) attempts.failed('127.0.0.1', `name${i}@home.test`)
  expect(attempts.isGuarded('127.0.0.1', 'juliet@home.test')).toBe(false)
})

test('tokens that are good no more are no guesses, however many clients of a network try theirs', () => {
  const attempts = new Attempts(new ManualClock(), limits)
  for (let i = 0; i < 200; i++) attempts.failed('192.0.2.1')
  expect(attempts.isGuarded('192.0.2.1', 'romeo@home.test')).toBe(false)
})
