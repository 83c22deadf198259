import { delegated, delegatedAnswer, type Element, type Iq, iq, StanzaError } from '@jackdaw/xmpp'
import type { Host, HostComponent } from '../../module.ts'

/** Most requests that wait for components at once: each takes a timer. */
const mostWaiting = 1000
/** Of them, of one account: nobody takes all places while a component is silent. */
const mostOfOne = 100

/** XEP-0355 §4.3: hands requests to the component that answers them, and what it answers to who has asked. */
export function forwarder(host: Host): (component: HostComponent, request: Iq) => 'stop' {
  const sent = host.metrics.counter('jackdaw_delegated_requests_total', 'Requests that components were to answer')
  /** What answers those that wait with an error, by the domain of the component. */
  const waiting = new Set<{ readonly domain: string; readonly fail: () => void }>()
  /** How many, by the bare JID of who has asked. */
  const ofOne = new Map<string, number>()

  host.on('domain:lost', ({ domain }) => {
    for (const one of waiting) if (one.domain === domain.domain) one.fail()
  })

  // Nobody waits for the answer (§9 rule 3): it may depend on what the same client says next.
  return (component, request) => {
    const { domain } = component
    if (!component.isConnected) throw unavailable()
    const asker = request.from!.bare.toString()
    const own = ofOne.get(asker) ?? 0
    if (waiting.size >= mostWaiting || own >= mostOfOne)
      throw new StanzaError('resource-constraint', 'Too many requests wait for answers')
    const entry = { domain: domain.domain, fail: () => settle(request.error(unavailable())) }
    const settle = (answer: Iq) => {
      if (!waiting.delete(entry)) return
      const left = ofOne.get(asker)! - 1
      if (left > 0) ofOne.set(asker, left)
      else ofOne.delete(asker)
      const session = host.session(request.from!)
      if (session) session.deliver(answer)
      else if (host.isElsewhere(request.from!)) host.send(answer)
    }
    waiting.add(entry)
    ofOne.set(asker, own + 1)
    sent.inc()
    host.ask(iq({ type: 'set', from: host.domain, to: domain }, delegated(request))).then(
      (payload) => settle(answerTo(request, payload)),
      // §4.3 N.B. 2, and when it does not answer at all.
      entry.fail,
    )
    return 'stop'
  }
}

/** §4.3: an answer that is none to the request is taken for an error. */
function answerTo(request: Iq, payload: Element | undefined): Iq {
  try {
    const answer = delegatedAnswer(payload)
    const own = request.from!.bare
    if (
      answer.type === 'result' &&
      answer.id === request.id &&
      request.from!.equals(answer.to) &&
      // RFC 6120 §8.1.2.1, §10.3: neither address of a stanza between a client and its account need be there.
      (answer.from ?? own).equals(request.to ?? own) &&
      answer.elements().length <= 1
    )
      return request.reply('result', answer.first())
  } catch (error) {
    if (!(error instanceof StanzaError)) throw error
  }
  return request.error(unavailable())
}

function unavailable(): StanzaError {
  return new StanzaError('service-unavailable')
}
