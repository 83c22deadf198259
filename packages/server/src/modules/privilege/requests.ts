import {
  covers,
  type Element,
  type Iq,
  iq,
  type Jid,
  privilegedAnswer,
  privilegedIq,
  privilegedIqName,
  privilegeNs,
  Stanza,
  StanzaError,
} from '@jackdaw/xmpp'
import type { Host, HostComponent } from '../../module.ts'
import { when } from '../../when.ts'
import type { Awaitable } from '../../world.ts'

/** Most requests of components that wait for an answer at once: each takes a timer. */
const mostWaiting = 1000

interface Rules {
  privileged(from: Jid): HostComponent | undefined
  maySpeakAs(account: Jid): Awaitable<boolean>
  /** Called for each request that is sent. */
  counted(): void
}

/** XEP-0356 §6.3: requests that components send in the name of accounts. */
export function forwardRequests(host: Host, { privileged, maySpeakAs, counted }: Rules): void {
  let waiting = 0

  host.hook('iq:in', 'check', ({ stanza }) => {
    if (stanza.type !== 'get' && stanza.type !== 'set') return
    const payload = stanza.first()!
    if (payload.name !== privilegedIqName || payload.ns !== privilegeNs) return
    const account = stanza.to!
    const held = privilegedIq(payload)
    const access = privileged(stanza.from!)?.privileges.iq[held?.first()?.ns ?? '']
    if (!held || held.attr('type') !== stanza.type || !covers(access, stanza.type)) throw forbidden()
    const request = Stanza.from(held) as Iq
    if (!account.isBare || account.local === undefined || !(request.from ?? account).equals(account)) throw forbidden()
    return when(maySpeakAs(account), (may) => {
      if (!may) throw forbidden()
      if (waiting >= mostWaiting) throw new StanzaError('resource-constraint', 'Too many requests wait for answers')
      forward(stanza, request, account)
      return 'stop'
    })
  })

  /** Nobody waits for the answer: it may depend on what the component says next. */
  function forward(outer: Iq, request: Iq, account: Jid): void {
    const to = request.to ?? account
    const answer = (type: string, content: Element | undefined) => {
      waiting--
      const came = iq({ type, id: request.id, from: to, to: account }, content)
      host.send(outer.reply('result', privilegedAnswer(came)))
    }
    waiting++
    counted()
    host.askAs(request.addressed({ from: account, to })).then(
      (payload) => answer('result', payload),
      (error: StanzaError) => answer('error', error.toElement()),
    )
  }
}

function forbidden(): StanzaError {
  return new StanzaError('forbidden', 'You may not send this request in the name of that account')
}
