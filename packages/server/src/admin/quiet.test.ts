import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { ManualClock } from '@jackdaw/testkit'
import { expect, test } from 'vitest'
import { saveMemoryWhenQuiet } from './quiet.ts'

test('after fifty seconds with hardly anything to do memory is saved until there is something, and then not again before fifty more', async () => {
  const clock = new ManualClock()
  const told: string[] = []
  let part = 0
  saveMemoryWhenQuiet(
    clock,
    () => part,
    (flag) => told.push(flag),
  )
  told.length = 0
  await clock.advance(49_000)
  part = 0.02
  await clock.advance(1000)
  part = 0.019
  await clock.advance(49_000)
  expect(told).toEqual([])
  await clock.advance(1000)
  expect(told).toEqual(['--memory-saver-mode'])
  await clock.advance(600_000)
  expect(told).toEqual(['--memory-saver-mode'])
  part = 0.5
  await clock.advance(2000)
  expect(told).toEqual(['--memory-saver-mode', '--no-memory-saver-mode'])
  part = 0
  await clock.advance(49_000)
  expect(told).toHaveLength(2)
  await clock.advance(1000)
  expect(told).toEqual(['--memory-saver-mode', '--no-memory-saver-mode', '--memory-saver-mode'])
})

test('V8 then gives memory back, though nothing is allocated', { timeout: 60_000 }, async () => {
  const script = `
    import { setFlagsFromString } from 'node:v8'
    import { saveMemoryWhenQuiet } from '${new URL('quiet.ts', import.meta.url).href}'
    // Much that lives for a moment: when V8 last looked, much was allocated.
    let kept = []
    for (let i = 0; i < 3e7; i++) {
      if (i % 100_000 === 0) kept = []
      kept.push({ i })
    }
    kept = undefined
    let isQuiet = true
    const tell = (flag) => {
      // Its minute is a second here.
      setFlagsFromString(flag.replace('60000', '1000'))
      if (flag === '--memory-saver-mode') setTimeout(() => { isQuiet = false }, 4000)
      if (flag === '--no-memory-saver-mode') process.exit()
    }
    const held = process.memoryUsage().heapTotal
    process.on('exit', () => console.log(process.memoryUsage().heapTotal < held / 2))
    const clock = { after: (ms, act) => void setTimeout(act, ms / 100) }
    saveMemoryWhenQuiet(clock, () => (isQuiet ? 0 : 1), tell)`
  const flags = ['--gc-memory-reducer-start-delay-ms=100', '--input-type=module', '--eval', script]
  expect(await promisify(execFile)(process.execPath, flags)).toEqual({ stdout: 'true\n', stderr: '' })
})
