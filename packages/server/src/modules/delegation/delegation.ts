import {
  DiscoInfo,
  DiscoItems,
  delegationNs,
  type Element,
  grantedDelegations,
  type Iq,
  message,
  remainingInfo,
  remainingItems,
} from '@jackdaw/xmpp'
import { defineModule, type HostComponent, type Target } from '../../module.ts'
import { when } from '../../when.ts'
import { disco } from '../disco.ts'
import { forwarder } from './forwarder.ts'
import { nest } from './nesting.ts'

/** Namespaces that components answer in place of the host and its accounts; the configuration alone delegates them (admin mode). */
export const delegation = defineModule({
  name: 'delegation',
  xeps: ['XEP-0355 0.5'],
  needs: [disco],
  features: { server: [delegationNs] },
  start(host) {
    const { hasNode, nest: addNesting } = host.use(disco)
    const forward = forwarder(host)
    const nesting = nest(host)
    host.onStop(addNesting(nesting))

    host.on('domain:reached', ({ domain }) => greet(host.component(domain.domain)))
    for (const component of host.components()) if (component.isConnected) greet(component)

    // §4.3
    host.hook('iq:in', 'deliver', ({ stanza, sender }) => {
      const { type, to, from } = stanza
      if ((type !== 'get' && type !== 'set') || to?.resource !== undefined) return
      const payload = stanza.first()!
      const component = managing(payload.ns, payload)
      if (component) return mayForward(component, stanza, sender) ? forward(component, stanza) : undefined
      const about = type === 'get' ? remaining(payload) : undefined
      const account = (to ?? from!).bare
      if (!about || account.local === undefined) return
      const other = managing(about.special, payload)
      if (!other || !mayForward(other, stanza, sender)) return
      const { node } = about
      return when(node !== undefined && hasNode(about.about, account, from!, node), (has) =>
        has ? undefined : forward(other, stanza),
      )
    })

    /** §4.2: once the stream is there. */
    function greet(component: HostComponent | undefined): void {
      const granted = component && grantedDelegations(component.delegated)
      if (!granted) return
      host.send(message({ from: host.domain, to: component.domain, id: 'delegations' }, granted))
      nesting.ask(component)
    }

    /** Who answers a namespace, where the payload has all the attributes for that. */
    function managing(ns: string, payload: Element): HostComponent | undefined {
      for (const component of host.components())
        if (
          Object.hasOwn(component.delegated, ns) &&
          component.delegated[ns]!.every((name) => payload.attr(name) !== undefined)
        )
          return component
      return undefined
    }

    /** Not what the managing entity itself asks (§4.3.1), nor what the server does, be it for an account. */
    function mayForward({ domain }: HostComponent, { from }: Iq, sender: Target | undefined): boolean {
      return from!.domain !== domain.domain && (sender !== undefined || from!.domain !== host.domain.domain)
    }
  },
})

interface Remaining {
  readonly special: string
  readonly about: 'info' | 'items'
  readonly node: string | undefined
}

/** §7.2: what may be asked about accounts beside delegated namespaces; of what they are, nodes alone. */
function remaining(payload: Element): Remaining | undefined {
  const node = payload.attr('node')
  if (payload.name === DiscoInfo.name && payload.ns === DiscoInfo.ns)
    return node === undefined ? undefined : { special: remainingInfo, about: 'info', node }
  if (payload.name === DiscoItems.name && payload.ns === DiscoItems.ns)
    return { special: remainingItems, about: 'items', node }
  return undefined
}
