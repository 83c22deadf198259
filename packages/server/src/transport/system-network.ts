import { createServer, type Server, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Logger } from 'pino'
import { createServer as createHttpServer } from '../node-http.ts'
import type { Clock } from '../world.ts'
import { Admission } from './admission.ts'
import { Deadlines } from './deadlines.ts'
import {
  ListenError,
  type Endpoint,
  type HttpOptions,
  type HttpSite,
  type Listener,
  type Network,
  type NetworkLimits,
  type TcpOptions,
} from './network.ts'
import { TcpTransport, type TcpDoor } from './tcp.ts'
import { acceptTls, ignore, SocketTls, tlsAcceptor, type TlsAcceptor } from './tls.ts'
import type { Transport } from './transport.ts'

/** The machine's own network. */
export class SystemNetwork implements Network {
  #limits: NetworkLimits
  readonly #clock: Clock
  readonly #log: Logger
  readonly #handshakes: Deadlines
  readonly #closings: Deadlines
  /** Open and refused connections, for metrics. */
  readonly admission: Admission

  constructor(limits: NetworkLimits, world: { clock: Clock; log: Logger }) {
    this.#limits = limits
    this.#clock = world.clock
    this.#log = world.log
    this.#handshakes = new Deadlines(
      world.clock,
      limits.handshakeTime,
      'The TLS handshake took too long',
      limits.handshakes,
    )
    this.#closings = new Deadlines(world.clock, 5_000, 'The other side did not close the connection')
    this.admission = new Admission(limits, world)
  }

  /** Holds from now on, for those that connect; the times and sizes of HTTP requests for listeners that are opened. */
  set limits(limits: NetworkLimits) {
    this.#limits = limits
    this.#handshakes.time = limits.handshakeTime
    this.#handshakes.most = limits.handshakes
    this.admission.limits = limits
  }

  async listenTcp(
    endpoint: Endpoint,
    { secure, isDirectTls = false, alpn, refusal }: TcpOptions,
    accept: (transport: Transport) => void,
  ): Promise<Listener> {
    const tls = secure && tlsAcceptor(secure, this.#handshakes, isDirectTls ? alpn : undefined)
    const door: TcpDoor = { tls: isDirectTls ? undefined : tls, closings: this.#closings }
    const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 120_000 })
    server.on('connection', (socket) => {
      if (!this.admission.admit(socket)) refuse(socket, isDirectTls ? undefined : refusal)
      else if (isDirectTls && tls)
        this.#secured(server, socket, tls, (socketWithTls) =>
          accept(new TcpTransport(socketWithTls, door, new SocketTls(socketWithTls))),
        )
      else accept(new TcpTransport(socket, door))
    })
    const bound = await listen(server, endpoint)
    return {
      ...bound,
      close: async () => {
        server.close()
      },
    }
  }

  async listenHttp(endpoint: Endpoint, { secure }: HttpOptions, site: HttpSite): Promise<Listener> {
    // With WebSockets, for which a server without HTTP has no use.
    const { HttpConnections } = await import('./http-connections.ts')
    const limits = this.#limits
    const server = createHttpServer({
      noDelay: true,
      maxHeaderSize: limits.httpHeader,
      headersTimeout: limits.httpHeaderTime,
      // HttpConnections sees to it: some requests may take longer.
      requestTimeout: 0,
      connectionsCheckingInterval: Math.min(limits.httpHeaderTime, 5_000),
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === 'websocket',
    })
    const connections = new HttpConnections(server, site, {
      limits: () => this.#limits,
      closings: this.#closings,
      clock: this.#clock,
      log: this.#log,
    })
    const tls = secure && tlsAcceptor(secure, this.#handshakes, 'http/1.1')
    // The handshake stands between the two: Node's own listener then finds a socket on which TLS is done, and its limits hold for both.
    const serve = server.listeners('connection')[0]!
    server.removeAllListeners('connection').on('connection', (socket: Socket) => {
      if (!this.admission.admit(socket)) socket.destroy()
      else if (tls) this.#secured(server, socket, tls, (socketWithTls) => serve.call(server, socketWithTls))
      else serve.call(server, socket)
    })
    const bound = await listen(server, endpoint)
    return { ...bound, close: () => connections.close(this.#clock) }
  }

  #secured(server: Server, raw: Socket, tls: TlsAcceptor, accept: (secure: TLSSocket) => void): void {
    acceptTls(raw, tls, tls.contexts.fallback).then(
      (secure) => (server.listening ? accept(secure) : secure.destroy()),
      (error: unknown) => this.#log.debug({ err: error }, 'a TLS handshake failed'),
    )
  }
}

function refuse(socket: Socket, words: string | undefined): void {
  if (words === undefined) socket.destroy()
  else socket.on('error', ignore).end(words, () => socket.destroy())
}

async function listen(server: Server, endpoint: Endpoint): Promise<Endpoint> {
  try {
    return await bind(server, endpoint)
  } catch (error) {
    const failure = new ListenError(endpoint, error)
    if (endpoint.address === '::' && (failure.code === 'EAFNOSUPPORT' || failure.code === 'EADDRNOTAVAIL')) {
      return listen(server, { ...endpoint, address: '0.0.0.0' })
    }
    throw failure
  }
}

function bind(server: Server, { address, port }: Endpoint): Promise<Endpoint> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: address, port, backlog: 4_096 }, () => {
      server.off('error', reject).on('error', ignore)
      const bound = server.address()
      resolve(typeof bound === 'object' && bound ? { address: bound.address, port: bound.port } : { address, port })
    })
  })
}
