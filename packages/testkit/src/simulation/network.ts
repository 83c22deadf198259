import type { Clock, Endpoint, Listener, Network, Transport, TransportEvents } from '@jackdaw/server'
import type { Wire, WireEvents } from '../wire.ts'
import type { Seeded } from './seeded.ts'

const none: ReadonlyMap<string, Uint8Array> = new Map()
const encoder = new TextEncoder()

/** What an end learns of a connection that both have lost: at once, or not before it tries to end it. */
export type Loss = 'noticed by both' | 'noticed by the client' | 'noticed by the server'

/** How long (ms) the server's system tries to end a connection in an orderly way. */
const closing = 5000

/** A network with latency that breaks what is written at any byte, and loses connections when it is told to. No TLS. */
export class FaultyNetwork implements Network {
  readonly clock: Clock
  readonly chance: Seeded
  /** Told each write on each link: `>` is from the client. */
  readonly trace: (link: number, direction: '>' | '<', text: string) => void
  readonly #links = new Set<Link>()
  #accept: ((transport: Transport) => void) | undefined
  #lastLink = 0

  constructor(clock: Clock, chance: Seeded, trace: FaultyNetwork['trace']) {
    this.clock = clock
    this.chance = chance
    this.trace = trace
  }

  async listenTcp(endpoint: Endpoint, _options: unknown, accept: (transport: Transport) => void): Promise<Listener> {
    this.#accept = accept
    return { ...endpoint, close: async () => void (this.#accept = undefined) }
  }

  async listenHttp(endpoint: Endpoint): Promise<Listener> {
    return { ...endpoint, close: async () => {} }
  }

  /** Connects a client; rejects when nobody listens. */
  async connect(events: WireEvents): Promise<Link> {
    await new Promise<void>((resolve) => void this.clock.after(this.latency(), resolve))
    if (!this.#accept) throw new Error('nobody listens')
    const link = new Link(++this.#lastLink, this, events, () => this.#links.delete(link))
    this.#links.add(link)
    this.#accept(link.server)
    return link
  }

  latency(): number {
    return this.chance.chance(0.05) ? this.chance.whole(50, 500) : this.chance.whole(1, 12)
  }

  /** The server is dead: nobody listens, and it hears and says no more. */
  crash(): void {
    this.#accept = undefined
    for (const link of this.#links) link.crash()
  }
}

/** Two directions, each in order. */
export class Link implements Wire {
  readonly framing = 'tcp'
  readonly bindings = none
  readonly isSecure = false
  readonly server: Transport
  readonly #number: number
  readonly #network: FaultyNetwork
  readonly #client: WireEvents
  readonly #forget: () => void
  #events: TransportEvents | undefined
  #isPaused = false
  #held: Uint8Array[] = []
  #isClientGone = false
  #isServerGone = false
  readonly #due = { '>': 0, '<': 0 }
  /** When it was lost, milliseconds since the epoch. */
  lostAt: number | undefined

  constructor(number: number, network: FaultyNetwork, client: WireEvents, forget: () => void) {
    this.#number = number
    this.#network = network
    this.#client = client
    this.#forget = forget
    this.server = {
      framing: 'tcp',
      address: '127.0.0.1',
      tls: undefined,
      canStartTls: false,
      pendingBytes: 0,
      open: (events) => void (this.#events = events),
      write: (text) => {
        this.#carry('<', text, (chunk) => this.#client.data(chunk))
        return true
      },
      pause: () => void (this.#isPaused = true),
      resume: () => this.#resume(),
      startTls: () => Promise.reject(new Error('no TLS here')),
      close: () => {
        this.#later('<', () => this.cut('noticed by both'))
        network.clock.after(closing, () => this.#serverGone())
      },
      destroy: () => this.#destroyedBy('server'),
    }
  }

  write(text: string): void {
    this.#carry('>', text, (chunk) => this.#arrive(chunk))
  }

  end(): void {
    this.#later('>', () => this.cut('noticed by both'))
  }

  destroy(): void {
    this.#destroyedBy('client')
  }

  /** Nothing more arrives on either side. */
  cut(loss: Loss): void {
    if (this.lostAt !== undefined) return
    this.lostAt = this.#network.clock.now()
    this.#forget()
    if (loss !== 'noticed by the client') this.#network.clock.after(this.#network.latency(), () => this.#serverGone())
    if (loss !== 'noticed by the server') this.#clientGone()
  }

  /** The server's end has vanished. */
  crash(): void {
    this.#events = undefined
    this.#isServerGone = true
    this.cut('noticed by both')
  }

  #destroyedBy(end: 'client' | 'server'): void {
    this.cut('noticed by both')
    if (end === 'client') this.#clientGone()
    else this.#network.clock.soon(() => this.#serverGone())
  }

  #serverGone(): void {
    if (this.#isServerGone) return
    this.#isServerGone = true
    this.#events?.gone()
  }

  /** The client may be in the middle of something. */
  #clientGone(): void {
    if (this.#isClientGone) return
    this.#isClientGone = true
    this.#network.clock.soon(() => this.#client.gone())
  }

  #carry(direction: '>' | '<', text: string, deliver: (chunk: Uint8Array) => void): void {
    if (this.lostAt !== undefined) return
    this.#network.trace(this.#number, direction, text)
    const bytes = encoder.encode(text)
    const { chance } = this.#network
    const split = bytes.length > 1 && chance.chance(0.1) ? chance.whole(1, bytes.length - 1) : bytes.length
    this.#later(direction, () => deliver(bytes.subarray(0, split)))
    if (split < bytes.length) this.#later(direction, () => deliver(bytes.subarray(split)))
  }

  #later(direction: '>' | '<', act: () => void): void {
    const { clock } = this.#network
    const now = clock.now()
    this.#due[direction] = Math.max(this.#due[direction], now + this.#network.latency())
    clock.after(this.#due[direction] - now, () => {
      if (this.lostAt === undefined) act()
    })
  }

  #arrive(chunk: Uint8Array): void {
    if (this.#isPaused) this.#held.push(chunk)
    else this.#events?.data(chunk)
  }

  #resume(): void {
    this.#isPaused = false
    while (this.#events && this.#held.length > 0 && !this.#isPaused) this.#events.data(this.#held.shift()!)
  }
}
