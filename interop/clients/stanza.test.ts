import { describe } from 'vitest'
import { live } from './life.ts'

describe('Stanza (WebSocket) and @xmpp/client', () => {
  live({
    one: { make: 'stanza', transport: 'websocket', repeats: true },
    other: { make: '@xmpp/client', transport: 'tls', repeats: true },
  })
})
