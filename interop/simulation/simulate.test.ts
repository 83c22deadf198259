import { simulate } from '@jackdaw/testkit'
import { expect, test } from 'vitest'

test(
  'RFC 6121: 1,000 seeds of logins, messages, subscriptions, losses, crashes and full disks keep every rule',
  { timeout: 900_000 },
  async () => {
    const failures: string[] = []
    for (let seed = 1; seed <= 1000; seed++) {
      const [first] = (await simulate({ seed })).violations
      if (first) failures.push(`npm run simulate -- --seed ${seed} --trace: ${first.rule}: ${first.what}`)
    }
    expect(failures).toEqual([])
  },
)

test('one seed gives one trace, to the byte and the millisecond', { timeout: 300_000 }, async () => {
  const traces = new Map<number, string>()
  for (let seed = 1; seed <= 50; seed++) traces.set(seed, (await simulate({ seed })).trace)
  expect(new Set(traces.values()).size).toBe(50)
  for (let seed = 50; seed >= 1; seed--) expect((await simulate({ seed })).trace).toBe(traces.get(seed))
})
