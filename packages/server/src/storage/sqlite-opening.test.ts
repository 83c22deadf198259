import { spawnSync } from 'node:child_process'
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Journal } from '../journal/journal.ts'
import { MemoryJournalStore } from '../journal/memory.ts'
import { systemClock, systemRandom } from '../world.ts'
import { openSqliteStorage } from './sqlite.ts'
import { type SqlitePlace, sqlitePlace } from './sqlite-place.ts'
import { type LogQuery, StorageError } from './storage.ts'

let place: SqlitePlace
let path: string
beforeEach(() => {
  place = sqlitePlace('inline', 'files')
  path = join(place.folder, 'data.sqlite')
})
afterEach(() => place.remove())

/** A module beside this one, for a script of another process. */
const url = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href)

/** Opens, keeps one value a batch, and closes. */
async function keep(...values: string[]): Promise<void> {
  const { storage, journal } = place.open()
  for (const value of values) {
    storage.log<string>('log').append('owner', { value, at: 0 })
    await storage.map<string>('map').edit('owner', value, () => value)
    await new Promise<void>((flush) => journal.afterCommit({ flush }))
  }
  await place.end('close')
}

/** The sentence with which opening is refused. */
function refusal(): string {
  try {
    place.open()
  } catch (error) {
    expect(error).toBeInstanceOf(StorageError)
    return (error as Error).message
  } finally {
    rmSync(join(place.folder, 'journal'), { recursive: true, force: true })
  }
  throw new Error('it was opened')
}

test('a database from a newer version is refused', async () => {
  await keep('one')
  new DatabaseSync(path).exec('PRAGMA user_version = 99')
  expect(refusal()).toBe(
    `The database ${path} was written by a newer Jackdaw (schema 99, this one knows 5): install that version again or a later one.`,
  )
})

test("another program's database is refused and left as it is", () => {
  new DatabaseSync(path).exec('CREATE TABLE theirs (x)')
  expect(refusal()).toBe(`The database ${path} belongs to another program: name another file.`)
  const tables = new DatabaseSync(path).prepare('SELECT name FROM sqlite_schema').all()
  expect(tables.map(({ name }) => name)).toEqual(['theirs'])
})

test('a file that is no database is refused', () => {
  writeFileSync(path, 'no database at all, but long enough to be taken for one'.repeat(20))
  expect(refusal()).toBe(`The database ${path} is not a database: name another file, or move this one away.`)
})

test('a damaged database is refused', async () => {
  await keep('one')
  const file = openSync(path, 'r+')
  writeSync(file, Buffer.alloc(400, 0x55), 0, 400, 100)
  closeSync(file)
  expect(refusal()).toContain(`The database ${path} is damaged: restore the data folder from a backup`)
})

test('a folder that cannot be is refused', () => {
  rmSync(place.folder, { recursive: true })
  const inner = sqlitePlace('inline', 'memory', { path: join(place.folder, 'file', 'data.sqlite') })
  writeFileSync(place.folder, '')
  expect(() => inner.open()).toThrow(
    /The folder of the database .* cannot be used \(ENOTDIR.*\): check that this user may read and write there\./,
  )
  void inner.remove()
})

test('a database that is a folder is refused', () => {
  mkdirSync(path)
  expect(refusal()).toBe(
    `The database ${path} cannot be opened: check that its folder exists and that this user may read and write there.`,
  )
})

test('a second server on the same database is refused with the number of the first, in this process and in another', async () => {
  place.open()
  const sentence = `The database ${path} is in use by process ${process.pid}: stop that server first.`
  const second = sqlitePlace('inline', 'memory', { path })
  expect(() => second.open()).toThrow(new StorageError(sentence))
  void second.remove()
  const script = `
    const { openSqliteStorage } = await import(${url('./sqlite.ts')})
    const { MemoryJournalStore } = await import(${url('../journal/memory.ts')})
    try { openSqliteStorage({ path: process.argv[1], journalStore: new MemoryJournalStore(), mode: 'inline' }) } catch (error) { console.log(error.message) }`
  const other = spawnSync(process.execPath, ['--input-type=module', '-e', script, path])
  expect(other.stdout.toString()).toBe(`${sentence}\n`)
  await place.end('close')
  place.open()
  await place.end('close')
})

test('a database without the journal that leads up to it, and a journal without its database, are told apart', async () => {
  await keep('one', 'two', 'three')
  rmSync(join(place.folder, 'journal'), { recursive: true })
  const mended: string[] = []
  const again = sqlitePlace('inline', 'memory', { path, onMended: (sentence) => mended.push(sentence) })
  const { storage } = again.open()
  expect(mended).toEqual([
    `The database ${path} holds batches 1 to 3, which the journal lost; the journal goes on from batch 0.`,
  ])
  storage.log<string>('log').append('owner', { value: 'four', at: 0 })
  expect((await storage.log<string>('log').page('owner', {})).entries.map(({ value }) => value)).toEqual([
    'one',
    'two',
    'three',
    'four',
  ])
  await again.end('close')
  await again.remove()

  for (const name of readdirSync(place.folder)) rmSync(join(place.folder, name), { recursive: true })
  mkdirSync(join(place.folder, 'journal'))
  writeFileSync(join(place.folder, 'journal', '0000000000000007.journal'), '')
  expect(refusal()).toContain(
    'The database has followed the journal up to batch 0, but the journal no longer holds the next ones',
  )
})

test('a journal that begins behind what the database needs next is refused', () => {
  const journalStore = new MemoryJournalStore(1)
  for (const batch of ['["session"]', '["session"]', '["session"]']) journalStore.append(batch)
  journalStore.release(3)
  const journal = new Journal({ store: journalStore, clock: systemClock })
  const options = {
    path: ':memory:',
    journal,
    journalStore,
    clock: systemClock,
    random: systemRandom,
    mode: 'inline',
    durability: 'process',
  } as const
  expect(() => openSqliteStorage(options)).toThrow(
    /up to batch 0, but the journal goes on with batch 3: they do not belong together\./,
  )
})

test('what an older database lacks is applied from the journal when it is opened, once', async () => {
  await keep('one')
  copyFileSync(path, `${path}.old`)
  await keep('two', 'three')
  copyFileSync(`${path}.old`, path)
  const { storage } = place.open()
  const page = storage.log<string>('log').page('owner', {})
  expect((await page).entries.map(({ value }) => value)).toEqual(['one', 'two', 'three'])
  expect([...(await storage.map('map').all('owner')).keys()]).toEqual(['one', 'three', 'two'])
  await place.end('close')
})

test('a closed storage leaves one database file and the lock, and refuses who still waits', async () => {
  for (const mode of ['inline', 'worker'] as const) {
    const here = sqlitePlace(mode, 'files')
    const { storage } = here.open()
    storage.log<string>('log').append('owner', { value: 'one', at: 0 })
    const outcome = Promise.allSettled([storage.log<string>('log').page('owner', {})])
    await here.end('kill')
    expect(await outcome).toEqual([{ status: 'rejected', reason: new StorageError('The storage has been closed.') }])
    expect(readdirSync(here.folder).toSorted()).toEqual(['data.sqlite', 'data.sqlite.lock', 'journal'])
    expect(existsSync(join(here.folder, 'data.sqlite-wal'))).toBe(false)
    await here.remove()
  }
})

test('every query finds its rows by an index, in order, without sorting', async () => {
  await keep('one')
  const { storage } = place.open()
  const seen: string[] = []
  const statement = storage.reader.statement.bind(storage.reader)
  storage.reader.statement = (sql) => {
    seen.push(sql)
    return statement(sql)
  }
  const log = storage.log<string>('log')
  const id = (await log.page('owner', {})).entries[0]!.id
  for (const more of [
    {},
    { with: 'peer' },
    { isPending: true as const },
    { start: 1, end: 2 },
    { ids: [id] },
    { with: 'peer', start: 1 },
  ]) {
    for (const range of [{}, { after: id }, { before: id, fromEnd: true }]) {
      const query = { ...more, ...range, max: 10, count: 100 }
      if (!('isPending' in more)) await log.page('owner', query)
      else if (!('after' in range) && !('before' in range)) await log.page('owner', query)
    }
  }
  await log.pending('owner')
  await storage.map('map').all('owner')
  for await (const _ of storage.map('map').owners('one'));
  expect(seen.length).toBeGreaterThan(20)
  for (const sql of new Set(seen)) {
    const plan = storage.reader.database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all()
    const steps = plan
      .map(({ detail }) => String(detail))
      .filter(
        (step) =>
          !/json_each|LIST SUBQUERY|CORRELATED SCALAR SUBQUERY|CREATE BLOOM|CO-ROUTINE|SCAN \(subquery/.test(step),
      )
    for (const step of steps)
      expect(step).toMatch(/^SEARCH (maps|logs|before|shelves|peers|names|stores|progress) USING/)
    const found = /state > 0/.test(sql) ? 'logs_pending' : /peer = \?/.test(sql) ? 'peers' : ''
    if (!/id = \?|id IN/.test(sql)) expect(steps.join()).toContain(found)
  }
  await place.end('close')
})

test('a database of the first schema is brought to the newest with all that it holds', async () => {
  const old = new DatabaseSync(path)
  old.exec(`CREATE TABLE progress (cursor INTEGER NOT NULL, position INTEGER NOT NULL);
    INSERT INTO progress VALUES (0, 4096);
    CREATE TABLE stores (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE maps (store INTEGER, owner TEXT, key TEXT, value TEXT NOT NULL, PRIMARY KEY (store, owner, key)) WITHOUT ROWID;
    CREATE INDEX maps_key ON maps (store, key, owner);
    CREATE TABLE logs (
      id INTEGER PRIMARY KEY, store INTEGER NOT NULL, owner TEXT NOT NULL, at INTEGER NOT NULL,
      peer TEXT, state INTEGER NOT NULL, value TEXT NOT NULL
    );
    CREATE INDEX logs_owner ON logs (store, owner, id, at) WHERE state < 2;
    CREATE INDEX logs_peer ON logs (store, owner, peer, id, at) WHERE state < 2 AND peer IS NOT NULL;
    CREATE INDEX logs_pending ON logs (store, owner, id) WHERE state > 0;
    INSERT INTO stores VALUES (1, 'log');
    INSERT INTO logs VALUES (1024, 1, 'romeo', 1, 'juliet', 0, 'one'), (2048, 1, 'juliet', 2, NULL, 1, 'two'),
      (3072, 1, 'romeo', 3, 'benvolio', 0, 'three'), (4096, 1, 'romeo', 4, NULL, 2, 'four');
    PRAGMA application_id = 0x4a4b4457; PRAGMA user_version = 1`)
  old.close()
  const told: string[] = []
  place = sqlitePlace('inline', 'files', { onUpgrade: (sentence) => told.push(sentence) }, place.folder)
  const { storage } = place.open()
  expect(told).toEqual([
    `The database ${path} is brought from schema 1 to 5; with millions of messages it takes minutes.`,
  ])
  const log = storage.log<string>('log')
  const values = async (owner: string, query: LogQuery = {}) =>
    (await log.page(owner, query)).entries.map(({ value, at, with: peer }) => [value, at, peer])
  expect(await values('romeo')).toEqual([
    ['one', 1, 'juliet'],
    ['three', 3, 'benvolio'],
  ])
  expect(await values('romeo', { with: 'benvolio' })).toEqual([['three', 3, 'benvolio']])
  expect(await values('juliet', { isPending: true })).toEqual([['two', 2, undefined]])
  expect(await values('romeo', { isPending: true })).toEqual([['four', 4, undefined]])
  expect(await log.pending('romeo')).toBe(1)
  await place.end('close')
})
