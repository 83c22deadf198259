import type { Message } from '../stanza.ts'

/** XEP-0085 §3. */
export const chatStatesNs = 'http://jabber.org/protocol/chatstates'

/** Whether the message tells of a chat state (XEP-0085 §5.1), with or without other content. */
export function hasChatState(message: Message): boolean {
  return message.elements().some((child) => child.ns === chatStatesNs)
}
