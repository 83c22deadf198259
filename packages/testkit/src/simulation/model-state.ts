import type { Jid, Message } from '@jackdaw/xmpp'
import type { ModelContact } from './model-contact.ts'

/** What a session is to be handed of one message: itself, a copy (XEP-0280), or the error that answers it. */
export type What = 'message' | 'sent' | 'received' | 'error'

export interface Expected {
  readonly what: What
  readonly id: string
  /** The full JID of who sent the message; for an error the condition. */
  readonly of: string
  /** In the order of the sending: not so when another resource had it first and lost it. */
  readonly isInOrder: boolean
}

export interface ModelSession {
  readonly jid: Jid
  readonly account: ModelAccount
  /** Stanzas of the client that the server has handled. */
  handled: number
  isEnded: boolean
  presence: { readonly status: string; readonly priority: number } | undefined
  /** Since when it is available with a priority that is not negative, and has copies made. */
  willingSince: number | undefined
  carbonsSince: number | undefined
  isInterested: boolean
  /** To whom directed presence was sent (RFC 6121 §4.6). */
  readonly directed: Set<string>
  readonly expected: Expected[]
  /** By the full JID of a contact's resource: the statuses told, undefined for unavailable; none twice in a row. */
  readonly seen: Map<string, (string | undefined)[]>
  /** Subscription stanzas: type and contact. */
  readonly requests: string[]
}

interface Waiting {
  readonly message: Message
  /** A session had it before. */
  readonly isLost: boolean
}

export interface ModelAccount {
  readonly jid: Jid
  readonly contacts: Map<string, ModelContact>
  readonly sessions: ModelSession[]
  waiting: Waiting[]
  /** Ids of messages. */
  readonly archive: string[]
}

export function available({ sessions }: ModelAccount): ModelSession[] {
  return sessions.filter(({ presence }) => presence)
}

export function willing({ sessions }: ModelAccount): ModelSession[] {
  return sessions.filter(({ presence }) => presence && presence.priority >= 0)
}

/** Adds to what was seen of a resource, unless it is nothing new. */
export function note(seen: Map<string, (string | undefined)[]>, jid: string, status: string | undefined): void {
  const statuses = seen.get(jid)
  if (!statuses) {
    if (status !== undefined) seen.set(jid, [status])
  } else if (statuses.at(-1) !== status) statuses.push(status)
}
