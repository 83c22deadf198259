import { DatabaseSync } from 'node:sqlite'

/** Another process, or this one, already holds the lock. */
export class LockedError extends Error {
  /** The process that holds it, where it could be told. */
  readonly holder: number | undefined
  constructor(file: string, holder: number | undefined) {
    super(`${file} is held by ${holder === undefined ? 'another process' : `process ${holder}`}`)
    this.name = 'LockedError'
    this.holder = holder
  }
}

/**
 * Takes the lock `file` for this process and returns what gives it back. Node has no file locks of its own, and a file with a process
 * number in it goes stale; a write transaction that SQLite holds open is a lock of the kernel's, which ends with the process, and
 * others can still read in it who holds it.
 */
export function takeLock(file: string): () => void {
  const database = new DatabaseSync(file, { timeout: 0 })
  try {
    database.exec('PRAGMA synchronous = OFF; CREATE TABLE IF NOT EXISTS holder (one INTEGER PRIMARY KEY, pid INTEGER)')
    database.prepare('INSERT OR REPLACE INTO holder VALUES (1, ?)').run(process.pid)
    database.exec('BEGIN IMMEDIATE')
  } catch (error) {
    const isBusy = (error as { errcode?: number }).errcode === 5
    const holder = isBusy ? readHolder(database) : undefined
    database.close()
    throw isBusy ? new LockedError(file, holder) : error
  }
  return () => database.close()
}

function readHolder(database: DatabaseSync): number | undefined {
  try {
    return database.prepare('SELECT pid FROM holder').get()?.['pid'] as number | undefined
  } catch {
    return undefined
  }
}
