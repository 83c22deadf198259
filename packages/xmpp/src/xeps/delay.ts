import { StanzaError } from '../errors.ts'
import type { Jid } from '../jid.ts'
import { xml } from '../xml/element.ts'
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
