import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import type { Journal, JournalRecord, JournalStore } from '../journal/journal.ts'
import { LockedError, takeLock } from '../journal/lock.ts'
import { JournalReader } from '../journal/parts.ts'
import type { Clock, Json, Random } from '../world.ts'
import { Applier, type TrimOutcome } from './applier.ts'
import { LogIds, positionAt } from './log-id.ts'
import { migrate } from './migrations.ts'
import { Progress } from './progress.ts'
import { connect, openingError } from './sqlite-connection.ts'
import { type Follower, InlineFollower, WorkerFollower } from './sqlite-follower.ts'
import { type LogAccess, SqliteLog } from './sqlite-log.ts'
import { SqliteMap } from './sqlite-map.ts'
import { SqliteReader } from './sqlite-reader.ts'
import { type LogQuery, type LogStore, type MapStore, type Storage, StorageError, UnknownIdError } from './storage.ts'

export interface SqliteOptions {
  /** The database's file, made where there is none; `:memory:` for one that ends with the storage (inline only). */
  readonly path: string
  readonly journal: Journal
  readonly journalStore: JournalStore
  /** Where the journal's parts are, when it is kept in files; the worker reads them there. */
  readonly journalFolder?: string
  readonly clock: Clock
  readonly random: Random
  /** Who writes the database: a worker thread, or the server's own thread (simulations, tests). */
  readonly mode: 'inline' | 'worker'
  readonly durability: 'process' | 'power'
  /** Told when `cursor` has grown. */
  readonly onApplied?: (cursor: number) => void
  /** Told when the database refuses what the journal holds (disk full), and again, with undefined, when it takes it. */
  readonly onTrouble?: (error: Error | undefined) => void
  /** Told in a sentence what was put right while opening. */
  readonly onMended?: (sentence: string) => void
  /** Told in a sentence that the database is about to be brought to a newer schema, which may take minutes. */
  readonly onUpgrade?: (sentence: string) => void
}

/**
 * Opens the storage and applies what the journal holds beyond the database's cursor. The journal's `onCommit` must call `committed`.
 * Throws a StorageError that says how to mend what is wrong.
 */
export function openSqliteStorage(options: SqliteOptions): SqliteStorage {
  const { path } = options
  const unlock = path === ':memory:' ? () => {} : lock(path)
  let database: DatabaseSync | undefined
  try {
    database = connect(path, options.durability)
    migrate(database, path, options.onUpgrade)
    return new SqliteStorage(options, database, unlock)
  } catch (error) {
    if (database?.isOpen) database.close()
    unlock()
    throw openingError(path, error)
  }
}

class SqliteStorage implements Storage, LogAccess {
  readonly #options: SqliteOptions
  readonly #unlock: () => void
  readonly #follower: Follower
  readonly #files: JournalReader | undefined
  readonly #maps = new Map<string, SqliteMap<Json>>()
  readonly #logs = new Map<string, SqliteLog<Json>>()
  readonly #trims = new Map<number, PromiseWithResolvers<number>>()
  #drops: { readonly prefix: string; readonly owner: string; readonly batch: number }[] = []
  #position: number
  #ids: LogIds | undefined
  #lastBatch = 0
  /** The value of the last entry, and the batch that it is in. */
  #value: Json | undefined
  #valueBatch = 0
  #token = 0
  readonly reader: SqliteReader
  readonly progress: Progress
  /**
   * Batches up to this one are in the database for good, also after a power cut: the journal may release them. It follows what can be read
   * at some distance, and stays 0 for a database in memory.
   */
  cursor = 0

  constructor(options: SqliteOptions, database: DatabaseSync, unlock: () => void) {
    this.#options = options
    this.#unlock = unlock
    this.reader = new SqliteReader(database)
    const { journalStore, journalFolder, path, durability } = options
    const isLasting = path !== ':memory:'
    if (journalFolder !== undefined) this.#files = new JournalReader(journalFolder)
    const applier = this.#catchUp(database)
    this.#position = applier.position
    if (isLasting) this.cursor = applier.cursor
    this.progress = new Progress(applier.cursor, () => this.#follower.wanted(this.progress.wanted))
    const events = {
      clock: options.clock,
      onApplied: (applied: number, safe: number, trims: readonly TrimOutcome[]) =>
        this.#applied(applied, isLasting ? safe : 0, trims),
      onTrouble: (error: Error | undefined) => options.onTrouble?.(error),
    }
    if (options.mode === 'inline') {
      const source = (from: number, upTo: number) => this.#files?.read(from, upTo) ?? journalStore.read(from)
      this.#follower = new InlineFollower(applier, source, events)
      return
    }
    if (!isLasting || journalFolder === undefined)
      throw new StorageError('A worker needs a database file and a journal folder.')
    database.exec('PRAGMA query_only = 1')
    this.#follower = new WorkerFollower({ path, folder: journalFolder, durability }, applier.cursor, events)
  }

  /** Made with a secret that is kept with the data. */
  get ids(): LogIds {
    if (!this.#ids) {
      const secrets = this.map<string>('storage/secrets') as SqliteMap<string>
      const made = Buffer.from(this.#options.random.bytes(24)).toString('base64')
      this.#ids = new LogIds(secrets.get('', 'log') ?? secrets.edit('', 'log', () => made)!)
    }
    return this.#ids
  }

  map<T extends Json>(name: string): MapStore<T> {
    return opened(this.#maps, name, () =>
      this.#replayDrops(name, new SqliteMap<Json>(name, this)),
    ) as unknown as SqliteMap<T>
  }

  log<T extends Json>(name: string): LogStore<T> {
    return opened(this.#logs, name, () =>
      this.#replayDrops(name, new SqliteLog<Json>(name, this)),
    ) as unknown as SqliteLog<T>
  }

  drop(prefix: string, owner: string): void {
    const batch = this.append(['drop', prefix, owner])
    this.#drops = this.#drops.filter((drop) => drop.batch > this.progress.applied)
    this.#drops.push({ prefix, owner, batch })
    for (const stores of [this.#maps, this.#logs]) {
      for (const [name, store] of stores) if (name.startsWith(prefix)) store.dropped(owner, batch)
    }
  }

  settled(): Promise<void> {
    return this.progress.reached(this.#lastBatch)
  }

  /** The journal's batches up to this one have been committed: for the journal's `onCommit`. */
  committed(number: number): void {
    this.#follower.committed(number)
  }

  /** Applies what has been committed first; what the database refuses stays in the journal. */
  async close(): Promise<void> {
    await this.#follower.close()
    this.progress.close()
    for (const { reject } of this.#trims.values()) reject(new StorageError('The storage has been closed.'))
    this.#trims.clear()
    this.#files?.close()
    this.reader.database.close()
    this.#unlock()
  }

  append(record: JournalRecord): number {
    this.#lastBatch = this.#options.journal.append(record)
    return this.#lastBatch
  }

  position(at: number): number {
    this.#position = Math.max(this.#position + 1, positionAt(at))
    return this.#position
  }

  isRepeated(value: Json): boolean {
    const { next } = this.#options.journal
    const isRepeated = next === this.#valueBatch && value === this.#value
    this.#value = value
    this.#valueBatch = next
    return isRepeated
  }

  trim(store: string, owner: string, query: LogQuery): Promise<number> {
    this.#token += 1
    const outcome = Promise.withResolvers<number>()
    this.#trims.set(this.#token, outcome)
    const batch = this.append(['trim', store, owner, query as Json, this.#token])
    // For the sake of haste only; the outcome comes with what was applied.
    this.progress.reached(batch).catch(() => {})
    return outcome.promise
  }

  /** Applies what the database had not yet seen when the server ended. */
  #catchUp(database: DatabaseSync): Applier {
    const { journalStore, path, durability } = this.#options
    const { last } = journalStore
    const [cursor] = this.reader.row<[number]>('SELECT cursor FROM progress')!
    if (cursor > last) {
      // A power cut took the end of a journal that was not synchronised, and spared the database.
      this.reader.statement('UPDATE progress SET cursor = ?').run(last)
      this.#options.onMended?.(
        `The database ${path} holds batches ${last + 1} to ${cursor}, which the journal lost; the journal goes on from batch ${last}.`,
      )
    }
    const applier = new Applier(database, durability === 'power')
    while (applier.cursor < last)
      applier.apply(this.#files?.read(applier.cursor + 1, last) ?? journalStore.read(applier.cursor + 1))
    applier.checkpoint()
    applier.takeTrims()
    return applier
  }

  #applied(applied: number, safe: number, trims: readonly TrimOutcome[]): void {
    for (const { token, count, unknownId } of trims) {
      const waiting = this.#trims.get(token)
      this.#trims.delete(token)
      if (unknownId === undefined) waiting?.resolve(count)
      else waiting?.reject(new UnknownIdError(unknownId))
    }
    this.progress.advance(applied)
    if (safe <= this.cursor) return
    this.cursor = safe
    this.#options.onApplied?.(safe)
  }

  /** A store opened after a drop that is not yet in the database. */
  #replayDrops<S extends { dropped(owner: string, batch: number): void }>(name: string, store: S): S {
    for (const { prefix, owner, batch } of this.#drops) if (name.startsWith(prefix)) store.dropped(owner, batch)
    return store
  }
}

export type { SqliteStorage }

function opened<S>(stores: Map<string, S>, name: string, open: () => S): S {
  let store = stores.get(name)
  if (!store) stores.set(name, (store = open()))
  return store
}

function lock(path: string): () => void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    return takeLock(`${path}.lock`)
  } catch (error) {
    if (!(error instanceof LockedError)) {
      throw new StorageError(
        `The folder of the database ${path} cannot be used (${(error as Error).message}): check that this user may read and write there.`,
        { cause: error },
      )
    }
    const holder = error.holder === undefined ? 'another process' : `process ${error.holder}`
    throw new StorageError(`The database ${path} is in use by ${holder}: stop that server first.`, { cause: error })
  }
}
