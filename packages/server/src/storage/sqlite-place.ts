import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFileJournal } from '../journal/file.ts'
import { Journal, type JournalStore } from '../journal/journal.ts'
import { MemoryJournalStore } from '../journal/memory.ts'
import { type Clock, systemClock, systemRandom } from '../world.ts'
import { type SqliteOptions, type SqliteStorage, openSqliteStorage } from './sqlite.ts'
import type { StoragePlace } from './suite.ts'

export interface SqlitePlace extends StoragePlace {
  readonly folder: string
  open(now?: () => number): { readonly storage: SqliteStorage; readonly journal: Journal; readonly store: JournalStore }
}

/** A folder with a database and, unless it is in memory, a journal. */
export function sqlitePlace(
  mode: 'inline' | 'worker',
  journalIn: 'memory' | 'files',
  more: Partial<SqliteOptions> = {},
  folder = mkdtempSync(join(tmpdir(), 'jackdaw-storage-')),
): SqlitePlace {
  const memory = new MemoryJournalStore()
  const durability = 'process'
  let storage: SqliteStorage
  let journal: Journal
  let store: JournalStore
  let isAlive = true
  return {
    folder,
    open(now = () => 1_700_000_000_000) {
      isAlive = true
      // A killed server's tick never ends.
      const clock: Clock = { ...systemClock, now, soon: (act) => systemClock.soon(() => isAlive && act()) }
      const journalFolder = join(folder, 'journal')
      store =
        journalIn === 'memory' ? memory : openFileJournal({ folder: journalFolder, durability, partBytes: 50_000 })
      journal = new Journal({ store, clock, onCommit: (number) => storage.committed(number) })
      const files = journalIn === 'files' ? { journalFolder } : {}
      const onApplied = (cursor: number): void => store.release(cursor)
      const path = join(folder, 'data.sqlite')
      storage = openSqliteStorage({
        path,
        journal,
        journalStore: store,
        clock,
        random: systemRandom,
        mode,
        durability,
        onApplied,
        ...files,
        ...more,
      })
      return { storage, journal, store }
    },
    async end(how) {
      isAlive = false
      if (how === 'close') journal.close()
      else store.close()
      await storage.close()
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
