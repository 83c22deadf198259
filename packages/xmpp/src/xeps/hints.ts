import type { Message } from '../stanza.ts'
import { type Element, xml } from '../xml/element.ts'

export const hintsNs = 'urn:xmpp:hints'

/** XEP-0334 §4: what the sender asks of those who store and copy messages. */
export type Hint = 'no-permanent-store' | 'no-store' | 'no-copy' | 'store'

/** Whether the message carries the hint. Those in an error are of the message that failed and do not count (§5). */
export function hasHint(message: Message, hint: Hint): boolean {
  return message.child(hint, hintsNs) !== undefined && message.type !== 'error'
}

/** The hint, as it stands in a message. */
export function hintElement(hint: Hint): Element {
  return xml(hint, hintsNs)
}
