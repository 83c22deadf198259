import type { HostileServer } from './hostile-server.ts'
import { nextAddress, Peer, type Way } from './peer.ts'

/** Opens so many connections, as many from one address as are asked for, some hundred at a time. */
export async function crowd(server: HostileServer, way: Way, count: number, perAddress: number): Promise<Crowd> {
  const peers: Peer[] = []
  let address = nextAddress()
  while (peers.length < count) {
    const step = Math.min(250, count - peers.length)
    const opened = Array.from({ length: step }, (_, at) => {
      if ((peers.length + at) % perAddress === 0) address = nextAddress()
      return Peer.connect(way, server.ports, '', address)
    })
    peers.push(...(await Promise.all(opened)))
  }
  return new Crowd(peers)
}

/** Many connections, of which some may have been refused. */
export class Crowd {
  readonly #peers: readonly Peer[]

  constructor(peers: readonly Peer[]) {
    this.#peers = peers
  }

  /** Those that are gone or have heard anything, by what they heard; resolves when there are so many. */
  async answers(count: number): Promise<ReadonlyMap<string, number>> {
    for (;;) {
      const answers = new Map<string, number>()
      for (const { heard } of this.#peers)
        if (heard.at(-1) === 'gone') answers.set(heard.join(', '), (answers.get(heard.join(', ')) ?? 0) + 1)
      if ([...answers.values()].reduce((sum, each) => sum + each, 0) >= count) return answers
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** How many are still there. */
  get open(): number {
    return this.#peers.filter(({ heard }) => heard.at(-1) !== 'gone').length
  }

  write(data: string | Uint8Array): void {
    for (const peer of this.#peers) peer.write(data)
  }

  async vanish(): Promise<void> {
    for (const peer of this.#peers) peer.vanish()
    await Promise.all(this.#peers.map((peer) => peer.gone()))
  }
}

/** A client that has logged in. */
export async function loggedIn(server: HostileServer, account: string, way: Way = 'tcp'): Promise<Peer> {
  const peer = await Peer.connect(way, server.ports, account)
  await peer.reach('bound')
  return peer
}

/** Sends so many messages of such a length to one address, and hears none of what comes back. */
export function flood(from: Peer, to: string, count: number, length: number): void {
  const body = 'x'.repeat(length)
  // Nothing of it is to be kept: what a database holds is no matter of this test.
  const text = `<message to='${to}' type='normal'><body>${body}</body><no-store xmlns='urn:xmpp:hints'/></message>`
  for (let sent = 0; sent < count; sent++) from.write(text)
}
