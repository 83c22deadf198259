import {
  covers,
  grantedPrivileges,
  iq,
  isCarbon,
  type Jid,
  mamNs,
  message,
  type Message,
  privilegedMessage,
  privilegeNs,
  RosterQuery,
  Stanza,
  StanzaError,
} from '@jackdaw/xmpp'
import { defineModule, type HostComponent } from '../../module.ts'
import { when } from '../../when.ts'
import type { Awaitable } from '../../world.ts'
import { blocking } from '../blocking/blocking.ts'
import { presence } from '../presence/presence.ts'
import { itemOf } from '../roster/contact.ts'
import { roster } from '../roster/roster.ts'
import { showPresences } from './presences.ts'
import { forwardRequests } from './requests.ts'

/** What components may do for the accounts of the host, beyond what any stranger can; the configuration alone grants it. */
export const privilege = defineModule({
  name: 'privilege',
  xeps: ['XEP-0356 0.4.1'],
  // Whom an account blocks does not come by privilege either.
  needs: [blocking, presence, roster],
  start(host) {
    const { rosters, entrust } = host.use(roster)
    const sent = host.metrics.counter(
      'jackdaw_privileged_stanzas_total',
      'Stanzas that components have sent in the name of accounts or of the host',
    )
    const showAll = showPresences(host, host.use(presence), rosters)
    forwardRequests(host, { privileged, maySpeakAs, counted: () => sent.inc() })

    host.on('domain:reached', ({ domain }) => greet(host.component(domain.domain)))
    for (const component of host.components()) if (component.isConnected) greet(component)

    // §4.3
    host.onStop(
      entrust((from, account, type) => {
        const component = privileged(from)
        if (!component) return false
        if (!covers(component.privileges.roster, type))
          throw new StanzaError('forbidden', `You may not ${type} rosters`)
        return when(isManaged(account), (is) => {
          if (!is) throw notManaged(account)
          return true
        })
      }),
    )

    // §4.4
    let lastPush = 0
    host.onStop(
      rosters.onChange(({ account, jid, before, after }) => {
        if (after.version === before.version) return
        const item = after.version > 0 ? itemOf(jid, after) : { jid, groups: [], subscription: 'remove' as const }
        for (const { domain: to, isConnected, privileges } of host.components())
          if (isConnected && privileges.push)
            host.send(
              iq({ type: 'set', id: `push-${++lastPush}`, from: account, to }, RosterQuery.write({ items: [item] })),
            )
      }),
    )

    // §5.1
    host.hook('message:in', 'check', ({ stanza }) => {
      const { to, from, type } = stanza
      if (!to?.equals(host.domain) || type === 'error') return
      const held = stanza.child('privilege', privilegeNs)
      if (!held) return
      if (privileged(from!)?.privileges.message !== 'outgoing')
        throw new StanzaError('forbidden', 'You may not send messages in the name of others')
      const forwarded = privilegedMessage(held)
      if (!forwarded) throw new StanzaError('bad-request', 'A privilege forwards exactly one message')
      return when(sendMessage(Stanza.from(forwarded) as Message), () => 'stop' as const)
    })

    function sendMessage(stanza: Message): Awaitable<void> {
      const { from } = stanza
      if (from?.equals(host.domain)) {
        sent.inc()
        return host.send(stanza)
      }
      if (!from?.isBare || from.domain !== host.domain.domain)
        throw new StanzaError('forbidden', `The message must be from ${host.domain} or a bare JID of it`)
      // XEP-0280 §11, XEP-0313 §8: clients believe what their own account forwards, so that anybody would be made to have said anything.
      if (isCarbon(stanza) || stanza.child('result', mamNs))
        throw new StanzaError('forbidden', 'Carbons and results of archives come from the server alone')
      return when(maySpeakAs(from), (may) => {
        if (!may) throw new StanzaError('forbidden', `${from} is no account of this host, or disabled`)
        sent.inc()
        host.sendAs(stanza)
      })
    }

    /** §4.2: once the stream is there. */
    function greet(component: HostComponent | undefined): void {
      const granted = component && grantedPrivileges(component.privileges)
      if (!granted) return
      host.send(message({ from: host.domain, to: component.domain, id: 'privileges' }, granted))
      showAll(component)
    }

    /** The component itself, not one of its users; undefined for whoever has no privileges. */
    function privileged(from: Jid): HostComponent | undefined {
      const component = host.component(from.domain)
      return component?.domain.equals(from) && grantedPrivileges(component.privileges) ? component : undefined
    }

    function maySpeakAs(account: Jid): Awaitable<boolean> {
      return !host.accounts.isDisabled(account) && isManaged(account)
    }

    /** Whether somebody of this host has, or uses, the account. */
    function isManaged(account: Jid): Awaitable<boolean> {
      for (const _ of host.sessions(account)) return true
      return host.accounts.exists(account)
    }
  },
})

function notManaged(account: Jid): StanzaError {
  return new StanzaError('forbidden', `${account} is no account of this host`)
}
