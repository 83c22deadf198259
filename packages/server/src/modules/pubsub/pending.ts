import {
  type Field,
  fieldValues,
  formTypeField,
  type Jid,
  pubsubForms,
  pubsubGetPending,
  StanzaError,
} from '@jackdaw/xmpp'
import { when } from '../../when.ts'
import type { AdHocCommand } from '../commands/ad-hoc.ts'
import { requestApprovalOf } from './approval.ts'
import type { Engine } from './engine.ts'
import type { Node } from './node.ts'

/** XEP-0060 §8.7: an owner asks for the subscription requests that wait, first where there are any, then those of one node. */
export function pendingCommand(engine: Engine, from: Jid, nodes: readonly Node[]): AdHocCommand {
  const own = nodes.filter((node) => node.affiliation(from) === 'owner')
  return {
    node: pubsubGetPending,
    name: 'Subscription requests',
    isAllowed: own.length > 0,
    ask: () => ({ type: 'form', fields: [formTypeField(pubsubForms.authorization), choice(own)] }),
    carryOut(answers) {
      const id = fieldValues(answers, 'pubsub#node')![0]!
      return when(engine.shelves.node(own[0]!.service, id), (node) => {
        if (!node) throw new StanzaError('item-not-found', `There is no node ${id}`)
        if (node.affiliation(from) !== 'owner') throw new StanzaError('forbidden', undefined, { type: 'cancel' })
        for (const subscription of pendingOf(node)) requestApprovalOf(engine, node, subscription, from.bare)
      })
    },
  }
}

function choice(own: readonly Node[]): Field {
  const options = own.filter((node) => pendingOf(node).length > 0).map(({ id }) => ({ value: id }))
  return { var: 'pubsub#node', type: 'list-single', label: 'Node', isRequired: true, options }
}

function pendingOf(node: Node) {
  return [...node.subscriptions.values()].flat().filter(({ state }) => state === 'pending')
}
