import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { WebSocket } from 'ws'

/** The client's side of a connection. */
export interface Wire {
  readonly framing: 'tcp' | 'websocket'
  /** Channel bindings, on TLS. */
  readonly bindings: ReadonlyMap<string, Uint8Array>
  readonly isSecure: boolean
  write(text: string): void
  /** RFC 6120 §5.4.3; only on TCP in clear. */
  startTls?(): Promise<void>
  /** Ends it in an orderly way. */
  end(): void
  /** Breaks it. */
  destroy(): void
}

export interface WireEvents {
  data(chunk: Uint8Array | string): void
  gone(): void
}

/** Opens a connection; rejects when there is nobody. */
export type Connect = (events: WireEvents) => Promise<Wire>

const none: ReadonlyMap<string, Uint8Array> = new Map()

/** TCP in clear, which `startTls` encrypts; the server's certificate is not checked. */
export function tcp(port: number, host = '127.0.0.1', domain = 'localhost'): Connect {
  return (events) =>
    new Promise((resolve, reject) => {
      const socket = connectTcp({ port, host, noDelay: true })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new SocketWire(socket, domain, events))
      })
    })
}

/** Direct TLS (XEP-0368). */
export function tls(port: number, host = '127.0.0.1', domain = 'localhost'): Connect {
  return (events) =>
    new Promise((resolve, reject) => {
      const socket = connectTls({
        port,
        host,
        servername: domain,
        ALPNProtocols: ['xmpp-client'],
        rejectUnauthorized: false,
      })
      socket.once('error', reject)
      socket.once('secureConnect', () => {
        socket.off('error', reject).setNoDelay()
        resolve(new SocketWire(socket, domain, events))
      })
    })
}

/** RFC 7395; `url` is ws:// or wss://. */
export function webSocket(url: string): Connect {
  return (events) =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(url, 'xmpp', { rejectUnauthorized: false, perMessageDeflate: false })
      socket.once('error', reject)
      socket.on('message', (data) => events.data((data as Buffer).toString()))
      socket.on('close', () => events.gone())
      socket.once('open', () => {
        socket.off('error', reject).on('error', () => {})
        resolve({
          framing: 'websocket',
          bindings: none,
          isSecure: url.startsWith('wss:'),
          write: (text) => socket.send(text),
          end: () => socket.close(),
          destroy: () => socket.terminate(),
        })
      })
    })
}

class SocketWire implements Wire {
  readonly framing = 'tcp'
  #socket: Socket
  readonly #domain: string
  readonly #events: WireEvents
  isSecure: boolean

  constructor(socket: Socket | TLSSocket, domain: string, events: WireEvents) {
    this.#socket = socket
    this.#domain = domain
    this.#events = events
    this.isSecure = 'encrypted' in socket
    this.#listen()
  }

  get bindings(): ReadonlyMap<string, Uint8Array> {
    if (!this.isSecure) return none
    const exported = (this.#socket as TLSSocket).exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
    return new Map([['tls-exporter', exported]])
  }

  write(text: string): void {
    this.#socket.write(text)
  }

  async startTls(): Promise<void> {
    const plain = this.#socket.removeAllListeners('data').removeAllListeners('close')
    const secure = connectTls({ socket: plain, servername: this.#domain, rejectUnauthorized: false })
    await new Promise<void>((resolve, reject) => {
      secure.once('secureConnect', resolve).once('error', reject)
    })
    this.#socket = secure
    this.isSecure = true
    this.#listen()
  }

  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #listen(): void {
    this.#socket
      .on('data', (chunk: Buffer) => this.#events.data(chunk))
      .on('error', () => {})
      .on('close', () => this.#events.gone())
  }
}
