import { type Jid, pubsubError, StanzaError } from '@jackdaw/xmpp'
import type { Node } from './node.ts'
import { isAccount } from './shelves.ts'

/** What an entity is to the owners of a node. */
export interface Relation {
  /** It sees an owner's presence. */
  readonly isSubscribed: boolean
  /** The roster groups in which owners have it. */
  readonly groups: readonly string[]
  /** The account whose node it is wants nothing to do with it (XEP-0191). */
  readonly isBlocked?: boolean
}

/** Why an entity may not read a node, or not subscribe to it; undefined: it may (XEP-0060 §4.1, §4.5, §6.1.3, §6.5.9). */
export function refusal(
  node: Node,
  entity: Jid,
  { isSubscribed, groups, isBlocked }: Relation,
  wish: 'subscribe' | 'read',
): StanzaError | undefined {
  if (isBlocked) return new StanzaError('service-unavailable')
  switch (node.affiliation(entity)) {
    case 'owner':
    case 'publisher':
    case 'member':
      return undefined
    case 'publish-only':
    case 'outcast':
      return new StanzaError('forbidden')
  }
  const { access_model, roster_groups_allowed } = node.config
  switch (access_model) {
    case 'open':
      return undefined
    case 'presence':
      return isSubscribed ? undefined : pubsubError('presence-subscription-required')
    case 'roster':
      return isSubscribed && groups.some((group) => roster_groups_allowed.includes(group))
        ? undefined
        : pubsubError('not-in-roster-group')
    case 'authorize':
      // Whoever subscribes has to wait for the approval (§6.1.4).
      if (wish === 'subscribe' || node.isSubscribed(entity)) return undefined
      return pubsubError('not-subscribed', undefined, 'not-authorized')
    case 'whitelist':
      return pubsubError('closed-node')
  }
}

/**
 * Nobody who does not see the presence of an account learns of its nodes, unless they are open, nor whether the account exists: the answer
 * is the same in all these cases, the one that XEP-0060 has for the usual node of an account.
 */
export function hideFromStrangers(service: Jid, node: Node | undefined, entity: Jid, relation: Relation): void {
  if (isHidden(service, node, entity, relation)) throw pubsubError('presence-subscription-required')
}

export function isHidden(service: Jid, node: Node | undefined, entity: Jid, { isSubscribed }: Relation): boolean {
  if (!isAccount(service) || isSubscribed) return false
  if (!node) return true
  if (node.config.access_model === 'open') return false
  return node.affiliation(entity) === 'none' && node.subscriptionsOf(entity).length === 0
}

/** §7.1.3.1 */
export function mayPublish(node: Node, entity: Jid): boolean {
  switch (node.affiliation(entity)) {
    case 'owner':
    case 'publisher':
    case 'publish-only':
      return true
    case 'outcast':
      return false
  }
  const { publish_model } = node.config
  return publish_model === 'open' || (publish_model === 'subscribers' && node.isSubscribed(entity))
}

/** §7.2.3.1: owners, and whoever has published the item and still may. */
export function mayRetract(node: Node, entity: Jid, publisher: Jid | undefined): boolean {
  if (node.affiliation(entity) === 'owner') return true
  return publisher !== undefined && publisher.bare.equals(entity.bare) && node.affiliation(entity) !== 'outcast'
}
