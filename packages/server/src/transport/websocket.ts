import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { WebSocketServer, type RawData, type ServerOptions, type WebSocket } from 'ws'
import { plainAddress } from '../address.ts'
import { STATUS_CODES } from '../node-http.ts'
import { ignore, SocketTls } from './tls.ts'
import type { TlsFacts, Transport, TransportEvents } from './transport.ts'

type Accept = (transport: Transport) => void

/** Makes WebSockets of HTTP upgrades (RFC 7395 §3.1). In place of `accept`, an HTTP status refuses. `messageSize` in bytes, as it is now. */
export function webSockets(messageSize: () => number) {
  const options: ServerOptions & { closeTimeout: number } = {
    noServer: true,
    clientTracking: false,
    // Compression would cost each session far more memory than it saves.
    perMessageDeflate: false,
    maxPayload: messageSize(),
    closeTimeout: 5_000,
    handleProtocols: (offered) => offered.has('xmpp') && 'xmpp',
  }
  const server = new WebSocketServer(options)
  return (request: IncomingMessage, socket: Socket, head: Buffer, accept: Accept | number): void => {
    if (typeof accept === 'number') return refuse(socket, accept)
    if (!offersXmpp(request)) return refuse(socket, 400)
    server.options.maxPayload = messageSize()
    server.handleUpgrade(request, socket, head, (webSocket) => accept(new WebSocketTransport(webSocket, socket)))
  }
}

function offersXmpp({ headers }: IncomingMessage): boolean {
  return (headers['sec-websocket-protocol'] ?? '').split(',').some((name) => name.trim() === 'xmpp')
}

/** Answers an upgrade with an HTTP status, and closes. */
export function refuse(socket: Duplex, status: number): void {
  socket.on('error', ignore)
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () =>
    socket.destroy(),
  )
}

const owner = Symbol('transport')
type Owned<T> = T & { [owner]?: WebSocketTransport }

/** A WebSocket (RFC 7395); encrypted when it came over HTTPS. */
export class WebSocketTransport implements Transport {
  readonly address: string
  readonly tls: TlsFacts | undefined
  readonly #webSocket: Owned<WebSocket>
  readonly #socket: Owned<Socket>
  #events: TransportEvents | undefined
  #error: Error | undefined
  #state: 'open' | 'closing' | 'gone' = 'open'

  constructor(webSocket: WebSocket, socket: Socket) {
    this.#webSocket = webSocket
    this.#socket = socket
    this.address = plainAddress(socket.remoteAddress)
    this.tls = socket instanceof TLSSocket ? new SocketTls(socket) : undefined
    this.#webSocket[owner] = this
    this.#socket[owner] = this
    webSocket.on('close', onClose).on('error', onError).pause()
  }

  get framing(): 'websocket' {
    return 'websocket'
  }

  get canStartTls(): boolean {
    return false
  }

  get pendingBytes(): number {
    return this.#webSocket.bufferedAmount
  }

  open(events: TransportEvents): void {
    this.#events = events
    if (this.#state === 'gone') return queueMicrotask(() => events.gone(this.#error))
    this.#socket.on('drain', onDrain)
    this.#webSocket.on('message', onMessage).resume()
  }

  write(text: string): boolean {
    if (this.#state !== 'open') return true
    this.#webSocket.send(text)
    return !this.#socket.writableNeedDrain
  }

  pause(): void {
    this.#webSocket.pause()
  }

  resume(): void {
    this.#webSocket.resume()
  }

  startTls(): Promise<void> {
    return Promise.reject(new Error('STARTTLS is not used over WebSocket (RFC 7395 §3.9)'))
  }

  close(): void {
    this.#close(1000)
  }

  destroy(): void {
    this.#webSocket.terminate()
  }

  /** For the listeners below. */
  received(data: RawData, isBinary: boolean): void {
    if (this.#state !== 'open') return
    // RFC 7395 §3.2: text only.
    if (isBinary || !Buffer.isBuffer(data)) this.#close(1003)
    else this.#events?.data(data.toString())
  }

  drained(): void {
    if (this.#state === 'open') this.#events?.drain()
  }

  failed(error: Error): void {
    this.#error ??= error
  }

  closed(code: number): void {
    this.#state = 'gone'
    // 1000: done; 1001: the page was left; 1005: no reason given.
    if (code !== 1000 && code !== 1001 && code !== 1005) this.#error ??= new Error(`The WebSocket ended with ${code}`)
    this.#events?.gone(this.#error)
  }

  #close(code: number): void {
    if (this.#state !== 'open') return
    this.#state = 'closing'
    this.#webSocket.resume()
    this.#webSocket.close(code)
  }
}

function onMessage(this: Owned<WebSocket>, data: RawData, isBinary: boolean): void {
  this[owner]?.received(data, isBinary)
}

function onClose(this: Owned<WebSocket>, code: number): void {
  this[owner]?.closed(code)
}

function onError(this: Owned<WebSocket>, error: Error): void {
  this[owner]?.failed(error)
}

function onDrain(this: Owned<Socket>): void {
  this[owner]?.drained()
}
