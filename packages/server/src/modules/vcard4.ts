import { vcard4Ns } from '@jackdaw/xmpp'
import { defineModule } from '../module.ts'
import { pubsub } from './pubsub/pubsub.ts'

/** vCards of the newer form are items of accounts' nodes, as `pubsub` serves them; here it is said that they may be. */
export const vcard4 = defineModule({
  name: 'vcard4',
  xeps: ['XEP-0292 0.12.0'],
  needs: [pubsub],
  features: { server: [vcard4Ns], account: [vcard4Ns] },
  start() {},
})
