import { isEncrypted, isInstantMessage, jingleMessageNs, type Jid, type Message } from '@jackdaw/xmpp'

/** Why a notification is sent: a message, or a request for a subscription (then nothing of it is told but the count). */
export interface Notice {
  /** Who sent the message: in a room the occupant. */
  readonly sender?: Jid | undefined
  /** Not of an encrypted one: what its body holds is for clients that cannot decrypt it. */
  readonly body?: string | undefined
}

/** The notice of a message that wakes its recipient: what somebody reads, or a call (XEP-0353); undefined for any other. */
export function noticeOf(message: Message): Notice | undefined {
  const isCall = message.type !== 'error' && message.child('propose', jingleMessageNs) !== undefined
  if (!isCall && !isInstantMessage(message)) return undefined
  return { sender: message.from, body: message.elements().some(isEncrypted) ? undefined : message.child('body')?.text }
}
