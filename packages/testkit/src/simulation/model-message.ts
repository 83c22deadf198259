import { hasHint, isPrivate, type Message } from '@jackdaw/xmpp'

export function typeOf({ type }: Message): string {
  return type ?? 'normal'
}

/** RFC 6121 §8.5.2.2, §8.5.3.2.1: a message that the account takes when no resource does. */
export function isForAccount(message: Message): boolean {
  const isToAccount = !message.to || message.to.isBare
  switch (typeOf(message)) {
    case 'chat':
      return true
    case 'normal':
      return isToAccount
    case 'headline':
      // XEP-0334 §4.4
      return isToAccount && hasHint(message, 'store')
    default:
      return false
  }
}

/** XEP-0313 §6.1.1, XEP-0334 §4 */
export function isArchived(message: Message): boolean {
  const type = typeOf(message)
  if (type === 'error' || type === 'groupchat') return false
  if (hasHint(message, 'no-store') || hasHint(message, 'no-permanent-store')) return false
  return hasHint(message, 'store') || (type !== 'headline' && message.child('body') !== undefined)
}

/** XEP-0280 §6.1, §9; errors are another matter. */
export function isCopied(message: Message): boolean {
  if (isPrivate(message) || hasHint(message, 'no-copy')) return false
  const type = typeOf(message)
  return type === 'chat' || (type === 'normal' && message.child('body') !== undefined)
}
