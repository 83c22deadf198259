import { type Jid, parse, unlimited } from '@jackdaw/xmpp'
import type { Element } from '@jackdaw/xmpp'
import { when, whenAll } from '../../when.ts'
import type { Awaitable } from '../../world.ts'
import { type Engine, relationsOf, type Watcher } from './engine.ts'
import type { Node } from './node.ts'
import type { NodeConfig } from './node-config.ts'
import { make, reconfigure } from './own.ts'
import { put, take } from './publish.ts'

/** An item of an account's node. */
export interface OwnItem {
  readonly id: string
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  readonly payload: Element | undefined
}

/** What other modules do with the nodes of an account, as the account itself would. */
export interface OwnNodes {
  /** How a node is configured; undefined when there is none. */
  config(account: Jid, node: string): Awaitable<NodeConfig | undefined>
  /** The items of a node, the oldest first; none when there is no such node. */
  items(account: Jid, node: string): Awaitable<readonly OwnItem[]>
  item(account: Jid, node: string, id: string): Awaitable<OwnItem | undefined>
  /** The accounts that have an item of that id in a node of that name. */
  holders(node: string, id: string): AsyncIterable<Jid>
  /** The item that was published last. */
  last(account: Jid, node: string): Awaitable<OwnItem | undefined>
  /** Publishes, and tells all who want to hear of it; makes the node, so configured, when there is none. @throws StanzaError */
  publish(
    account: Jid,
    node: string,
    item: { readonly id: string; readonly payload: Element },
    config?: Partial<NodeConfig>,
  ): Awaitable<void>
  /** Takes an item back, and tells all who want to hear of it; nothing happens when there is none. */
  retract(account: Jid, node: string, id: string): Awaitable<void>
  /** Changes how a node is configured, when there is one. */
  configure(account: Jid, node: string, changes: Partial<NodeConfig>): Awaitable<void>
  /** Tells at once of each item that is published or taken back, at accounts or at the service, by whomever; returns what ends that. */
  watch(watcher: Watcher): () => void
}

export function ownNodes(engine: Engine): OwnNodes {
  const { shelves } = engine

  function one(node: Node, id: string): Awaitable<OwnItem | undefined> {
    const at = node.items.get(id)?.[1]
    if (at === undefined) return undefined
    return when(shelves.payload(node, id), (payload) =>
      payload === undefined ? undefined : { id, at, payload: payload === '' ? undefined : parse(payload, unlimited) },
    )
  }

  return {
    config: (account, id) => when(shelves.node(account, id), (node) => node?.config),
    items: (account, id) =>
      when(shelves.node(account, id), (node) => {
        const all = node ? [...node.items.keys()].map((item) => one(node, item)) : []
        return whenAll(all, (items) => items.filter((item) => item !== undefined))
      }),
    item: (account, id, item) => when(shelves.node(account, id), (node) => node && one(node, item)),
    holders: (id, item) => shelves.holders(id, item),
    last: (account, id) =>
      when(shelves.node(account, id), (node) => (node?.last === undefined ? undefined : one(node, node.last))),
    publish: (account, id, item, config = {}) =>
      when(engine.relations(account, [], 'presence'), (relationOf) =>
        when(shelves.ofAccount(account), (nodes) => {
          const all = [...nodes]
          const node =
            all.find((candidate) => candidate.id === id) ?? make(engine, account, id, account, config, all.length)
          put(engine, node, account, item, relationOf)
        }),
      ),
    retract: (account, id, item) =>
      when(shelves.node(account, id), (node) => {
        if (!node?.items.has(item)) return
        return when(relationsOf(engine, node), (relationOf) => {
          if (!node.isDeleted && node.items.has(item)) take(engine, node, item, relationOf, true)
        })
      }),
    configure: (account, id, changes) =>
      when(shelves.node(account, id), (node) => {
        if (node) return reconfigure(engine, node, changes)
      }),
    watch(watcher) {
      engine.watchers.add(watcher)
      return () => engine.watchers.delete(watcher)
    },
  }
}
