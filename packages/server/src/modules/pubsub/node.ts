import type { Affiliation, Jid, SubscriptionState } from '@jackdaw/xmpp'
import type { NodeConfig } from './node-config.ts'

/** Most characters of the name of a node or of an item. */
export const mostName = 1023

/** What is kept of a node, but for its subscriptions and items. */
export type NodeRecord = {
  /** Where it differs from the defaults. */
  readonly config: Partial<NodeConfig>
  /** Milliseconds since the Unix epoch. */
  readonly created: number
  /** The bare JID. */
  readonly creator: string
  /** By bare JID; none is left out. */
  readonly affiliations: { readonly [jid: string]: Affiliation }
}

/** A subscription under `jid` and `subid`. */
export type Subscription = {
  readonly jid: string
  readonly subid: string
  readonly state: Exclude<SubscriptionState, 'none' | 'unconfigured'>
  /** XEP-0060 §16.4.2: whether it gets notifications at present. */
  readonly deliver: boolean
  /** §12.18: when it ends, milliseconds since the Unix epoch; 0: never. */
  readonly expires: number
}

/** What is kept of an item beside its payload: its place in the order of publication, when, and by whom (full JID). */
export type ItemHead = readonly [order: number, at: number, publisher: string]

/** A node as it is in memory: all but the payloads. Changed by `Shelves` alone. */
export class Node {
  /** Whose it is: an account, or the service. */
  readonly service: Jid
  readonly id: string
  readonly #defaults: NodeConfig
  #record: NodeRecord
  #last: string | undefined
  config: NodeConfig
  /** By the subscribed JID. */
  readonly subscriptions = new Map<string, readonly Subscription[]>()
  /** By id, the oldest first. */
  readonly items = new Map<string, ItemHead>()
  /** No subscription ends before. */
  nextExpiry = Infinity
  subscriptionCount = 0
  lastOrder = 0
  isDeleted = false

  constructor(service: Jid, id: string, record: NodeRecord, defaults: NodeConfig) {
    this.service = service
    this.id = id
    this.#defaults = defaults
    this.#record = record
    this.config = { ...defaults, ...record.config }
  }

  get record(): NodeRecord {
    return this.#record
  }

  set record(record: NodeRecord) {
    this.#record = record
    this.config = { ...this.#defaults, ...record.config }
  }

  affiliation(entity: Jid): Affiliation {
    return this.#record.affiliations[entity.bare.toString()] ?? 'none'
  }

  get owners(): string[] {
    return this.affiliated('owner')
  }

  affiliated(as: Affiliation): string[] {
    return Object.entries(this.#record.affiliations)
      .filter(([, affiliation]) => affiliation === as)
      .map(([jid]) => jid)
  }

  /** Those of an entity, whatever the resource. */
  subscriptionsOf(entity: Jid): Subscription[] {
    const bare = entity.bare.toString()
    const found: Subscription[] = []
    for (const [jid, subscriptions] of this.subscriptions)
      if (jid === bare || (jid.startsWith(bare) && jid[bare.length] === '/')) found.push(...subscriptions)
    return found
  }

  isSubscribed(entity: Jid): boolean {
    return this.subscriptionsOf(entity).some(({ state }) => state === 'subscribed')
  }

  put(subscription: Subscription): void {
    const others = this.#without(subscription)
    this.subscriptions.set(subscription.jid, [...others, subscription])
    this.subscriptionCount++
    if (subscription.expires > 0) this.nextExpiry = Math.min(this.nextExpiry, subscription.expires)
  }

  remove(subscription: Subscription): void {
    const others = this.#without(subscription)
    if (others.length > 0) this.subscriptions.set(subscription.jid, others)
    else this.subscriptions.delete(subscription.jid)
  }

  /** The newest item's id. */
  get last(): string | undefined {
    return this.#last
  }

  /** Adds an item as the newest, in place of one with the same id. */
  putItem(id: string, head: ItemHead): void {
    this.items.delete(id)
    this.items.set(id, head)
    this.#last = id
    this.lastOrder = head[0]
  }

  removeItem(id: string): void {
    this.items.delete(id)
    if (this.#last !== id) return
    this.#last = undefined
    for (const other of this.items.keys()) this.#last = other
  }

  #without({ jid, subid }: Subscription): Subscription[] {
    const all = this.subscriptions.get(jid) ?? []
    const others = all.filter((other) => other.subid !== subid)
    this.subscriptionCount -= all.length - others.length
    return others
  }
}
