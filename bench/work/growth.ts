import { leaveAll, type Link, type LoadClient, loginMany } from '../load.ts'
import type { Sizes } from '../sizes.ts'
import { converse } from './chat.ts'
import type { Figures, Work } from './work.ts'

/** `few`, `some`, `many`: µs of the server for a message of the same pairs while more and more sessions are connected. */
export function growingSessions(name: string, link: Link): Work {
  return {
    name,
    async run(peer, sizes) {
      const clients: LoadClient[] = []
      const measured: Figures[] = []
      // The first figure is not to be that of a server that is still compiling itself.
      const warm = await loginMany(peer, 0, sizes.growthPairs * 2, link)
      await converse(peer, warm, sizes)
      await leaveAll(warm)
      for (const count of sizes.sessions) {
        clients.push(...(await loginMany(peer, clients.length, count - clients.length, link)))
        measured.push(await converse(peer, clients.slice(0, sizes.growthPairs * 2), sizes))
      }
      await leaveAll(clients)
      const [few, some, many] = measured as [Figures, Figures, Figures]
      return { ...many, few: few['cpu']!, some: some['cpu']!, many: many['cpu']! }
    },
  }
}

/** `cpu`: the same with as many accounts and archived messages as the server has been set up with. */
export function stored(name: string, link: Link): Work {
  return {
    name,
    async run(peer, sizes: Sizes) {
      const clients = await loginMany(peer, 0, sizes.growthPairs * 2, link)
      const figures = await converse(peer, clients, sizes)
      await leaveAll(clients)
      return figures
    },
  }
}
