import { DatabaseSync } from 'node:sqlite'
import { StorageError } from './storage.ts'

/** How long (ms) a connection waits while another one writes. */
const PATIENCE = 5000

/** Pages of 4 KiB after which SQLite moves what was written to its place, where the applier, which goes by the journal, has not done so before. */
const MOVED_AT = 16_000

export function connect(path: string, durability: 'process' | 'power'): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: PATIENCE })
  try {
    const synchronous = durability === 'power' ? 'FULL' : 'NORMAL'
    database.exec(
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}; PRAGMA wal_autocheckpoint = ${MOVED_AT}`,
    )
  } catch (error) {
    database.close()
    throw error
  }
  return database
}

/** SQLite's result codes in plain words. */
export function openingError(path: string, error: unknown): StorageError {
  if (error instanceof StorageError) return error
  const { errcode, message } = error as Error & { errcode?: number }
  return new StorageError(`The database ${path} ${reason((errcode ?? 0) & 0xff) ?? `cannot be opened: ${message}`}`, {
    cause: error,
  })
}

function reason(code: number): string | undefined {
  switch (code) {
    case 5:
      return 'is locked by another program: stop that program first.'
    case 8:
      return 'cannot be written to: give this user the right to write the file and its folder.'
    case 11:
      return 'is damaged: restore the data folder from a backup, or save what is left with the `.recover` command of the sqlite3 tool.'
    case 13:
      return 'cannot be written because the disk is full: make room and start again.'
    case 14:
      return 'cannot be opened: check that its folder exists and that this user may read and write there.'
    case 26:
      return 'is not a database: name another file, or move this one away.'
  }
  return undefined
}
