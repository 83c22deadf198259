import type { Jid } from '@jackdaw/xmpp'
import type { MapStore } from '../../storage/storage.ts'
import { when } from '../../when.ts'
import type { Awaitable } from '../../world.ts'

/** A push service that an account has enabled (XEP-0357 §4). */
export type Enabled = {
  readonly jid: string
  /** '' for none. */
  readonly node: string
  /** The form of publish-options, as XML. */
  readonly options?: string
  /** When it was enabled, milliseconds since the Unix epoch. */
  readonly at: number
  /** How often in a row it could not be reached. */
  readonly failures?: number
}

/** By `keyOf`. */
export type EnabledServices = ReadonlyMap<string, Enabled>

/** Accounts of which it is known what they have enabled, that being mostly nothing. */
const mostKnown = 20_000

const none: EnabledServices = new Map()

/** What tells services of one account apart: no JID and no attribute has a line feed. */
export function keyOf(jid: Jid | string, node: string): string {
  return `${jid}\n${node}`
}

/** The push services of accounts. Every message asks for them: those of the accounts that got the last ones are in memory. */
export class Services {
  readonly #store: MapStore<Enabled>
  readonly #limit: number
  readonly #known = new Map<string, EnabledServices>()
  #edits = 0

  constructor(store: MapStore<Enabled>, limit: number) {
    this.#store = store
    this.#limit = limit
  }

  of(account: Jid): Awaitable<EnabledServices> {
    const owner = account.toString()
    const known = this.#known.get(owner)
    if (known) return known
    const edits = this.#edits
    return when(this.#store.all(owner), (found) => {
      // What was changed while it was read is not in it.
      if (edits === this.#edits) this.#remember(owner, found)
      return found
    })
  }

  /** Enables a service, or renews it; of too many those that were enabled first are left out. Returns how many. */
  enable(account: Jid, service: Enabled): Awaitable<number> {
    return when(this.of(account), (before) => {
      const key = keyOf(service.jid, service.node)
      const others = [...before].filter(([other]) => other !== key).sort(([, a], [, b]) => b.at - a.at)
      const excess = others.slice(this.#limit - 1)
      for (const [other] of excess) this.#edit(account, other, () => undefined)
      this.#edit(account, key, () => service)
      return excess.length
    })
  }

  /** Disables it. */
  remove(account: Jid, key: string): void {
    this.#edit(account, key, () => undefined)
  }

  /** Notes how often in a row it could not be reached; one that is not enabled any more stays so. */
  failed(account: Jid, key: string, failures: number): void {
    this.#edit(account, key, (old) => old && { ...old, failures })
  }

  forget(account: Jid): void {
    this.#edits++
    this.#known.delete(account.toString())
  }

  #edit(account: Jid, key: string, change: (old?: Enabled) => Enabled | undefined): void {
    this.forget(account)
    void this.#store.edit(account.toString(), key, change)
  }

  #remember(owner: string, services: EnabledServices): void {
    if (this.#known.size >= mostKnown) this.#known.clear()
    this.#known.set(owner, services.size === 0 ? none : services)
  }
}
