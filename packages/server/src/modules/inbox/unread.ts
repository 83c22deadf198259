import { isInstantMessage, type Jid, type Message } from '@jackdaw/xmpp'
import type { Facts } from '../../module.ts'
import type { LogStore, MapStore } from '../../storage/storage.ts'
import type { Clock, Random } from '../../world.ts'
import { messageOf } from '../archive.ts'
import { pageBefore } from '../archive-search.ts'

/** What an account has not read of a conversation. There is none where everything was read by answering and nothing was displayed before. */
export type Unread = {
  readonly count: number
  /** The id in the archive up to which it has been displayed. */
  readonly read?: string
}

/** How many entries are looked through in one tick. */
const stride = 250
/** For so long (milliseconds) what passes is counted in memory alone. */
const behind = 30_000

/** What has passed in a conversation and is not yet in its count. */
interface Passed {
  /** Id of what the account has said itself, having read what was there. */
  answer?: string
  /** Messages since then. */
  added: number
}

/**
 * What comes while a conversation is looked through. It is counted as it passes: not a second time by who looks, and not written until that is done.
 */
interface Watch {
  readonly other: string
  /** Id of the first message. */
  since?: string
}

/** A conversation that is looked through. */
export interface Look {
  /** The account. */
  readonly owner: string
  /** The other side. */
  readonly key: string
  /** How many messages were unread when it began. */
  readonly before: number
  isBefore(entry: { readonly id: string }): boolean
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
  /** By account, of which one conversation at a time is looked through. */
  readonly #watches = new Map<string, Watch>()
  /** By account: the last of those who look. */
  readonly #turns = new Map<string, Promise<unknown>>()
  /** Accounts that have lost messages since their counting anew began. */
  readonly #losers = new Set<string>()
  /** Tells the notes of this life from those that a kill has left. */
  readonly #life: string
  #cancelFlush: (() => void) | undefined

  /** @param stale conversations whose count is not what the archive says: `''` for all of them */
  constructor(log: LogStore<string>, counts: MapStore<Unread>, stale: MapStore<true>, clock: Clock, random: Random) {
    this.#log = log
    this.#counts = counts
    this.#stale = stale
    this.#clock = clock
    this.#life = Buffer.from(random.bytes(6)).toString('hex')
  }

  /** A message is in the account's archive now. */
  arrived({ account, other, id, message }: Facts['message:kept']): void {
    if (other.bare.equals(account) || !isInstantMessage(message)) return
    const owner = account.toString()
    const key = other.bare.toString()
    const watch = this.#watches.get(owner)
    if (watch?.other === key) watch.since ??= id
    const passed = this.#passedIn(owner, key)
    if (account.equals(message.from?.bare)) {
      passed.answer = id
      passed.added = 0
    } else passed.added++
  }

  /** Writes all counts. */
  flush(): void {
    this.#cancelFlush?.()
    this.#cancelFlush = undefined
    for (const owner of [...this.#passed.keys()]) this.#flush(owner)
    if (this.#passed.size > 0) this.#flushLater()
  }

  /** The account is removed: what was not written yet is not to outlive it. */
  forget(account: Jid): void {
    this.#passed.delete(account.toString())
    this.#watches.delete(account.toString())
  }

  /** Nothing is written any more. */
  stop(): void {
    this.flush()
    this.#watches.clear()
    this.#cancelFlush?.()
  }

  /** Messages have gone from the archive: what is counted must be counted anew. */
  lost(account: string): void {
    if (this.#turns.has(account)) this.#losers.add(account)
    void this.#stale.edit(account, '', () => true)
  }

  /**
   * Looks through a conversation when those who came before have done so. What comes meanwhile, of which `isBefore` is not true, is counted by itself.
   */
  look<T>(account: Jid, other: Jid, act: (look: Look) => Promise<T>): Promise<T> {
    const owner = account.toString()
    const key = other.bare.toString()
    return this.#inTurn(owner, async () => {
      // After a kill nobody may have asked yet how many there are.
      await this.#renew(owner)
      return this.#watching(owner, key, async (watch) => {
        const before = (await this.#counts.get(owner, key))?.count ?? 0
        return act({ owner, key, before, isBefore: (entry) => isBefore(entry, watch) })
      })
    })
  }

  change(account: Jid, other: Jid, edit: (old?: Unread) => Unread | undefined): void {
    const owner = account.toString()
    this.#flush(owner)
    void this.#counts.edit(owner, other.bare.toString(), edit)
  }

  /** Of all conversations that have any; counted anew where that is due. */
  of(account: Jid): Promise<ReadonlyMap<string, Unread>> {
    const owner = account.toString()
    return this.#inTurn(owner, async () => {
      await this.#renew(owner)
      this.#flush(owner)
      return this.#counts.all(owner)
    })
  }

  /** A conversation is gone, for everybody: what they had displayed of it is not to outlive it. */
  async forgetAll(other: Jid): Promise<void> {
    const key = other.bare.toString()
    for await (const [owner] of this.#counts.owners(key))
      void this.#counts.edit(owner, key, (old) => (old && old.count > 0 ? { count: old.count } : undefined))
  }

  #passedIn(owner: string, other: string): Passed {
    let conversations = this.#passed.get(owner)
    if (!conversations) this.#passed.set(owner, (conversations = new Map()))
    let passed = conversations.get(other)
    if (!passed) {
      conversations.set(other, (passed = { added: 0 }))
      void this.#stale.edit(owner, this.#note(other), () => true)
      this.#flushLater()
    }
    return passed
  }

  #flushLater(): void {
    this.#cancelFlush ??= this.#clock.after(behind, () => this.flush())
  }

  #flush(owner: string): void {
    const conversations = this.#passed.get(owner)
    if (!conversations) return
    for (const [other, { answer, added }] of conversations) {
      if (this.#watches.get(owner)?.other === other) continue
      conversations.delete(other)
      void this.#counts.edit(owner, other, (old) => {
        const before = answer === undefined ? old : answered(old, answer)
        return added > 0 ? { ...before, count: (before?.count ?? 0) + added } : before
      })
      void this.#stale.edit(owner, this.#note(other), nothing)
    }
    if (conversations.size === 0) this.#passed.delete(owner)
  }

  #note(other: string): string {
    return `${this.#life} ${other}`
  }

  /** One after the other, so that none overtakes what another one counts. */
  #inTurn<T>(owner: string, act: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(owner) ?? Promise.resolve()).then(act, act)
    this.#turns.set(owner, turn)
    const done = () => {
      if (this.#turns.get(owner) !== turn) return
      this.#turns.delete(owner)
      this.#losers.delete(owner)
    }
    turn.then(done, done)
    return turn
  }

  async #watching<T>(owner: string, other: string, look: (watch: Watch) => Promise<T>): Promise<T> {
    this.#flush(owner)
    const watch: Watch = { other }
    this.#watches.set(owner, watch)
    try {
      return await look(watch)
    } finally {
      if (this.#watches.get(owner) === watch) this.#watches.delete(owner)
    }
  }

  /** Counts anew what is stale. */
  async #renew(owner: string): Promise<void> {
    for (;;) {
      this.#flush(owner)
      const stale = await this.#stale.all(owner)
      if (stale.size === 0) return
      this.#losers.delete(owner)
      const others = new Set(stale.has('') ? (await this.#counts.all(owner)).keys() : [])
      for (const key of stale.keys()) if (key !== '') others.add(key.slice(key.indexOf(' ') + 1))
      for (const other of others) if (!(await this.#recount(owner, other))) return
      if (this.#losers.delete(owner)) continue
      for (const key of stale.keys()) if (!key.startsWith(`${this.#life} `)) void this.#stale.edit(owner, key, nothing)
      return
    }
  }

  /** Returns false when the account is gone. */
  #recount(owner: string, other: string): Promise<boolean> {
    return this.#watching(owner, other, async (watch) => {
      for (;;) {
        const read = (await this.#counts.get(owner, other))?.read
        const count = await this.#count(owner, other, read, watch)
        if (this.#watches.get(owner) !== watch) return false
        let isOvertaken = false
        await this.#counts.edit(owner, other, (old) => {
          // A marker has been faster.
          isOvertaken = old?.read !== read
          if (isOvertaken) return old
          return count > 0 || old?.read !== undefined ? { ...old, count } : undefined
        })
        if (!isOvertaken) return true
      }
    })
  }

  /** From the end back to what was read, or to what the account said itself. */
  async #count(owner: string, other: string, read: string | undefined, watch: Watch): Promise<number> {
    let count = 0
    let before: string | undefined
    for (;;) {
      const { entries, isComplete } = await pageBefore(this.#log, owner, before, { with: other, max: stride })
      for (const entry of entries.toReversed()) {
        if (read !== undefined && entry.id <= read) return count
        if (!isBefore(entry, watch)) continue
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

/** Where something was displayed, that place is kept for what the conversation has elsewhere. */
function answered(old: Unread | undefined, answer: string): Unread | undefined {
  if (old?.read === undefined) return undefined
  return { count: 0, read: old.read > answer ? old.read : answer }
}

function isBefore({ id }: { readonly id: string }, { since }: Watch): boolean {
  return since === undefined || id < since
}

function isFrom(message: Message, owner: string): boolean {
  return message.from?.bare.toString() === owner
}
