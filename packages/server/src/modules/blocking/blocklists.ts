import type { Jid } from '@jackdaw/xmpp'
import { defineModule, type Host, map } from '../../module.ts'
import type { MapStore } from '../../storage/storage.ts'
import { when } from '../../when.ts'
import type { Awaitable } from '../../world.ts'

/** Most accounts block nobody. */
const nobody: ReadonlySet<string> = new Set()

/** Whom one account blocks. Immutable. */
export class BlockedBy {
  readonly account: Jid
  /** JIDs, in the order of their blocking. */
  readonly entries: ReadonlySet<string>

  constructor(account: Jid, entries: ReadonlySet<string>) {
    this.account = account
    this.entries = entries
  }

  /** XEP-0191 §6. The account's own resources are never meant (§5). */
  blocks(jid: Jid): boolean {
    const { entries } = this
    if (entries.size === 0 || jid.bare.equals(this.account)) return false
    if (entries.has(jid.bare.toString()) || entries.has(jid.domain)) return true
    if (jid.resource === undefined) return false
    return entries.has(jid.toString()) || entries.has(`${jid.domain}/${jid.resource}`)
  }
}

function inOrder(all: ReadonlyMap<string, number>): ReadonlySet<string> {
  return new Set([...all].sort(([, a], [, b]) => a - b).map(([jid]) => jid))
}

/** The block lists of a virtual host's accounts. Those of accounts with sessions stay in memory: nothing waits for them. */
export class Blocklists {
  readonly #host: Host
  readonly #store: MapStore<number>
  readonly #known = new Map<string, BlockedBy>()

  constructor(host: Host, store: MapStore<number>) {
    this.#host = host
    this.#store = store
  }

  of(account: Jid): Awaitable<BlockedBy> {
    const owner = account.toString()
    const known = this.#known.get(owner)
    if (known) return known
    return when(this.#store.all(owner), (all) => {
      // Changed while this was read: that is newer.
      const newer = this.#known.get(owner)
      if (newer) return newer
      const list = new BlockedBy(account, all.size > 0 ? inOrder(all) : nobody)
      if (this.#hasSessions(account)) this.#known.set(owner, list)
      return list
    })
  }

  /** Takes effect at once: who changes a list has read it before. Returns the new one. */
  change(old: BlockedBy, added: readonly Jid[], removed: readonly string[]): BlockedBy {
    const owner = old.account.toString()
    const entries = new Set(old.entries)
    const now = this.#host.clock.now()
    for (const jid of removed) {
      entries.delete(jid)
      void this.#store.edit(owner, jid, () => undefined)
    }
    for (const jid of added) {
      entries.add(jid.toString())
      void this.#store.edit(owner, jid.toString(), (at) => at ?? now)
    }
    const list = new BlockedBy(old.account, entries)
    if (this.#hasSessions(old.account)) this.#known.set(owner, list)
    return list
  }

  /** To be called when a session of the account has gone, or the account. */
  forget(account: Jid): void {
    if (!this.#hasSessions(account)) this.#known.delete(account.toString())
  }

  #hasSessions(account: Jid): boolean {
    for (const _ of this.#host.sessions(account)) return true
    return false
  }
}

/** Knows whom accounts block: for `blocking`, which lets them do it, and for whoever sends something on their behalf. */
export const blocklists = defineModule({
  name: 'blocklists',
  stores: { blocked: map<number>() },
  start(host) {
    const lists = new Blocklists(host, host.stores.blocked)
    host.on('session:gone', ({ session }) => lists.forget(session.account))
    host.on('account:removed', ({ account }) => lists.forget(account))
    return lists
  },
})
