import { Ping, pingNs, StanzaError } from '@jackdaw/xmpp'
import { defineModule } from '../module.ts'

/** Lets others find out whether the server is there. */
export const ping = defineModule({
  name: 'ping',
  xeps: ['XEP-0199 2.0.1'],
  features: { server: [pingNs], account: [pingNs] },
  start(host) {
    host.answer('get', 'server', Ping, () => {})
    host.answer('get', 'account', Ping, ({ isOwn }) => {
      // RFC 6121 §8.5.1: nobody learns so which accounts exist.
      if (!isOwn) throw new StanzaError('service-unavailable')
    })
  },
})
