import {
  type Jid,
  presence,
  type RosterItem,
  RosterQuery,
  rosterVersioningFeature,
  type StanzaCondition,
  StanzaError,
} from '@jackdaw/xmpp'
import * as z from 'zod'
import { defineModule, type IqRequest, map } from '../../module.ts'
import { when } from '../../when.ts'
import type { Awaitable } from '../../world.ts'
import { sendUnavailable } from '../presence/available.ts'
import { type Contact, isSubscribedTo, isSubscriber, textSize } from './contact.ts'
import { type History, pushOf, type Roster, Rosters } from './rosters.ts'

/** Most characters of a handle or of a group's name (RFC 6121 §2.3.3 leaves the limit to the server). */
const maxName = 1023
const maxGroups = 100
/** And of all of them in one roster, which is sent as a whole. */
const maxText = 1_048_576

/** Whether one may get or set the roster of an account that is not its own. It may throw another answer than a stranger gets. */
export type Steward = (from: Jid, account: Jid, type: 'get' | 'set') => Awaitable<boolean>

/** The roster: contacts that the server keeps for its accounts (RFC 6121 §2). */
export const roster = defineModule({
  name: 'roster',
  stores: { contacts: map<Contact>(), history: map<History>() },
  config: z.object({
    contacts: z.int().min(1).default(5000).describe('Most contacts in the roster of one account.'),
  }),
  start(host) {
    const rosters = new Rosters(host, host.stores.contacts, host.stores.history)
    let steward: Steward | undefined

    host.streamFeature({
      name: 'roster versioning',
      needs: ['authenticated'],
      forbids: ['bound'],
      offer: () => rosterVersioningFeature,
    })

    host.answer('get', 'account', RosterQuery, (request) => {
      const { payload, sender, to, isOwn } = request
      // The same answer as for an account that does not exist.
      if (!isOwn) return when(mayAsSteward(request, 'get', 'service-unavailable'), () => when(rosters.of(to), whole))
      return when(rosters.of(to), (own) => {
        if (!sender) return whole(own)
        // §2.2: from now on it is an interested resource.
        sender.set('roster', true)
        const changes = payload.ver === undefined ? undefined : own.changesSince(payload.ver)
        if (!changes || (changes.length > 0 && changes.length >= own.size)) return whole(own)
        // §2.6.3: an empty result first, then the pushes. Two microtasks later the result is on its way, and it is still the same tick.
        queueMicrotask(() =>
          queueMicrotask(() => {
            for (const [version, item] of changes) sender.deliver(pushOf(version, item).addressed({ to: sender.jid }))
          }),
        )
      })
    })

    host.answer('set', 'account', RosterQuery, (request) =>
      request.isOwn ? set(request) : when(mayAsSteward(request, 'set', 'forbidden'), () => set(request)),
    )

    function set({ payload, to }: IqRequest<RosterQuery>): Awaitable<void> {
      const [item, ...more] = payload.items
      if (!item || more.length > 0) throw new StanzaError('bad-request', 'A roster set holds exactly one item')
      const jid = item.jid.bare
      if (jid.equals(to)) throw new StanzaError('not-allowed', 'Nobody is a contact of itself')
      const isRemoval = item.subscription === 'remove'
      if (!isRemoval) checkItem(item)
      return when(rosters.of(to), (own) => (isRemoval ? remove(own, jid) : put(own, jid, item)))
    }

    /** Throws the condition for somebody who has no business with the roster. */
    function mayAsSteward({ from, to }: IqRequest<unknown>, type: 'get' | 'set', condition: StanzaCondition) {
      return when(steward?.(from, to, type), (may) => {
        if (!may) throw new StanzaError(condition, condition === 'forbidden' ? 'This is not your roster' : undefined)
      })
    }

    function whole(own: Roster) {
      return RosterQuery.write({ ver: String(own.version), items: own.items })
    }

    host.on('session:gone', ({ session }) => rosters.forget(session.account))

    // Its contacts learn it while there still is a roster.
    host.on('account:removed', ({ account }) =>
      when(rosters.of(account), (own) => {
        for (const item of own.items) cancel(own, item.jid)
        rosters.forget(account)
      }),
    )

    function put(own: Roster, jid: Jid, { name = '', groups }: RosterItem): void {
      const old = own.contact(jid)
      if (old.version === 0) checkSize(own)
      if (own.textSize - textSize(old) + textSize({ name, groups }) > maxText)
        throw new StanzaError('resource-constraint', 'The names and groups in the roster are too long')
      rosters.push(own, jid, { ...old, name, groups })
    }

    function remove(own: Roster, jid: Jid): void {
      if (own.contact(jid).version === 0)
        throw new StanzaError('item-not-found', `${jid.toString()} is not in the roster`)
      cancel(own, jid)
    }

    /** RFC 6121 §2.5.2: no subscription, nor request for one, outlives the item. */
    function cancel(own: Roster, jid: Jid): void {
      const { account } = own
      const old = own.contact(jid)
      // §3.2.2: while it still is subscribed.
      if (isSubscriber(old)) sendUnavailable(host, account, jid)
      rosters.remove(own, jid)
      if (isSubscriber(old) || old.request) host.send(presence({ from: account, to: jid, type: 'unsubscribed' }))
      if (isSubscribedTo(old) || old.ask) host.send(presence({ from: account, to: jid, type: 'unsubscribe' }))
    }

    /** Throws when the roster is full. */
    function checkSize(own: Roster): void {
      if (own.size >= host.config.contacts) throw new StanzaError('resource-constraint', 'The roster is full')
    }

    return {
      rosters,
      checkSize,
      /** Lets somebody say who works on rosters that are not theirs; returns what ends that. */
      entrust(to: Steward): () => void {
        steward = to
        return () => (steward = undefined)
      },
    }
  },
})

/** RFC 6121 §2.3.3 */
function checkItem({ name = '', groups }: RosterItem): void {
  if (new Set(groups).size < groups.length) throw new StanzaError('bad-request', 'A group is named twice')
  if (name.length > maxName) throw new StanzaError('not-acceptable', 'The name is too long')
  if (groups.length > maxGroups) throw new StanzaError('not-acceptable', 'Too many groups')
  for (const group of groups) {
    if (group === '') throw new StanzaError('not-acceptable', 'The name of a group is empty')
    if (group.length > maxName) throw new StanzaError('not-acceptable', 'The name of a group is too long')
  }
}
