import {
  booleanValue,
  clientNs,
  Form,
  fieldValues,
  formType,
  formTypeField,
  Jid,
  type Message,
  message,
  pubsubForms,
  StanzaError,
  xml,
} from '@jackdaw/xmpp'
import { when } from '../../when.ts'
import type { Awaitable } from '../../world.ts'
import type { Engine } from './engine.ts'
import type { Node, Subscription } from './node.ts'
import { notifySubscription } from './notify.ts'
import { cancel, welcome } from './subscribe.ts'

/** XEP-0060 §8.6: asks the owners whether they want a subscriber. The first answer counts. */
export function requestApproval(engine: Engine, node: Node, subscription: Subscription): void {
  for (const owner of node.owners) requestApprovalOf(engine, node, subscription, Jid.parse(owner))
}

export function requestApprovalOf({ host }: Engine, node: Node, { jid, subid }: Subscription, to: Jid): void {
  const form: Form = {
    type: 'form',
    title: 'Subscription request',
    instructions: [`${jid} wants to subscribe to ${node.id}.`],
    fields: [
      formTypeField(pubsubForms.authorization),
      { var: 'pubsub#subid', type: 'hidden', values: [subid] },
      { var: 'pubsub#node', type: 'text-single', label: 'Node', values: [node.id] },
      { var: 'pubsub#subscriber_jid', type: 'jid-single', label: 'Subscriber', values: [jid] },
      { var: 'pubsub#allow', type: 'boolean', label: 'Allow it to subscribe?', values: ['false'] },
    ],
  }
  // With a body it waits for an owner who is away.
  const body = xml('body', clientNs, undefined, form.instructions![0])
  host.send(message({ from: node.service, to, id: `approve-${subid}` }, body, Form.write(form)))
}

/** An owner's answer; undefined when the message is none. Errors are for nobody: whoever may not decide changes nothing. */
export function approvalIn(stanza: Message): Form | undefined {
  const element = stanza.type === 'error' ? undefined : stanza.child(Form.name, Form.ns)
  if (!element) return undefined
  const form = Form.read(element)
  if (formType(form) !== pubsubForms.authorization) return undefined
  return form.type === 'submit' || form.type === 'cancel' ? form : undefined
}

/** XEP-0060 §8.6 */
export function decide(engine: Engine, service: Jid, from: Jid, form: Form): Awaitable<void> {
  // It goes on waiting.
  if (form.type === 'cancel') return
  const value = (name: string) => fieldValues(form, `pubsub#${name}`)?.[0] ?? ''
  const isAllowed = booleanValue(value('allow'))
  return when(engine.shelves.node(service, value('node')), (node) => {
    if (!node) throw new StanzaError('item-not-found')
    if (node.affiliation(from) !== 'owner') throw new StanzaError('forbidden')
    const pending = (node.subscriptions.get(value('subscriber_jid')) ?? []).filter(
      ({ state, subid }) => state === 'pending' && (value('subid') === '' || subid === value('subid')),
    )
    if (pending.length === 0) throw new StanzaError('item-not-found', 'Nobody waits for this')
    if (isAllowed) approve(engine, node, pending)
    else cancel(engine, node, pending)
  })
}

export function approve(engine: Engine, node: Node, pending: readonly Subscription[]): void {
  for (const subscription of pending) {
    engine.shelves.unsubscribe(node, subscription)
    engine.shelves.subscribe(node, { ...subscription, state: 'subscribed' })
    notifySubscription(engine, node, subscription, 'subscribed')
    welcome(engine, node, subscription)
  }
}
