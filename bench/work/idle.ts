import { cutAll, type Link, loginMany } from '../load.ts'
import type { Peer } from '../peers/peer.ts'

/** Memory of one idle session, kilobytes: what the process grows by, divided by the sessions that have logged in and said nothing since. */
export async function idle(peer: Peer, count: number, link: Link): Promise<number> {
  await cutAll(await loginMany(peer, 0, 100, link))
  await settle()
  const before = peer.process.memory
  const clients = await loginMany(peer, 0, count, link)
  await settle()
  const kilobytes = (peer.process.memory - before) / count / 1000
  await cutAll(clients)
  return kilobytes
}

/** Lets the server finish what logins left behind: it is the idle state that is measured. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 3000))
}
