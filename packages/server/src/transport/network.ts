import type { Awaitable } from '../world.ts'
import type { SecureContexts } from './tls.ts'
import type { Transport } from './transport.ts'

/** The server's side of the network; a simulation hands in another. */
export interface Network {
  /** Rejects with a ListenError when nobody can listen there. */
  listenTcp(endpoint: Endpoint, options: TcpOptions, accept: (transport: Transport) => void): Promise<Listener>
  /** HTTP/1.1 and WebSocket (RFC 7395); HTTPS when `secure` is given. Rejects with a ListenError. */
  listenHttp(endpoint: Endpoint, options: HttpOptions, site: HttpSite): Promise<Listener>
}

export interface Endpoint {
  /** '127.0.0.1', '::' (IPv6 and IPv4; where IPv6 is absent, IPv4 alone). */
  readonly address: string
  /** 0 lets the system choose. */
  readonly port: number
}

export interface Listener extends Endpoint {
  /** Listens no more; the port is free when this resolves. What has been accepted lives on; HTTP requests get 5 s to end. */
  close(): Promise<void>
}

export interface TcpOptions {
  /** Certificates for STARTTLS or, with `isDirectTls`, for TLS from the first byte. */
  readonly secure?: SecureContexts
  readonly isDirectTls?: boolean
  /** XEP-0368 §2: the one ALPN protocol of direct TLS, 'xmpp-client'. A client that offers none is accepted. */
  readonly alpn?: string
  /** Sent to a connection that exceeds a cap before it is closed; not with direct TLS. */
  readonly refusal?: string
}

export interface HttpOptions {
  readonly secure?: SecureContexts
}

/** What answers HTTP requests. */
export interface HttpSite {
  serve(request: Request, facts: RequestFacts): Awaitable<Response>
  /** Who takes a WebSocket at this path from a page of this origin; or the HTTP status of the refusal. */
  webSocket(path: string, origin: string | undefined): ((transport: Transport) => void) | number
}

export interface RequestFacts {
  /** The address of the connection; forwarding headers are not believed. */
  readonly address: string
  /** Called before the body is read: it may have so many bytes and take any time. Whoever calls it sees to it himself that it comes. */
  acceptBody(most: number): void
}

/** Sizes in bytes, times in milliseconds. */
export interface NetworkLimits {
  /** Open connections of all listeners together. */
  readonly connections: number
  /** The same from one IPv4 address or one IPv6 /64. */
  readonly connectionsPerAddress: number
  /** TLS handshakes at once: each costs some 50 kB. Beyond it the one that has waited longest is cut. */
  readonly handshakes: number
  /** For a TLS handshake, waiting for its first byte included. */
  readonly handshakeTime: number
  /** One WebSocket message. */
  readonly webSocketMessage: number
  /** The header of a request. */
  readonly httpHeader: number
  /** The body of a request. */
  readonly httpBody: number
  /** Bodies that are coming at once, each of which is held until it is whole. Beyond it the one that has waited longest is cut. */
  readonly httpBodies: number
  /** For the header of a request to arrive. */
  readonly httpHeaderTime: number
  /** For a whole request to arrive, unless who answers it is more patient. */
  readonly httpRequestTime: number
  /** In which a client must have taken something of an answer that waits for it. */
  readonly httpReadTime: number
}

/** Nobody can listen there; the message says why and how to mend it. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
  /** 'EADDRINUSE' … */
  readonly code: string

  constructor({ address, port }: Endpoint, cause: unknown) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
    super(reasons[code]?.(address, port) ?? `Cannot listen on ${address} port ${port}: ${String(cause)}.`, { cause })
    this.code = code
  }
}

const reasons: Readonly<Record<string, (address: string, port: number) => string>> = {
  EADDRINUSE: (_, port) =>
    `Port ${port} is taken by another program: stop that program, or set another port in the configuration.`,
  EACCES: (_, port) =>
    `Port ${port} may not be opened by this user: set a port above 1023 in the configuration, or let the service manager grant it.`,
  EADDRNOTAVAIL: (address) =>
    `This machine has no address ${address}: set one of its own addresses in the configuration, or '::' for all.`,
  ENOTFOUND: (address) => `'${address}' is no address: set an IP address in the configuration, or '::' for all.`,
  EAFNOSUPPORT: (address) =>
    `This machine does not speak the protocol of the address ${address}: set an IPv4 address in the configuration.`,
}
