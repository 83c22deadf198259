import { describe } from 'vitest'
import { live } from './life.ts'
import { hasSlixmpp } from './peer.ts'

describe.skipIf(!hasSlixmpp)('slixmpp (Debian: python3-slixmpp)', () => {
  describe('STARTTLS, and @xmpp/client', () => {
    live({
      // slixmpp 1.8 forgets what is not acknowledged when it asks to resume (its own queue is cleared with <resume/>).
      one: { make: 'slixmpp', transport: 'starttls', repeats: false },
      other: { make: '@xmpp/client', transport: 'starttls', repeats: true },
    })
  })
  describe('direct TLS, and Stanza', () => {
    live({
      one: { make: 'slixmpp', transport: 'tls', repeats: false },
      other: { make: 'stanza', transport: 'websocket', repeats: true },
    })
  })
})
