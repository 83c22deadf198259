import { describe, expect, test } from 'vitest'
import { Jackdaw } from '../jackdaw.ts'
import { Gate } from './gate.ts'
import { live } from './life.ts'
import { Peer } from './peer.ts'

describe('strophe.js (WebSocket) and @xmpp/client', () => {
  live({
    one: { make: 'strophe.js', transport: 'websocket', repeats: true },
    other: { make: '@xmpp/client', transport: 'websocket', repeats: true },
  })
})

test(
  'strophe.js over BOSH: messages both ways, in order, once, though its connections break',
  { timeout: 60_000 },
  async () => {
    const server = await Jackdaw.start()
    const gate = await Gate.open(server.ports.https)
    const peers = (['romeo@localhost/garden', 'juliet@localhost/balcony'] as const).map((jid, i) => {
      const port = i === 0 ? gate.port : server.ports.https
      return new Peer('strophe.js', {
        jid,
        password: 'wherefore-art-thou',
        transport: 'bosh',
        port,
        certificate: server.certificate,
      })
    })
    const [romeo, juliet] = peers as [Peer, Peer]
    try {
      for (const peer of peers) {
        await server.addUser(peer.account, 'wherefore-art-thou')
        peer.do({ do: 'connect' })
        await peer.hears({ is: 'online' })
        peer.do({ do: 'presence', status: 'here' })
        await peer.hears({ is: 'presence', status: 'here' })
      }
      const said = Array.from({ length: 30 }, (_, i) => `speech ${i}`)
      const heard = said.map((words) => `answer to ${words}`)
      for (const [i, words] of said.entries()) {
        romeo.says(juliet, words)
        juliet.says(romeo, heard[i]!)
        if (i % 10 === 9) {
          await juliet.hears({ is: 'message', body: words })
          gate.cut()
        }
      }
      await romeo.hears({ is: 'message', body: heard.at(-1) })
      expect([juliet.bodies(), romeo.bodies()]).toEqual([said, heard])
      expect(await romeo.ask('ping')).toBe(true)
      expect(server.troubles).toEqual([])
    } finally {
      for (const peer of peers) await peer.end()
      gate.close()
      await server.stop()
    }
  },
)
