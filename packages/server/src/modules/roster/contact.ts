import type { Jid, RosterItem } from '@jackdaw/xmpp'

/** What an account keeps of one contact. */
export type Contact = {
  readonly name: string
  readonly groups: readonly string[]
  readonly subscription: 'none' | 'to' | 'from' | 'both'
  /** The account waits for the contact's answer (Pending Out). */
  readonly ask: boolean
  /** RFC 6121 §3.4: its request is approved in advance. */
  readonly approved: boolean
  /** The subscribe stanza that the account has not answered yet (Pending In), as XML; '' when there is none. */
  readonly request: string
  /** The roster's version that brought the last push of it; 0: it is not in the roster (it has asked, no more: RFC 6121 A.1). */
  readonly version: number
}

/** RFC 6121 A.1: who is not in the roster has the state None. */
export const stranger: Contact = {
  name: '',
  groups: [],
  subscription: 'none',
  ask: false,
  approved: false,
  request: '',
  version: 0,
}

/** Whether the contact sees the account's presence. */
export function isSubscriber(contact: Contact): boolean {
  return contact.subscription === 'from' || contact.subscription === 'both'
}

/** Whether the account sees the contact's presence. */
export function isSubscribedTo(contact: Contact): boolean {
  return contact.subscription === 'to' || contact.subscription === 'both'
}

export function itemOf(jid: Jid, contact: Contact): RosterItem {
  const { name, groups, subscription, ask, approved } = contact
  return { jid, name: name || undefined, groups, subscription, ask, approved }
}

export function textSize({ name, groups }: Pick<Contact, 'name' | 'groups'>): number {
  return groups.reduce((size, group) => size + group.length, name.length)
}
