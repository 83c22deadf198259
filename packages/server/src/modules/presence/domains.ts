import { Jid, presence } from '@jackdaw/xmpp'
import type { Host, Target } from '../../module.ts'
import { when } from '../../when.ts'
import type { Blocklists } from '../blocking/blocklists.ts'
import { isSubscribedTo } from '../roster/contact.ts'
import type { Rosters } from '../roster/rosters.ts'

/** Most that is remembered of who is shown whom. */
const mostShown = 100_000
/** How many sessions are looked at in one tick. */
const portion = 1000
/** In which the components of a host come back after a start, in milliseconds. */
const comeback = 60_000

/**
 * Whoever is in a domain that cannot be reached any more is not there: who has been shown otherwise sees them leave. When it can be
 * reached again, its users are asked for their presence, as at a login (RFC 6121 §4.3.1): nobody has done that meanwhile.
 */
export function followDomains(host: Host, rosters: Rosters, lists: Pick<Blocklists, 'of'>): void {
  /** By who is shown, an account or a full JID: whom it has been shown. In memory: after a restart rosters alone tell. */
  const shown = new Map<string, Set<string>>()
  let count = 0

  host.hook('presence:in', 'deliver', ({ stanza, recipients }) => {
    const { from, to, type } = stanza
    if ((type !== undefined && type !== 'unavailable') || !host.isElsewhere(from!)) return
    if (type) conceal(String(to), String(from))
    else if (recipients.size > 0) show(String(to), String(from))
  })

  host.on('session:gone', ({ session: { jid, account } }) => {
    forget(jid)
    for (const _ of host.sessions(account)) return
    forget(account)
  })

  host.on('domain:lost', ({ domain }) => {
    for (const [key, theirs] of shown)
      for (const one of theirs) {
        const from = Jid.parse(one)
        if (from.domain !== domain.domain) continue
        conceal(key, one)
        host.send(presence({ from, to: Jid.parse(key), type: 'unavailable' }))
      }
  })

  host.on('domain:reached', ({ domain }) => tellContacts(domain.domain, 'probe'))

  // Sessions outlive a restart, and with them whom they have been shown.
  const cancel = host.clock.after(comeback, () => {
    for (const { domain, isConnected } of host.components())
      if (!isConnected) tellContacts(domain.domain, 'unavailable')
  })
  host.onStop(cancel)

  function show(to: string, from: string): void {
    const theirs = shown.get(to)
    if (theirs?.has(from) || count >= mostShown) return
    count++
    if (theirs) theirs.add(from)
    else shown.set(to, new Set([from]))
  }

  function conceal(to: string, from: string): void {
    const theirs = shown.get(to)
    if (!theirs?.delete(from)) return
    count--
    if (theirs.size === 0) shown.delete(to)
  }

  function forget(jid: Jid): void {
    count -= shown.get(jid.toString())?.size ?? 0
    shown.delete(jid.toString())
  }

  /** For each session that is there, about those in the domain whose presence it sees: asks them, or answers in their place (§4.3.2). */
  function tellContacts(domain: string, type: 'probe' | 'unavailable'): void {
    const rest = host.sessions()[Symbol.iterator]()
    const more = () => {
      for (let i = 0; i < portion; i++) {
        const { done, value } = rest.next()
        if (done) return
        if (value.isAvailable) tell(value, domain, type)
      }
      host.clock.soon(more)
    }
    more()
  }

  function tell({ jid, account }: Target, domain: string, type: 'probe' | 'unavailable'): void {
    void when(rosters.of(account), ({ contacts }) =>
      when(lists.of(account), (blocked) => {
        for (const [key, contact] of contacts) {
          if (!isSubscribedTo(contact) || (key !== domain && !key.endsWith(`@${domain}`))) continue
          const other = Jid.parse(key)
          if (blocked.blocks(other)) continue
          host.send(presence(type === 'probe' ? { from: jid, to: other, type } : { from: other, to: jid, type }))
        }
      }),
    )
  }
}
