import { type Jid, type Presence, preApprovalFeature, StanzaError } from '@jackdaw/xmpp'
import * as z from 'zod'
import { defineModule } from '../../module.ts'
import { when } from '../../when.ts'
import { sendPresence, sendUnavailable } from '../presence/available.ts'
import { type Contact, isSubscriber } from '../roster/contact.ts'
import { roster as rosterModule } from '../roster/roster.ts'
import type { Roster } from '../roster/rosters.ts'
import { inbound, inState, outbound, stateOf, type SubscriptionType, subscriptionTypes } from './transitions.ts'

/** Most characters of a request for a subscription, which is kept until it is answered and comes with all others at each login. */
const maxRequest = 2_000

/** Presence subscriptions (RFC 6121 §3). The roster is read before anything else, and from then on nothing waits: see `Rosters`. */
export const subscriptions = defineModule({
  name: 'subscriptions',
  needs: [rosterModule],
  config: z.object({
    requests: z
      .int()
      .min(1)
      .default(1000)
      .describe('Most requests of strangers that wait for the answer of one account.'),
  }),
  start(host) {
    const { rosters, checkSize } = host.use(rosterModule)

    host.streamFeature({
      name: 'pre-approval',
      needs: ['authenticated'],
      forbids: ['bound'],
      offer: () => preApprovalFeature,
    })

    host.hook('presence:out', 'deliver', ({ stanza, sender }) => {
      const type = subscriptionType(stanza)
      if (!type) return
      // §3.1.1: on behalf of the account, and for one.
      const request = stanza.addressed({ from: sender!.account, to: stanza.to!.bare })
      if (request.to!.equals(request.from)) return 'stop'
      return when(rosters.of(sender!.account), (roster) => sends(roster, type, request, request.to!))
    })

    host.hook('presence:in', 'deliver', ({ stanza }) => {
      const type = subscriptionType(stanza)
      if (!type) return
      const request = stanza.addressed({ from: stanza.from!.bare, to: stanza.to!.bare })
      const account = request.to!
      if (account.equals(request.from)) return 'stop'
      if (account.local === undefined) {
        // Nobody is behind the domain who could answer.
        if (type === 'subscribe') host.send(request.reply('unsubscribed'))
        return 'stop'
      }
      const text = type === 'subscribe' ? request.toString() : ''
      if (text.length > maxRequest) throw new StanzaError('policy-violation', 'The request is too long')
      // §8.5.1: silence about an account that does not exist, as about one that has not answered yet.
      return when(host.accounts.exists(account), (exists) =>
        exists ? when(rosters.of(account), (roster) => gets(roster, type, request, request.from!, text)) : 'stop',
      )
    })

    /** RFC 6121 A.2 */
    function sends(roster: Roster, type: SubscriptionType, stanza: Presence, jid: Jid): 'stop' {
      const old = roster.contact(jid)
      const { state, passes } = outbound(type, stateOf(old))
      // §3.4.2
      const approved = type === 'subscribed' ? !passes && !isSubscriber(old) : type !== 'unsubscribed' && old.approved
      const contact = { ...inState(old, state), approved }
      if (old.version === 0 && isVisible(old, contact)) checkSize(roster)
      // §3.2.2: before it learns that it is not subscribed any more.
      if (type === 'unsubscribed' && isSubscriber(old)) sendUnavailable(host, roster.account, jid)
      change(roster, jid, old, contact)
      if (!passes) return 'stop'
      host.send(stanza)
      // §3.1.5
      if (type === 'subscribed') sendPresence(host, roster.account, jid)
      return 'stop'
    }

    /** RFC 6121 A.3 */
    function gets(roster: Roster, type: SubscriptionType, stanza: Presence, jid: Jid, text: string): 'stop' {
      const old = roster.contact(jid)
      const { state, passes } = inbound(type, stateOf(old))
      if (type === 'subscribe') {
        if (isSubscriber(old)) approve(roster, stanza)
        else if (old.approved) {
          change(roster, jid, old, { ...inState(old, outbound('subscribed', state).state), approved: false })
          approve(roster, stanza)
        } else if (passes && (old.version > 0 || strangers(roster) < host.config.requests)) {
          change(roster, jid, old, inState(old, state, text))
          for (const session of host.sessions(roster.account)) if (session.isAvailable) session.deliver(stanza)
        }
        return 'stop'
      }
      if (!passes) return 'stop'
      // §3.1.6, §3.2.3, §3.3.3: to the interested resources, then the push.
      for (const session of host.sessions(roster.account)) if (session.get('roster')) session.deliver(stanza)
      change(roster, jid, old, inState(old, state))
      if (type === 'unsubscribe' && isSubscriber(old)) sendUnavailable(host, roster.account, jid)
      return 'stop'
    }

    /** RFC 6121 §3.1.3: answers on the account's behalf what the account has approved already. */
    function approve(roster: Roster, request: Presence): void {
      host.send(request.reply('subscribed'))
      sendPresence(host, roster.account, request.from!)
    }

    function change(roster: Roster, jid: Jid, old: Contact, contact: Contact): void {
      if (isVisible(old, contact)) rosters.push(roster, jid, contact)
      else if (old.request !== contact.request) rosters.keep(roster, jid, contact)
    }
  },
})

function subscriptionType({ type }: Presence): SubscriptionType | undefined {
  return subscriptionTypes.find((one) => one === type)
}

/** Whether clients see that something has changed. */
function isVisible(old: Contact, contact: Contact): boolean {
  return old.subscription !== contact.subscription || old.ask !== contact.ask || old.approved !== contact.approved
}

/** How many wait who are not in the roster. */
function strangers(roster: Roster): number {
  return roster.contacts.size - roster.size
}
