import { SaslError } from '../errors.ts'
import { anonymousClient, anonymousServer } from './anonymous.ts'
import type { Awaitable, HashName, ScramClientKeys, ScramCrypto, ScramKeys, ServerScramCrypto } from './crypto.ts'
import { externalClient, externalServer } from './external.ts'
import { oauthbearerClient, oauthbearerServer } from './oauthbearer.ts'
import { plainClient, plainServer } from './plain.ts'
import { scramClient } from './scram-client.ts'
import { scramServer } from './scram-server.ts'

/** What a mechanism asks of a connection: encryption, channel binding data, a client certificate. */
export type Need = 'tls' | 'binding' | 'certificate'

/** The data that identifies a TLS channel, by type: `tls-exporter` (RFC 9266), `tls-server-end-point` (RFC 5929). */
export type ChannelBindings = Pick<ReadonlyMap<string, Uint8Array>, 'size' | 'get' | 'keys'>

export interface Connection {
  readonly tls: boolean
  readonly bindings: ChannelBindings
  /** Whether the client presented a certificate. */
  readonly certificate: boolean
  /** The mechanisms that the server advertised on this stream. */
  readonly offered: readonly string[]
  /** The types of channel binding that it announced (XEP-0440), none when it did not. A server that tells them protects both lists (XEP-0474). */
  readonly announced?: readonly string[]
}

export interface ServerContext extends Connection {
  /** Whom the client's certificate, verified, proves: prepared bare JIDs or, of a server, the stream's `from`. */
  readonly identities: readonly string[]
  readonly crypto: ServerScramCrypto
  /** Never changes and never leaves the server: the challenges for unknown users come from it. */
  readonly secret: Uint8Array
  /** The iteration count of new accounts. */
  readonly iterations: number
  /** The hashes for which accounts have keys, the usual one first: against them PLAIN checks a password. */
  readonly hashes: readonly HashName[]
}

/** What a server knows about the accounts. An error thrown here passes through `step` as it is. */
export interface Credentials {
  /** The username is a prepared localpart. Whether the account may log in is asked after the success, not here. */
  scram(username: string, hash: HashName): Awaitable<ScramKeys | undefined>
  /** Whether it is that user's password, where another system is asked; undefined where `scram` gives the keys. */
  password?(username: string, password: string): Awaitable<boolean> | undefined
  /** The prepared localpart of whom a token proves; undefined when it proves nobody who may log in. */
  bearer?(token: string): Awaitable<string | undefined>
}

/**
 * One exchange, seen by the server. The client always speaks first: when `<auth/>` came without an initial response, the
 * caller sends an empty challenge and gives `step` the answer.
 */
export interface ServerMechanism {
  readonly name: string
  /** Throws `SaslError` with the condition of RFC 6120 §6.5; the exchange is then over. */
  step(input: Uint8Array): Awaitable<ServerStep>
}

/**
 * `additional` goes into `<success/>`. An `authzid` of PLAIN, SCRAM and OAUTHBEARER is only what the client asks for: the caller must
 * refuse with invalid-authzid one which is not the bare JID of `username` (RFC 6120 §6.3.8).
 */
export type ServerStep =
  /** With `isRefusal` it says that the credentials are not accepted; the failure follows whatever the client answers. */
  | { readonly challenge: Uint8Array; readonly isRefusal?: boolean }
  | {
      readonly success: {
        readonly username: string
        readonly authzid?: string | undefined
        readonly additional?: Uint8Array
      }
    }

export interface ClientCredentials {
  /** The localpart; without it there is only EXTERNAL and ANONYMOUS. */
  readonly username?: string
  readonly password?: string
  /** A bearer token (RFC 6750). */
  readonly token?: string
  /** `ClientMechanism.keys` of an earlier login. */
  readonly keys?: ScramClientKeys
  readonly authzid?: string
}

export interface ClientContext extends Connection {
  /** The client uses the first; it leaves out the types that the server does not announce (XEP-0440). */
  readonly bindings: ReadonlyMap<string, Uint8Array>
  readonly crypto: ScramCrypto
}

/** One exchange, seen by the client. A `SaslError` aborted means: send `<abort/>`, the server is not to be trusted. */
export interface ClientMechanism {
  readonly name: string
  /** After `finish`, with SCRAM: what may be kept for the next login. */
  readonly keys?: ScramClientKeys | undefined
  /** The initial response. */
  initial(): Uint8Array
  step(challenge: Uint8Array): Awaitable<Uint8Array>
  /** To be called with the content of `<success/>`; throws when the server has not proved itself. */
  finish(additional?: Uint8Array): void
}

export interface Mechanism {
  readonly name: string
  readonly needs: readonly Need[]
  server(credentials: Credentials, context: ServerContext): ServerMechanism
  /** Undefined when the credentials do not suffice. */
  client(credentials: ClientCredentials, context: ClientContext): ClientMechanism | undefined
}

const scramHashes = ['SHA-512', 'SHA-256', 'SHA-1'] as const

/** All mechanisms, the strongest first. */
export const mechanisms: readonly Mechanism[] = [
  { name: 'EXTERNAL', needs: ['tls', 'certificate'], server: externalServer, client: externalClient },
  ...scramHashes.map((hash) => scram(hash, true)),
  ...scramHashes.map((hash) => scram(hash, false)),
  { name: 'OAUTHBEARER', needs: ['tls'], server: oauthbearerServer, client: oauthbearerClient },
  { name: 'PLAIN', needs: ['tls'], server: plainServer, client: plainClient },
  { name: 'ANONYMOUS', needs: [], server: anonymousServer, client: anonymousClient },
]

function scram(hash: HashName, plus: boolean): Mechanism {
  return {
    name: `SCRAM-${hash}${plus ? '-PLUS' : ''}`,
    needs: plus ? ['tls', 'binding'] : [],
    server: (credentials, context) => scramServer(hash, plus, credentials, context),
    client: (credentials, context) => scramClient(hash, plus, credentials, context),
  }
}

/** Whether the connection has what the mechanism needs: a server offers no other, a client uses no other. */
export function isPossible(
  { needs }: Mechanism,
  { tls, bindings, certificate }: Omit<Connection, 'offered' | 'announced'>,
): boolean {
  for (const need of needs)
    if (need === 'tls' ? !tls : need === 'binding' ? bindings.size === 0 : !certificate) return false
  return true
}

/** Begins the exchange that a client asks for. Throws `SaslError` invalid-mechanism or encryption-required. */
export function startMechanism(name: string, credentials: Credentials, context: ServerContext): ServerMechanism {
  const mechanism = mechanisms.find((one) => one.name === name)
  if (mechanism?.needs.includes('tls') && !context.tls) throw new SaslError('encryption-required')
  if (!mechanism || !context.offered.includes(name) || !isPossible(mechanism, context)) {
    throw new SaslError('invalid-mechanism')
  }
  return mechanism.server(credentials, context)
}

/** The strongest mechanism that the server offers, the connection allows and the credentials suffice for. */
export function chooseMechanism(credentials: ClientCredentials, context: ClientContext): ClientMechanism | undefined {
  for (const mechanism of mechanisms) {
    if (!context.offered.includes(mechanism.name) || !isPossible(mechanism, context)) continue
    const client = mechanism.client(credentials, context)
    if (client) return client
  }
  return undefined
}
