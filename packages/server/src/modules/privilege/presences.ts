import { type Jid, parse, type Presence, presence, Stanza, unlimited } from '@jackdaw/xmpp'
import type { Host, HostComponent } from '../../module.ts'
import { when } from '../../when.ts'
import type { Broadcast } from '../presence/presence.ts'
import { isSubscribedTo, isSubscriber } from '../roster/contact.ts'
import type { Rosters } from '../roster/rosters.ts'

/** Most characters of presences elsewhere that are remembered; what comes beyond that is told again to who has heard it. */
const mostRemembered = 16_777_216
/** How many presences a component is sent before it must have read them. */
const portion = 500

interface Broadcasts {
  onBroadcast(listener: (broadcast: Broadcast) => void): () => void
}

/** XEP-0356 §7: presence for components that may see it. Returns what shows a component all that there is (§8 rule 1). */
export function showPresences(host: Host, { onBroadcast }: Broadcasts, rosters: Rosters): (to: HostComponent) => void {
  /** The available presences of accounts' contacts elsewhere, by full JID, as XML without `to`. */
  const remembered = new Map<string, string>()
  let characters = 0

  // §7.1, §7.4
  host.onStop(
    onBroadcast(({ session, presence: stanza, before }) => {
      const isUpdate = stanza.type === undefined && before !== undefined
      if (!isUpdate) return show(stanza, ({ privileges }) => privileges.presence !== 'none')
      if (isAnyWatching())
        void when(isContact(session.account), (is) => {
          if (is) show(stanza, seesContacts)
        })
    }),
  )

  // §7.4
  host.hook('presence:in', 'deliver', ({ stanza }) => {
    const { to, from, type } = stanza
    if (type !== undefined && type !== 'unavailable') return
    if (to?.local === undefined || from!.domain === host.domain.domain || !isAnyWatching()) return
    return when(rosters.contact(to.bare, from!), (contact) => {
      if (isSubscribedTo(contact)) contactShows(stanza)
    })
  })

  host.on('domain:lost', ({ domain }) => {
    for (const [key, text] of remembered) {
      const from = Stanza.from(parse(text, unlimited)).from!
      if (from.domain === domain.domain && forget(key)) show(presence({ from, type: 'unavailable' }), seesContacts)
    }
  })

  /** §8 rule 2: once, however many accounts get it. */
  function contactShows(stanza: Presence): void {
    const key = stanza.from!.toString()
    const text = stanza.addressed({ to: undefined }).toString()
    if (remembered.get(key) === text) return
    const wasRemembered = forget(key)
    if (stanza.type === undefined) remember(key, text)
    else if (!wasRemembered && characters < mostRemembered) return
    show(stanza, seesContacts)
  }

  function remember(key: string, text: string): void {
    if (characters + text.length > mostRemembered) return
    remembered.set(key, text)
    characters += text.length
  }

  function forget(key: string): boolean {
    characters -= remembered.get(key)?.length ?? 0
    return remembered.delete(key)
  }

  function show(stanza: Presence, isFor: (component: HostComponent) => boolean): void {
    if (!mayBeSeen(stanza.from!)) return
    for (const component of host.components())
      if (component.isConnected && isFor(component)) host.send(stanza.addressed({ to: component.domain }))
  }

  /** The presence of who may not reach other domains stays here. */
  function mayBeSeen(who: Jid): boolean {
    return who.domain !== host.domain.domain || host.roles.may(who, 'domains')
  }

  function isAnyWatching(): boolean {
    for (const component of host.components()) if (seesContacts(component)) return true
    return false
  }

  /** Whether another account of the host sees its presence. */
  function isContact(account: Jid) {
    const { domain } = host.domain
    return when(rosters.of(account), ({ contacts }) => {
      for (const [jid, contact] of contacts) if (isSubscriber(contact) && jid.endsWith(`@${domain}`)) return true
      return false
    })
  }

  function* allFor({ domain: to, privileges }: HostComponent): Iterable<Presence> {
    if (privileges.presence === 'none') return
    for (const session of host.sessions())
      if (session.presence && mayBeSeen(session.jid)) yield session.presence.addressed({ to })
    if (privileges.presence !== 'roster') return
    for (const text of remembered.values()) yield (Stanza.from(parse(text, unlimited)) as Presence).addressed({ to })
  }

  return (component) => {
    const all = allFor(component)[Symbol.iterator]()
    const more = () => {
      for (let i = 0; i < portion; i++) {
        const { done, value } = all.next()
        if (done) return
        host.send(value)
      }
      component.whenTaken(more)
    }
    more()
  }
}

function seesContacts({ privileges }: HostComponent): boolean {
  return privileges.presence === 'roster'
}
