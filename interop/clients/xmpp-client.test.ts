import { describe } from 'vitest'
import { live } from './life.ts'

describe('@xmpp/client (STARTTLS) and Stanza', () => {
  live({
    one: { make: '@xmpp/client', transport: 'starttls', repeats: true },
    other: { make: 'stanza', transport: 'websocket', repeats: true },
  })
})
