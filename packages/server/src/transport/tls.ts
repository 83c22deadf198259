import { constants, createHash, X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { createSecureContext, TLSSocket, type SecureContext } from 'node:tls'
import type { ChannelBindings } from '@jackdaw/xmpp'
import type { Deadlines } from './deadlines.ts'
import { firstByte, wentAway } from './first-byte.ts'
import type { TlsFacts } from './transport.ts'
import { xmppAddresses } from './xmpp-addresses.ts'

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3'

/** The certificates of the virtual hosts, ready for use. What they return may change from one connection to the next. */
export interface SecureContexts {
  /** For a domain that is one of ours or lies below one of ours. */
  find(domain: string): SecureContext | undefined
  /** For a client that names no domain, or none of ours. */
  readonly fallback: SecureContext
  /** Whether there are others than `fallback`. */
  readonly hasChoice: boolean
  /** Whether there is a host whose clients may log in by certificate; then all are asked for one. */
  readonly asksClients?: boolean
}

/** Who vouches for the users of a host: certificates in PEM form. */
export interface ClientAuthorities {
  readonly domain: string
  readonly pem: string
}

/** The domains whose users' certificates a context verifies. */
const verifying = new WeakMap<SecureContext, string>()
/** What a context's certificate gives to channel binding: to parse it at each login would take as long as the handshake's signature. */
const endPoints = new WeakMap<SecureContext, Uint8Array>()

// Forward secrecy and authenticated encryption only; OpenSSL's own choice of curves (X25519 and its ML-KEM hybrid, P-256, P-384) is kept.
const ciphers = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

/** How long a session can be resumed by its ticket, in seconds; keys of tickets live no longer. */
const ticketTime = 86_400

/**
 * PEM in, context out. `ticketKeys` (48 bytes): whoever has them can resume the sessions of the others who have them; without, none is
 * resumed. Throws what OpenSSL says of an unfit certificate or key.
 */
export function secureContext(
  { certificate, key }: { certificate: string; key: string },
  minVersion: TlsVersion,
  {
    authorities,
    ticketKeys,
  }: { readonly authorities?: ClientAuthorities | undefined; readonly ticketKeys?: Buffer | undefined } = {},
): SecureContext {
  const context = createSecureContext({
    cert: certificate,
    key,
    ciphers,
    minVersion,
    honorCipherOrder: true,
    sessionIdContext: 'jackdaw',
    ...(authorities && { ca: authorities.pem }),
    ...(ticketKeys ? { ticketKeys, sessionTimeout: ticketTime } : { secureOptions: constants.SSL_OP_NO_TICKET }),
  })
  if (authorities) verifying.set(context, authorities.domain)
  const endPoint = serverEndPoint(new X509Certificate(certificate))
  if (endPoint) endPoints.set(context, endPoint)
  return context
}

/** How the TLS connections of one listener are made. */
export interface TlsAcceptor {
  readonly contexts: SecureContexts
  readonly handshakes: Deadlines
  /** As in the handshake (RFC 7301 §3.1), so that it is not made of words for each; a client that offers others alone is refused (§3.2). */
  readonly alpn: Buffer | undefined
  /** Browsers would bother their users with the question. */
  readonly asksClients: boolean
  readonly chooseContext: (
    this: TLSSocket,
    name: string,
    done: (error: Error | null, context?: SecureContext) => void,
  ) => void
}

export function tlsAcceptor(contexts: SecureContexts, handshakes: Deadlines, alpn: string | undefined): TlsAcceptor {
  return {
    contexts,
    handshakes,
    alpn: alpn === undefined ? undefined : Buffer.from(`${String.fromCharCode(alpn.length)}${alpn}`),
    asksClients: alpn !== 'http/1.1',
    // The client's SNI decides over what was found by other means.
    chooseContext(this: Shaking, name, done) {
      const context = contexts.find(name)
      this[chosen] = context ?? this[chosen]
      done(null, context)
    },
  }
}

/**
 * The handshake with this side as the server. What the socket has read but not handed over belongs to it, and what was written to the
 * socket leaves before it. Rejects when it fails; then the connection is gone. A `context` stands for a client that sends no SNI.
 */
export async function acceptTls(raw: Socket, acceptor: TlsAcceptor, context: SecureContext): Promise<TLSSocket> {
  if (!raw.destroyed) await firstByte(raw, acceptor.handshakes)
  if (raw.destroyed) throw wentAway()
  return shake(raw, acceptor, context)
}

function shake(raw: Socket, acceptor: TlsAcceptor, context: SecureContext): Promise<TLSSocket> {
  const secure: Shaking = new TLSSocket(raw, {
    isServer: true,
    secureContext: context,
    // It interrupts the handshake, which goes on at the end of the tick.
    ...(acceptor.contexts.hasChoice && { SNICallback: acceptor.chooseContext }),
    ...(acceptor.alpn && { ALPNProtocols: acceptor.alpn }),
    // Who has none, or one that nobody here vouches for, logs in otherwise.
    requestCert: acceptor.asksClients && acceptor.contexts.asksClients === true,
    rejectUnauthorized: false,
  })
  secure.disableRenegotiation()
  const done = Promise.withResolvers<TLSSocket>()
  secure[chosen] = context
  secure[handshake] = { acceptor, done, failure: undefined }
  acceptor.handshakes.start(secure)
  // Shared and never taken off: closures, and the slow objects that V8 makes of emitters which lose an event, would stay with each session.
  secure.on('secure', onSecure).on('error', onFailure).on('close', onClose)
  // Node tells a server socket's later TLS errors and those of the socket below by this event alone.
  secure.on('_tlsError', destroyWith)
  return done.promise
}

const handshake = Symbol('handshake')
type Shaking = TLSSocket & {
  [handshake]?:
    | {
        acceptor: TlsAcceptor
        done: PromiseWithResolvers<TLSSocket>
        failure: Error | undefined
      }
    | undefined
  [verified]?: string
  [chosen]?: SecureContext | undefined
  /** Node's own: it judges only the sockets of its servers. */
  readonly ssl?: { verifyError(): Error | null }
}
/** The domain whose authorities vouch for the client's certificate. */
const verified = Symbol('verified')
/** The context whose certificate the client was shown. */
const chosen = Symbol('context')

function onSecure(this: Shaking): void {
  const shaking = this[handshake]
  if (!shaking) return
  this[handshake] = undefined
  const { contexts, asksClients } = shaking.acceptor
  if (asksClients && contexts.asksClients && this.ssl?.verifyError() === null) {
    const domain = verifying.get(this[chosen]!)
    if (domain !== undefined) this[verified] = domain
  }
  shaking.acceptor.handshakes.end(this)
  shaking.done.resolve(this)
}

function onFailure(this: Shaking, error: Error): void {
  const shaking = this[handshake]
  if (shaking) shaking.failure ??= error
}

function onClose(this: Shaking): void {
  const shaking = this[handshake]
  if (!shaking) return
  shaking.acceptor.handshakes.end(this)
  shaking.done.reject(shaking.failure ?? wentAway())
}

function destroyWith(this: TLSSocket, error: Error): void {
  this.destroy(error)
}

/** An error is followed by 'close'; whoever must know learns it there. */
export function ignore(): void {}

/** What a socket whose handshake is done tells. */
export class SocketTls implements TlsFacts, ChannelBindings {
  readonly #socket: Shaking
  readonly protocol: string

  constructor(socket: TLSSocket) {
    this.#socket = socket
    this.protocol = socket.getProtocol() ?? 'unknown'
  }

  /** A host's authorities vouch for its own users alone. */
  get identities(): readonly string[] {
    const domain = this.#socket[verified]
    const certificate = domain === undefined ? undefined : this.#socket.getPeerX509Certificate()
    if (!certificate) return []
    return xmppAddresses(certificate.raw).filter((address) => address.endsWith(`@${domain}`))
  }

  get bindings(): ChannelBindings {
    return this
  }

  get size(): number {
    return Number(this.protocol === 'TLSv1.3') + Number(this.#endPoint !== undefined)
  }

  *keys(): MapIterator<string> {
    // RFC 9266 §4.2 allows it on TLS 1.2 only with the extended master secret, of which Node does not tell.
    if (this.protocol === 'TLSv1.3') yield 'tls-exporter'
    if (this.#endPoint) yield 'tls-server-end-point'
  }

  get #endPoint(): Uint8Array | undefined {
    return endPoints.get(this.#socket[chosen]!)
  }

  get(type: string): Uint8Array | undefined {
    switch (type) {
      case 'tls-exporter':
        if (this.protocol !== 'TLSv1.3') return undefined
        return this.#socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
      case 'tls-server-end-point':
        return this.#endPoint
    }
    return undefined
  }
}

const signatureHashes: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.4': 'sha256', // MD5 with RSA
  '1.2.840.113549.1.1.5': 'sha256', // SHA-1 with RSA
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.113549.1.1.14': 'sha224',
  '1.2.840.10045.4.1': 'sha256', // SHA-1 with ECDSA
  '1.2.840.10045.4.3.1': 'sha224',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
}

/**
 * RFC 5929 §4.1: the certificate hashed by its signature's hash, SHA-256 in place of MD5 and SHA-1. Undefined for a signature with no
 * hash of its own or several (Ed25519, RSASSA-PSS).
 */
export function serverEndPoint(
  certificate: Pick<X509Certificate, 'raw' | 'signatureAlgorithmOid'>,
): Uint8Array | undefined {
  const hash = signatureHashes[certificate.signatureAlgorithmOid]
  return hash === undefined ? undefined : createHash(hash).update(certificate.raw).digest()
}
