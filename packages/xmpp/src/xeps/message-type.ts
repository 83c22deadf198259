import type { Message, Stanza } from '../stanza.ts'

/** RFC 6121 §5.2.2. */
export type MessageType = 'chat' | 'error' | 'groupchat' | 'headline' | 'normal'

/** The type of a message; a missing or an unknown one is 'normal' (RFC 6121 §5.2.2). */
export function messageType(message: Message): MessageType {
  const { type } = message
  switch (type) {
    case 'chat':
    case 'error':
    case 'groupchat':
    case 'headline':
      return type
    default:
      return 'normal'
  }
}

export function isMessage(stanza: Stanza): stanza is Message {
  return stanza.name === 'message'
}
