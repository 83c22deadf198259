import { type Jid, presence } from '@jackdaw/xmpp'
import type { Host } from '../../module.ts'

/** Sends the last presence of each of the account's available resources to an entity; returns how many there are. */
export function sendPresence(host: Host, account: Jid, to: Jid): number {
  let count = 0
  for (const session of host.sessions(account)) {
    if (!session.presence) continue
    host.send(session.presence.addressed({ to }))
    count++
  }
  return count
}

/** Lets each of the account's available resources become unavailable for an entity. */
export function sendUnavailable(host: Host, account: Jid, to: Jid): void {
  for (const session of host.sessions(account))
    if (session.isAvailable) host.send(presence({ from: session.jid, to, type: 'unavailable' }))
}
