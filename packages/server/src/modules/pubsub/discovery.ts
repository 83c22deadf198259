import {
  type DiscoInfo,
  type DiscoItem,
  type Form,
  formatDateTime,
  formTypeField,
  type Jid,
  pubsubFeature,
  pubsubForms,
  pubsubNs,
} from '@jackdaw/xmpp'
import { when } from '../../when.ts'
import type { Awaitable } from '../../world.ts'
import { isHidden, refusal } from './access.ts'
import type { Engine } from './engine.ts'
import type { Node } from './node.ts'
import { fieldsOf } from './node-config.ts'

/** XEP-0060 §10: what can be done at accounts and at the service alike. */
export const features = [
  pubsubNs,
  ...[
    'config-node',
    'config-node-max',
    'create-and-configure',
    'create-nodes',
    'delete-items',
    'delete-nodes',
    'instant-nodes',
    'item-ids',
    'last-published',
    'leased-subscription',
    'manage-subscriptions',
    'member-affiliation',
    'meta-data',
    'modify-affiliations',
    'multi-items',
    'multi-subscribe',
    'outcast-affiliation',
    'persistent-items',
    'publish',
    'publish-node-full',
    'publish-only-affiliation',
    'publish-options',
    'publisher-affiliation',
    'purge-nodes',
    'retract-items',
    'retrieve-affiliations',
    'retrieve-default',
    'retrieve-default-sub',
    'retrieve-items',
    'retrieve-subscriptions',
    'rsm',
    'subscribe',
    'subscription-notifications',
    'subscription-options',
  ].map(pubsubFeature),
]

/** XEP-0163 §6.2: whether whoever asks may subscribe to the node, or read it, and so know of it. */
export function isVisible(engine: Engine, node: Node, from: Jid, wish: 'subscribe' | 'read'): Awaitable<boolean> {
  return when(engine.relation(node.service, node, from), (relation) => {
    if (node.isDeleted || refusal(node, from, relation, wish)) return false
    return !isHidden(node.service, node, from, relation)
  })
}

/** XEP-0060 §5.3, §5.4; undefined for a node that there is not, or not for whoever asks. */
export function describeNode(engine: Engine, service: Jid, from: Jid, id: string): Awaitable<DiscoInfo | undefined> {
  return when(engine.shelves.node(service, id), (node) => {
    if (!node) return undefined
    return when(isVisible(engine, node, from, 'subscribe'), (isShown) =>
      isShown
        ? { identities: [{ category: 'pubsub', type: 'leaf' }], features: [pubsubNs], forms: [metadata(node)] }
        : undefined,
    )
  })
}

function metadata(node: Node): Form {
  const { creator, created } = node.record
  const config = fieldsOf(
    node.config,
    ['type', 'title', 'description', 'language', 'contact', 'access_model', 'publish_model', 'max_items'],
    'result',
  )
  const subscribers = [...node.subscriptions.values()].filter((all) => all.some(({ state }) => state === 'subscribed'))
  return {
    type: 'result',
    fields: [
      formTypeField(pubsubForms.metadata),
      ...config.filter(({ values }) => values!.length > 0),
      { var: 'pubsub#creator', type: 'jid-single', values: [creator] },
      { var: 'pubsub#creation_date', type: 'text-single', values: [formatDateTime(created)] },
      { var: 'pubsub#owner', type: 'jid-multi', values: node.owners },
      { var: 'pubsub#publisher', type: 'jid-multi', values: node.affiliated('publisher') },
      { var: 'pubsub#num_subscribers', type: 'text-single', values: [String(subscribers.length)] },
    ],
  }
}

/** XEP-0060 §5.5; undefined for a node that there is not, or not for whoever asks. */
export function itemsOfNode(
  engine: Engine,
  service: Jid,
  from: Jid,
  id: string,
): Awaitable<readonly DiscoItem[] | undefined> {
  return when(engine.shelves.node(service, id), (node) => {
    if (!node) return undefined
    return when(isVisible(engine, node, from, 'read'), (isShown) =>
      isShown ? [...node.items.keys()].map((item) => ({ jid: service, name: item })) : undefined,
    )
  })
}

export function itemOf(node: Node): DiscoItem {
  return { jid: node.service, node: node.id, name: node.config.title || undefined }
}
