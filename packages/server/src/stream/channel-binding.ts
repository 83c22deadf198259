import { channelBindingFeature } from '@jackdaw/xmpp'
import type { StreamFeature } from './features.ts'
import { offers } from './offers.ts'

const offerOf = offers(channelBindingFeature)

/** XEP-0440 1.0.0 */
export const channelBinding: StreamFeature = {
  name: 'channel-binding types',
  forbids: ['authenticated'],
  offer: ({ bindings }) => (bindings.size === 0 ? undefined : offerOf([...bindings.keys()])),
}
