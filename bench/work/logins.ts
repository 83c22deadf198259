import { leaveAll, type Link, type LoadClient, loginMany } from '../load.ts'
import { Meter } from '../meter.ts'
import type { Work } from './work.ts'

/**
 * `cpu`: the server's milliseconds for a login: connect, SCRAM (the client has its keys), bind, roster, presence. Five times as many before
 * these, so that compilers have done theirs, are not counted: V8 sets about what is called once for each after three thousand calls.
 */
export function logins(name: string, link: Link): Work {
  return {
    name,
    async run(peer, { logins: count, turns }) {
      for (let i = 0; i < 5; i++) await leaveAll(await loginMany(peer, 0, count, link))
      await peer.othersTurns()
      const meter = new Meter(peer)
      const clients: LoadClient[] = []
      for (let turn = 1; turn <= turns; turn++) {
        const more = Math.round((count * turn) / turns) - clients.length
        clients.push(...(await meter.during(() => loginMany(peer, clients.length, more, link))))
        await peer.othersTurns()
      }
      const { cpu, elapsed, load, wait } = meter.read()
      await leaveAll(clients)
      return { cpu: cpu / count / 1000, rate: (count * 1000) / elapsed, load, wait }
    },
  }
}
