import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, readFileSync, rmSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createInterface } from 'node:readline'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sqlitePlace } from './sqlite-place.ts'
import type { SqliteStorage } from './sqlite.ts'

/** Everything two owners have, as text. */
async function contents(storage: SqliteStorage): Promise<string> {
  const found: unknown[] = []
  for (const owner of ['a', 'b']) {
    found.push(
      [...(await storage.map('map').all(owner))].toSorted(([a], [b]) => (a < b ? -1 : 1)),
      await storage.log('log').pending(owner),
    )
    found.push((await storage.log('log').page(owner, {})).entries)
    found.push((await storage.log('log').page(owner, { isPending: true })).entries)
  }
  return JSON.stringify(found)
}

test('a journal cut at any byte, with the database of any earlier moment, is the state after a whole batch', async () => {
  const place = sqlitePlace('inline', 'files')
  const states = [await (async () => contents(place.open().storage))()]
  await place.end('close')
  const databases: string[] = []
  let ids: string[] = []
  for (let round = 0; round < 6; round += 1) {
    databases.push(join(place.folder, `database ${round}`))
    cpSync(join(place.folder, 'data.sqlite'), databases[round]!)
    const { storage, journal } = place.open()
    for (let batch = 0; batch < 5; batch += 1) {
      const number = round * 5 + batch
      const owner = number % 3 === 0 ? 'a' : 'b'
      const log = storage.log<string>('log')
      // The same as in the batch before, or as the other owner has in this one.
      const value = `${number >> 1}`
      await storage
        .map<number>('map')
        .edit(owner, `k${number % 4}`, (old = 0) => (number % 7 === 6 ? undefined : old + number))
      ids.push(
        log.append(owner, {
          value,
          at: number,
          isPending: number % 2 === 0,
          isTransient: number % 5 === 0,
        }),
      )
      if (number % 3 === 1) log.append('a', { value, at: number, with: 'b' })
      if (number % 4 === 3) log.settle(owner, ids.slice(-3))
      if (number % 6 === 5) log.suspend(owner, ids.slice(-2))
      if (number === 12) void log.trim('b', { max: 2 })
      if (number === 19) storage.drop('m', 'a')
      await new Promise<void>((flush) => journal.afterCommit({ flush }))
      states.push(await contents(storage))
    }
    await place.end('close')
  }
  expect(new Set(states).size).toBe(31)

  const part = '0000000000000001.journal'
  const whole = readFileSync(join(place.folder, 'journal', part))
  const ends = [0]
  while (ends.at(-1)! < whole.length) ends.push(ends.at(-1)! + 8 + whole.readUInt32LE(ends.at(-1)))
  expect(ends.length).toBe(31)
  await fc.assert(
    fc.asyncProperty(
      fc.nat(whole.length),
      fc.nat(5),
      fc.constantFrom('inline', 'inline', 'inline', 'worker'),
      async (size, round, mode) => {
        const count = ends.findLastIndex((end) => end <= size)
        const copy = sqlitePlace(mode, 'files')
        mkdirSync(join(copy.folder, 'journal'))
        cpSync(join(place.folder, 'journal', part), join(copy.folder, 'journal', part))
        truncateSync(join(copy.folder, 'journal', part), size)
        cpSync(databases[Math.min(round, Math.floor(count / 5))]!, join(copy.folder, 'data.sqlite'))
        const { storage, store } = copy.open()
        expect(store.last).toBe(count)
        expect(await contents(storage)).toBe(states[count])
        await copy.end('close')
        await copy.remove()
      },
    ),
    { numRuns: 40 },
  )
  await place.remove()
}, 30_000)

test('kill -9 at any moment loses nothing that was acknowledged, and half of nothing is kept', async () => {
  const place = sqlitePlace('worker', 'files')
  // Each tick keeps three entries and a counter, and says so once they are committed.
  const script = `
    const { sqlitePlace } = await import(${JSON.stringify(new URL('./sqlite-place.ts', import.meta.url).href)})
    const { storage, journal } = sqlitePlace('worker', 'files', {}, process.argv[1]).open(Date.now)
    const log = storage.log('log')
    const tick = () => {
      let count = 0
      for (let one = 0; one < 3; one += 1) {
        count = storage.map('map').edit('owner', 'count', (old = 0) => old + 1)
        log.append('owner', { value: count, at: Date.now() })
      }
      journal.afterCommit({ flush: () => { process.stdout.write(count + '\\n'); setImmediate(tick) } })
    }
    tick()`
  let acknowledged = 0
  for (const enough of [3, 300, 2000]) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, place.folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const until = acknowledged + enough
    for await (const line of createInterface(child.stdout)) {
      acknowledged = Number(line)
      if (acknowledged >= until && !child.killed) child.kill('SIGKILL')
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    expect(child.signalCode).toBe('SIGKILL')
    const { storage } = place.open()
    const values = (await storage.log<number>('log').page('owner', {})).entries.map(({ value }) => value)
    const kept = await storage.map<number>('map').get('owner', 'count')
    expect(kept).toBeGreaterThanOrEqual(acknowledged)
    expect(kept! % 3).toBe(0)
    expect(values).toEqual(Array.from({ length: kept! }, (_, index) => index + 1))
    acknowledged = kept!
    await place.end('close')
  }
  await place.remove()
}, 30_000)

test('a full disk under the database: reads of the log wait, nothing is lost, and it is told twice', async () => {
  let told!: PromiseWithResolvers<Error | undefined>
  const next = (): Promise<Error | undefined> => (told = Promise.withResolvers()).promise
  const place = sqlitePlace('inline', 'memory', { onTrouble: (error) => told.resolve(error) })
  const { storage } = place.open()
  const log = storage.log<string>('log')
  log.append('owner', { value: 'one', at: 0 })
  await storage.settled()
  storage.reader.database.exec('PRAGMA max_page_count = 1')
  const trouble = next()
  log.append('owner', { value: 'x'.repeat(100_000), at: 0 })
  await storage.map<string>('map').edit('owner', 'key', () => 'edited')
  const page = log.page('owner', { count: 1000 })
  expect(String(await trouble)).toContain('full')
  log.append('owner', { value: 'three', at: 0 })
  expect(await storage.map('map').get('owner', 'key')).toBe('edited')
  const relief = next()
  storage.reader.database.exec('PRAGMA max_page_count = 1000000')
  expect(await relief).toBeUndefined()
  expect((await page).count).toBe(3)
  await place.end('close')
  await place.remove()
})

test('a worker that the database refuses tries again, and applies all once it may', async () => {
  let told!: PromiseWithResolvers<Error | undefined>
  const next = (): Promise<Error | undefined> => (told = Promise.withResolvers()).promise
  const place = sqlitePlace('worker', 'files', { onTrouble: (error) => told.resolve(error) })
  const { storage } = place.open()
  const other = new DatabaseSync(join(place.folder, 'data.sqlite'))
  other.exec(`CREATE TRIGGER full BEFORE UPDATE ON progress BEGIN SELECT RAISE(ABORT, 'disk full'); END`)
  const trouble = next()
  const log = storage.log<string>('log')
  log.append('owner', { value: 'one', at: 0 })
  const page = log.page('owner', {})
  expect((await trouble)?.message).toBe('disk full')
  const relief = next()
  other.exec('DROP TRIGGER full')
  other.close()
  expect(await relief).toBeUndefined()
  expect((await page).entries.map(({ value }) => value)).toEqual(['one'])
  await place.end('close')
  await place.remove()
})

test('a storage in trouble closes at once; the journal holds what it could not apply', async () => {
  let told!: (error: Error | undefined) => void
  const trouble = new Promise<Error | undefined>((resolve) => (told = resolve))
  const place = sqlitePlace('worker', 'files', { onTrouble: (error) => told(error) })
  const { storage } = place.open()
  const other = new DatabaseSync(join(place.folder, 'data.sqlite'))
  other.exec(`CREATE TRIGGER full BEFORE INSERT ON logs BEGIN SELECT RAISE(ABORT, 'disk full'); END`)
  storage.log<string>('log').append('owner', { value: 'one', at: 0 })
  await trouble
  await place.end('close')
  other.exec('DROP TRIGGER full')
  other.close()
  const again = place.open().storage
  expect((await again.log<string>('log').page('owner', {})).entries.length).toBe(1)
  await place.end('close')
  rmSync(place.folder, { recursive: true })
})

test('the journal lets parts go once the database has them for good', async () => {
  const applied: number[] = []
  const place = sqlitePlace('worker', 'files')
  const { storage, journal, store } = place.open()
  for (let round = 0; round < 200; round += 1) {
    storage.log<string>('log').append('owner', { value: 'x'.repeat(100_000), at: 0 })
    await new Promise<void>((flush) => journal.afterCommit({ flush }))
    if (round % 20 === 19) await storage.settled()
    applied.push(storage.cursor)
  }
  expect(applied.every((cursor, round) => cursor <= round + 1)).toBe(true)
  expect(storage.cursor).toBeGreaterThan(100)
  expect([...store.read(1)][0]![0]).toBeGreaterThan(100)
  await place.end('close')
  const again = place.open().storage
  expect(again.cursor).toBe(200)
  expect((await again.log('log').page('owner', { max: 0, count: 1000 })).count).toBe(200)
  await place.end('close')
  await place.remove()
}, 30_000)

test('a database in memory lets no part of the journal go: the next one is rebuilt from it', async () => {
  const place = sqlitePlace('inline', 'memory', { path: ':memory:', durability: 'power' })
  const { storage } = place.open()
  storage.log<string>('log').append('owner', { value: 'one', at: 0 })
  await storage.settled()
  expect(storage.cursor).toBe(0)
  await place.end('close')
  expect(place.open().storage.cursor).toBe(0)
  await place.end('close')
  await place.remove()
})
