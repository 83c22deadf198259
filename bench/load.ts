import { Client, type ClientOptions, type Connect, tcp, tls } from '@jackdaw/testkit'
import { presence } from '@jackdaw/xmpp'
import type { Peer } from './peers/peer.ts'
import { password } from './peers/peer.ts'

/** A client that, once logged in, hands over what arrives as it is: the load must not cost more than what it measures. */
export class LoadClient extends Client {
  /** Takes the text of each chunk, once set. */
  raw: ((text: string) => void) | undefined
  #decoder = new TextDecoder()

  override data(chunk: Uint8Array | string): void {
    if (this.raw) this.raw(typeof chunk === 'string' ? chunk : this.#decoder.decode(chunk, { stream: true }))
    else super.data(chunk)
  }
}

export interface Link {
  readonly isTls: boolean
  readonly isManaged: boolean
}

/** A client of account u{number}, logged in, present, having heard its own presence. */
export async function login(peer: Peer, number: number, { isTls, isManaged }: Link): Promise<LoadClient> {
  const options: ClientOptions = {
    jid: `u${number}@localhost/bench`,
    password,
    connect: isTls ? unbound(tls(peer.tlsPort)) : inClear(tcp(peer.port)),
    resume: isManaged,
  }
  const client = new LoadClient(options)
  await client.connect()
  client.send(presence({}))
  return client
}

/** Logs in accounts first … first + count - 1, some at a time. */
export async function loginMany(peer: Peer, first: number, count: number, link: Link): Promise<LoadClient[]> {
  const clients: LoadClient[] = []
  for (let i = 0; i < count; i += 20) {
    const some = Array.from({ length: Math.min(20, count - i) }, (_, j) => login(peer, first + i + j, link))
    clients.push(...(await Promise.all(some)))
  }
  return clients
}

export async function cutAll(clients: readonly LoadClient[]): Promise<void> {
  await Promise.all(clients.map((client) => client.cut()))
}

/** Without channel binding, which not every peer gets right on TLS 1.3. */
function unbound(connect: Connect): Connect {
  return async (events) => Object.defineProperty(await connect(events), 'bindings', { value: new Map() })
}

/** Without STARTTLS, which not every peer is configured to offer. */
function inClear(connect: Connect): Connect {
  return async (events) => Object.defineProperty(await connect(events), 'startTls', { value: undefined })
}
