import {
  Command,
  commandError,
  type Element,
  type Field,
  fieldValues,
  formTypeField,
  type Jid,
  pubsubForms,
  pubsubGetPending,
  StanzaError,
} from '@jackdaw/xmpp'
import { when } from '../../when.ts'
import type { Awaitable } from '../../world.ts'
import { requestApprovalOf } from './approval.ts'
import type { Engine } from './engine.ts'
import type { Node } from './node.ts'
import { newId } from './notify.ts'

/** XEP-0060 §8.7: an owner asks for the subscription requests that wait, first where there are any, then those of one node. */
export function getPending(
  engine: Engine,
  from: Jid,
  nodes: readonly Node[],
  { sessionId = newId(engine), action, form }: Command,
): Awaitable<Element> {
  const own = nodes.filter((node) => node.affiliation(from) === 'owner')
  if (own.length === 0) throw new StanzaError('forbidden', 'You own no node', { type: 'cancel' })
  const step = (rest: Partial<Command>) => Command.write({ node: pubsubGetPending, sessionId, ...rest })
  if (action === 'cancel' || form?.type === 'cancel') return step({ status: 'canceled' })
  if (action === 'prev') throw commandError('bad-request', 'bad-action')
  if (!form)
    return step({
      status: 'executing',
      form: { type: 'form', fields: [formTypeField(pubsubForms.authorization), choice(own)] },
    })
  const id = fieldValues(form, 'pubsub#node')?.[0]
  if (id === undefined) throw commandError('bad-request', 'bad-payload')
  return when(engine.shelves.node(own[0]!.service, id), (node) => {
    if (!node) throw new StanzaError('item-not-found', `There is no node ${id}`)
    if (node.affiliation(from) !== 'owner') throw new StanzaError('forbidden', undefined, { type: 'cancel' })
    for (const subscription of pendingOf(node)) requestApprovalOf(engine, node, subscription, from.bare)
    return step({ status: 'completed' })
  })
}

function choice(own: readonly Node[]): Field {
  const options = own.filter((node) => pendingOf(node).length > 0).map(({ id }) => ({ value: id }))
  return { var: 'pubsub#node', type: 'list-single', label: 'Node', options }
}

function pendingOf(node: Node) {
  return [...node.subscriptions.values()].flat().filter(({ state }) => state === 'pending')
}
