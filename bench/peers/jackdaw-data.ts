import { existsSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { encodeValue } from '../../packages/server/src/storage/log-sql.ts'
import { migrate } from '../../packages/server/src/storage/migrations.ts'
import { positionAt } from '../../packages/server/src/storage/log-id.ts'
import type { Stored } from '../sizes.ts'
import { keysOf } from './accounts.ts'

/** Accounts among whom the messages are. */
const talkers = 20_000
const day = 86_400_000

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
  fillArchive(database, Math.min(accounts, talkers), messages)
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
  if (count === 0) return
  const store = storeOf(database, 'localhost/archive/messages')
  const now = Date.now()
  const step = Math.max(1, Math.floor((365 * day) / count))
  const start = now - count * step
  const words = 'x'.repeat(160)
  const value = `'<message from="u' || owner || '@localhost/phone" to="u' || peer || '@localhost" type="chat" id="' || i || '"><body>${words}</body></message>'`
  database.prepare(`${numbers} INSERT INTO names SELECT i, 'u' || i || '@localhost' FROM numbers`).run(owners - 1)
  database
    .prepare(
      `${numbers}, entries (i, at, owner, peer) AS (
         SELECT i, ? + i * ?, i % ?, (i + 1 - i % 2 * 2) % ? FROM numbers
       )
       INSERT INTO logs (id, store, owner, at, peer, state, value) SELECT at * 1024, ?, owner, at, peer, 0, ${value} FROM entries`,
    )
    .run(count - 1, start, step, owners, owners, store)
  database.prepare('UPDATE progress SET position = ?').run(positionAt(now))
}

const numbers = 'WITH RECURSIVE numbers (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i < ?)'

function storeOf(database: DatabaseSync, name: string): number {
  return Number(database.prepare('INSERT INTO stores (name) VALUES (?) RETURNING id').get(name)!['id'])
}
