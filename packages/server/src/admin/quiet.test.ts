import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { ManualClock } from '@jackdaw/testkit'
import { expect, onTestFinished, test, vi } from 'vitest'
import { saveMemoryWhenQuiet } from './quiet.ts'

vi.setConfig({ testTimeout: 120_000 })

test('after ten seconds with hardly anything to do memory is saved for a while, and not again before there was work', async () => {
  const clock = new ManualClock()
  const told: string[] = []
  let part = 0
  saveMemoryWhenQuiet(
    clock,
    () => part,
    (flag) => told.push(flag),
  )
  told.length = 0
  await clock.advance(9000)
  part = 0.02
  await clock.advance(1000)
  part = 0.019
  await clock.advance(9000)
  expect(told).toEqual([])
  await clock.advance(1000)
  expect(told).toEqual(['--memory-saver-mode'])
  await clock.advance(60_000)
  expect(told).toEqual(['--memory-saver-mode', '--no-memory-saver-mode'])
  part = 0.5
  await clock.advance(1000)
  part = 0
  await clock.advance(10_000)
  expect(told).toEqual(['--memory-saver-mode', '--no-memory-saver-mode', '--memory-saver-mode'])
})

test('a server that has nothing to do gives memory back', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'jackdaw-quiet-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'jackdaw.yaml')
  writeFileSync(file, 'data: d\nlisten: { xmpp: { port: 0 }, xmpps: false, http: false, https: false }\n')
  // Before that V8 would not look.
  const sooner = '--gc-memory-reducer-start-delay-ms=100'
  const cli = fileURLToPath(new URL('../cli.ts', import.meta.url))
  const server = spawn(
    process.execPath,
    ['--conditions=source', '--trace-gc', sooner, cli, 'start', '--config', file],
    { cwd: folder },
  )
  onTestFinished(() => void server.kill('SIGKILL'))
  const saved: string[] = []
  for await (const line of createInterface({ input: server.stdout })) {
    const sizes = /Mark-Compact \(reduce\) \S+ \((\S+)\) -> \S+ \((\S+)\) MB/.exec(line)
    if (!sizes) continue
    saved.push(line)
    expect(Number(sizes[2])).toBeLessThan(Number(sizes[1]))
    break
  }
  expect(saved).toHaveLength(1)
})
