import { expect, test } from 'vitest'
import { check, type Verdict } from './checker.ts'
import { report } from './report.ts'
import { torture, type TortureOptions, type TortureRun } from './torture.ts'

async function judge(options: TortureOptions): Promise<{ run: TortureRun; verdict: Verdict; table: string }> {
  const run = await torture(options)
  const verdict = check(run.events)
  return { run, verdict, table: report(run, verdict, false) }
}

test('XEP-0198 §5: a server killed ten times at work loses nothing, doubles nothing and nobody notices', async () => {
  const { run, verdict, table } = await judge({ kills: 10, sessions: 50, rate: 200, seed: 21 })
  expect(verdict.violations, table).toEqual([])
  expect(run.errors).toEqual([])
  expect(verdict.kills).toBe(10)
  // The run was one: connections broke in every way, and messages went all the time.
  expect(verdict.resumed).toBeGreaterThanOrEqual(verdict.lost.lost)
  expect(verdict.lost.lost).toBeGreaterThan(100)
  expect(verdict.switched).toBeGreaterThan(10)
  expect(verdict.sent).toBeGreaterThan(1000)
  expect(verdict.presences).toBeGreaterThan(100)
  expect(verdict.copied).toBeGreaterThan(100)
  expect(verdict.archived).toBeGreaterThan(1000)
  expect(verdict.said).toBeGreaterThan(50)
  expect(verdict.heard).toBeGreaterThan(500)
  expect(verdict.retracted).toBeGreaterThan(20)
  expect(verdict.changed).toBeGreaterThan(50)
  expect(verdict.readings).toBeGreaterThan(100)
  // This seed has a kill in the middle of a commit.
  expect(run.torn).toBeGreaterThan(0)
})

test('without a journal the same kills lose sessions and messages, and the checker says so', async () => {
  const { verdict } = await judge({ kills: 2, sessions: 20, rate: 200, seed: 10, journal: false })
  expect(verdict.counts.unresumed).toBeGreaterThanOrEqual(20)
  expect(verdict.counts.acknowledgedLost + verdict.counts.unacknowledgedLost).toBeGreaterThan(0)
})
