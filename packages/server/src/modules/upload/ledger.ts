import type { MapStore } from '../../storage/storage.ts'
import { when } from '../../when.ts'
import type { Awaitable } from '../../world.ts'

/** A file that is there, or one that may be put (a slot). */
export type FileRecord = {
  readonly account: string
  readonly name: string
  /** Bytes. */
  readonly size: number
  /** The media type told by who asked for the slot, or who filled it; null before that. */
  readonly type: string | null
  /** Who knows it may put the file, and remove it. */
  readonly token: string
  /** When the slot was given or, once it is uploaded, the file came; milliseconds. */
  readonly at: number
  readonly isUploaded: boolean
}

/** Of a record, what counts for its owner. */
export type Owned = Pick<FileRecord, 'size' | 'at' | 'isUploaded'>

/** What an account, or all of them together, takes up: slots count like the files that they are for. */
export type Usage = {
  readonly bytes: number
  /** Files and slots. */
  readonly files: number
  readonly slots: number
  /** None of them is older; milliseconds. */
  readonly oldest: number
}

export const nothing: Usage = { bytes: 0, files: 0, slots: 0, oldest: Number.MAX_SAFE_INTEGER }
/** The owner of the sum of all: no account is called so. */
const everybody = ''
const doomedOwner = 'doomed'

export interface LedgerStores {
  /** By id, under 'file'. */
  readonly files: MapStore<FileRecord>
  /** Of an account, by id. */
  readonly owned: MapStore<Owned>
  /** Of an account, and of all of them, under 'usage'. */
  readonly usage: MapStore<Usage>
  /** Ids of files that are to be removed from the disk. */
  readonly doomed: MapStore<true>
}

/**
 * What there is and whose it is. A record, its owner's list and the sums change in one commit, and what goes is remembered until it is gone
 * from the disk: so a kill at whatever moment leaves no sum that is wrong, and no file that nobody knows.
 */
export class Ledger {
  readonly #stores: LedgerStores
  readonly #filled: (id: string, record: FileRecord) => void

  /** @param filled told of a file that has come */
  constructor(stores: LedgerStores, filled: (id: string, record: FileRecord) => void) {
    this.#stores = stores
    this.#filled = filled
  }

  file(id: string): Awaitable<FileRecord | undefined> {
    return this.#stores.files.get(id, 'file')
  }

  usage(account = everybody): Awaitable<Usage> {
    return when(this.#stores.usage.get(account, 'usage'), (usage) => usage ?? nothing)
  }

  owned(account: string): Awaitable<ReadonlyMap<string, Owned>> {
    return this.#stores.owned.all(account)
  }

  /** Those who have something, but for those behind whose name `after` they stand. */
  async *accounts(): AsyncIterable<readonly [account: string, usage: Usage]> {
    for await (const entry of this.#stores.usage.owners('usage', everybody)) yield entry
  }

  /** Gives a slot. */
  reserve(id: string, record: FileRecord): void {
    this.#write(id, record)
    this.#count(record, (usage) => ({
      bytes: usage.bytes + record.size,
      files: usage.files + 1,
      slots: usage.slots + 1,
      oldest: Math.min(usage.oldest, record.at),
    }))
  }

  /** The file of a slot has come; false when the slot is gone. */
  fill(id: string, type: string, at: number): Awaitable<boolean> {
    return when(this.file(id), (slot) => {
      if (!slot || slot.isUploaded) return false
      const file = { ...slot, type, at, isUploaded: true }
      this.#write(id, file)
      this.#count(slot, (usage) => ({ ...usage, slots: usage.slots - 1 }))
      this.#filled(id, file)
      return true
    })
  }

  /** Removes a slot or a file; false when there is none. The file is then to be removed from the disk, and to be `buried`. */
  remove(id: string): Awaitable<boolean> {
    return when(this.file(id), (record) => {
      if (!record) return false
      const { files, owned, doomed } = this.#stores
      void files.edit(id, 'file', () => undefined)
      void owned.edit(record.account, id, () => undefined)
      this.#count(record, ({ bytes, files: count, slots, oldest }) => ({
        bytes: bytes - record.size,
        files: count - 1,
        slots: record.isUploaded ? slots : slots - 1,
        oldest,
      }))
      void doomed.edit(doomedOwner, id, () => true)
      return true
    })
  }

  /** Nothing that the account has is older. */
  setOldest(account: string, oldest: number): void {
    void this.#stores.usage.edit(account, 'usage', (usage) => usage && { ...usage, oldest })
  }

  /** Those that were removed and may still be on the disk. */
  doomed(): Awaitable<Iterable<string>> {
    return when(this.#stores.doomed.all(doomedOwner), (all) => all.keys())
  }

  buried(id: string): void {
    void this.#stores.doomed.edit(doomedOwner, id, () => undefined)
  }

  #write(id: string, record: FileRecord): void {
    const { size, at, isUploaded } = record
    void this.#stores.files.edit(id, 'file', () => record)
    void this.#stores.owned.edit(record.account, id, () => ({ size, at, isUploaded }))
  }

  #count({ account }: FileRecord, change: (usage: Usage) => Usage): void {
    for (const owner of [account, everybody])
      void this.#stores.usage.edit(owner, 'usage', (usage) => {
        const changed = change(usage ?? nothing)
        return changed.files === 0 ? undefined : changed
      })
  }
}
