import { expect, test } from 'vitest'
import { tortureUploads } from './torture.ts'

test('XEP-0363 §7: files put, broken off and removed while the server is killed: no orphan, no wrong sum, nothing lost', async () => {
  const run = await tortureUploads({ kills: 4, parallel: 20, size: 3 * 2 ** 20, seed: 7 })
  expect(run.violations).toEqual([])
  expect(run.errors).toEqual([])
  // The run was one.
  expect(run.acknowledged).toBeGreaterThan(10)
  expect(run.broken).toBeGreaterThan(10)
  expect(run.put).toBeGreaterThan(run.acknowledged + run.broken)
}, 300_000)
