import { describe } from 'vitest'
import { live } from './life.ts'

describe('strophe.js (WebSocket) and @xmpp/client', () => {
  live({
    one: { make: 'strophe.js', transport: 'websocket', repeats: true },
    other: { make: '@xmpp/client', transport: 'websocket', repeats: true },
  })
})
