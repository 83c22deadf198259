import type { Jid } from '@jackdaw/xmpp'
import type { Host } from '../../module.ts'
import type { Awaitable } from '../../world.ts'
import type { Relation } from './access.ts'
import type { Node } from './node.ts'
import type { AccessModel, NodeBounds } from './node-config.ts'
import type { Shelves } from './shelves.ts'

export interface Limits extends NodeBounds {
  /** Of one account, or made by one entity at the service. */
  readonly nodes: number
  readonly subscriptions: number
  readonly affiliations: number
  /** Items in one answer. */
  readonly page: number
}

/** An item as others see it. */
export interface Published {
  readonly service: Jid
  readonly node: string
  readonly id: string
  readonly payload: string
}

/** Whoever else is told of what happens at a node, at once. */
export interface Watcher {
  published?(item: Published): Awaitable<void>
  retracted?(service: Jid, node: string, ids: readonly string[]): Awaitable<void>
}

export type RelationOf = (entity: Jid) => Relation

/** What the use cases of XEP-0060 work with, at accounts and at the service alike. */
export interface Engine {
  readonly host: Host
  readonly shelves: Shelves
  readonly limits: Limits
  readonly watchers: Set<Watcher>
  /** How many were sent, for the metrics. */
  readonly notifications: { inc(by?: number): void }
  /** What an entity is to those who own the node; without a node, to the account. */
  relation(service: Jid, node: Node | undefined, entity: Jid): Awaitable<Relation>
  /** What everybody is to the owners of a node with that access model. */
  relations(service: Jid, owners: readonly string[], model: AccessModel): Awaitable<RelationOf>
  /** The full JIDs that get notifications of an account's node without having subscribed (XEP-0060 §9). */
  implicit(node: Node, relationOf: RelationOf): Iterable<Jid>
}

/** What everybody is to a node's owners. */
export function relationsOf(engine: Engine, node: Node, model = node.config.access_model): Awaitable<RelationOf> {
  return engine.relations(node.service, node.owners, model)
}

/** Tells the watchers; one that fails disturbs neither the others nor what they are told of. */
export function tell({ watchers, host }: Engine, act: (watcher: Watcher) => Awaitable<void>): void {
  const fault = (error: unknown) => host.log.error({ err: error }, 'a watcher failed')
  for (const watcher of watchers) {
    try {
      const wait = act(watcher)
      if (wait instanceof Promise) wait.catch(fault)
    } catch (error) {
      fault(error)
    }
  }
}
