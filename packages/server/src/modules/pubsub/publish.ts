import {
  type Element,
  flatten,
  type Form,
  Jid,
  opaqueString,
  PrecisError,
  pubsub,
  pubsubError,
  pubsubEvents,
  pubsubForms,
  type PubsubItem,
  pubsubNs,
  StanzaError,
  unsupported,
  xml,
} from '@jackdaw/xmpp'
import { when } from '../../when.ts'
import type { Awaitable } from '../../world.ts'
import { mayPublish, mayRetract } from './access.ts'
import { type Engine, type RelationOf, relationsOf, tell } from './engine.ts'
import { mostName, type Node } from './node.ts'
import { meets, most, type NodeConfig, readConfig } from './node-config.ts'
import { newId, notify, publishedEvent } from './notify.ts'

interface Publication {
  readonly node: string
  readonly items: readonly PubsubItem[]
  readonly options?: Form | undefined
}

/** How a node comes to be that is published to and does not exist (§7.1.4). */
export interface Making {
  readonly relationOf: RelationOf
  /** At once, and before anything else; @throws StanzaError */
  make(config: Partial<NodeConfig>, id: string): Node
}

/** XEP-0060 §7.1. `making` throws where nodes do not make themselves. */
export function publish(
  engine: Engine,
  service: Jid,
  from: Jid,
  { node: id, items, options }: Publication,
  making: () => Awaitable<Making>,
): Awaitable<Element> {
  const wanted = options && readConfig(options, engine.limits, pubsubForms.publish)
  const [item, ...more] = items
  if (more.length > 0) throw new StanzaError('bad-request', 'One item is published at a time')
  const answer = (published: string | undefined) =>
    pubsub(
      xml(
        'publish',
        pubsubNs,
        { node: id },
        published === undefined ? undefined : xml('item', pubsubNs, { id: published }),
      ),
    )
  return when(engine.shelves.node(service, id), (node) => {
    if (!node)
      return when(making(), ({ make, relationOf }) =>
        answer(put(engine, make(wanted ?? {}, id), from, item, relationOf)),
      )
    checkPublisher(engine, node, from, wanted)
    return when(relationsOf(engine, node), (relationOf) => {
      if (node.isDeleted) throw new StanzaError('item-not-found')
      return answer(put(engine, node, from, item, relationOf))
    })
  })
}

function checkPublisher(engine: Engine, node: Node, from: Jid, wanted: Partial<NodeConfig> | undefined): void {
  if (!mayPublish(node, from)) throw new StanzaError('forbidden')
  // §7.1.5
  if (wanted && !meets(node.config, wanted, engine.limits))
    throw pubsubError('precondition-not-met', 'The node is configured otherwise')
}

/** Publishes an item at once, and tells everybody; returns its id, where there is one. @throws StanzaError */
export function put(
  engine: Engine,
  node: Node,
  from: Jid,
  item: PubsubItem | undefined,
  relationOf: RelationOf,
): string | undefined {
  const { persist_items, deliver_payloads, max_items, max_payload_size, publish_node_full } = node.config
  check(node, item)
  if (!item) {
    notify(engine, node, relationOf, pubsubEvents.published(node.id))
    return undefined
  }
  const { shelves, limits } = engine
  const payload = item.payload?.toString() ?? ''
  if (Buffer.byteLength(payload) > max_payload_size) throw pubsubError('payload-too-big')
  const id = item.id === undefined || item.id === '' ? newId(engine) : nameOf(item.id)
  if (persist_items) {
    const evicted: string[] = []
    if (!node.items.has(id)) {
      const excess = node.items.size + 1 - most(max_items, limits)
      if (excess > 0 && publish_node_full === 'reject') throw pubsubError('node-full')
      for (const old of node.items.keys()) if (evicted.length < excess) evicted.push(old)
    }
    for (const old of evicted) shelves.removeItem(node, old)
    shelves.putItem(node, id, payload, from.toString())
    // §7.1.2.5. The one item of a singleton node (§12.20) is replaced, not taken back.
    if (evicted.length > 0 && publish_node_full === 'retract-oldest' && node.config.notify_retract && max_items !== 1)
      notify(engine, node, relationOf, pubsubEvents.retracted(node.id, evicted))
    if (evicted.length > 0) tell(engine, (watcher) => watcher.retracted?.(node.service, node.id, evicted))
  }
  notify(
    engine,
    node,
    relationOf,
    publishedEvent(node, id, deliver_payloads ? item.payload : undefined, from.toString()),
  )
  tell(engine, (watcher) => watcher.published?.({ service: node.service, node: node.id, id, payload }))
  return id
}

/** §7.1.3.7 */
function check(node: Node, item: PubsubItem | undefined): void {
  const { persist_items, deliver_payloads } = node.config
  if (!item) {
    if (persist_items || deliver_payloads) throw pubsubError('item-required')
    return
  }
  if (!persist_items && !deliver_payloads) throw pubsubError('item-forbidden')
  if (deliver_payloads && !item.payload) throw pubsubError('payload-required')
}

/** XEP-0060 §7.2 */
export function retract(
  engine: Engine,
  node: Node,
  from: Jid,
  { id, isNotified }: { readonly id: string; readonly isNotified: boolean },
): Awaitable<void> {
  const head = node.items.get(id)
  if (!mayRetract(node, from, head && Jid.parse(head[2]))) throw new StanzaError('forbidden')
  if (!node.config.persist_items) throw unsupported('persistent-items')
  return when(relationsOf(engine, node), (relationOf) => {
    if (node.isDeleted || !node.items.has(id)) throw new StanzaError('item-not-found', `There is no item ${id}`)
    take(engine, node, id, relationOf, isNotified)
  })
}

/** Removes an item at once, and tells everybody. */
export function take(engine: Engine, node: Node, id: string, relationOf: RelationOf, isNotified: boolean): void {
  engine.shelves.removeItem(node, id)
  if (isNotified || node.config.notify_retract) notify(engine, node, relationOf, pubsubEvents.retracted(node.id, [id]))
  tell(engine, (watcher) => watcher.retracted?.(node.service, node.id, [id]))
}

/** An id as it may be kept. @throws StanzaError not-acceptable */
export function nameOf(id: string): string {
  if (id.length > mostName) throw new StanzaError('not-acceptable', 'The name is too long')
  return flatten(id)
}

/** XEP-0060 §4.6.2: a node's id is a string fit for a resource, as it is written there. @throws StanzaError not-acceptable */
export function nodeIdOf(id: string): string {
  const name = nameOf(id)
  try {
    if (opaqueString(name) === name) return name
  } catch (error) {
    if (!(error instanceof PrecisError)) throw error
  }
  throw new StanzaError('not-acceptable', 'A node cannot have this name')
}
