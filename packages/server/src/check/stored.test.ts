import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { configFrom } from '../config.ts'
import { openFileJournal } from '../journal/file.ts'
import { partFile } from '../journal/parts.ts'
import { migrate, newestSchema } from '../storage/migrations.ts'
import type { Scene } from './finding.ts'
import { sceneOf } from './fixture.ts'
import { stored } from './stored.ts'

let data: string
let journal: string
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'jackdaw-stored-'))
  journal = join(data, 'journal')
})
afterEach(() => rmSync(data, { recursive: true }))

async function look(running?: Scene['running']): Promise<unknown> {
  const scene = sceneOf(configFrom({ data }, []), [], { running })
  return (await stored(scene)).map(({ title, level, sentence }) => [title, level, sentence])
}

/** Three parts of two batches each. */
function fill(): string[] {
  const store = openFileJournal({ folder: journal, durability: 'process', partBytes: 20 })
  for (let i = 0; i < 6; i++) store.append(`["x",${i}]`)
  store.close()
  return [1, 3, 5].map((first) => partFile(journal, first))
}

test('nothing is kept yet, or a running server has it open', async () => {
  expect(await look()).toEqual([])
  expect(await look([])).toEqual([['stored data', 'ok', 'The running server has it open.']])
})

test('a journal that is whole, or torn at its end, is well; and stays as it is', async () => {
  const [, , last] = fill()
  expect(await look()).toEqual([['journal', 'ok', 'It is whole.']])
  appendFileSync(last!, 'torn')
  const before = readFileSync(last!)
  expect(await look()).toEqual([['journal', 'ok', expect.stringContaining('4 bytes half written')]])
  expect(readFileSync(last!)).toEqual(before)
})

test('a journal that is damaged in its middle, or lacks a part, is not', async () => {
  const [first, second, last] = fill()
  const content = readFileSync(first!)
  for (const file of [first!, last!]) {
    const sound = readFileSync(file)
    writeFileSync(file, Buffer.from(sound).fill(0xff, 10, 12))
    expect(await look()).toEqual([
      [
        'journal',
        'fail',
        expect.stringMatching(`^The journal part ${file} is damaged at byte 0, .*restore the data folder`),
      ],
    ])
    writeFileSync(file, sound)
  }
  writeFileSync(first!, content)
  rmSync(second!)
  expect(await look()).toEqual([
    [
      'journal',
      'fail',
      `The journal part ${second} is missing: put it back, or restore the whole data folder from a backup.`,
    ],
  ])
})

test('a database is whole, no database, or damaged', async () => {
  const file = join(data, 'jackdaw.db')
  const database = new DatabaseSync(file)
  migrate(database, file)
  database.exec('CREATE TABLE t (x TEXT); CREATE INDEX i ON t (x); BEGIN')
  for (let i = 0; i < 200; i++) database.prepare('INSERT INTO t VALUES (?)').run('x'.repeat(100) + i)
  database.exec('COMMIT')
  database.close()
  expect(await look()).toEqual([['database', 'ok', 'It is whole.']])
  const content = readFileSync(file)
  writeFileSync(file, Buffer.from(content).fill(0xaa, 4096 + 100, 3 * 4096))
  expect(await look()).toEqual([['database', 'fail', expect.stringMatching(/is damaged: restore/)]])
  writeFileSync(file, 'hello '.repeat(1000))
  expect(await look()).toEqual([['database', 'fail', expect.stringMatching(/is not a database/)]])
  rmSync(file)
  mkdirSync(file)
  expect(await look()).toEqual([['database', 'fail', expect.stringMatching(/cannot be opened/)]])
})

test('a database of an older schema, of a newer one, and of another program', async () => {
  const file = join(data, 'jackdaw.db')
  const database = new DatabaseSync(file)
  migrate(database, file)
  database.exec('PRAGMA user_version = 2')
  expect(await look()).toEqual([
    [
      'database',
      'warn',
      expect.stringContaining(
        `from schema 2 to ${newestSchema}, which an older Jackdaw does not read: back up ${data}`,
      ),
    ],
  ])
  database.exec('PRAGMA user_version = 99')
  expect(await look()).toEqual([['database', 'fail', expect.stringContaining('was written by a newer Jackdaw')]])
  database.exec('PRAGMA user_version = 0; PRAGMA application_id = 7')
  database.close()
  expect(await look()).toEqual([['database', 'fail', expect.stringContaining('belongs to another program')]])
})
