import { type Connect, tcp, tls, webSocket, type Wire, type WireEvents } from '@jackdaw/testkit'

export const transports = ['tcp', 'starttls', 'tls', 'websocket'] as const
export type Transport = (typeof transports)[number]

/** A connection as a client has it, which can also be lost without either side being told. */
export class Line implements WireEvents {
  readonly #events: WireEvents
  readonly #onData: () => void
  #wire: Wire | undefined
  #isLive = true

  constructor(events: WireEvents, onData: () => void) {
    this.#events = events
    this.#onData = onData
  }

  async open(connect: Connect, transport: Transport): Promise<Wire> {
    const wire = await connect(this)
    this.#wire = wire
    return {
      framing: wire.framing,
      get bindings() {
        return wire.bindings
      },
      get isSecure() {
        return wire.isSecure
      },
      write: (text) => {
        if (this.#isLive) wire.write(text)
      },
      end: () => wire.end(),
      destroy: () => this.cut(),
      ...(transport === 'starttls' && {
        startTls: async () => {
          try {
            await wire.startTls!()
          } catch (error) {
            // A handshake that failed tells nobody of its end.
            this.cut()
            throw error
          }
        },
      }),
    }
  }

  data(chunk: Uint8Array | string): void {
    if (!this.#isLive) return
    this.#events.data(chunk)
    this.#onData()
  }

  gone(): void {
    if (!this.#isLive) return
    this.#isLive = false
    this.#events.gone()
  }

  /** Breaks the connection: both sides learn of it. */
  cut(): void {
    this.#wire?.destroy()
    this.gone()
  }

  /** Loses it: it stays open, but nothing comes through any more, and the server learns nothing. */
  abandon(): void {
    this.gone()
  }

  /** After the run: closes what was abandoned. */
  discard(): void {
    this.#wire?.destroy()
  }
}

/** How each transport is connected to a server at these ports of the loopback. */
export function connectors(
  ports: { xmpp: number; xmpps: number; http: number },
  domain: string,
): Record<Transport, Connect> {
  const host = '127.0.0.1'
  const plain = tcp(ports.xmpp, host, domain)
  return {
    tcp: plain,
    starttls: plain,
    tls: tls(ports.xmpps, host, domain),
    websocket: webSocket(`ws://${host}:${ports.http}/xmpp`),
  }
}
