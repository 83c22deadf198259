import { crowd, type LoadClient, loginMany } from '../load.ts'
import { Meter } from '../meter.ts'
import { pause } from '../processes.ts'
import { numberOf, saying } from './message.ts'
import type { Work } from './work.ts'

/**
 * The server is killed while many sessions over TLS are idle, and started again; all come back at once and resume, each in one flight after
 * its TLS session (XEP-0388, XEP-0484, XEP-0198 §9.2). Milliseconds from the start of the process: `first`, until the first message has gone
 * from one to another; `all`, until all have resumed. `cpu`: the server's milliseconds for a session, once its port answers.
 */
export function storm(name: string): Work {
  return {
    name,
    async run(peer, { storm: count }) {
      const clients = await loginMany(peer, 0, count, { isTls: true, hasFeatures: true, hasToken: true })
      for (const client of clients) {
        await client.settle()
        await client.prepare()
      }
      await peer.kill()
      await Promise.all(clients.map((client) => client.whenGone))
      // What was written last may not be applied yet; the start does that.
      await pause(100)
      const from = performance.now()
      await peer.start()
      const meter = new Meter(peer)
      let first = NaN
      await meter.during(async () => {
        const chat = greet(clients[0]!, clients[1]!).then(() => (first = performance.now() - from))
        await crowd(count - 2, 100, (i) => clients[i + 2]!.return())
        await chat
      })
      const all = performance.now() - from
      const { cpu, load, wait } = meter.read()
      for (const client of clients) await client.leave()
      return { first, all, cpu: cpu / count / 1000, load, wait }
    },
  }
}

async function greet(a: LoadClient, b: LoadClient): Promise<void> {
  await Promise.all([a.return(), b.return()])
  const heard = new Promise<void>((resolve) => b.listen((stanza) => numberOf(stanza) === 0 && resolve()))
  a.listen(() => {})
  a.say(saying(b.jid, 0))
  await heard
}
