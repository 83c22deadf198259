import { leaveAll, type Link, type LoadClient, loginMany } from '../load.ts'
import type { Peer } from '../peers/peer.ts'
import type { Sizes } from '../sizes.ts'
import { Loop } from './loop.ts'
import { numberOf, saying } from './message.ts'
import type { Figures, Work } from './work.ts'

/** In each pair one message goes to and fro (window 1). `cpu`: µs of the server for a delivered message. */
export function chat(name: string, link: Link): Work {
  return {
    name,
    async run(peer, sizes) {
      const clients = await loginMany(peer, 0, sizes.pairs * 2, link)
      const figures = await converse(peer, clients, sizes)
      await leaveAll(clients)
      return figures
    },
  }
}

/** Every message must arrive once and in order, and with stream management all must be acknowledged in the end. */
export async function converse(peer: Peer, clients: readonly LoadClient[], sizes: Sizes): Promise<Figures> {
  const loop = new Loop(clients.length / 2)
  for (let i = 0; i < clients.length; i += 2) play(loop, clients[i]!, clients[i + 1]!)
  const figures = await loop.measure(peer, sizes)
  for (const client of clients) await client.settle()
  return figures
}

function play(loop: Loop, a: LoadClient, b: LoadClient): void {
  let expected = 0
  const side = (self: LoadClient, other: LoadClient) => {
    const answer = () => self.say(saying(other.jid, expected))
    self.listen((stanza) => {
      const number = numberOf(stanza)
      if (number === undefined) return
      if (number !== expected) return loop.fail(`message ${number} came where ${expected} was due`)
      expected++
      loop.count()
      loop.next(answer)
    })
  }
  side(a, b)
  side(b, a)
  a.say(saying(b.jid, expected))
}
