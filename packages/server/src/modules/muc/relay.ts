import { discoInfoNs, discoItemsNs, type Iq, Ping, pingNs, pubsubNs, StanzaError, vcardNs } from '@jackdaw/xmpp'
import type { Room } from './room.ts'

/** Answered by accounts, not by their clients. */
const ofAccounts = new Set([vcardNs, pubsubNs])

/**
 * XEP-0045 §17.4.3: a request from one occupant to another; neither learns who the other is. Nothing waits for the answer: the asker's
 * next stanzas go on.
 */
export function relay(room: Room | undefined, iq: Iq): void {
  // Answers that nobody awaits any more.
  if (iq.type !== 'get' && iq.type !== 'set') return
  const { from, to } = iq
  const asker = room?.occupants.of(from!)
  const payload = iq.first()!
  if (!room || !asker) {
    // §6.6
    if (payload.ns === discoInfoNs || payload.ns === discoItemsNs)
      throw new StanzaError('bad-request', 'Only occupants ask occupants')
    // XEP-0410 §3.3
    throw new StanzaError('not-acceptable', 'You are not in the room', { type: 'cancel' })
  }
  const { host, occupants } = room
  const asked = occupants.at(to!)
  if (!asked) throw new StanzaError('item-not-found', 'Nobody here has that nickname')
  // XEP-0410 §3.3
  if (asked === asker && payload.ns === pingNs && payload.name === Ping.name && iq.type === 'get')
    return host.send(iq.reply('result'))
  const { jid } = asked.shown
  const target = ofAccounts.has(payload.ns) && iq.type === 'get' ? jid.bare : jid
  host.ask(iq.addressed({ from: asker.jid, to: target })).then(
    (answer) => host.send(iq.reply('result', answer)),
    (error: unknown) =>
      host.send(iq.error(error instanceof StanzaError ? unaddressed(error) : new StanzaError('internal-server-error'))),
  )
}

/** Where somebody has gone (RFC 6120 §8.3.3.5, §8.3.3.14) is a real JID. */
function unaddressed(error: StanzaError): StanzaError {
  const { condition, text, type, application, payload } = error
  return payload === undefined ? error : new StanzaError(condition, text, { type, application })
}
