import { expect, test } from 'vitest'
import type { Clock } from '../world.ts'
import { Journal, recordsOf } from './journal.ts'
import { MemoryJournalStore } from './memory.ts'

test('batches are numbered from 1 and read in order from any number', () => {
  const store = new MemoryJournalStore()
  expect(store.last).toBe(0)
  for (const batch of ['["a"]', '["b"]', '["c"]']) store.append(batch)
  expect(store.last).toBe(3)
  expect([...store.read(2)]).toEqual([
    [2, '["b"]'],
    [3, '["c"]'],
  ])
})

test('released batches are gone, the part that is being written and the numbers stay', () => {
  const store = new MemoryJournalStore(2)
  for (const batch of ['["a"]', '["b"]', '["c"]', '["d"]', '["e"]']) store.append(batch)
  expect(store.part).toBe(5)
  store.release(4)
  expect([...store.read(1)].map(([number]) => number)).toEqual([4, 5])
  store.release(100)
  expect([...store.read(1)]).toEqual([[5, '["e"]']])
  store.append('["f"]')
  expect(store.last).toBe(6)
})

test('what a crashed server committed is found by the next one, what it had only gathered is not', () => {
  const ends: (() => void)[] = []
  const clock: Clock = { now: () => 0, after: () => () => {}, soon: (act) => void ends.push(act) }
  const store = new MemoryJournalStore()
  const journal = new Journal({ store, clock })
  journal.append(['map', 'kept'])
  ends.shift()!()
  journal.append(['map', 'lost'])
  const next = new Journal({ store, clock })
  expect(next.next).toBe(2)
  expect([...store.read(1)].flatMap(([, batch]) => recordsOf(batch))).toEqual([['map', 'kept']])
})

test('who awaits a commit is told once, however often that was asked, and again when it asks while it is told', () => {
  const ends: (() => void)[] = []
  const clock: Clock = { now: () => 0, after: () => () => {}, soon: (act) => void ends.push(act) }
  const store = new MemoryJournalStore()
  const journal = new Journal({ store, clock })
  const told: number[] = []
  const end = {
    flush() {
      told.push(store.last)
      if (told.length > 1) return
      journal.append(['map', 'more'])
      journal.afterCommit(end)
    },
  }
  for (let i = 0; i < 3; i++) journal.afterCommit(end)
  journal.append(['map', 'kept'])
  while (ends.length > 0) ends.shift()!()
  expect(told).toEqual([1, 2])
})

test('a full disk keeps nothing', () => {
  const store = new MemoryJournalStore()
  store.failure = new Error('ENOSPC')
  expect(() => store.append('["a"]')).toThrow('ENOSPC')
  store.failure = undefined
  store.append('["b"]')
  expect([...store.read(1)]).toEqual([[1, '["b"]']])
})
