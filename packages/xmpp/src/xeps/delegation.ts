import { StanzaError } from '../errors.ts'
import { clientNs } from '../namespaces.ts'
import { type Iq, Stanza } from '../stanza.ts'
import { type Element, xml } from '../xml/element.ts'
import { Forwarded, forwardingNs } from './forwarding.ts'

export const delegationNs = 'urn:xmpp:delegation:2'

/** XEP-0355 §7.2: requests to accounts about what they are, by nodes that the server does not have. */
export const remainingInfo = `${delegationNs}:bare:disco#info:*`
/** §7.2: requests to accounts about what they have. */
export const remainingItems = `${delegationNs}:bare:disco#items:*`

/** Namespaces, each with the attributes without which a payload of it is not delegated (§4.1). */
export type Delegations = Readonly<Record<string, readonly string[]>>

/** §4.2: `<delegation/>` with what is delegated; undefined when nothing is. */
export function grantedDelegations(delegations: Delegations): Element | undefined {
  const all = Object.entries(delegations).map(([namespace, attributes]) =>
    xml(
      'delegated',
      delegationNs,
      { namespace },
      ...attributes.map((name) => xml('attribute', delegationNs, { name })),
    ),
  )
  return all.length > 0 ? xml('delegation', delegationNs, undefined, ...all) : undefined
}

/** §4.3: the request that is delegated, for the managing entity. */
export function delegated(stanza: Iq): Element {
  return xml('delegation', delegationNs, undefined, Forwarded.write({ stanza }))
}

/** §4.3: the answer that the managing entity gave in such a way. @throws StanzaError bad-request */
export function delegatedAnswer(payload: Element | undefined): Iq {
  const [forwarded, ...others] = payload?.name === 'delegation' && payload.ns === delegationNs ? payload.elements() : []
  const isForwarded = others.length === 0 && forwarded?.name === Forwarded.name && forwarded.ns === forwardingNs
  const [iq, ...more] = isForwarded ? forwarded.elements() : []
  if (iq?.name !== 'iq' || iq.ns !== clientNs || more.length > 0)
    throw new StanzaError('bad-request', 'The answer forwards no iq')
  return Stanza.from(iq) as Iq
}

/** §7.2: the node of the managing entity at which it says what the server, or its accounts, can do in a delegated namespace. */
export function delegationNode(place: 'server' | 'account', namespace: string): string {
  return `${delegationNs}${place === 'server' ? '::' : ':bare:'}${namespace}`
}
