import { EntityTime, timeNs } from '@jackdaw/xmpp'
import { defineModule } from '../module.ts'

/** Tells the server's time, in UTC: it lives in no time zone that matters to anybody, and §7 warns of telling where it stands. */
export const time = defineModule({
  name: 'time',
  xeps: ['XEP-0202 2.0', 'XEP-0082 1.1.1'],
  features: { server: [timeNs] },
  start(host) {
    host.answer('get', 'server', EntityTime, () => EntityTime.write({ utc: host.clock.now(), offset: 0 }))
  },
})
