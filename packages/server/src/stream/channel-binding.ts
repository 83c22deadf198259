import { channelBindingFeature } from '@jackdaw/xmpp'
import type { StreamFeature } from './features.ts'

/** XEP-0440 1.0.0 */
export const channelBinding: StreamFeature = {
  name: 'channel-binding types',
  forbids: ['authenticated'],
  offer({ bindings }) {
    const types = [...bindings.keys()]
    return types.length === 0 ? undefined : channelBindingFeature(types)
  },
}
