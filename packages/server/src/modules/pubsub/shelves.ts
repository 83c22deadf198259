import { Jid } from '@jackdaw/xmpp'
import type { MapStore } from '../../storage/storage.ts'
import { when } from '../../when.ts'
import type { Awaitable, Clock } from '../../world.ts'
import { type ItemHead, mostName, Node, type NodeRecord, type Subscription } from './node.ts'
import type { NodeConfig } from './node-config.ts'

/** So many shelves stay in memory when nobody uses them. */
const mostIdle = 10_000

/** Nodes that are read together: all those of an account, or one of the service. */
type Shelf = Map<string, Node>

export interface NodeStores {
  /** By the service (an account, or the domain), then by the node's id. */
  readonly nodes: MapStore<NodeRecord>
  /** The rest by the owner of a shelf; the keys begin with the node's id. */
  readonly subscriptions: MapStore<readonly Subscription[]>
  readonly items: MapStore<ItemHead>
  readonly payloads: MapStore<string>
  /** Who has to do with which node of the service: by bare JID, then by the node's id. True: has made it. */
  readonly affairs: MapStore<boolean>
}

/**
 * The nodes of a virtual host's accounts and of its service. They are read when they are asked for; from there on they are in memory, all
 * but the payloads, and there is never more than one object for a node. Reads may wait; changes take effect at once.
 */
export class Shelves {
  readonly #stores: NodeStores
  readonly #clock: Clock
  readonly #defaults: (service: Jid) => NodeConfig
  readonly #recent = new Map<string, Awaitable<Shelf>>()
  /** What has left `#recent`, and somebody may still use. */
  readonly #others = new Map<string, WeakRef<Shelf>>()
  readonly #gone = new FinalizationRegistry<string>((key) => {
    if (this.#others.get(key)?.deref() === undefined) this.#others.delete(key)
  })
  readonly #shelfOf = new WeakMap<Node, Shelf>()
  #catalogue: Awaitable<Map<string, NodeRecord>> | undefined

  constructor(stores: NodeStores, clock: Clock, defaults: (service: Jid) => NodeConfig) {
    this.#stores = stores
    this.#clock = clock
    this.#defaults = defaults
  }

  /** The node, if there is one. */
  node(service: Jid, id: string): Awaitable<Node | undefined> {
    // The place of one that is not there is remembered, too.
    if (id.length > mostName) return undefined
    return when(this.#shelf(service, id), (shelf) => {
      const node = shelf.get(id)
      if (node) this.#age(node)
      return node
    })
  }

  /** All nodes of an account. */
  ofAccount(account: Jid): Awaitable<Iterable<Node>> {
    return when(this.#shelf(account, ''), (shelf) => {
      for (const node of shelf.values()) this.#age(node)
      return shelf.values()
    })
  }

  /** What is kept of each node of the service. */
  catalogue(service: Jid): Awaitable<ReadonlyMap<string, NodeRecord>> {
    if (this.#catalogue) return this.#catalogue
    const read = this.#stores.nodes.all(service.toString())
    if (!(read instanceof Promise)) return (this.#catalogue = new Map(read))
    const reading = read.then((all) => {
      const catalogue = new Map(all)
      if (this.#catalogue === reading) this.#catalogue = catalogue
      return catalogue
    })
    return (this.#catalogue = reading)
  }

  /** The nodes of the service that an entity has to do with. */
  affairs(entity: Jid): Awaitable<ReadonlyMap<string, boolean>> {
    return this.#stores.affairs.all(entity.bare.toString())
  }

  payload(node: Node, item: string): Awaitable<string | undefined> {
    return this.#stores.payloads.get(ownerOf(node.service, node.id), keyOf(node.id, item))
  }

  /** The accounts that have an item of that id in a node of that name. */
  async *holders(node: string, item: string): AsyncIterable<Jid> {
    for await (const [owner] of this.#stores.items.owners(keyOf(node, item)))
      if (!owner.includes('\n')) yield Jid.parse(owner)
  }

  /** Makes a node where there is none: `node` has been asked before. */
  create(service: Jid, id: string, record: NodeRecord): Node {
    const shelf = this.#recent.get(ownerOf(service, id)) as Shelf
    const node = new Node(service, id, record, this.#defaults(service))
    shelf.set(id, node)
    this.#shelfOf.set(node, shelf)
    this.write(node, record)
    return node
  }

  /** Changes its configuration, or who is affiliated with it. */
  write(node: Node, record: NodeRecord): void {
    const { service, id, record: old } = node
    node.record = record
    void this.#stores.nodes.edit(service.toString(), id, () => record)
    if (isAccount(service)) return
    this.#list(id, record)
    for (const jid of new Set([...Object.keys(old.affiliations), ...Object.keys(record.affiliations)]))
      this.#relate(node, jid)
  }

  delete(node: Node): void {
    const { service, id } = node
    for (const item of [...node.items.keys()]) this.removeItem(node, item)
    for (const subscription of [...node.subscriptions.values()].flat()) this.unsubscribe(node, subscription)
    this.write(node, { ...node.record, affiliations: {} })
    node.isDeleted = true
    this.#shelfOf.get(node)?.delete(id)
    void this.#stores.nodes.edit(service.toString(), id, () => undefined)
    if (!isAccount(service)) this.#list(id, undefined)
  }

  subscribe(node: Node, subscription: Subscription): void {
    node.put(subscription)
    this.#writeSubscriptions(node, subscription)
  }

  unsubscribe(node: Node, subscription: Subscription): void {
    node.remove(subscription)
    this.#writeSubscriptions(node, subscription)
  }

  putItem(node: Node, item: string, payload: string, publisher: string): void {
    const head: ItemHead = [node.lastOrder + 1, this.#clock.now(), publisher]
    node.putItem(item, head)
    const [owner, key] = [ownerOf(node.service, node.id), keyOf(node.id, item)]
    void this.#stores.items.edit(owner, key, () => head)
    void this.#stores.payloads.edit(owner, key, () => payload)
  }

  removeItem(node: Node, item: string): void {
    node.removeItem(item)
    const [owner, key] = [ownerOf(node.service, node.id), keyOf(node.id, item)]
    void this.#stores.items.edit(owner, key, () => undefined)
    void this.#stores.payloads.edit(owner, key, () => undefined)
  }

  /** To be called when an account has been removed. */
  forget(account: Jid): void {
    this.#recent.delete(account.toString())
    this.#others.delete(account.toString())
  }

  #shelf(service: Jid, id: string): Awaitable<Shelf> {
    const key = ownerOf(service, id)
    const known = this.#recent.get(key) ?? this.#others.get(key)?.deref() ?? this.#read(service, id, key)
    // The last used is the last to go.
    this.#recent.delete(key)
    this.#recent.set(key, known)
    if (this.#recent.size > mostIdle) this.#retire()
    if (known instanceof Promise)
      void known.then(
        (shelf) => this.#recent.get(key) === known && this.#recent.set(key, shelf),
        () => this.#recent.delete(key),
      )
    return known
  }

  #retire(): void {
    for (const [key, shelf] of this.#recent) {
      if (shelf instanceof Promise) continue
      this.#recent.delete(key)
      this.#others.set(key, new WeakRef(shelf))
      this.#gone.register(shelf, key)
      return
    }
  }

  #read(service: Jid, id: string, owner: string): Awaitable<Shelf> {
    const { nodes } = this.#stores
    if (isAccount(service))
      return when(nodes.all(service.toString()), (records) =>
        records.size === 0 ? new Map() : this.#fill(service, owner, records),
      )
    return when(nodes.get(service.toString(), id), (record) =>
      record ? this.#fill(service, owner, new Map([[id, record]])) : new Map(),
    )
  }

  #fill(service: Jid, owner: string, records: ReadonlyMap<string, NodeRecord>): Awaitable<Shelf> {
    return when(this.#stores.subscriptions.all(owner), (subscriptions) =>
      when(this.#stores.items.all(owner), (items) => {
        const shelf: Shelf = new Map()
        for (const [id, record] of records) {
          const node = new Node(service, id, record, this.#defaults(service))
          shelf.set(id, node)
          this.#shelfOf.set(node, shelf)
        }
        for (const [key, all] of subscriptions) for (const one of all) shelf.get(nodeOfKey(key))?.put(one)
        for (const [key, head] of [...items].sort(([, a], [, b]) => a[0] - b[0])) {
          const node = nodeOfKey(key)
          shelf.get(node)?.putItem(key.slice(node.length + 1), head)
        }
        return shelf
      }),
    )
  }

  /** Takes away what has had its time: items (`item_expire`), leased subscriptions. */
  #age(node: Node): void {
    const now = this.#clock.now()
    const { item_expire } = node.config
    if (item_expire !== 'max')
      for (const [id, [, at]] of node.items) {
        if (at + item_expire * 1000 > now) break
        this.removeItem(node, id)
      }
    if (node.nextExpiry > now) return
    node.nextExpiry = Infinity
    for (const one of [...node.subscriptions.values()].flat())
      if (one.expires > 0 && one.expires <= now) this.unsubscribe(node, one)
      else if (one.expires > 0) node.nextExpiry = Math.min(node.nextExpiry, one.expires)
  }

  #writeSubscriptions(node: Node, { jid }: Subscription): void {
    const left = node.subscriptions.get(jid)
    void this.#stores.subscriptions.edit(ownerOf(node.service, node.id), keyOf(node.id, jid), () => left)
    if (!isAccount(node.service)) this.#relate(node, bareOf(jid))
  }

  #list(id: string, record: NodeRecord | undefined): void {
    // While it is being read: it would come too late.
    if (this.#catalogue instanceof Promise) this.#catalogue = undefined
    else if (record) this.#catalogue?.set(id, record)
    else this.#catalogue?.delete(id)
  }

  #relate(node: Node, jid: string): void {
    const isCreator = node.record.creator === jid
    const hasToDo = jid in node.record.affiliations || this.#hasSubscription(node, jid)
    void this.#stores.affairs.edit(jid, node.id, () => (hasToDo ? isCreator : undefined))
  }

  #hasSubscription(node: Node, bare: string): boolean {
    if (node.subscriptions.has(bare)) return true
    for (const jid of node.subscriptions.keys()) if (bareOf(jid) === bare) return true
    return false
  }
}

/** Whether the nodes are an account's, and not the service's. */
export function isAccount(service: Jid): boolean {
  return service.local !== undefined
}

// No id, JID or domain has control characters in it.
function ownerOf(service: Jid, node: string): string {
  return isAccount(service) ? service.toString() : `${service}\n${node}`
}

function keyOf(node: string, rest: string): string {
  return `${node}\n${rest}`
}

function nodeOfKey(key: string): string {
  return key.slice(0, key.indexOf('\n'))
}

function bareOf(jid: string): string {
  const slash = jid.indexOf('/')
  return slash < 0 ? jid : jid.slice(0, slash)
}
