import { cutAll, type Link, loginMany } from '../load.ts'
import type { Peer } from '../peers/peer.ts'

/**
 * Server's processor time for a login, milliseconds: connect, SCRAM (the client caches its keys), bind, initial presence, and the end of the
 * connection. The first logins, before which nothing is cached, are not counted.
 */
export async function logins(peer: Peer, count: number, link: Link): Promise<number> {
  await cutAll(await loginMany(peer, 0, Math.min(50, count), link))
  const before = peer.process.cpu
  await cutAll(await loginMany(peer, 0, count, link))
  return (peer.process.cpu - before) / count / 1000
}
