import { StanzaError } from '../errors.ts'
import { Jid } from '../jid.ts'
import type { Kind, Stanza } from '../stanza.ts'
import { type Element, type Node, xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'
import { formatDateTime, parseDateTime } from './date-time.ts'
import { jidValue } from './jid-value.ts'

export const delayNs = 'urn:xmpp:delay'

/** XEP-0203 §2: that a stanza was held back. */
export interface Delay {
  /** When it was sent first, milliseconds since the Unix epoch. */
  readonly stamp: number
  /** Who held it back. */
  readonly from?: Jid | undefined
  /** Why, for a human reader. */
  readonly reason?: string | undefined
}

/** `<delay/>`. */
export const Delay: Payload<Delay> = {
  name: 'delay',
  ns: delayNs,
  read(element) {
    const stamp = element.attr('stamp')
    if (stamp === undefined) throw new StanzaError('bad-request', 'A delay needs a stamp')
    const from = element.attr('from')
    return {
      stamp: parseDateTime(stamp),
      from: from === undefined ? undefined : jidValue(from),
      reason: element.text.trim() || undefined,
    }
  },
  write: ({ stamp, from, reason }) =>
    xml('delay', delayNs, { from: from?.toString(), stamp: formatDateTime(stamp) }, reason),
}

/** When the stanza was sent first, as `by` says, who held it back; undefined when `by` says nothing about it. */
export function delayBy(stanza: Stanza, by: Jid): number | undefined {
  for (const node of stanza.children) if (isDelayBy(node, by)) return Delay.read(node).stamp
  return undefined
}

/** The stanza without what `by` is said to have said about its delay (§5); itself when there is no such thing. */
export function withoutDelay<K extends Kind>(stanza: Stanza<K>, by: Jid): Stanza<K> {
  for (const node of stanza.children)
    if (isDelayBy(node, by)) return stanza.containing(stanza.children.filter((one) => !isDelayBy(one, by)))
  return stanza
}

function isDelayBy(node: Node, by: Jid): node is Element {
  if (typeof node === 'string' || node.name !== 'delay' || node.ns !== delayNs) return false
  try {
    return by.equals(Jid.parse(node.attr('from') ?? ''))
  } catch {
    return false
  }
}
