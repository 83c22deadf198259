import { expect, test } from 'vitest'
import { HandClock } from '../transport/fixture.ts'
import { Rounds } from './rounds.ts'

function waiting() {
  const one = { times: 0, due: () => void one.times++ }
  return one
}

test('each is due once, not before its time and less than a second after it; those of a second share a timer', () => {
  const clock = new HandClock()
  const rounds = new Rounds(clock)
  const early = waiting()
  const late = waiting()
  rounds.join(30_000, early)
  rounds.join(30_000, late)
  expect(clock.alarms).toBe(1)
  clock.advance(29_999)
  expect(early.times).toBe(0)
  rounds.join(5000, late)
  clock.advance(1000)
  expect([early.times, late.times]).toEqual([1, 1])
  clock.advance(60_000)
  expect([early.times, late.times]).toEqual([1, 2])
  expect(clock.alarms).toBe(0)
})

test('who has left is not called, also when another who is due makes it leave; of an empty round nothing is left', () => {
  const clock = new HandClock()
  const rounds = new Rounds(clock)
  const gone = waiting()
  rounds.leave(rounds.join(1000, gone), gone)
  expect(clock.alarms).toBe(0)
  const number: number = rounds.join(1000, { due: () => rounds.leave(number, gone) })
  rounds.join(1000, gone)
  clock.advance(2000)
  expect(gone.times).toBe(0)
  rounds.leave(number, gone)
})

test('who is due may wait again', () => {
  const clock = new HandClock()
  const rounds = new Rounds(clock)
  let times = 0
  const again = { due: () => void (++times < 3 && rounds.join(0, again)) }
  rounds.join(0, again)
  for (let i = 0; i < 5; i++) clock.advance(1000)
  expect(times).toBe(3)
  expect(clock.alarms).toBe(0)
})
