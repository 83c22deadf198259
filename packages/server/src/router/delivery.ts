import { type Jid, type Stanza, type StanzaCondition } from '@jackdaw/xmpp'
import type { Session } from '../session/session.ts'

/**
 * RFC 6121 §8.5: which of an account's sessions get a message or a presence that is addressed to the account (a bare JID) or to
 * one of its resources. Empty: nobody is there (table 1's O, S and E; see `undeliverable`).
 */
export function choose(stanza: Stanza, to: Jid, sessions: readonly Session[]): readonly Session[] {
  if (!to.isBare) {
    const match = sessions.find((session) => session.jid.equals(to))
    if (match) return [match]
    // §8.5.3.2.1: a chat goes on with whoever of the account is there.
    return stanza.name === 'message' && stanza.type === 'chat' ? willing(sessions) : []
  }
  if (stanza.name === 'presence') return sessions.filter((session) => session.isAvailable)
  switch (stanza.type) {
    case 'groupchat':
    case 'error':
      return []
    default:
      return willing(sessions)
  }
}

/** What the sender is told of a message that nobody took, nor keeps; undefined: nothing (§8.5.2, §8.5.3). */
export function undeliverable(message: Stanza): StanzaCondition | undefined {
  return message.type === 'error' || message.type === 'headline' ? undefined : 'service-unavailable'
}

/** §8.5.2.1.1: a resource with negative priority gets nothing that is addressed to the account. */
function willing(sessions: readonly Session[]): readonly Session[] {
  return sessions.filter((session) => session.isAvailable && session.priority >= 0)
}
