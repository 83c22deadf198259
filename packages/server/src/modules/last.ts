import { type Jid, LastActivity, lastActivityNs, StanzaError } from '@jackdaw/xmpp'
import { defineModule, map } from '../module.ts'
import { when } from '../when.ts'
import type { Awaitable } from '../world.ts'
import { presence } from './presence/presence.ts'
import { roster } from './roster/roster.ts'

/** How an account left: when (milliseconds since the Unix epoch), and the status that it left with, or ''. */
type Departure = { readonly at: number; readonly status: string }

/** Where a session's record keeps the status of its last presence, when that was an unavailable one. */
const key = 'last'
/** Most characters of a status that are kept. */
const maxStatus = 1023

/** Tells since when an account is away, and how long the server is up. */
export const last = defineModule({
  name: 'last',
  xeps: ['XEP-0012 2.0'],
  needs: [roster, presence],
  features: { server: [lastActivityNs], account: [lastActivityNs] },
  stores: { departures: map<Departure>() },
  start(host) {
    const { clock } = host
    const { departures } = host.stores
    const { rosters } = host.use(roster)
    const started = clock.now()
    const secondsSince = (at: number) => Math.max(0, Math.floor((clock.now() - at) / 1000))

    host.answer('get', 'server', LastActivity, () => LastActivity.write({ seconds: secondsSince(started) }))

    host.answer('get', 'account', LastActivity, ({ to, from }) =>
      when(mayKnow(to, from), () => {
        // §3: whoever is connected is here.
        for (const _ of host.sessions(to)) return LastActivity.write({ seconds: 0 })
        return when(departures.get(to.toString(), ''), (departure) => {
          if (!departure) throw new StanzaError('item-not-found', 'This account was never here')
          return LastActivity.write({ seconds: secondsSince(departure.at), status: departure.status })
        })
      }),
    )

    // §4: how long its user has been idle, a client tells itself, and only those who see its presence may ask.
    host.hook('iq:in', 'check', ({ stanza }) => {
      const { to, from, type } = stanza
      if (type !== 'get' || !to || to.isBare || to.local === undefined) return
      const request = stanza.first()
      if (request?.ns === lastActivityNs && request.name === 'query') return mayKnow(to.bare, from!)
    })

    host.onStop(
      host.use(presence).onBroadcast(({ session, presence: sent }) => {
        const status = sent.type === 'unavailable' ? sent.child('status')?.text : undefined
        session.set(key, status === undefined ? undefined : Array.from(status).slice(0, maxStatus).join(''))
      }),
    )

    host.on('session:gone', ({ session }) => {
      const { account } = session
      const departure = { at: clock.now(), status: session.get<string>(key) ?? '' }
      // Of an account that has been removed, nothing is kept.
      return when(host.accounts.exists(account), (exists) => {
        if (exists) departures.put(account.toString(), '', departure)
      })
    })

    /** §3, §8: those who see the account's presence. The same error for an account that does not exist. */
    function mayKnow(account: Jid, entity: Jid): Awaitable<void> {
      return when(rosters.isSubscribed(account, entity), (isSubscribed) => {
        if (!isSubscribed) throw new StanzaError('forbidden', 'You do not see the presence of this account')
      })
    }
  },
})
