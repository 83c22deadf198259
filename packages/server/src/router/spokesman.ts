import type { Jid } from '@jackdaw/xmpp'
import type { Target } from '../module.ts'

/** Who sends what an account is made to say by who waits for the outcome: no session of it, so that it gets nothing and keeps nothing. */
export function spokesman(account: Jid, now: number): Target {
  return {
    jid: account,
    account,
    deliver() {},
    hold() {},
    held: { stanzas: 0, characters: 0 },
    flush() {},
    get: () => undefined,
    set() {},
    presence: undefined,
    priority: 0,
    isAvailable: false,
    lastActive: now,
    isDetached: false,
    isEnded: false,
    isManaged: false,
    sent: 0,
    unacknowledged: 0,
    whenTaken() {},
    end() {},
  }
}
