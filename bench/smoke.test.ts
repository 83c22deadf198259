import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { rows } from './goals.ts'
import { measure } from './measure.ts'
import { Results, table } from './results.ts'
import { tiny } from './sizes.ts'
import { Splitter } from './splitter.ts'
import { Turns } from './turns.ts'

test('each work is done by Jackdaw, and each row of the table has its figure', { timeout: 300_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'jackdaw-bench-'))
  const results = new Results()
  try {
    const plan = { folder, servers: ['jackdaw', 'relay'], only: [], sizes: tiny, runs: 1 }
    for await (const result of measure(plan)) results.all.push(result)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  expect(results.all.filter(({ failure }) => failure !== undefined)).toEqual([])
  for (const { work, figure } of rows) {
    const server = work === 'handshakes' ? 'relay' : 'jackdaw'
    expect(results.median(work, figure, server), `${work}: ${figure}`).toBeTypeOf('number')
  }
  expect(table(rows, results, ['jackdaw', 'relay']).split('\n')).toHaveLength(rows.length + 2)
})

test('turns go round, and one is never in another', async () => {
  const turns = new Turns()
  const told: string[] = []
  const go = async (name: string) => {
    await turns.take()
    for (let turn = 0; turn < 3; turn++) {
      told.push(`${name}${turn}`)
      await Promise.resolve()
      told.push('.')
      turns.pass()
      await turns.take()
    }
    turns.pass()
  }
  await Promise.all(['a', 'b', 'c'].map(go))
  expect(told.join('')).toBe('a0.b0.c0.a1.b1.c1.a2.b2.c2.')
  await turns.take()
})

test('a stream is cut into its stanzas wherever its chunks end', () => {
  const stanzas = [
    `<message a='1'><body>a > b</body></message>`,
    `<presence/>`,
    `<r xmlns='urn:xmpp:sm:3'/>`,
    `<a><b><c/></b></a>`,
  ]
  const text = stanzas.join('\n ')
  for (let size = 1; size <= text.length; size++) {
    const splitter = new Splitter()
    const heard: string[] = []
    for (let at = 0; at < text.length; at += size)
      splitter.write(text.slice(at, at + size), (stanza) => heard.push(stanza))
    expect(heard).toEqual(stanzas)
  }
})
