import { describe } from 'vitest'
import { live } from './life.ts'

describe('strophe.js (WebSocket) and @xmpp/client', () => {
  live({
    // It has no words for an archive.
    one: { make: 'strophe.js', transport: 'websocket', repeats: true, hasArchive: false },
    other: { make: '@xmpp/client', transport: 'websocket', repeats: true },
  })
})
