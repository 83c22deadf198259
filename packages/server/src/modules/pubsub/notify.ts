import {
  Delay,
  type Element,
  Jid,
  message,
  parse,
  pubsubEvents,
  subidHeaders,
  type SubscriptionState,
  unlimited,
} from '@jackdaw/xmpp'
import { when } from '../../when.ts'
import type { Awaitable } from '../../world.ts'
import { refusal } from './access.ts'
import { notificationId } from './bounces.ts'
import type { Engine, RelationOf } from './engine.ts'
import type { Node, Subscription } from './node.ts'

/**
 * Tells all who have subscribed to a node, explicitly or not, and may read it. Rendered once, whoever gets it.
 * @param isForAll also those whose subscription has not been approved, or brings nothing at present (§8.4.2)
 */
export function notify(engine: Engine, node: Node, relationOf: RelationOf, event: Element, isForAll = false): void {
  if (!node.config.deliver_notifications) return
  const { host } = engine
  const base = message({ from: node.service, type: typeOf(node), id: idOf(engine, node) }, event)
  const told = new Set<string>()
  let count = 0
  for (const to of engine.implicit(node, relationOf)) {
    told.add(to.toString())
    told.add(to.bare.toString())
    count++
    host.send(base.addressed({ to }))
  }
  for (const [jid, subscriptions] of node.subscriptions) {
    const subids = subidsOf(subscriptions)
    if (told.has(jid) || (subids.length === 0 && !isForAll)) continue
    const to = Jid.parse(jid)
    if (!isForAll && refusal(node, to, relationOf(to), 'read')) continue
    const addressed = base.addressed({ to })
    count++
    // §7.1.2.4: which of several subscriptions it is for.
    host.send(subids.length > 1 ? addressed.append(subidHeaders(subids)) : addressed)
  }
  engine.notifications.inc(count)
}

function subidsOf(subscriptions: readonly Subscription[]): string[] {
  return subscriptions.filter(({ state, deliver }) => state === 'subscribed' && deliver).map(({ subid }) => subid)
}

/** §12.13, §6.1.6: an entity learns what has become of one of its subscriptions. */
export function notifySubscription(
  engine: Engine,
  node: Node,
  { jid, subid }: Subscription,
  state: SubscriptionState,
): void {
  const to = Jid.parse(jid)
  const event = pubsubEvents.subscription(node.id, to, state, subid)
  engine.host.send(message({ from: node.service, to, type: typeOf(node), id: idOf(engine, node) }, event))
}

/** `notify_sub`: owners learn who comes and goes. */
export function notifyOwners(engine: Engine, node: Node, jid: string, state: SubscriptionState): void {
  if (!node.config.notify_sub) return
  const event = pubsubEvents.subscription(node.id, Jid.parse(jid), state)
  const base = message({ from: node.service, type: typeOf(node), id: idOf(engine, node) }, event)
  for (const owner of node.owners) engine.host.send(base.addressed({ to: Jid.parse(owner) }))
}

/** §6.1.7, XEP-0163 §4.3.4: the last item, with the time of its publication. */
export function sendLast(engine: Engine, node: Node, to: Jid): Awaitable<void> {
  const { last } = node
  if (last === undefined || !node.config.deliver_notifications) return
  return when(engine.shelves.payload(node, last), (payload) => {
    const head = node.items.get(last)
    if (!head) return
    const event = publishedEvent(node, last, payload ? parse(payload, unlimited) : undefined, head[2])
    const delay = Delay.write({ stamp: head[1] })
    engine.host.send(message({ from: node.service, to, type: typeOf(node), id: idOf(engine, node) }, event, delay))
  })
}

/** §4.3, §7.1.2: with or without the item and its payload, as the node is configured. */
export function publishedEvent(node: Node, id: string, payload: Element | undefined, publisher: string): Element {
  const { persist_items, deliver_payloads, itemreply } = node.config
  if (!persist_items && !deliver_payloads) return pubsubEvents.published(node.id)
  return pubsubEvents.published(node.id, {
    id,
    payload: deliver_payloads ? payload : undefined,
    publisher: itemreply === 'publisher' ? publisherOf(node, publisher) : undefined,
  })
}

/** §7.1.2.3: the bare JID of those who are affiliated, the full one of others. */
export function publisherOf(node: Node, publisher: string): string {
  const jid = Jid.parse(publisher)
  return node.affiliation(jid) === 'none' ? publisher : jid.bare.toString()
}

function typeOf(node: Node): string | undefined {
  return node.config.notification_type === 'headline' ? 'headline' : undefined
}

function idOf(engine: Engine, node: Node): string {
  return notificationId(node, newId(engine))
}

/** Unguessable, and of letters that any store takes. */
export function newId({ host }: Engine): string {
  return Buffer.from(host.random.bytes(12)).toString('base64url')
}
