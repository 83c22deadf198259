import { channelBindingFeature } from '@jackdaw/xmpp'
import { channelBindings } from './authenticator.ts'
import type { StreamFeature } from './features.ts'

/** XEP-0440 1.0.0 */
export const channelBinding: StreamFeature = {
  name: 'channel-binding types',
  forbids: ['authenticated'],
  offer(stream) {
    const types = [...channelBindings(stream).keys()]
    return types.length === 0 ? undefined : channelBindingFeature(types)
  },
}
