import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Jid } from '@jackdaw/xmpp'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { openFileJournal } from '../journal/file.ts'
import { verifyJournal } from '../journal/verify.ts'
import { createServer } from '../server.ts'
import { migrate } from '../storage/migrations.ts'
import { backUp } from './backup.ts'

let folder: string
let data: string
let copy: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'jackdaw-backup-'))
  data = join(folder, 'data')
  copy = join(folder, 'copies', 'today')
})
afterEach(() => rmSync(folder, { recursive: true }))

async function open(at: string) {
  const server = await createServer({ data: at }, { log: pino({ level: 'silent' }) })
  onTestFinished(() => server.stop())
  return server
}
const jid = (i: number) => Jid.parse(`user${i}@localhost`)

test('what was kept before is in the copy of a server that goes on writing, and nothing of it belongs to others', async () => {
  const server = await open(data)
  const { accounts } = server.hosts.get('localhost')!
  for (let i = 0; i < 5; i++) await accounts.create(jid(i), 'wherefore')
  await server.kept()
  const files = join(data, 'files', 'localhost', 'kept')
  mkdirSync(join(files, 'ab'), { recursive: true })
  writeFileSync(join(files, 'ab', 'abc'), 'a file')
  const writing = Promise.all([5, 6, 7, 8].map((i) => accounts.create(jid(i), 'wherefore')))
  backUp(data, copy)
  await writing
  await server.stop()

  expect(statSync(copy).mode & 0o077).toBe(0)
  expect(readFileSync(join(copy, 'files', 'localhost', 'kept', 'ab', 'abc'), 'utf8')).toBe('a file')
  expect(readFileSync(join(copy, 'tokens.key'))).toEqual(readFileSync(join(data, 'tokens.key')))
  const restored = await open(copy)
  const { accounts: again } = restored.hosts.get('localhost')!
  for (let i = 0; i < 5; i++) expect(await again.exists(jid(i))).toBe(true)
  await again.create(jid(9), 'wherefore')
  await restored.kept()
})

test('what the database has not yet got is in the journal of the copy', async () => {
  const server = await open(data)
  const { accounts } = server.hosts.get('localhost')!
  await accounts.create(jid(1), 'wherefore')
  await server.kept()
  // As it was before: nothing has been applied.
  backUp(data, copy, (_, to) => {
    const empty = new DatabaseSync(to)
    migrate(empty, to)
    empty.close()
  })
  await server.stop()
  expect(await (await open(copy)).hosts.get('localhost')!.accounts.exists(jid(1))).toBe(true)
})

test('parts of the journal that go meanwhile are noticed, and all is copied again', () => {
  const journal = openFileJournal({ folder: join(data, 'journal'), durability: 'process', partBytes: 20 })
  for (let i = 0; i < 4; i++) journal.append(`["x",${i}]`)
  const database = new DatabaseSync(join(data, 'jackdaw.db'))
  migrate(database, join(data, 'jackdaw.db'))
  let attempts = 0
  backUp(data, copy, (_, to) => {
    attempts++
    if (attempts === 1) for (let i = 0; i < 6; i++) journal.append(`["y",${i}]`)
    const own = new DatabaseSync(to)
    migrate(own, to)
    own.exec(`UPDATE progress SET cursor = ${attempts === 1 ? 4 : 9}`)
    own.close()
    if (attempts === 1) journal.release(8)
  })
  expect(attempts).toBe(2)
  const { first, next } = verifyJournal(join(copy, 'journal'))
  expect(first).toBeGreaterThan(4)
  expect(next).toBe(11)
  database.close()
  journal.close()
})

test('what cannot be is said', async () => {
  expect(() => backUp(data, copy)).toThrow(`there is no data in ${data}`)
  await (await open(data)).stop()
  expect(() => backUp(data, join(data, 'copy'))).toThrow('lies in the data folder itself')
  mkdirSync(copy, { recursive: true })
  writeFileSync(join(copy, 'something'), '')
  expect(() => backUp(data, copy)).toThrow(`${copy} is not empty`)
  expect(existsSync(join(copy, 'journal'))).toBe(false)
})
