import {
  type Affiliation,
  type AffiliationChange,
  affiliationsOfNode,
  type Element,
  Jid,
  StanzaError,
  type SubscriptionChange,
  subscriptionsOfNode,
} from '@jackdaw/xmpp'
import { when } from '../../when.ts'
import { refusal } from './access.ts'
import { approve } from './approval.ts'
import type { Engine } from './engine.ts'
import type { Node, Subscription } from './node.ts'
import { newId, notifySubscription } from './notify.ts'
import { cancel, welcome } from './subscribe.ts'
import { defaultOptions } from './subscription-options.ts'

/** XEP-0060 §4.1: what an owner may make of whom, but for what the table says of owners and outcasts. */
const cannotBecome: Readonly<Partial<Record<Affiliation, readonly Affiliation[]>>> = {
  publisher: ['member'],
  owner: ['outcast', 'member', 'publisher', 'publish-only'],
}

/** XEP-0060 §8.9.1 */
export function listAffiliations(node: Node): Element {
  const all = Object.entries(node.record.affiliations).map(([jid, affiliation]) => ({
    jid: Jid.parse(jid),
    affiliation,
  }))
  return affiliationsOfNode(node.id, all)
}

/** XEP-0060 §8.9.2: all that can be done is done, the rest is in the error. */
export function changeAffiliations(engine: Engine, node: Node, changes: readonly AffiliationChange[]): void {
  const bares = changes.map(({ jid }) => jid.bare.toString())
  if (new Set(bares).size < bares.length) throw new StanzaError('bad-request', 'An entity is named twice')
  const affiliations: Record<string, Affiliation> = { ...node.record.affiliations }
  const wrong: AffiliationChange[] = []
  const changed: Jid[] = []
  for (const { jid: full, affiliation } of changes) {
    const jid = full.bare
    const old = node.affiliation(jid)
    if (affiliation === undefined || affiliation === old) continue
    // XEP-0163 §3.2: an account's nodes are its own.
    if (cannotBecome[old]?.includes(affiliation) || jid.equals(node.service)) {
      wrong.push({ jid, affiliation: old })
      continue
    }
    const isNew = old === 'none'
    if (isNew && Object.keys(affiliations).length >= engine.limits.affiliations)
      throw new StanzaError('resource-constraint', 'Too many entities are affiliated with this node')
    if (affiliation === 'none') delete affiliations[jid.toString()]
    else affiliations[jid.toString()] = affiliation
    changed.push(jid)
  }
  // Nobody would be left to change it. Of several who resign, all stay.
  if (!Object.values(affiliations).includes('owner'))
    for (const owner of node.owners) {
      affiliations[owner] = 'owner'
      wrong.push({ jid: Jid.parse(owner), affiliation: 'owner' })
    }
  engine.shelves.write(node, { ...node.record, affiliations })
  for (const jid of changed) follow(engine, node, jid)
  if (wrong.length > 0)
    throw new StanzaError('not-acceptable', 'Not all of it can be', { echo: affiliationsOfNode(node.id, wrong) })
}

/** §8.7.4: what an affiliation means for the entity's subscriptions. */
function follow(engine: Engine, node: Node, jid: Jid): void {
  const own = node.subscriptionsOf(jid)
  switch (node.affiliation(jid)) {
    case 'outcast':
    case 'publish-only':
      return cancel(engine, node, own)
    case 'owner':
    case 'publisher':
    case 'member':
      return approve(engine, node, own.filter(isPending))
    case 'none':
      // §4.5: it may have been let in for that alone.
      void when(engine.relation(node.service, node, jid), (relation) => {
        if (refusal(node, jid, relation, 'subscribe')) cancel(engine, node, node.subscriptionsOf(jid))
      })
  }
}

/** XEP-0060 §8.8.1 */
export function listSubscriptions(node: Node): Element {
  const all = [...node.subscriptions.values()].flat().filter(({ state }) => state === 'subscribed')
  return subscriptionsOfNode(
    node.id,
    all.map(({ jid, subid, state }) => ({ jid: Jid.parse(jid), subid, state })),
  )
}

/** XEP-0060 §8.8.2: all that can be done is done, the rest is in the error. */
export function changeSubscriptions(engine: Engine, node: Node, changes: readonly SubscriptionChange[]): void {
  const wrong: SubscriptionChange[] = []
  for (const change of changes) {
    const { jid, subid, state } = change
    const all = node.subscriptions.get(jid.toString()) ?? []
    const own = subid === undefined ? all : all.filter((one) => one.subid === subid)
    if (state === undefined) continue
    if (state === 'none' && own.length > 0) cancel(engine, node, own)
    else if (state === 'subscribed' && own.length > 0) approve(engine, node, own.filter(isPending))
    else if (state === 'subscribed' && subid === undefined && node.subscriptionCount < engine.limits.subscriptions)
      admit(engine, node, jid)
    else wrong.push({ jid, subid, state: own[0]?.state ?? 'none' })
  }
  if (wrong.length > 0)
    throw new StanzaError('not-acceptable', 'Not all of it can be', { echo: subscriptionsOfNode(node.id, wrong) })
}

function admit(engine: Engine, node: Node, jid: Jid): void {
  const subscription = { jid: jid.toString(), subid: newId(engine), state: 'subscribed' as const, ...defaultOptions }
  engine.shelves.subscribe(node, subscription)
  notifySubscription(engine, node, subscription, 'subscribed')
  welcome(engine, node, subscription)
}

const isPending = ({ state }: Subscription) => state === 'pending'
