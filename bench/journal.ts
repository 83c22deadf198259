import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFileJournal } from '../packages/server/src/journal/file.ts'
import { Journal } from '../packages/server/src/journal/journal.ts'
import { openSqliteStorage } from '../packages/server/src/storage/sqlite.ts'
import { systemClock, systemRandom } from '../packages/server/src/world.ts'

/**
 * What the journal and the storage behind it cost, in microseconds:
 * node --conditions=source bench/journal.ts [log rows, 1000000 for the start of a big database]
 */
const rows = Number(process.argv[2] ?? 200_000)
const stanza = `<message from="romeo@home.test/phone" to="juliet@home.test" type="chat" id="1"><body>${'x'.repeat(214)}</body></message>`
const folder = mkdtempSync(join(tmpdir(), 'jackdaw-bench-'))
const path = join(folder, 'data.sqlite')
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

for (const durability of ['process', 'power'] as const) {
  for (const perTick of [1, 10, 100]) {
    const store = openFileJournal({ folder: join(folder, `${durability} ${perTick}`), durability })
    const journal = new Journal({ store, clock: systemClock })
    const ticks = durability === 'power' ? 2000 : Math.min(50_000, 500_000 / perTick)
    const start = process.hrtime.bigint()
    for (let tick = 0; tick < ticks; tick += 1) {
      for (let record = 0; record < perTick; record += 1) journal.append(['out', 'romeo@home.test/phone', stanza])
      await turn()
    }
    say(`append, ${durability}, ${perTick} a tick`, since(start) / (ticks * perTick))
    journal.close()
  }
}

const open = (mode: 'inline' | 'worker') => {
  const store = openFileJournal({ folder: join(folder, 'journal'), durability: 'process' })
  const journal = new Journal({ store, clock: systemClock, onCommit: (number) => storage.committed(number) })
  const storage = openSqliteStorage({
    path,
    journal,
    journalStore: store,
    journalFolder: join(folder, 'journal'),
    clock: systemClock,
    random: systemRandom,
    mode,
    durability: 'process',
    onApplied: (cursor) => store.release(cursor),
  })
  return { storage, journal }
}

{
  const { storage, journal } = open('worker')
  const log = storage.log<string>('home.test/mam/archive')
  const before = process.cpuUsage()
  const beforeHere = process.threadCpuUsage()
  const start = process.hrtime.bigint()
  for (let row = 0; row < rows; row += 2) {
    const one = row % 20_000
    log.append(`user${one}@home.test`, { value: stanza, at: Date.now(), with: `user${one + 1}@home.test` })
    log.append(`user${one + 1}@home.test`, { value: stanza, at: Date.now(), with: `user${one}@home.test` })
    if (row % 100 === 0) await turn()
  }
  const here = process.threadCpuUsage(beforeHere)
  say('log row, server thread (append and commit)', (here.user + here.system) / rows)
  await storage.settled()
  const all = process.cpuUsage(before)
  const end = process.threadCpuUsage(beforeHere)
  say('log row, worker and helpers, CPU', (all.user + all.system - end.user - end.system) / rows)
  say('log row, wall clock until it can be read', since(start) / rows)
  const map = storage.map<string>('home.test/roster/items')
  for (let owner = 0; owner < 20_000; owner += 1)
    await map.edit(`user${owner}@home.test`, 'juliet@home.test', () => 'both')
  await storage.settled()
  const times = 200_000
  const reading = process.hrtime.bigint()
  for (let time = 0; time < times; time += 1)
    void map.get(`user${(time * 7919) % 20_000}@home.test`, 'juliet@home.test')
  say('map get from SQL', since(reading) / times)
  const paging = process.hrtime.bigint()
  for (let time = 0; time < 5000; time += 1)
    await log.page(`user${(time * 7919) % 20_000}@home.test`, { max: 20, fromEnd: true })
  say('page of 20 from the end', since(paging) / 5000)
  const waiting = process.hrtime.bigint()
  for (let time = 0; time < 500; time += 1) {
    log.append('user1@home.test', { value: stanza, at: Date.now() })
    await log.page('user1@home.test', { max: 1, fromEnd: true })
  }
  say('page that waits for an entry of its own tick', since(waiting) / 500)
  journal.close()
  await storage.close()
}

const opening = process.hrtime.bigint()
const { storage, journal } = open('worker')
say(`opening with ${rows} rows`, since(opening))
journal.close()
await storage.close()
rmSync(folder, { recursive: true })

function since(start: bigint): number {
  return Number(process.hrtime.bigint() - start) / 1000
}

function say(what: string, microseconds: number): void {
  console.log(`${what.padEnd(48)} ${microseconds.toFixed(2).padStart(10)} µs`)
}
