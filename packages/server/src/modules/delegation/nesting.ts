import { delegationNode, DiscoInfo, iq, remainingInfo, remainingItems } from '@jackdaw/xmpp'
import type { Host, HostComponent, Place } from '../../module.ts'
import type { Nesting } from '../disco.ts'

const places = ['server', 'account'] as const

/** XEP-0355 §7.2: what components can do in the namespaces that are theirs; asked when they come, and known while they are there. */
export function nest(host: Host): Nesting & { ask(component: HostComponent): void } {
  /** By domain, then by node. */
  const known = new Map<string, Map<string, DiscoInfo>>()

  host.on('domain:lost', ({ domain }) => void known.delete(domain.domain))

  async function fetch(component: HostComponent, node: string, infos: Map<string, DiscoInfo>): Promise<void> {
    const query = DiscoInfo.write({ node, identities: [], features: [], forms: [] })
    try {
      const answer = await host.ask(iq({ type: 'get', from: host.domain, to: component.domain }, query))
      if (answer?.name === DiscoInfo.name && answer.ns === DiscoInfo.ns) infos.set(node, DiscoInfo.read(answer))
    } catch (error) {
      host.log.debug(
        { err: error, component: component.domain.toString(), node },
        'a component does not say what it can do',
      )
    }
  }

  return {
    get isEmpty() {
      return [...host.components()].every(({ delegated }) => Object.keys(delegated).length === 0)
    },
    isDelegated(ns) {
      for (const { delegated } of host.components()) if (Object.hasOwn(delegated, ns)) return true
      return false
    },
    nested: (place: Place) =>
      [...host.components()].flatMap(({ domain, delegated }) => {
        const infos = known.get(domain.domain)
        return Object.keys(delegated).flatMap((ns) => infos?.get(delegationNode(place, ns)) ?? [])
      }),
    ask(component) {
      const infos = new Map<string, DiscoInfo>()
      known.set(component.domain.domain, infos)
      for (const ns of Object.keys(component.delegated)) {
        if (ns === remainingInfo || ns === remainingItems) continue
        for (const place of places) void fetch(component, delegationNode(place, ns), infos)
      }
    },
  }
}
