import { channelBindingFeature, type Element } from '@jackdaw/xmpp'
import type { StreamFeature } from './features.ts'

/** By the types that they announce: there are few choices of them. */
const offers = new Map<string, Element>()

/** XEP-0440 1.0.0 */
export const channelBinding: StreamFeature = {
  name: 'channel-binding types',
  forbids: ['authenticated'],
  offer({ bindings }) {
    if (bindings.size === 0) return undefined
    const types = [...bindings.keys()]
    const names = types.join(' ')
    const offer = offers.get(names) ?? channelBindingFeature(types)
    offers.set(names, offer)
    return offer
  },
}
