import { Jid, parse, type Presence, presence as presenceOf, Stanza, StanzaError, unlimited } from '@jackdaw/xmpp'
import * as z from 'zod'
import { defineModule, type Target } from '../../module.ts'
import { when } from '../../when.ts'
import type { Awaitable } from '../../world.ts'
import { type BlockedBy, blocklists } from '../blocking/blocklists.ts'
import { isSubscribedTo, isSubscriber } from '../roster/contact.ts'
import { roster as rosterModule } from '../roster/roster.ts'
import type { Roster } from '../roster/rosters.ts'
import { sendPresence } from './available.ts'
import { followDomains } from './domains.ts'

/** Most characters of their addresses: the list is written anew with each. */
const mostDirected = 32_768

/** Most characters of a presence that is broadcast: each contact gets it, and it is kept with the session. */
const maxPresence = 32_768

/** A presence without `to`, available or unavailable, that a session has sent to all who see its presence. */
export interface Broadcast {
  readonly session: Target
  readonly presence: Presence
  /** The available presence that it replaces, if it is available itself; undefined when the session was not. */
  readonly before: Presence | undefined
}

/** Who is there (RFC 6121 §4). A presence waits for the roster; from its first effect on nothing waits, so that all are kept together. */
export const presence = defineModule({
  name: 'presence',
  needs: [rosterModule, blocklists],
  config: z.object({
    directed: z
      .int()
      .min(1)
      .default(1000)
      .describe('Most entities that one session may send presence to which do not see its presence anyway.'),
  }),
  start(host) {
    const { rosters } = host.use(rosterModule)
    const lists = host.use(blocklists)
    const listeners = new Set<(broadcast: Broadcast) => void>()

    host.hook('presence:out', 'check', ({ stanza }) => check(stanza))
    followDomains(host, rosters, lists)

    host.hook('presence:out', 'deliver', ({ stanza, sender }) => {
      const session = sender!
      if (stanza.type === 'probe') return when(rosters.of(session.account), (roster) => checkProbe(roster, stanza.to!))
      if (stanza.type !== undefined && stanza.type !== 'unavailable') return
      if (stanza.to) return direct(session, stanza, stanza.to)
      if (stanza.toString().length > maxPresence) throw new StanzaError('policy-violation', 'The presence is too long')
      return when(rosters.of(session.account), (roster) =>
        when(lists.of(session.account), (blocked) =>
          stanza.type ? leave(session, stanza, roster, blocked) : appear(session, stanza, roster, blocked),
        ),
      )
    })

    host.hook('presence:in', 'deliver', ({ stanza }) => {
      if (stanza.type !== 'probe') return
      const to = stanza.to!
      const from = stanza.from!
      if (to.local === undefined) {
        host.send(stanza.reply(undefined))
        return 'stop'
      }
      return when(rosters.isSubscribed(to.bare, from), (isSubscribed) => {
        if (isSubscribed) answerProbe(stanza, to, from)
        // §4.3.2: the same for an account that does not exist.
        else host.send(presenceOf({ from: to.bare, to: from.bare, id: stanza.id, type: 'unsubscribed' }))
        return 'stop'
      })
    })

    /** RFC 6121 §4.2.2, §4.4.2 */
    function appear(session: Target, stanza: Presence, roster: Roster, blocked: BlockedBy): 'stop' {
      const before = session.presence
      session.set('presence', stanza.toString())
      tellSubscribers(stanza, roster, blocked)
      // Its own resources are told as subscribers are, itself among them.
      host.send(stanza.addressed({ to: session.account }))
      if (!before) begin(session, roster, blocked)
      for (const listener of listeners) listener({ session, presence: stanza, before })
      return 'stop'
    }

    /** What initial presence brings to the session itself. */
    function begin(session: Target, roster: Roster, blocked: BlockedBy): void {
      const { account } = session
      for (const other of host.sessions(account))
        if (other !== session && other.presence) session.deliver(other.presence.addressed({ to: account }))
      for (const [key, contact] of roster.contacts) {
        const to = Jid.parse(key)
        if (blocked.blocks(to)) continue
        // §4.3.1
        if (isSubscribedTo(contact) && isReachable(to)) host.send(presenceOf({ from: session.jid, to, type: 'probe' }))
        // §3.1.2: it may have been lost on its way to another server.
        if (contact.ask && to.domain !== host.domain.domain)
          host.send(presenceOf({ from: account, to, type: 'subscribe' }))
        // §3.1.3: until it is answered.
        if (contact.request) session.deliver(Stanza.from(parse(contact.request, unlimited)))
      }
    }

    /** RFC 6121 §4.5.2, §4.6.3 */
    function leave(session: Target, stanza: Presence, roster: Roster, blocked: BlockedBy): 'stop' {
      const { isAvailable } = session
      const directed = session.get<string[]>('directed') ?? []
      session.set('presence', undefined)
      session.set('directed', undefined)
      if (isAvailable) {
        tellSubscribers(stanza, roster, blocked)
        const own = stanza.addressed({ to: session.account })
        host.send(own)
        session.deliver(own)
      }
      for (const jid of directed) {
        const to = Jid.parse(jid)
        // A subscriber has been told; but not its resource that is not available itself.
        if (!isAvailable || !to.isBare || !roster.isSubscribed(to)) host.send(stanza.addressed({ to }))
      }
      if (isAvailable) for (const listener of listeners) listener({ session, presence: stanza, before: undefined })
      return 'stop'
    }

    /** RFC 6121 §4.6.3: remembers who has to learn that the session leaves. */
    function direct(session: Target, stanza: Presence, to: Jid): void {
      if (to.bare.equals(session.account)) return
      const directed = session.get<string[]>('directed') ?? []
      const jid = to.toString()
      const isKnown = directed.includes(jid)
      if (stanza.type === 'unavailable') {
        if (isKnown)
          session.set('directed', directed.length > 1 ? directed.filter((other) => other !== jid) : undefined)
      } else if (!isKnown) {
        if (directed.length >= host.config.directed || directed.join('').length > mostDirected)
          throw new StanzaError('resource-constraint', 'This session has sent presence to too many entities')
        session.set('directed', [...directed, jid])
      }
    }

    /** RFC 6121 §4.3.2: to a client's probe the contact's server would answer that it is not subscribed, and so end its request for that. */
    function checkProbe(roster: Roster, to: Jid): 'stop' | void {
      const contact = roster.contact(to.bare)
      if (contact.ask && !isSubscribedTo(contact)) return 'stop'
    }

    /** RFC 6121 §4.3.2 */
    function answerProbe(probe: Presence, to: Jid, from: Jid): void {
      if (to.isBare) {
        if (sendPresence(host, to, from) > 0) return
      } else {
        const last = host.session(to)?.presence
        if (last) return host.send(last.addressed({ to: from }))
      }
      host.send(probe.reply('unavailable'))
    }

    function tellSubscribers(stanza: Presence, roster: Roster, blocked: BlockedBy): void {
      for (const [key, contact] of roster.contacts) {
        if (!isSubscriber(contact)) continue
        const to = Jid.parse(key)
        if (isReachable(to) && !blocked.blocks(to)) host.send(stanza.addressed({ to }))
      }
    }

    /** Whether anybody may be there: an account of this host without available resources has nobody to tell or to ask. */
    function isReachable(contact: Jid): boolean {
      if (contact.domain !== host.domain.domain || contact.local === undefined) return true
      for (const session of host.sessions(contact)) if (session.isAvailable) return true
      return false
    }

    return {
      /** Calls back in the same tick, after the presence went out; returns what ends that. */
      onBroadcast(listener: (broadcast: Broadcast) => void): () => void {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
      /** Reads what it needs; what it returns replaces the presence of an available session of the account, at once. */
      announcer(account: Jid): Awaitable<(session: Target, presence: Presence) => void> {
        return when(rosters.of(account), (roster) =>
          when(lists.of(account), (blocked) => (session: Target, sent: Presence) => {
            appear(session, sent, roster, blocked)
          }),
        )
      },
      /** Makes the session leave those of whom it has sent its presence to directly that are meant. */
      withdraw(session: Target, isMeant: (to: Jid) => boolean): void {
        const directed = session.get<string[]>('directed')
        const meant = directed?.filter((jid) => isMeant(Jid.parse(jid)))
        if (!directed || !meant || meant.length === 0) return
        const left = directed.filter((jid) => !meant.includes(jid))
        session.set('directed', left.length > 0 ? left : undefined)
        for (const jid of meant) host.send(presenceOf({ from: session.jid, to: Jid.parse(jid), type: 'unavailable' }))
      },
    }
  },
})

/** RFC 6121 §4.7.1 */
function check(stanza: Presence): 'stop' | void {
  const { type, to } = stanza
  switch (type) {
    case undefined:
      return to ? undefined : checkPriority(stanza.child('priority')?.text)
    case 'unavailable':
      return
    case 'error':
      // An error that is for nobody.
      return to ? undefined : 'stop'
    case 'probe':
    case 'subscribe':
    case 'subscribed':
    case 'unsubscribe':
    case 'unsubscribed':
      if (!to) throw new StanzaError('bad-request', `A presence of type '${type}' needs a 'to'`)
      return
    default:
      throw new StanzaError('bad-request', 'A presence has no such type')
  }
}

/** RFC 6121 §4.7.2.3 */
function checkPriority(text: string | undefined): void {
  if (text === undefined) return
  const priority = /^\s*[+-]?\d{1,3}\s*$/.test(text) ? Number(text) : NaN
  if (!(priority >= -128 && priority <= 127))
    throw new StanzaError('bad-request', 'A priority is a whole number from -128 to 127')
}
