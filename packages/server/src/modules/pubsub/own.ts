import {
  type Element,
  Form,
  Jid,
  pubsubError,
  pubsubEvents,
  pubsubOwner,
  type PubsubOwnerRequest,
  pubsubOwnerNs,
  StanzaError,
  unsupported,
  xml,
} from '@jackdaw/xmpp'
import { when } from '../../when.ts'
import type { Awaitable } from '../../world.ts'
import { refusal } from './access.ts'
import { approve } from './approval.ts'
import { type Engine, type RelationOf, relationsOf, tell } from './engine.ts'
import type { Node } from './node.ts'
import { configForm, most, type NodeConfig, readConfig } from './node-config.ts'
import { notify, sendLast } from './notify.ts'
import { nodeIdOf } from './publish.ts'
import { cancel } from './subscribe.ts'

type Request<V extends PubsubOwnerRequest['verb']> = Extract<PubsubOwnerRequest, { verb: V }>

/** XEP-0060 §8.1: makes a node at once; that there is none has been found out before, and how many `has` has. */
export function make(
  engine: Engine,
  service: Jid,
  id: string,
  owner: Jid,
  config: Partial<NodeConfig>,
  has: number,
): Node {
  const { shelves, host, limits } = engine
  if (has >= (host.roles.limit(owner, 'nodes') ?? limits.nodes))
    throw pubsubError('max-nodes-exceeded', 'There cannot be more nodes')
  const creator = owner.bare.toString()
  return shelves.create(service, nodeIdOf(id), {
    config,
    created: host.clock.now(),
    creator,
    affiliations: { [creator]: 'owner' },
  })
}

/** XEP-0060 §8.2 */
export function configure(
  engine: Engine,
  node: Node,
  { form }: Request<'configure'>,
  isSet: boolean,
): Awaitable<Element | void> {
  if (!isSet) {
    const content = Form.write(configForm(node.config, 'form'))
    return pubsubOwner(xml('configure', pubsubOwnerNs, { node: node.id }, content))
  }
  if (!form) throw new StanzaError('bad-request', 'The form is missing')
  if (form.type === 'cancel') return
  if (form.type !== 'submit') throw new StanzaError('bad-request', 'The form is not filled in')
  const changes = readConfig(form, engine.limits)
  return reconfigure(engine, node, changes)
}

export function reconfigure(engine: Engine, node: Node, changes: Partial<NodeConfig>): Awaitable<void> {
  const { shelves, limits } = engine
  const before = node.config.access_model
  return when(relationsOf(engine, node, changes.access_model ?? before), (relationOf) => {
    if (node.isDeleted) throw new StanzaError('item-not-found')
    const isAboutAccess = (changes.access_model ?? before) !== before || changes.roster_groups_allowed !== undefined
    const readers = new Set(isAboutAccess ? implicitReaders(engine, node, relationOf) : [])
    shelves.write(node, { ...node.record, config: { ...node.record.config, ...changes } })
    const { max_items, persist_items, send_last_published_item, notify_config, deliver_payloads } = node.config
    const excess = persist_items ? node.items.size - most(max_items, limits) : node.items.size
    const removed = [...node.items.keys()].slice(0, Math.max(0, excess))
    for (const id of removed) shelves.removeItem(node, id)
    if (removed.length > 0) tell(engine, (watcher) => watcher.retracted?.(node.service, node.id, removed))
    if (isAboutAccess) {
      recalculate(engine, node, relationOf)
      // §12.2
      if (send_last_published_item === 'on_sub_and_presence')
        for (const jid of implicitReaders(engine, node, relationOf))
          if (!readers.has(jid)) void sendLast(engine, node, Jid.parse(jid))
    }
    if (!notify_config) return
    const content = deliver_payloads ? configForm(node.config, 'result') : undefined
    notify(engine, node, relationOf, pubsubEvents.configured(node.id, content))
  })
}

function implicitReaders(engine: Engine, node: Node, relationOf: RelationOf): string[] {
  return [...engine.implicit(node, relationOf)].map(String)
}

/** §4.5: who may not subscribe any more is unsubscribed, who needs no approval any more is let in. */
export function recalculate(
  engine: Engine,
  node: Node,
  relationOf: RelationOf,
  whose: Iterable<string> = [...node.subscriptions.keys()],
): void {
  for (const jid of whose) {
    const subscriptions = node.subscriptions.get(jid) ?? []
    const entity = Jid.parse(jid)
    if (refusal(node, entity, relationOf(entity), 'subscribe')) cancel(engine, node, subscriptions)
    else if (node.config.access_model !== 'authorize' || node.affiliation(entity) !== 'none')
      approve(
        engine,
        node,
        subscriptions.filter(({ state }) => state === 'pending'),
      )
  }
}

/** XEP-0060 §8.4 */
export function remove(engine: Engine, node: Node, redirect?: string): Awaitable<void> {
  return when(relationsOf(engine, node), (relationOf) => {
    if (node.isDeleted) return
    const ids = [...node.items.keys()]
    if (node.config.notify_delete) notify(engine, node, relationOf, pubsubEvents.deleted(node.id, redirect), true)
    engine.shelves.delete(node)
    tell(engine, (watcher) => watcher.retracted?.(node.service, node.id, ids))
  })
}

/** XEP-0060 §8.5 */
export function purge(engine: Engine, node: Node): Awaitable<void> {
  if (!node.config.persist_items) throw unsupported('persistent-items')
  return when(relationsOf(engine, node), (relationOf) => {
    if (node.isDeleted) throw new StanzaError('item-not-found')
    const ids = [...node.items.keys()]
    for (const id of ids) engine.shelves.removeItem(node, id)
    if (node.config.notify_retract) notify(engine, node, relationOf, pubsubEvents.purged(node.id))
    tell(engine, (watcher) => watcher.retracted?.(node.service, node.id, ids))
  })
}
