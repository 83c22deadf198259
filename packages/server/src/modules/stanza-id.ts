import { stanzaIdNs, withoutStanzaId } from '@jackdaw/xmpp'
import { defineModule } from '../module.ts'

/** Lets nobody claim ids in an account's name: a stanza-id "by" an account is the server's own (XEP-0359 §3 rule 2). */
export const stanzaId = defineModule({
  name: 'stanza-id',
  xeps: ['XEP-0359 0.7.0'],
  features: { account: [stanzaIdNs] },
  start(host) {
    host.hook('message:out', 'stamp', (passage) => {
      passage.stanza = withoutStanzaId(passage.stanza, passage.stanza.from!.bare)
    })
    host.hook('message:in', 'stamp', (passage) => {
      const { to, from } = passage.stanza
      passage.stanza = withoutStanzaId(passage.stanza, (to ?? from!).bare)
    })
  },
})
