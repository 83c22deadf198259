import { isInstantMessage, type Jid, type Message } from '@jackdaw/xmpp'
import type { LogStore, MapStore } from '../../storage/storage.ts'
import type { Clock } from '../../world.ts'
import { type Kept, messageOf } from '../archive.ts'

/** What an account has not read of a conversation. There is none where everything was read by answering. */
export type Unread = {
  readonly count: number
  /** The id in the archive up to which it has been displayed. */
  readonly read?: string
}

/** Where in a conversation a marker stands. */
export interface Mark {
  readonly id: string
  /** How many unread messages come after it, and how many there were in all when it was found. */
  readonly left: number
  readonly before: number
}

/** How far back the message that a marker names is looked for. */
const reach = { max: 500, maxBytes: 4 * 1024 * 1024 }
/** How many entries are looked through in one tick. */
const stride = 250
/** Of an id that a room gave, in characters. */
const longestId = 256

/** For so long (milliseconds) what passes is counted in memory alone. */
const behind = 30_000

/** What has passed in a conversation and is not yet in its count. */
interface Passed {
  /** The account has said something itself: having read what was there. */
  isAnswered: boolean
  /** Messages since then. */
  added: number
}

const nothing = (): undefined => undefined

/**
 * How many messages of each conversation an account has not read (XEP-0430 §4). To write each count as it changes would cost more than to keep
 * the message: it is noted once that a conversation is being counted, and a count that a kill took is made anew from the archive.
 */
export class Unreads {
  readonly #log: LogStore<string>
  readonly #counts: MapStore<Unread>
  readonly #stale: MapStore<true>
  readonly #clock: Clock
  /** By account and conversation. */
  readonly #passed = new Map<string, Map<string, Passed>>()
  /** Tells the notes of this life from those that a kill has left. */
  readonly #life: string
  #cancelFlush: (() => void) | undefined

  /** @param stale conversations whose count is not what the archive says: `''` for all of them */
  constructor(log: LogStore<string>, counts: MapStore<Unread>, stale: MapStore<true>, clock: Clock) {
    this.#log = log
    this.#counts = counts
    this.#stale = stale
    this.#clock = clock
    this.#life = String(clock.now())
  }

  /** A message is in the account's archive now. */
  arrived({ account, other, message }: Kept): void {
    if (other.bare.equals(account) || !isInstantMessage(message)) return
    const passed = this.#passedIn(account.toString(), other.bare.toString())
    if (account.equals(message.from?.bare)) {
      passed.isAnswered = true
      passed.added = 0
    } else passed.added++
  }

  /** Writes all counts. */
  flush(): void {
    this.#cancelFlush?.()
    this.#cancelFlush = undefined
    for (const owner of [...this.#passed.keys()]) this.#flush(owner)
  }

  /** The account is removed: what was not written yet is not to outlive it. */
  forget(account: Jid): void {
    this.#passed.delete(account.toString())
  }

  /** Messages have gone from the archive: what is counted must be counted anew. */
  lost(account: string): void {
    void this.#stale.edit(account, '', () => true)
  }

  /** Of all conversations that have any; counted anew where that is due. */
  async of(account: Jid): Promise<ReadonlyMap<string, Unread>> {
    const owner = account.toString()
    this.#flush(owner)
    const stale = await this.#stale.all(owner)
    if (stale.size > 0) {
      const counts = await this.#counts.all(owner)
      const others = new Set(stale.has('') ? counts.keys() : [])
      for (const key of stale.keys()) if (key !== '') others.add(key.slice(key.indexOf(' ') + 1))
      for (const other of others) {
        const count = await this.#count(owner, other, counts.get(other)?.read)
        void this.#counts.edit(owner, other, (old) => (count > 0 ? { ...old, count } : undefined))
      }
      for (const key of stale.keys()) if (!key.startsWith(`${this.#life} `)) void this.#stale.edit(owner, key, nothing)
    }
    return this.#counts.all(owner)
  }

  /** Finds the message that a marker of the account's names (XEP-0333 §4.2): by its own id, or by that in the archive. */
  async find(account: Jid, other: Jid, id: string, isArchiveId = false): Promise<Mark | undefined> {
    const owner = account.toString()
    const key = other.bare.toString()
    this.#flush(owner)
    // After a kill nobody may have asked yet how many there are.
    if ((await this.#stale.all(owner)).size > 0) await this.of(account)
    const before = (await this.#counts.get(owner, key))?.count ?? 0
    if (before === 0) return undefined
    const { entries } = await this.#log.page(owner, { ...reach, with: key, fromEnd: true })
    let left = 0
    for (const entry of entries.toReversed()) {
      if (isArchiveId && entry.id === id) return { id: entry.id, left, before }
      const message = messageOf(entry)
      if (account.equals(message.from?.bare)) continue
      if (!isArchiveId && message.id === id) return { id: entry.id, left, before }
      if (isInstantMessage(message)) left++
    }
    return undefined
  }

  /** All up to the mark has been read. Returns whether that is new: a mark that stands before the last one says nothing. */
  read(account: Jid, other: Jid, { id, left, before }: Mark): boolean {
    return this.#move(account, other, id, (old) => old && Math.min(old.count, left + Math.max(0, old.count - before)))
  }

  /** In a room, whose messages are in its own archive, only the place is kept. */
  readInRoom(account: Jid, room: Jid, id: string): boolean {
    return id.length <= longestId && this.#move(account, room, id, () => 0)
  }

  /** @param left how many stay unread; undefined when there is nothing to be read */
  #move(account: Jid, other: Jid, id: string, left: (old?: Unread) => number | undefined): boolean {
    let isNew = false
    this.#flush(account.toString())
    void this.#counts.edit(account.toString(), other.bare.toString(), (old) => {
      const count = left(old)
      if (count === undefined || (old?.read !== undefined && old.read >= id)) return old
      isNew = true
      return { count, read: id }
    })
    return isNew
  }

  #passedIn(owner: string, other: string): Passed {
    let conversations = this.#passed.get(owner)
    if (!conversations) this.#passed.set(owner, (conversations = new Map()))
    let passed = conversations.get(other)
    if (!passed) {
      conversations.set(other, (passed = { isAnswered: false, added: 0 }))
      void this.#stale.edit(owner, this.#note(other), () => true)
      this.#cancelFlush ??= this.#clock.after(behind, () => this.flush())
    }
    return passed
  }

  #flush(owner: string): void {
    const conversations = this.#passed.get(owner)
    if (!conversations) return
    this.#passed.delete(owner)
    for (const [other, { isAnswered, added }] of conversations) {
      void this.#counts.edit(owner, other, (old) => {
        const before = isAnswered ? undefined : old
        return added > 0 ? { ...before, count: (before?.count ?? 0) + added } : before
      })
      void this.#stale.edit(owner, this.#note(other), nothing)
    }
  }

  #note(other: string): string {
    return `${this.#life} ${other}`
  }

  /** From the end back to what was read, or to what the account said itself. */
  async #count(owner: string, other: string, read: string | undefined): Promise<number> {
    let count = 0
    let before: string | undefined
    for (;;) {
      const { entries, isComplete } = await this.#log.page(owner, {
        with: other,
        max: stride,
        fromEnd: true,
        ...(before !== undefined && { before }),
      })
      // What has passed up to here is in the first page.
      const passed = before === undefined ? this.#passed.get(owner)?.get(other) : undefined
      if (passed) {
        passed.isAnswered = false
        passed.added = 0
      }
      for (const entry of entries.toReversed()) {
        if (read !== undefined && entry.id <= read) return count
        const message = messageOf(entry)
        if (!isInstantMessage(message)) continue
        if (isFrom(message, owner)) return count
        count++
      }
      before = entries[0]?.id
      if (isComplete || before === undefined) return count
      await new Promise<void>((resolve) => this.#clock.soon(resolve))
    }
  }
}

function isFrom(message: Message, owner: string): boolean {
  return message.from?.bare.toString() === owner
}
