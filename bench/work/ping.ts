import { leaveAll, type Link, loginMany } from '../load.ts'
import { Loop } from './loop.ts'
import type { Work } from './work.ts'

/** Each client asks the server whether it is there (XEP-0199 §4.2), again and again (window 1). `cpu`: µs of the server for a ping. */
export function ping(name: string, link: Link): Work {
  return {
    name,
    async run(peer, sizes) {
      const clients = await loginMany(peer, 0, sizes.pingers, link)
      const loop = new Loop(clients.length)
      for (const client of clients) {
        let number = 0
        const ask = () =>
          client.say(`<iq type='get' to='localhost' id='ping-${number}'><ping xmlns='urn:xmpp:ping'/></iq>`)
        client.listen((stanza) => {
          if (!stanza.startsWith('<iq')) return
          const isAnswer = / type=['"]result['"]/.test(stanza) && / id=['"]ping-(\d+)/.exec(stanza)?.[1] === `${number}`
          if (!isAnswer) return loop.fail(`ping ${number} was answered with ${stanza}`)
          number++
          loop.count()
          loop.next(ask)
        })
        ask()
      }
      const figures = await loop.measure(peer, sizes)
      await leaveAll(clients)
      return figures
    },
  }
}
