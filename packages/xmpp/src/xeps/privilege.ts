import { clientNs } from '../namespaces.ts'
import type { Iq } from '../stanza.ts'
import { type Element, xml } from '../xml/element.ts'
import { Forwarded, forwardingNs } from './forwarding.ts'

export const privilegeNs = 'urn:xmpp:privilege:2'

/** XEP-0356 §4.1, §6.1: which requests; 'both' is get and set. */
export type PrivilegedAccess = 'none' | 'get' | 'set' | 'both'

/** What a privileged entity may do (XEP-0356). */
export interface Privileges {
  /** With the rosters of accounts (§4.1). */
  readonly roster: PrivilegedAccess
  /** Whether it is told of changes in them. */
  readonly push: boolean
  /** §5.1: 'outgoing': to send messages in the name of the server and of accounts. */
  readonly message: 'none' | 'outgoing'
  /** §7.1, §7.4: to see the presence of accounts; 'roster': of their contacts, too. */
  readonly presence: 'none' | 'managed_entity' | 'roster'
  /** §6.1: requests that it may send in the name of accounts, by the namespaces of their payloads. */
  readonly iq: Readonly<Record<string, PrivilegedAccess>>
}

/** Whether an access covers requests of this type. */
export function covers(access: PrivilegedAccess | undefined, type: string | undefined): boolean {
  return (type === 'get' || type === 'set') && (access === 'both' || access === type)
}

/** §4.2, §5.2, §6.2, §7.2: `<privilege/>` with what is granted; undefined when nothing is. */
export function grantedPrivileges({ roster, push, message, presence, iq }: Privileges): Element | undefined {
  const perm = (access: string, type: string | undefined, more = {}, ...children: Element[]) =>
    type === 'none' ? undefined : xml('perm', privilegeNs, { access, type, ...more }, ...children)
  const namespaces = Object.entries(iq)
    .filter(([, type]) => type !== 'none')
    .map(([ns, type]) => xml('namespace', privilegeNs, { ns, type }))
  const perms = [
    perm('roster', roster, covers(roster, 'get') ? { push: String(push) } : {}),
    perm('message', message),
    namespaces.length > 0 ? perm('iq', undefined, {}, ...namespaces) : undefined,
    perm('presence', presence),
  ].filter((one) => one !== undefined)
  return perms.length > 0 ? xml('privilege', privilegeNs, undefined, ...perms) : undefined
}

/** §5.1: the message that is to be sent by privilege; undefined when there is not exactly one. */
export function privilegedMessage(privilege: Element): Element | undefined {
  const [forwarded, ...more] = privilege.elements()
  if (!forwarded || more.length > 0 || forwarded.name !== Forwarded.name || forwarded.ns !== forwardingNs) return
  const messages = forwarded.elements().filter(({ name, ns }) => name === 'message' && ns === clientNs)
  return messages.length === 1 ? messages[0] : undefined
}

/** §6.3: the payload of a request that holds another one, `<privileged_iq/>`. */
export const privilegedIqName = 'privileged_iq'

/** §6.3: the request that is to be sent by privilege; undefined when it is none in jabber:client. */
export function privilegedIq(payload: Element): Element | undefined {
  const [iq, ...more] = payload.elements()
  return more.length === 0 && iq?.name === 'iq' && iq.ns === clientNs ? iq : undefined
}

/** §6.3: what came back, for the privileged entity. */
export function privilegedAnswer(stanza: Iq): Element {
  return xml('privilege', privilegeNs, undefined, Forwarded.write({ stanza }))
}
