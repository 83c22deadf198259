import type { Jid } from '@jackdaw/xmpp'
import type { Target } from '../../module.ts'
import { when } from '../../when.ts'
import type { Batch, Held, Waiting } from './waiting.ts'

/** Where a session's record says that more waits for it than it has been handed. */
const key = 'offline:more'

/** What waits for an account while it is handed over. */
interface Backlog {
  readonly account: Jid
  readonly takers: Set<Target>
  /** Those that have not yet taken the last portion. */
  readonly slow: Set<Target>
  /** What came meanwhile and others than the takers have been given. */
  readonly had: Set<string>
}

/**
 * Hands over what waits for accounts, portion by portion: the next when the client has taken the last, so that no backlog, however long,
 * holds up others or fills the memory. What comes for a taker meanwhile has to wait behind it.
 */
export class Backlogs {
  readonly #waiting: Waiting
  readonly #hand: (held: Held, taker: Target) => void
  readonly #failed: (error: unknown) => void
  readonly #running = new Map<string, Backlog>()

  constructor(waiting: Waiting, hand: (held: Held, taker: Target) => void, failed: (error: unknown) => void) {
    this.#waiting = waiting
    this.#hand = hand
    this.#failed = failed
  }

  /** Whether somebody who is connected is taking what waits for the account. */
  isTaken(account: Jid): boolean {
    const takers = this.#running.get(account.toString())?.takers
    return takers !== undefined && [...takers].some((taker) => !taker.isDetached)
  }

  /** Hands over the first portion in this tick; the rest follows. */
  begin(batch: Batch, takers: readonly Target[]): void {
    this.#end(batch.account)
    const backlog: Backlog = { account: batch.account, takers: new Set(takers), slow: new Set(), had: new Set() }
    this.#running.set(batch.account.toString(), backlog)
    this.#portion(backlog, batch)
  }

  /** Goes on with a session that a restart of the server interrupted. */
  resume(session: Target): void {
    if (session.get(key) === undefined || this.#running.has(session.account.toString())) return
    void this.#open(session.account, (batch) => this.begin(batch, [session]))
  }

  /** Whether all of the recipients are taking what waits for the account. */
  holds(account: Jid, recipients: ReadonlySet<Target>): boolean {
    const takers = this.#running.get(account.toString())?.takers
    return takers !== undefined && recipients.size > 0 && [...recipients].every((one) => takers.has(one))
  }

  /** Takes the takers of what waits for an account out of the recipients of what comes now. True when it was any. */
  divert(account: Jid, recipients: Set<Target>): boolean {
    let isAny = false
    for (const taker of this.#running.get(account.toString())?.takers ?? []) isAny = recipients.delete(taker) || isAny
    return isAny
  }

  /** What waits behind a backlog has been given to others of the account already. */
  given(account: Jid, id: string): void {
    this.#running.get(account.toString())?.had.add(id)
  }

  /** The session takes no more. True when nobody else does, and something is left. */
  leave(session: Target): boolean {
    const backlog = this.#running.get(session.account.toString())
    if (!backlog?.takers.delete(session)) return false
    session.set(key, undefined)
    this.#taken(backlog, session)
    if (backlog.takers.size > 0) return false
    this.#end(backlog.account)
    return true
  }

  stop(): void {
    this.#running.clear()
  }

  #portion(backlog: Backlog, batch: Batch): void {
    for (const held of this.#waiting.take(batch)) {
      backlog.had.delete(held.id)
      for (const taker of backlog.takers) this.#hand(held, taker)
    }
    if (batch.isLast) return this.#end(backlog.account)
    for (const taker of backlog.takers) {
      taker.set(key, true)
      backlog.slow.add(taker)
      taker.whenTaken(() => this.#taken(backlog, taker))
    }
  }

  #taken(backlog: Backlog, taker: Target): void {
    const isLast = backlog.slow.delete(taker) && backlog.slow.size === 0
    if (!isLast || backlog.takers.size === 0 || !this.#isRunning(backlog)) return
    void this.#open(backlog.account, (batch) => {
      if (this.#isRunning(backlog)) this.#portion(backlog, batch)
      else this.#waiting.drop(batch)
    })
  }

  #isRunning(backlog: Backlog): boolean {
    return this.#running.get(backlog.account.toString()) === backlog
  }

  #end(account: Jid): void {
    const backlog = this.#running.get(account.toString())
    if (!backlog) return
    this.#running.delete(account.toString())
    this.#waiting.settle(account, backlog.had)
    for (const taker of backlog.takers) taker.set(key, undefined)
  }

  /** What cannot be read waits on. */
  async #open(account: Jid, act: (batch: Batch) => void): Promise<void> {
    try {
      await when(this.#waiting.open(account), act)
    } catch (error) {
      this.#end(account)
      this.#failed(error)
    }
  }
}
