/** How an account stands to a contact (RFC 6121 appendix A), as four facts. */
export interface ModelContact {
  /** It is in the roster. */
  isListed: boolean
  name: string
  groups: readonly string[]
  /** The account sees the contact's presence; the contact sees the account's. */
  to: boolean
  from: boolean
  /** The account has asked, or has been asked, and there is no answer. */
  pendingOut: boolean
  pendingIn: boolean
  /** §3.4 */
  isApproved: boolean
}

export function newContact(): ModelContact {
  return {
    isListed: false,
    name: '',
    groups: [],
    to: false,
    from: false,
    pendingOut: false,
    pendingIn: false,
    isApproved: false,
  }
}

/** As a client sees it, in one line. */
export function describeContact({ to, from, pendingOut, isApproved, name, groups }: ModelContact): string {
  const subscription = to ? (from ? 'both' : 'to') : from ? 'from' : 'none'
  return describeItem({ subscription, ask: pendingOut, approved: isApproved, name, groups })
}

export function describeItem(item: {
  readonly subscription?: string | undefined
  readonly ask?: boolean | undefined
  readonly approved?: boolean | undefined
  readonly name?: string | undefined
  readonly groups: readonly string[]
}): string {
  const { subscription = 'none', ask, approved, name = '', groups } = item
  return `${subscription}${ask ? ' asked' : ''}${approved ? ' approved' : ''} '${name}' [${groups.toSorted().join(', ')}]`
}
