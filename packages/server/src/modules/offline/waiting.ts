import { type Jid, type Message, StanzaId, stanzaIdBy, Retracted, stanzaIdNs } from '@jackdaw/xmpp'
import type { LogEntry, LogStore } from '../../storage/storage.ts'
import { messageOf } from '../archive.ts'

/** What is handed over at once: so much that a login is quick, so little that it holds up nobody. */
const portion = { max: 100, maxBytes: 262_144 }

/** A message that waits for its recipient. */
export interface Held {
  readonly id: string
  /** When it came, milliseconds since the Unix epoch. */
  readonly at: number
  readonly message: Message
}

/** The first portion of what waits for an account, about to be taken: what happens between its opening and its taking is noted. */
export interface Batch {
  readonly account: Jid
  found: readonly LogEntry<string>[]
  /** Nothing waits beyond it; then what arrived meanwhile is taken too. */
  isLast: boolean
  readonly arrived: Held[]
  readonly gone: Set<string>
}

/** The messages that wait, on the log that the archive is made of. */
export class Waiting {
  readonly #log: LogStore<string>
  /** How many wait for whom, as far as that is known. */
  readonly #counts = new Map<string, number>()
  readonly #open = new Map<string, Set<Batch>>()

  constructor(log: LogStore<string>) {
    this.#log = log
  }

  /**
   * Lets a message wait: the archive's own entry where there is one, else an entry that ends with the waiting.
   * `at` is when it came. Returns the id.
   */
  keep(account: Jid, message: Message, at: number): string {
    const owner = account.toString()
    let id = stanzaIdBy(message, account)
    if (id === undefined)
      id = this.#log.append(owner, { value: message.toString(), at, isPending: true, isTransient: true })
    else this.#log.suspend(owner, [id])
    this.#counts.set(owner, (this.#counts.get(owner) ?? 0) + 1)
    for (const batch of this.#open.get(owner) ?? []) batch.arrived.push({ id, at, message })
    return id
  }

  /**
   * Whether `limit` messages wait already. Never waits: the sender's archive may have the message, and one tick decides about all of it.
   * So the first ones that come after a start, while the number is being found out, are not counted against the limit.
   */
  isFull(account: Jid, limit: number): boolean {
    const owner = account.toString()
    const count = this.#counts.get(owner)
    if (count !== undefined) return count >= limit
    const found = this.#log.pending(owner)
    if (typeof found === 'number') {
      this.#counts.set(owner, found)
      return found >= limit
    }
    this.#counts.set(owner, 0)
    const add = (more: number) => void this.#counts.set(owner, (this.#counts.get(owner) ?? 0) + more)
    // What cannot be read now will be missed by whoever reads it.
    found.then(add, () => this.#counts.delete(owner))
    return false
  }

  /** How many wait is to be found out anew: some have been removed. */
  recount(account: string): void {
    this.#counts.delete(account)
  }

  /** Finds what waits for the account, the oldest first. It stays true until it is taken or dropped. */
  open(account: Jid): Batch | Promise<Batch> {
    const owner = account.toString()
    const batch: Batch = { account, found: [], isLast: true, arrived: [], gone: new Set() }
    const others = this.#open.get(owner)
    if (others) others.add(batch)
    else this.#open.set(owner, new Set([batch]))
    const page = this.#log.page(owner, { isPending: true, ...portion })
    if (!(page instanceof Promise)) {
      batch.found = page.entries
      batch.isLast = page.isComplete
      return batch
    }
    return page.then(
      ({ entries, isComplete }) => {
        batch.found = entries
        batch.isLast = isComplete
        return batch
      },
      (error: unknown) => {
        this.drop(batch)
        throw error
      },
    )
  }

  /** Ends the waiting of the portion; whoever takes it hands it over in the same tick. In the order in which it came. */
  take(batch: Batch): Held[] {
    this.drop(batch)
    const { account, arrived, gone } = batch
    const owner = account.toString()
    const held = new Map<string, Held>()
    for (const entry of batch.found) if (!gone.has(entry.id)) held.set(entry.id, heldOf(entry, account))
    for (const one of batch.isLast ? arrived : []) if (!gone.has(one.id) && !held.has(one.id)) held.set(one.id, one)
    this.#counts.delete(owner)
    if (held.size === 0) return []
    this.settle(account, held.keys())
    return [...held.values()].filter(({ message }) => !isWithdrawn(message)).toSorted((a, b) => (a.id < b.id ? -1 : 1))
  }

  /** Those that wait and are in the archive as well. */
  async archived(account: Jid): Promise<string[]> {
    const ids: string[] = []
    for (let after: string | undefined; ;) {
      const query = { isPending: true, ...portion, ...(after !== undefined && { after }) } as const
      const { entries, isComplete } = await this.#log.page(account.toString(), query)
      for (const entry of entries) if (entry.with !== undefined) ids.push(entry.id)
      after = entries.at(-1)?.id
      if (isComplete || after === undefined) return ids
    }
  }

  /** Ends the waiting of entries. */
  settle(account: Jid, ids: Iterable<string>): void {
    const owner = account.toString()
    const settled = [...ids]
    this.#log.settle(owner, settled)
    for (const other of this.#open.get(owner) ?? []) for (const id of settled) other.gone.add(id)
  }

  drop(batch: Batch): void {
    const owner = batch.account.toString()
    const others = this.#open.get(owner)
    if (others?.delete(batch) && others.size === 0) this.#open.delete(owner)
  }
}

function heldOf(entry: LogEntry<string>, account: Jid): Held {
  const message = messageOf(entry)
  return {
    id: entry.id,
    at: entry.at,
    // Only what is in the archive has an id there.
    message: entry.with === undefined ? message : message.append(StanzaId.write({ id: entry.id, by: account })),
  }
}

/** Retracted or erased while it waited: nothing is left but that it was in the archive. */
function isWithdrawn({ children }: Message): boolean {
  return (
    children.length > 0 &&
    children.every(
      (child) =>
        typeof child !== 'string' &&
        (child.ns === stanzaIdNs || (child.name === Retracted.name && child.ns === Retracted.ns)),
    )
  )
}
