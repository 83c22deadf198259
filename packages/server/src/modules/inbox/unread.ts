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

const one: Unread = { count: 1 }
const oneMore = (old?: Unread): Unread => (old ? { ...old, count: old.count + 1 } : one)
const nothing = (): undefined => undefined

/** How many messages of each conversation an account has not read (XEP-0430 §4): kept as they pass, in the batch of the message. */
export class Unreads {
  readonly #log: LogStore<string>
  readonly #counts: MapStore<Unread>
  readonly #stale: MapStore<true>
  readonly #clock: Clock

  constructor(log: LogStore<string>, counts: MapStore<Unread>, stale: MapStore<true>, clock: Clock) {
    this.#log = log
    this.#counts = counts
    this.#stale = stale
    this.#clock = clock
  }

  /** A message is in the account's archive now. What the account says itself, it says having read what was there. */
  arrived({ account, other, message }: Kept): void {
    if (other.bare.equals(account) || !isInstantMessage(message)) return
    const isOwn = account.equals(message.from?.bare)
    void this.#counts.edit(account.toString(), other.bare.toString(), isOwn ? nothing : oneMore)
  }

  /** Messages have gone from the archive: what is counted must be counted anew. */
  lost(account: string): void {
    void this.#stale.edit(account, '', () => true)
  }

  /** Of all conversations that have any; counted anew where that is due. */
  async of(account: Jid): Promise<ReadonlyMap<string, Unread>> {
    const owner = account.toString()
    if (await this.#stale.get(owner, '')) {
      for (const [other, { read }] of await this.#counts.all(owner)) {
        const count = await this.#count(owner, other, read)
        void this.#counts.edit(owner, other, (old) => (old && count > 0 ? { ...old, count } : undefined))
      }
      void this.#stale.edit(owner, '', nothing)
    }
    return this.#counts.all(owner)
  }

  /** Finds the message that a marker of the account's names (XEP-0333 §4.2): by its own id, or by that in the archive. */
  async find(account: Jid, other: Jid, id: string, isArchiveId = false): Promise<Mark | undefined> {
    const owner = account.toString()
    const key = other.bare.toString()
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
    void this.#counts.edit(account.toString(), other.bare.toString(), (old) => {
      const count = left(old)
      if (count === undefined || (old?.read !== undefined && old.read >= id)) return old
      isNew = true
      return { count, read: id }
    })
    return isNew
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
