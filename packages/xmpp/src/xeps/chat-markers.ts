import type { Message } from '../stanza.ts'

/** XEP-0333: what of a conversation has been displayed. */
export const chatMarkersNs = 'urn:xmpp:chat-markers:0'

/** The id of the message up to which this one says that all has been displayed (XEP-0333 §4.2). */
export function displayedId(message: Message): string | undefined {
  return message.child('displayed', chatMarkersNs)?.attr('id')
}
