import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { JournalError } from '../journal/frames.ts'
import { listParts, partFile } from '../journal/parts.ts'
import { verifyJournal } from '../journal/verify.ts'
import { openingError } from '../storage/sqlite-connection.ts'
import { CommandError } from './requests.ts'

/** A server that is very busy may let parts of the journal go between two looks. */
const mostAttempts = 5

/**
 * Copies a data folder, whether its server runs or not, so that a server starts from the copy as after a kill: with all that was acknowledged
 * before this was called. The parts of the journal are copied before the database and again after it, so that they begin before and end behind
 * what the database has; files come last, because they are there before the journal says so.
 * @throws {CommandError}
 */
export function backUp(data: string, to: string, copyDatabase = vacuum): void {
  const journal = join(data, 'journal')
  const database = join(data, 'jackdaw.db')
  if (!existsSync(journal)) throw new CommandError(`there is no data in ${data}: see data in the configuration`)
  const inside = relative(data, to)
  if (!inside.startsWith('..')) throw new CommandError(`${to} lies in the data folder itself: name another folder`)
  if (existsSync(to) && readdirSync(to).length > 0) throw new CommandError(`${to} is not empty: name another folder`)
  mkdirSync(to, { recursive: true, mode: 0o700 })
  for (let attempt = 1; ; attempt++) {
    const [newJournal, newDatabase] = [join(to, 'journal'), join(to, 'jackdaw.db')]
    mkdirSync(newJournal, { mode: 0o700 })
    const last = copyParts(journal, newJournal, 0)
    if (existsSync(database)) copyDatabase(database, newDatabase)
    copyParts(journal, newJournal, last)
    if (fits(newJournal, newDatabase)) break
    rmSync(newJournal, { recursive: true })
    rmSync(newDatabase, { force: true })
    if (attempt === mostAttempts)
      throw new CommandError('the server writes faster than its data can be copied: try again when it is less busy')
  }
  ifThere(() => copyFileSync(join(data, 'tokens.key'), join(to, 'tokens.key')))
  for (const name of ['certificates', 'files'])
    if (existsSync(join(data, name))) copyTree(join(data, name), join(to, name))
}

/** Those that begin with `from` or later; gives the last. One that is gone meanwhile is missed later if it is needed. */
function copyParts(folder: string, to: string, from: number): number {
  const parts = listParts(folder).filter((part) => part >= from)
  for (const part of parts) ifThere(() => copyFileSync(partFile(folder, part), partFile(to, part)))
  return parts.at(-1) ?? from
}

/** Whether the journal has all that the database lacks. */
function fits(journal: string, database: string): boolean {
  try {
    const { first, next } = verifyJournal(journal)
    const cursor = existsSync(database) ? cursorOf(database) : 0
    return first <= cursor + 1 && cursor < next
  } catch (error) {
    if (error instanceof JournalError) return false
    throw error
  }
}

function cursorOf(file: string): number {
  const database = new DatabaseSync(file, { readOnly: true })
  try {
    return database.prepare('SELECT cursor FROM progress').get()!['cursor'] as number
  } finally {
    database.close()
  }
}

/** As it is at one moment, with what is still in the write-ahead log. */
function vacuum(file: string, to: string): void {
  const database = new DatabaseSync(file, { readOnly: true, timeout: 5000 })
  try {
    database.prepare('VACUUM INTO ?').run(to)
  } catch (error) {
    throw openingError(file, error)
  } finally {
    database.close()
  }
}

function copyTree(from: string, to: string): void {
  mkdirSync(to, { recursive: true, mode: 0o700 })
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) ifThere(() => copyTree(source, target))
    else if (entry.isFile()) ifThere(() => copyFileSync(source, target))
  }
}

/** What a server removes meanwhile is not wanted any more. */
function ifThere(act: () => void): void {
  try {
    act()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
