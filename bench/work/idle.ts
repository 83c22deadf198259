import { leaveAll, type Link, loginMany } from '../load.ts'
import { pause } from '../processes.ts'
import type { Work } from './work.ts'

/**
 * `some`, `more`: kilobytes that the server's resident memory has grown by for each session that has logged in and says nothing since,
 * with two numbers of sessions.
 */
export function idle(name: string, link: Link): Work {
  return {
    name,
    async run(peer, { idle: [some, more], idleTime }) {
      // It is the idle state that is measured: the server may finish what logins left behind.
      const settle = () => pause(idleTime * 1000)
      await leaveAll(await loginMany(peer, 0, Math.min(100, some), link))
      await settle()
      const before = peer.process.memory
      const clients = await loginMany(peer, 0, some, link)
      await settle()
      const first = (peer.process.memory - before) / some / 1000
      clients.push(...(await loginMany(peer, some, more - some, link)))
      await settle()
      const second = (peer.process.memory - before) / more / 1000
      for (const client of clients) client.wire!.destroy()
      return { some: first, more: second }
    },
  }
}
