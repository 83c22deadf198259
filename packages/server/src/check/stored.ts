import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { JournalError } from '../journal/frames.ts'
import { verifyJournal } from '../journal/verify.ts'
import { newestSchema, schemaOf } from '../storage/migrations.ts'
import { openingError } from '../storage/sqlite-connection.ts'
import { StorageError } from '../storage/storage.ts'
import type { Finding, Scene } from './finding.ts'

/** Of a greater database only the beginning is looked at: reading all of it would take minutes. */
const WHOLE_BYTES = 256 * 1024 ** 2

/** Whether what is kept can be read; changes nothing. */
export async function stored({ config, running }: Scene): Promise<Finding[]> {
  if (running !== undefined) return [{ title: 'stored data', level: 'ok', sentence: 'The running server has it open.' }]
  const journal = join(config.data, 'journal')
  const database = join(config.data, 'jackdaw.db')
  return [
    ...(existsSync(journal) ? [journalFinding(journal)] : []),
    ...(existsSync(database) ? [databaseFinding(database)] : []),
  ]
}

function journalFinding(folder: string): Finding {
  const title = 'journal'
  try {
    const { torn } = verifyJournal(folder)
    if (torn === 0) return { title, level: 'ok', sentence: 'It is whole.' }
    return {
      title,
      level: 'ok',
      sentence: `It is whole but for ${torn} bytes half written when the server ended, which nobody was told of; the next start cuts them off.`,
    }
  } catch (error) {
    if (!(error instanceof JournalError)) throw error
    return { title, level: 'fail', sentence: error.message }
  }
}

function databaseFinding(file: string): Finding {
  const title = 'database'
  try {
    const database = new DatabaseSync(file, { readOnly: true, timeout: 1000 })
    try {
      const isWhole = statSync(file).size <= WHOLE_BYTES
      const rows = database.prepare(isWhole ? 'PRAGMA quick_check(1)' : 'SELECT count(*) FROM sqlite_schema').all()
      const word = rows[0]?.['quick_check']
      if (word !== undefined && word !== 'ok') throw Object.assign(new Error(String(word)), { errcode: 11 })
      const schema = schemaOf(database, file)
      const state = isWhole ? 'It is whole.' : 'It can be read.'
      if (schema === newestSchema) return { title, level: 'ok', sentence: state }
      return {
        title,
        level: 'warn',
        sentence: `${state} The next start brings it from schema ${schema} to ${newestSchema}, which an older Jackdaw does not read: back up ${dirname(file)} before.`,
      }
    } finally {
      database.close()
    }
  } catch (error) {
    const { message } = error instanceof StorageError ? error : openingError(file, error)
    return { title, level: 'fail', sentence: message }
  }
}
