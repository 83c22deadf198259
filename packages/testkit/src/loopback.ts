import type {
  Clock,
  Endpoint,
  HttpSite,
  Listener,
  Network,
  TlsFacts,
  Transport,
  TransportEvents,
} from '@jackdaw/server'
import type { Connect, Wire, WireEvents } from './wire.ts'

const none: ReadonlyMap<string, Uint8Array> = new Map()

/** A network in memory: what is written arrives in the next tick, or after `delay()` milliseconds. Nothing is encrypted. */
export class Loopback implements Network {
  readonly #clock: Clock
  readonly #delay: () => number
  readonly #accepts = new Map<number, (transport: Transport) => void>()
  readonly #links = new Set<Link>()
  #site: HttpSite | undefined
  #lastPort = 1024
  /** Where the next clients come from. */
  address = '127.0.0.1'
  /** What TLS would tell of the next connections; undefined: they are in clear. */
  tls: (TlsFacts & { readonly bindings: ReadonlyMap<string, Uint8Array> }) | undefined

  constructor(clock: Clock, delay: () => number = () => 0) {
    this.#clock = clock
    this.#delay = delay
  }

  async listenTcp(endpoint: Endpoint, _options: unknown, accept: (transport: Transport) => void): Promise<Listener> {
    const port = endpoint.port || ++this.#lastPort
    this.#accepts.set(port, accept)
    return { address: endpoint.address, port, close: async () => void this.#accepts.delete(port) }
  }

  async listenHttp(endpoint: Endpoint, _options: unknown, site: HttpSite): Promise<Listener> {
    this.#site = site
    return { ...endpoint, close: async () => {} }
  }

  /** Asks what serves HTTP. */
  async http(request: Request): Promise<Response> {
    if (!this.#site) throw new Error('nobody serves HTTP')
    return this.#site.serve(request, { address: this.address, acceptBody() {} })
  }

  /** How a client reaches what listens there. */
  connect(port: number): Connect {
    return async (events) => {
      const accept = this.#accepts.get(port)
      if (!accept) throw new Error(`nobody listens on ${port}`)
      const link = new Link(this, this.#clock, this.#delay, events, () => this.#links.delete(link))
      this.#links.add(link)
      accept(link.server)
      return link.client
    }
  }

  /** The server is dead: nobody listens, and all clients lose their connections. */
  crash(): void {
    this.#accepts.clear()
    for (const link of this.#links) link.crash()
  }
}

/** Two directions, each in order; a break stops both at once and is noticed by both. */
class Link {
  readonly server: Transport
  readonly client: Wire
  #isBroken = false
  #events: TransportEvents | undefined
  #isPaused = false
  #held: string[] = []
  readonly #due = { up: 0, down: 0 }
  readonly #clock: Clock
  readonly #delay: () => number

  readonly #gone: () => void

  constructor(network: Loopback, clock: Clock, delay: () => number, client: WireEvents, gone: () => void) {
    const { address, tls } = network
    this.#gone = gone
    this.#clock = clock
    this.#delay = delay
    const encoder = new TextEncoder()
    this.client = {
      framing: 'tcp',
      bindings: tls?.bindings ?? none,
      isSecure: tls !== undefined,
      write: (text) => this.#carry('up', () => this.#arrive(text)),
      end: () => this.#carry('up', () => this.#break(client)),
      destroy: () => this.#break(client),
    }
    this.server = {
      framing: 'tcp',
      address,
      tls,
      canStartTls: false,
      pendingBytes: 0,
      open: (events) => void (this.#events = events),
      write: (text) => {
        this.#carry('down', () => client.data(encoder.encode(text)))
        return true
      },
      pause: () => void (this.#isPaused = true),
      resume: () => {
        this.#isPaused = false
        for (const text of this.#held.splice(0)) this.#arrive(text)
      },
      startTls: () => Promise.reject(new Error('no TLS here')),
      close: () => this.#carry('down', () => this.#break(client)),
      destroy: () => this.#break(client),
    }
  }

  /** The server's end has vanished. */
  crash(): void {
    this.#events = undefined
    this.client.destroy()
  }

  #arrive(text: string): void {
    if (this.#isPaused) this.#held.push(text)
    else this.#events?.data(new TextEncoder().encode(text))
  }

  /** What is on its way arrives in order, and not at all once the link is broken. */
  #carry(direction: 'up' | 'down', deliver: () => void): void {
    if (this.#isBroken) return
    const act = () => {
      if (!this.#isBroken) deliver()
    }
    const delay = this.#delay()
    if (delay === 0) return this.#clock.soon(act)
    const now = this.#clock.now()
    this.#due[direction] = Math.max(this.#due[direction], now + delay)
    this.#clock.after(this.#due[direction] - now, act)
  }

  #break(client: WireEvents): void {
    if (this.#isBroken) return
    this.#isBroken = true
    this.#gone()
    this.#clock.soon(() => {
      this.#events?.gone()
      client.gone()
    })
  }
}
