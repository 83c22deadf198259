import type { Message } from '../stanza.ts'

/** XEP-0308 §3: a message that replaces another. */
export const correctionNs = 'urn:xmpp:message-correct:0'

/** The id of the message that this one corrects. */
export function correctedId(message: Message): string | undefined {
  return message.child('replace', correctionNs)?.attr('id')
}
