import { type ErrorType, type StanzaCondition, StanzaError } from '../errors.ts'
import { xml } from '../xml/element.ts'

/** XEP-0060: what any entity may ask of a node, or of the service. */
export const pubsubNs = 'http://jabber.org/protocol/pubsub'
/** XEP-0060 §8: what the owner of a node may ask. */
export const pubsubOwnerNs = `${pubsubNs}#owner`
/** XEP-0060 §7: what those who have subscribed are told. */
export const pubsubEventNs = `${pubsubNs}#event`
const pubsubErrorsNs = `${pubsubNs}#errors`

/** XEP-0060 §10: the service discovery feature of that name. */
export function pubsubFeature(name: string): string {
  return `${pubsubNs}#${name}`
}

/** The FORM_TYPEs of XEP-0060 §16.4 and §7.1.5. */
export const pubsubForms = {
  config: `${pubsubNs}#node_config`,
  metadata: `${pubsubNs}#meta-data`,
  options: `${pubsubNs}#subscribe_options`,
  authorization: `${pubsubNs}#subscribe_authorization`,
  publish: `${pubsubNs}#publish-options`,
}

/** XEP-0060 §8.7: the ad-hoc command that asks for the subscription requests which wait. */
export const pubsubGetPending = `${pubsubNs}#get-pending`

/** XEP-0060 §4.1 */
export const affiliations = ['owner', 'publisher', 'publish-only', 'member', 'outcast', 'none'] as const
export type Affiliation = (typeof affiliations)[number]

/** XEP-0060 §4.2 */
export const subscriptionStates = ['none', 'pending', 'unconfigured', 'subscribed'] as const
export type SubscriptionState = (typeof subscriptionStates)[number]

/** XEP-0060 §16.2: each condition with the stanza error that it usually comes with, and that error's type where it is not the usual one. */
const conditions = {
  'closed-node': ['not-allowed'],
  'invalid-jid': ['bad-request'],
  'invalid-options': ['bad-request'],
  'invalid-payload': ['bad-request'],
  'invalid-subid': ['not-acceptable'],
  'item-forbidden': ['bad-request'],
  'item-required': ['bad-request'],
  'jid-required': ['bad-request'],
  'max-nodes-exceeded': ['policy-violation', 'cancel'],
  'node-full': ['conflict'],
  'nodeid-required': ['bad-request'],
  'not-in-roster-group': ['not-authorized'],
  'not-subscribed': ['unexpected-request', 'cancel'],
  'payload-required': ['bad-request'],
  'payload-too-big': ['not-acceptable'],
  'pending-subscription': ['not-authorized'],
  'precondition-not-met': ['conflict'],
  'presence-subscription-required': ['not-authorized'],
  'subid-required': ['bad-request'],
  'too-many-subscriptions': ['policy-violation', 'wait'],
  'unsupported-access-model': ['not-acceptable'],
} as const satisfies Record<string, readonly [StanzaCondition, ErrorType?]>
export type PubsubCondition = keyof typeof conditions

/** The error with an application condition of XEP-0060; `condition` is for where it comes with another stanza error than usual. */
export function pubsubError(name: PubsubCondition, text?: string, condition?: StanzaCondition): StanzaError {
  const [usual, type]: readonly [StanzaCondition, ErrorType?] = conditions[name]
  return new StanzaError(condition ?? usual, text, {
    application: xml(name, pubsubErrorsNs),
    ...(type && !condition && { type }),
  })
}

/** The service, or the node, does not have this feature. */
export function unsupported(feature: string, text?: string): StanzaError {
  return new StanzaError('feature-not-implemented', text, {
    application: xml('unsupported', pubsubErrorsNs, { feature }),
  })
}
