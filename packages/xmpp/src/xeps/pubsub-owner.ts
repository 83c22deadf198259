import { StanzaError } from '../errors.ts'
import type { Jid } from '../jid.ts'
import { type Element, xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'
import { Form } from './forms.ts'
import { jidValue } from './jid-value.ts'
import {
  type Affiliation,
  affiliations,
  pubsubError,
  pubsubOwnerNs,
  type SubscriptionState,
  subscriptionStates,
} from './pubsub.ts'
import { formIn, nodeOf } from './pubsub-request.ts'

/** §8.9.2: who is to be what. */
export interface AffiliationChange {
  readonly jid: Jid
  /** Undefined: as it is. */
  readonly affiliation?: Affiliation | undefined
}

/** §8.8.2 */
export interface SubscriptionChange {
  readonly jid: Jid
  readonly subid?: string | undefined
  /** Undefined: as it is. */
  readonly state?: SubscriptionState | undefined
}

/** What an owner asks within `<pubsub/>` of XEP-0060 §8. */
export type PubsubOwnerRequest =
  | { readonly verb: 'configure'; readonly node: string; readonly form?: Form | undefined }
  | { readonly verb: 'default'; readonly type: string }
  | { readonly verb: 'delete'; readonly node: string; readonly redirect?: string | undefined }
  | { readonly verb: 'purge'; readonly node: string }
  | { readonly verb: 'affiliations'; readonly node: string; readonly changes: readonly AffiliationChange[] }
  | { readonly verb: 'subscriptions'; readonly node: string; readonly changes: readonly SubscriptionChange[] }

/** `<pubsub/>` in an owner's request. Reading throws the StanzaError that XEP-0060 has for what is missing. */
export const PubsubOwnerRequest: Payload<PubsubOwnerRequest> = { name: 'pubsub', ns: pubsubOwnerNs, read, write }

function read(element: Element): PubsubOwnerRequest {
  const verb = element.elements().find(({ ns, name }) => ns === pubsubOwnerNs && Object.hasOwn(readers, name))
  if (!verb) throw new StanzaError('bad-request', '<pubsub/> holds nothing that an owner can ask')
  return readers[verb.name]!(verb)
}

const readers: Readonly<Record<string, (verb: Element) => PubsubOwnerRequest>> = {
  configure: (verb) => ({ verb: 'configure', node: nodeOf(verb), form: formIn(verb) }),
  default: (verb) => ({ verb: 'default', type: verb.attr('type') ?? 'leaf' }),
  delete: (verb) => ({ verb: 'delete', node: nodeOf(verb), redirect: verb.child('redirect')?.attr('uri') }),
  purge: (verb) => ({ verb: 'purge', node: nodeOf(verb) }),
  affiliations: (verb) => ({
    verb: 'affiliations',
    node: nodeOf(verb),
    changes: named(verb, 'affiliation').map((child) => ({
      jid: jidOf(child),
      affiliation: oneOf(affiliations, child.attr('affiliation')),
    })),
  }),
  subscriptions: (verb) => ({
    verb: 'subscriptions',
    node: nodeOf(verb),
    changes: named(verb, 'subscription').map((child) => ({
      jid: jidOf(child),
      subid: child.attr('subid'),
      state: oneOf(subscriptionStates, child.attr('subscription')),
    })),
  }),
}

function write(request: PubsubOwnerRequest): Element {
  switch (request.verb) {
    case 'configure': {
      const form = request.form && Form.write(request.form)
      return pubsubOwner(xml('configure', pubsubOwnerNs, { node: request.node }, form))
    }
    case 'default':
      return pubsubOwner(xml('default', pubsubOwnerNs, { type: request.type }))
    case 'delete': {
      const { node, redirect } = request
      const to = redirect === undefined ? undefined : xml('redirect', pubsubOwnerNs, { uri: redirect })
      return pubsubOwner(xml('delete', pubsubOwnerNs, { node }, to))
    }
    case 'purge':
      return pubsubOwner(xml('purge', pubsubOwnerNs, { node: request.node }))
    case 'affiliations':
      return affiliationsOfNode(request.node, request.changes)
    case 'subscriptions':
      return subscriptionsOfNode(request.node, request.changes)
  }
}

/** `<pubsub/>` of an owner's request, or of its answer. */
export function pubsubOwner(...children: (Element | undefined)[]): Element {
  return xml('pubsub', pubsubOwnerNs, undefined, ...children)
}

/** §8.9: all, or those that are to change. */
export function affiliationsOfNode(node: string, changes: readonly AffiliationChange[]): Element {
  const list = changes.map(({ jid, affiliation }) =>
    xml('affiliation', pubsubOwnerNs, { jid: jid.toString(), affiliation }),
  )
  return pubsubOwner(xml('affiliations', pubsubOwnerNs, { node }, ...list))
}

/** §8.8: all, or those that are to change. */
export function subscriptionsOfNode(node: string, changes: readonly SubscriptionChange[]): Element {
  const list = changes.map(({ jid, subid, state }) =>
    xml('subscription', pubsubOwnerNs, { jid: jid.toString(), subid, subscription: state }),
  )
  return pubsubOwner(xml('subscriptions', pubsubOwnerNs, { node }, ...list))
}

function jidOf(element: Element): Jid {
  const jid = element.attr('jid')
  if (jid === undefined) throw pubsubError('jid-required', `<${element.name}/> names nobody`)
  return jidValue(jid)
}

function oneOf<T extends string>(values: readonly T[], text: string | undefined): T | undefined {
  if (text === undefined) return undefined
  const value = values.find((one) => one === text)
  if (value === undefined) throw new StanzaError('bad-request', `There is no ${text}`)
  return value
}

function named(element: Element, name: string): Element[] {
  return element.elements().filter((child) => child.name === name && child.ns === element.ns)
}
