import {
  type Element,
  Form,
  Jid,
  pubsub,
  pubsubError,
  pubsubNs,
  type PubsubRequest,
  StanzaError,
  type SubscriptionState,
  unsupported,
  xml,
} from '@jackdaw/xmpp'
import { when } from '../../when.ts'
import type { Awaitable } from '../../world.ts'
import { requestApproval } from './approval.ts'
import { refusal, type Relation } from './access.ts'
import type { Engine } from './engine.ts'
import type { Node, Subscription } from './node.ts'
import { newId, notifyOwners, notifySubscription, sendLast } from './notify.ts'
import { defaultOptions, optionsForm, readOptions, type SubscriptionOptions } from './subscription-options.ts'

/** Subscriptions of one JID to one node, each with options of its own (§6.1.6). */
const mostOfOne = 10
/** And of all resources of one entity together: no more may be left for others. */
const mostOfEntity = 100

type Request<V extends PubsubRequest['verb']> = Extract<PubsubRequest, { verb: V }>

/** XEP-0060 §6.1 */
export function subscribe(
  engine: Engine,
  node: Node,
  from: Jid,
  relation: Relation,
  { jid, options: form }: Request<'subscribe'>,
): Awaitable<Element> {
  const { host } = engine
  if (!jid.bare.equals(from.bare)) throw pubsubError('invalid-jid', 'Nobody is subscribed by others')
  if (!node.config.subscribe) throw unsupported('subscribe')
  const refused = refusal(node, from, relation, 'subscribe')
  if (refused) throw refused
  const options = form ? readOptions(form, defaultOptions, host.clock.now()) : undefined
  return when(isAnonymous(engine, from), (isNobody) => {
    // §6.1.3.6: who comes under another name the next time would leave it behind for ever.
    if (isNobody) throw new StanzaError('forbidden', 'Who has no account cannot subscribe', { type: 'cancel' })
    if (node.isDeleted) throw new StanzaError('item-not-found')
    return join(engine, node, jid, options)
  })
}

function isAnonymous({ host }: Engine, entity: Jid): Awaitable<boolean> {
  if (entity.domain !== host.domain.domain || entity.local === undefined) return false
  return when(host.accounts.exists(entity.bare), (exists) => !exists)
}

function join(engine: Engine, node: Node, jid: Jid, options: SubscriptionOptions | undefined): Element {
  const key = jid.toString()
  const own = node.subscriptions.get(key) ?? []
  // §6.1.3.7
  if (own.some(({ state }) => state === 'pending')) throw pubsubError('pending-subscription')
  // §6.1.6: another one only when it is to be another kind of subscription.
  const same = own.find((one) => !options || (one.deliver === options.deliver && one.expires === options.expires))
  if (same) return answer(node, same, options)
  const isFull = own.length >= mostOfOne || node.subscriptionCount >= engine.limits.subscriptions
  if (isFull || node.subscriptionsOf(jid).length >= mostOfEntity) throw pubsubError('too-many-subscriptions')
  const needsApproval = node.config.access_model === 'authorize' && node.affiliation(jid) === 'none'
  const subscription: Subscription = {
    jid: key,
    subid: newId(engine),
    state: needsApproval ? 'pending' : 'subscribed',
    ...(options ?? defaultOptions),
  }
  engine.shelves.subscribe(node, subscription)
  if (needsApproval) requestApproval(engine, node, subscription)
  else welcome(engine, node, subscription)
  return answer(node, subscription, options)
}

/** A subscription has begun: its first item (§6.1.7), where it is to bring any, and the owners are told. */
export function welcome(engine: Engine, node: Node, { jid, deliver }: Subscription): void {
  notifyOwners(engine, node, jid, 'subscribed')
  // After the answer; it still is the same tick.
  if (deliver && node.config.send_last_published_item !== 'never')
    queueMicrotask(() => queueMicrotask(() => void sendLast(engine, node, Jid.parse(jid))))
}

function answer(node: Node, subscription: Subscription, options: SubscriptionOptions | undefined): Element {
  return pubsub(
    subscriptionElement(node, subscription, subscription.state),
    options && xml('options', pubsubNs, undefined, Form.write(optionsForm(subscription, 'result'))),
  )
}

export function subscriptionElement(node: Node, { jid, subid }: Subscription, state: SubscriptionState): Element {
  return xml('subscription', pubsubNs, { node: node.id, jid, subid, subscription: state })
}

/** XEP-0060 §6.2 */
export function unsubscribe(engine: Engine, node: Node, from: Jid, request: Request<'unsubscribe'>): Element {
  const subscription = find(node, from, request)
  engine.shelves.unsubscribe(node, subscription)
  notifyOwners(engine, node, subscription.jid, 'none')
  return pubsub(subscriptionElement(node, subscription, 'none'))
}

/** XEP-0060 §6.3.2, §6.3.5 */
export function configureSubscription(
  engine: Engine,
  node: Node,
  from: Jid,
  request: Request<'options'>,
  isSet: boolean,
): Element | void {
  const subscription = find(node, from, request)
  const { form, jid, subid } = request
  if (!isSet) {
    const content = Form.write(optionsForm(subscription, 'form'))
    return pubsub(xml('options', pubsubNs, { node: node.id, jid: jid.toString(), subid }, content))
  }
  if (!form) throw pubsubError('invalid-options', 'The form is missing')
  if (form.type === 'cancel') return
  const chosen = readOptions(form, subscription, engine.host.clock.now())
  engine.shelves.unsubscribe(node, subscription)
  engine.shelves.subscribe(node, { ...subscription, ...chosen })
}

/** The subscription that a request is about. @throws StanzaError as §6.2.3 and §6.3.4 have it */
function find(
  node: Node,
  from: Jid,
  { jid, subid }: { readonly jid: Jid; readonly subid?: string | undefined },
): Subscription {
  if (!jid.bare.equals(from.bare)) throw new StanzaError('forbidden', 'It is not your subscription')
  const own = node.subscriptions.get(jid.toString())
  if (!own) throw pubsubError('not-subscribed')
  if (subid === undefined) {
    if (own.length > 1) throw pubsubError('subid-required', 'There is more than one subscription')
    return own[0]!
  }
  const found = own.find((one) => one.subid === subid)
  if (!found) throw pubsubError('invalid-subid')
  return found
}

/** Ends subscriptions that nobody asked to be ended: their subscribers are told (§12.13). */
export function cancel(engine: Engine, node: Node, subscriptions: readonly Subscription[]): void {
  for (const subscription of subscriptions) {
    engine.shelves.unsubscribe(node, subscription)
    notifySubscription(engine, node, subscription, 'none')
  }
}
