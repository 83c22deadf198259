import { existsSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { encodeValue, shelving } from '../../packages/server/src/storage/log-sql.ts'
import { shelfWord } from '../../packages/server/src/storage/log-text.ts'
import { migrate } from '../../packages/server/src/storage/migrations.ts'
import { positionAt } from '../../packages/server/src/storage/log-id.ts'
import type { Stored } from '../sizes.ts'
import { keysOf } from './accounts.ts'

/** Accounts among whom the messages are. */
const talkers = 20_000
/** What archives span, in milliseconds. */
export const archiveYear = 365 * 86_400_000

/** The account with the largest archive, and among how many conversations that is divided. */
export function reader(accounts: number, messages: number): { number: number; contacts: number; messages: number } {
  return { number: accounts - 1, contacts: 40, messages: Math.max(2000, messages / 50) }
}

/**
 * Makes a database with accounts u0, u1 … and a year of archived messages, by SQL and without the indexes, which are made in the end: ten million
 * messages would take the server itself hours. A database that is there already is left as it is.
 */
export function fill(path: string, { accounts, messages }: Stored): void {
  if (existsSync(path)) return
  checkRoom(dirname(path), accounts * 1000 + messages * 700)
  const database = new DatabaseSync(path)
  database.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -500000')
  migrate(database, path)
  const indexes = database.prepare(`SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL`).all()
  for (const { name } of indexes) database.exec(`DROP INDEX ${String(name)}`)
  database.exec('BEGIN')
  fillAccounts(database, accounts)
  if (messages > 0) {
    fillArchive(database, Math.min(accounts - 1, talkers), messages)
    fillReader(database, accounts, messages)
    for (const sql of shelving) database.prepare(sql).run(0)
  }
  for (const { sql } of indexes) database.exec(String(sql))
  database.exec('COMMIT')
  database.close()
}

function checkRoom(folder: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(folder)
  const gigabytes = (size: number) => `${(size / 1e9).toFixed(1)} GB`
  if (bavail * bsize < bytes)
    throw new Error(
      `${folder} has room for ${gigabytes(bavail * bsize)}, not for ${gigabytes(bytes)}: set TMPDIR to a folder that has`,
    )
}

function fillAccounts(database: DatabaseSync, count: number): void {
  const store = storeOf(database, 'localhost/accounts/keys')
  for (const [name, hash] of [
    ['SHA-256', 'sha256'],
    ['SHA-1', 'sha1'],
    ['SHA-512', 'sha512'],
  ] as const) {
    const { salt, iterations, storedKey, serverKey } = keysOf(hash)
    const value = encodeValue({
      salt: salt.toString('base64'),
      iterations,
      storedKey: storedKey.toString('base64'),
      serverKey: serverKey.toString('base64'),
    })
    database
      .prepare(`${numbers} INSERT INTO maps SELECT ?, 'u' || i || '@localhost', ?, ? FROM numbers`)
      .run(count - 1, store, name, value)
  }
}

/** Each message is there twice, as it was sent and as it arrived. */
function fillArchive(database: DatabaseSync, owners: number, count: number): void {
  const store = storeOf(database, 'localhost/archive/messages')
  const now = Date.now()
  const step = Math.max(1, Math.floor(archiveYear / count))
  const start = now - count * step
  const words = 'x'.repeat(160)
  const value = `'<message xmlns="jabber:client" from="u' || owner || '@localhost/phone" to="u' || peer || '@localhost" type="chat" id="' || i || '"><body>${words}</body></message>'`
  database.prepare(`${numbers} INSERT INTO names SELECT i + 1, 'u' || i || '@localhost' FROM numbers`).run(owners - 1)
  database
    .prepare(
      `${numbers}, entries (i, at, owner, peer) AS (
         SELECT i, ? + i * ?, i % ?, (i + 1 - i % 2 * 2) % ? FROM numbers
       )
       INSERT INTO logs (id, store, owner, at, peer, state, value) SELECT at * 1024, ?, owner + 1, at, peer + 1, 0, ${value} FROM entries`,
    )
    .run(count - 1, start, step, owners, owners, store)
  database.prepare('UPDATE progress SET position = ?').run(positionAt(now))
}

/** One whose messages are found by their words too. */
function fillReader(database: DatabaseSync, accounts: number, all: number): void {
  const { number, contacts, messages } = reader(accounts, all)
  const store = storeOf(database, 'localhost/archive/messages')
  const owner = nameOf(database, `u${number}@localhost`)
  for (let i = 0; i < contacts; i++) nameOf(database, `u${i}@localhost`)
  const step = archiveYear / messages
  const start = Date.now() - archiveYear
  const body = `'a message with the word' || (i % ${contacts}) || ' in it'`
  const value = `'<message xmlns="jabber:client" from="u' || (i % ${contacts}) || '@localhost/phone" to="u${number}@localhost" type="chat" id="' || i || '"><body>' || ${body} || '</body></message>'`
  const at = `CAST(${start} + i * ${step} AS INTEGER)`
  // Between those of the others, which are at the beginning of their milliseconds.
  const id = `${at} * 1024 + 512`
  database
    .prepare(
      `${numbers} INSERT INTO logs (id, store, owner, at, peer, state, value)
       SELECT ${id}, ?, ?, ${at}, (SELECT id FROM names WHERE name = 'u' || (i % ${contacts}) || '@localhost'), 0, ${value} FROM numbers`,
    )
    .run(messages - 1, store, owner)
  database
    .prepare(
      `${numbers} INSERT INTO texts (rowid, text) SELECT ${id}, '${shelfWord(store, owner)} ' || ${body} FROM numbers`,
    )
    .run(messages - 1)
}

const numbers = 'WITH RECURSIVE numbers (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i < ?)'

function storeOf(database: DatabaseSync, name: string): number {
  return numbered(database, 'stores', name)
}

function nameOf(database: DatabaseSync, name: string): number {
  return numbered(database, 'names', name)
}

function numbered(database: DatabaseSync, table: 'stores' | 'names', name: string): number {
  database.prepare(`INSERT INTO ${table} (name) VALUES (?) ON CONFLICT DO NOTHING`).run(name)
  return Number(database.prepare(`SELECT id FROM ${table} WHERE name = ?`).get(name)!['id'])
}
