import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { Readable, type Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Socket } from 'node:net'
import type { Logger } from 'pino'
import { plainAddress } from '../address.ts'
import { STATUS_CODES } from '../node-http.ts'
import type { Clock } from '../world.ts'
import { Deadlines } from './deadlines.ts'
import type { HttpSite, NetworkLimits } from './network.ts'
import { ignore } from './tls.ts'
import { refuse, webSockets } from './websocket.ts'

interface Surroundings {
  /** As they are now. */
  readonly limits: () => Pick<
    NetworkLimits,
    'httpBody' | 'httpBodies' | 'httpRequestTime' | 'httpReadTime' | 'webSocketMessage'
  >
  /** Of connections that are being closed. */
  readonly closings: Deadlines
  readonly clock: Clock
  readonly log: Logger
}

/** Carries an HttpSite over a node:http server. */
export class HttpConnections {
  readonly #server: Server
  readonly #site: HttpSite
  readonly #limits: Surroundings['limits']
  readonly #closings: Deadlines
  /** Of requests whose body is coming. */
  readonly #bodies: Deadlines
  readonly #log: Logger
  readonly #upgrade: ReturnType<typeof webSockets>
  #active = 0
  /** Of answers that are being sent. */
  readonly #sending = new Set<AbortController>()
  #whenIdle: (() => void) | undefined
  #closed: Promise<void> | undefined

  constructor(server: Server, site: HttpSite, { limits, closings, clock, log }: Surroundings) {
    this.#server = server
    this.#site = site
    this.#limits = limits
    this.#closings = closings
    const { httpBodies, httpRequestTime } = limits()
    this.#bodies = new Deadlines(clock, httpRequestTime, 'The request took too long', httpBodies)
    this.#log = log
    this.#upgrade = webSockets(() => limits().webSocketMessage)
    server.maxHeadersCount = 100
    server.keepAliveTimeout = 10_000
    server.on('request', (incoming, outgoing) => void this.#answer(incoming, outgoing, () => {}))
    // RFC 9110 §10.1.1: who waits for it sends a body only when somebody is going to read it.
    server.on('checkContinue', (incoming, outgoing) => {
      void this.#answer(incoming, outgoing, () => outgoing.writeContinue())
    })
    server.on('upgrade', (incoming, socket, head) => this.#upgraded(incoming, socket, head))
    server.on('clientError', (error, socket) => this.#refuse(error, socket))
  }

  /** Ends the listening and, 5 s later at the latest, the requests. */
  close(clock: Clock): Promise<void> {
    this.#closed ??= this.#close(clock)
    return this.#closed
  }

  #close(clock: Clock): Promise<void> {
    this.#server.close()
    // Answers that go on and on end by themselves when they are told.
    for (const left of this.#sending) left.abort()
    if (this.#active === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const cancel = clock.after(5_000, () => {
        this.#whenIdle = undefined
        this.#server.closeAllConnections()
        resolve()
      })
      this.#whenIdle = () => {
        cancel()
        resolve()
      }
    })
  }

  async #answer(incoming: IncomingMessage, outgoing: ServerResponse, onRead: () => void): Promise<void> {
    this.#active++
    // A body that is not read to its end takes the socket away from its request.
    const { socket } = incoming
    const left = new AbortController()
    outgoing.on('close', () => left.abort())
    const body = new BoundedBody(incoming, this.#limits().httpBody, onRead)
    const expected = this.#expect(incoming, body)
    try {
      const response = await this.#respond(incoming, body, left.signal)
      expected()
      this.#linger(incoming, socket)
      this.#sending.add(left)
      await send(response, outgoing, incoming.method === 'HEAD', this.#limits().httpReadTime)
    } catch (error) {
      // Not worth a line: the client has left, or its body was too long.
      if (!left.signal.aborted && !body.isTooLong) {
        // No more of the path: what follows is often a secret (invitations, files).
        const [, path] = pathOf(incoming).split('/')
        this.#log.error({ err: error, method: incoming.method, path: `/${path}` }, 'an HTTP request failed')
      }
      if (outgoing.headersSent) outgoing.destroy()
      else endWith(outgoing, body.isTooLong ? 413 : 500)
    } finally {
      this.#sending.delete(left)
      this.#active--
      if (this.#active === 0) this.#whenIdle?.()
    }
  }

  /** The body must come in time; returns what ends that. */
  #expect(incoming: IncomingMessage, body: BoundedBody): () => void {
    if (!hasBody(incoming)) return () => {}
    const { socket } = incoming
    const late = Object.assign(new Error(), { code: 'ERR_HTTP_REQUEST_TIMEOUT' })
    const request = { destroy: () => this.#refuse(late, socket) }
    const end = () => this.#bodies.end(request)
    this.#bodies.start(request)
    body.onAccepted = end
    incoming.once('close', end).once('end', end)
    return end
  }

  /** Who is answered before all has been read may send for a little while yet: RFC 9112 §9.6, else the answer could be lost. */
  #linger(incoming: IncomingMessage, socket: Socket): void {
    if (!hasBody(incoming) || incoming.complete || socket.destroyed) return
    const end = () => this.#closings.end(socket)
    this.#closings.start(socket)
    incoming.once('end', end)
    socket.once('close', end)
  }

  async #respond(incoming: IncomingMessage, body: BoundedBody, signal: AbortSignal): Promise<Response> {
    const fault = codingFault(incoming)
    if (fault) return closing(fault)
    const request = requestOf(incoming, body, signal)
    if (!request) return closing(400)
    return this.#site.serve(request, {
      address: plainAddress(incoming.socket.remoteAddress),
      acceptBody: (most) => body.accept(most),
    })
  }

  #refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
    if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy()
    const status = statusOf[error.code ?? ''] ?? '400 Bad Request'
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`)
    // RFC 9112 §9.6: closed with input unread, it would be reset, and the answer lost.
    socket.removeAllListeners('data').on('data', ignore)
    this.#closings.start(socket)
    socket.on('close', () => this.#closings.end(socket))
  }

  #upgraded(incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    // What a proxy takes for a body would be read as frames; one that has not come yet is told by the type.
    if (!(socket instanceof Socket) || hasBody(incoming) || hostOf(incoming) === undefined) return refuse(socket, 400)
    this.#upgrade(incoming, socket, head, this.#site.webSocket(pathOf(incoming), incoming.headers.origin))
  }
}

/** Yields the body up to a size, then fails. */
class BoundedBody {
  readonly #incoming: IncomingMessage
  readonly #onRead: () => void
  #most: number
  isTooLong = false
  onAccepted = (): void => {}

  constructor(incoming: IncomingMessage, most: number, onRead: () => void) {
    this.#incoming = incoming
    this.#most = most
    this.#onRead = onRead
  }

  accept(most: number): void {
    this.#most = most
    this.onAccepted()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const incoming: AsyncIterable<Uint8Array> = this.#incoming
    let size = 0
    this.#check(Number(this.#incoming.headers['content-length'] ?? 0))
    this.#onRead()
    for await (const chunk of incoming) {
      size += chunk.length
      this.#check(size)
      yield chunk
    }
  }

  #check(size: number): void {
    if (size <= this.#most) return
    this.isTooLong = true
    throw new Error('The body of the request is too long')
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return 'transfer-encoding' in headers || Number(headers['content-length'] ?? 0) > 0
}

function requestOf(incoming: IncomingMessage, body: BoundedBody, signal: AbortSignal): Request | undefined {
  const { method = 'GET', url = '', socket } = incoming
  const headers = new Headers()
  for (const [name, values = []] of Object.entries(incoming.headersDistinct)) {
    for (const value of values) headers.append(name, value)
  }
  const scheme = 'encrypted' in socket ? 'https' : 'http'
  const mayRead = method !== 'GET' && method !== 'HEAD'
  const host = hostOf(incoming)
  const place = host === undefined ? null : URL.parse(`${scheme}://${host}${url}`)
  // Who stands in front and decides by the path must have seen the same: no dot segments, backslashes or fragments, however they are written.
  if (place?.pathname !== pathOf(incoming) || place.hash !== '') return undefined
  try {
    return new Request(place, { method, headers, signal, ...(mayRead && { body, duplex: 'half' }) })
  } catch {
    return undefined
  }
}

/** RFC 9112 §3.2: a request has one Host, which is a name or an address and may have a port; undefined when it is anything else. */
function hostOf({ headersDistinct: { host = ['localhost'] } }: IncomingMessage): string | undefined {
  const [only = '', ...more] = host
  return more.length === 0 && /^(?:[\w.~!$&'()*+,;=%-]+|\[[\da-f:.]+\])(?::\d*)?$/i.test(only) ? only : undefined
}

/** RFC 9112 §6.1: who passes on a coding that we do not undo, or that HTTP/1.0 does not have, may see another end of the message. */
function codingFault({ headers, httpVersion }: IncomingMessage): 400 | 501 | undefined {
  const coding = headers['transfer-encoding']
  if (coding === undefined) return undefined
  if (httpVersion !== '1.1') return 400
  return coding.toLowerCase() === 'chunked' ? undefined : 501
}

async function send(response: Response, outgoing: ServerResponse, isHead: boolean, patience: number): Promise<void> {
  // Called when nothing has moved for so long: who reads nothing holds nothing for ever. A source that is silent is none of the client's fault.
  outgoing.setTimeout(patience, () => {
    if (outgoing.writableLength > 0) outgoing.destroy()
  })
  outgoing.writeHead(response.status, [...response.headers].flat())
  if (response.body && !isHead) await pipeline(Readable.fromWeb(response.body), outgoing)
  else outgoing.end()
}

/** Nothing more is read of who asks so. */
function closing(status: number): Response {
  return new Response(`${STATUS_CODES[status]}\n`, { status, headers: { connection: 'close' } })
}

function endWith(outgoing: ServerResponse, status: number): void {
  outgoing.writeHead(status, { connection: 'close' }).end()
}

function pathOf(incoming: IncomingMessage): string {
  return (incoming.url ?? '').split('?', 1)[0]!
}

const statusOf: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}
