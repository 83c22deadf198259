import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { plainAddress } from '../address.ts'
import type { Deadlines } from './deadlines.ts'
import { readShared } from './inflow.ts'
import { Outflow } from './outflow.ts'
import { acceptTls, SocketTls, type TlsAcceptor } from './tls.ts'
import type { TlsFacts, Transport, TransportEvents } from './transport.ts'

/** What the connections of one listener share. */
export interface TcpDoor {
  /** Undefined: STARTTLS is not possible. */
  readonly tls: TlsAcceptor | undefined
  /** Of connections that are being closed. */
  readonly closings: Deadlines
}

const owner = Symbol('transport')
type Owned = Socket & { [owner]?: TcpTransport | undefined }

/** A TCP connection, with TLS or before it. Its listeners are shared functions that find it on the socket: an idle one costs little. */
export class TcpTransport implements Transport {
  readonly address: string
  readonly #door: TcpDoor
  #socket: Owned
  #out: Outflow
  #tls: TlsFacts | undefined
  #events: TransportEvents | undefined
  #error: Error | undefined
  #state: 'open' | 'handshake' | 'closing' | 'gone' = 'open'

  constructor(socket: Socket, door: TcpDoor, tls?: TlsFacts) {
    this.address = plainAddress(socket.remoteAddress)
    this.#door = door
    this.#tls = tls
    this.#socket = socket
    this.#out = this.#own(socket)
  }

  get framing(): 'tcp' {
    return 'tcp'
  }

  get tls(): TlsFacts | undefined {
    return this.#tls
  }

  get canStartTls(): boolean {
    return this.#tls === undefined && this.#door.tls !== undefined && this.#state === 'open' && !this.#socket.destroyed
  }

  get pendingBytes(): number {
    return this.#out.pending
  }

  open(events: TransportEvents): void {
    this.#events = events
    if (this.#state === 'gone') queueMicrotask(() => events.gone(this.#error))
    else this.#read()
  }

  write(text: string): boolean {
    return this.#state === 'open' && this.#socket.writable ? this.#out.write(text) : true
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    if (this.#state === 'open') this.#socket.resume()
  }

  async startTls(domain: string): Promise<void> {
    const acceptor = this.#door.tls
    if (!this.canStartTls || !acceptor) throw new Error('TLS cannot be started on this connection')
    const raw = this.#socket
    this.#state = 'handshake'
    raw[owner] = undefined
    // What has been read in clear and not been handed over is fed to the handshake (RFC 6120 §5.4.3.3), where it fails.
    raw.pause()
    // Its stream believes that it reads, because nothing has come by way of it.
    raw.push('')
    let secure: TLSSocket
    try {
      if (this.pendingBytes > 0) await new Promise<void>((resolve) => this.#out.whenEmpty(resolve))
      secure = await acceptTls(raw, acceptor, acceptor.contexts.find(domain) ?? acceptor.contexts.fallback)
    } catch (error) {
      this.#gone(error instanceof Error ? error : new Error(String(error)))
      throw error
    }
    this.#state = 'open'
    this.#socket = secure
    this.#tls = new SocketTls(secure)
    this.#out = this.#own(secure)
    if (this.#events) this.#read()
  }

  close(): void {
    if (this.#state === 'handshake') this.destroy()
    if (this.#state !== 'open') return
    this.#state = 'closing'
    this.#door.closings.start(this.#socket)
    // The other side's end is found only by reading.
    this.#socket.resume()
    this.#out.whenEmpty(() => this.#socket.end())
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** For the listeners below. */
  received(chunk: Uint8Array): void {
    if (this.#state === 'open') this.#events?.data(chunk)
  }

  drained(): void {
    if (this.#state === 'open') this.#events?.drain()
  }

  failed(error: Error): void {
    this.#error ??= error
  }

  closed(): void {
    if (this.#state === 'closing') this.#door.closings.end(this.#socket)
    this.#gone(this.#error)
  }

  #own(socket: Owned): Outflow {
    socket[owner] = this
    socket.on('close', onClose).on('error', onError)
    return new Outflow(socket, this)
  }

  #read(): void {
    const socket = this.#socket
    if (!readShared(socket, onRead) || socket.readableLength > 0) socket.on('data', onData)
  }

  #gone(error: Error | undefined): void {
    this.#state = 'gone'
    this.#error = error
    this.#events?.gone(error)
  }
}

function onData(this: Owned, chunk: Uint8Array): void {
  this[owner]?.received(chunk)
}

/** While TLS is begun nobody owns it, and what it reads is kept for that. */
function onRead(this: Owned, length: number, buffer: Uint8Array): boolean {
  const chunk = buffer.subarray(0, length)
  const transport = this[owner]
  if (!transport) return this.push(chunk.slice())
  transport.received(chunk)
  return true
}

function onError(this: Owned, error: Error): void {
  this[owner]?.failed(error)
}

function onClose(this: Owned): void {
  this[owner]?.closed()
}
