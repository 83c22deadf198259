import {
  type Credentials,
  isPossible,
  Jid,
  mechanisms,
  SaslError,
  type ServerContext,
  type ServerMechanism,
  type ServerScramCrypto,
  type ServerStep,
  StanzaError,
  startMechanism,
  StreamError,
} from '@jackdaw/xmpp'
import { when } from '../when.ts'
import type { Awaitable } from '../world.ts'
import type { Stream } from './stream.ts'

/** What a host knows of its users, for logging in. */
export interface SaslHost extends Credentials {
  isAnonymous(): boolean
  /** Whether passwords are checked by another system: there are no keys of them. */
  asksElsewhere(): boolean
  exists(account: Jid): Awaitable<boolean>
  isDisabled(account: Jid): boolean
  takesBearer(): boolean
}

/** What is the same for every exchange on this server. */
export type SaslSecrets = Pick<ServerContext, 'crypto' | 'secret' | 'iterations' | 'hashes'>

/** An exchange that goes on, and the namespace of the elements that carry it. */
export interface Exchange {
  readonly ns: string
  readonly mechanism: ServerMechanism
  /** Whose password is tried: a bare JID, of an account or not. */
  account?: string
  /** A challenge was the answer to a failure, and late. */
  isRefused?: boolean
}

const none: readonly string[] = []

type Proved = Extract<ServerStep, { success: object }>

/** The exchange goes on, or it has proved an account, whose bare JID it is. */
export type Outcome =
  | { readonly challenge: Uint8Array }
  | { readonly account: Jid; readonly additional: Uint8Array | undefined }

/** The exchange of credentials (RFC 4422) on a host's streams, however its messages are written. */
export class Authenticator {
  readonly #host: SaslHost
  readonly #secrets: SaslSecrets
  /** The mechanisms that were offered, by what decides over them: the same list for the same offer. */
  readonly #offers = new Map<number, readonly string[]>()

  constructor(host: SaslHost, secrets: SaslSecrets) {
    this.#host = host
    this.#secrets = secrets
  }

  /** RFC 6120 §6.4.1: nothing that this connection cannot do, nor anything in clear unless the host is open to that. */
  offered(stream: Stream): readonly string[] {
    if (!stream.has('secure') && !stream.host!.allowsPlaintext(stream.transport.address)) return none
    const connection = connectionOf(stream)
    const { tls, bindings, certificate } = connection
    const host = this.#host
    const facts = [tls, bindings.size > 0, certificate, host.isAnonymous(), host.takesBearer(), host.asksElsewhere()]
    const key = facts.reduce((bits, fact) => bits * 2 + Number(fact), 0)
    const before = this.#offers.get(key)
    if (before) return before
    const possible = mechanisms.filter((one) => isPossible(one, connection) && this.#takes(one.name))
    const offered = possible.map(({ name }) => name)
    this.#offers.set(key, offered)
    return offered
  }

  #takes(name: string): boolean {
    if (name === 'ANONYMOUS') return this.#host.isAnonymous()
    if (name === 'OAUTHBEARER') return this.#host.takesBearer()
    return !name.startsWith('SCRAM-') || !this.#host.asksElsewhere()
  }

  /** What the exchange that a client asks for by name begins with. @throws SaslError */
  mechanism(stream: Stream, name: string): ServerMechanism {
    const offered = this.offered(stream)
    if (offered.length === 0) throw new SaslError('encryption-required')
    const announced = [...stream.bindings.keys()]
    const { bearer } = this.#host
    const credentials = { scram: this.#keysFor(stream), password: this.#passwordFor(stream), ...(bearer && { bearer }) }
    return startMechanism(name, credentials, { offered, announced, ...connectionOf(stream), ...this.#secrets })
  }

  get crypto(): ServerScramCrypto {
    return this.#secrets.crypto
  }

  /** Begins an exchange, in place of one that goes on. @throws SaslError */
  begin(
    stream: Stream,
    ns: string,
    mechanism: ServerMechanism,
    initial: () => Uint8Array | undefined,
  ): Awaitable<Outcome> {
    stream.exchange = { ns, mechanism }
    const response = initial()
    if (response) return this.#step(stream, stream.exchange, response)
    // ANONYMOUS has nothing that must be said (RFC 4505 §2); of the others the client speaks after an empty challenge.
    if (mechanism.name === 'ANONYMOUS') return this.#step(stream, stream.exchange, new Uint8Array())
    return { challenge: new Uint8Array() }
  }

  /** The client's answer to a challenge. @throws SaslError */
  respond(stream: Stream, ns: string, response: () => Uint8Array): Awaitable<Outcome> {
    const { exchange } = stream
    if (exchange?.ns !== ns) throw new SaslError('malformed-request')
    return this.#step(stream, exchange, response())
  }

  /** Where too much has been guessed the keys are such that no password is right: all else, and the time it takes, is as ever. */
  #keysFor(stream: Stream): SaslHost['scram'] {
    const { attempts } = stream.port
    const { crypto } = this.#secrets
    return (username, hash) => {
      const account = `${username}@${stream.host!.domain.domain}`
      if (stream.exchange) stream.exchange.account = account
      const keys = this.#host.scram(username, hash)
      if (attempts.accepts(stream.transport.address, account)) return keys
      return when(keys, (found) => found && { ...found, storedKey: crypto.random(found.storedKey.length) })
    }
  }

  /** Where too much has been guessed another system is not asked any more. */
  #passwordFor(stream: Stream): NonNullable<SaslHost['password']> {
    const { attempts } = stream.port
    return (username, password) => {
      if (!this.#host.asksElsewhere()) return undefined
      const account = `${username}@${stream.host!.domain.domain}`
      if (stream.exchange) stream.exchange.account = account
      return attempts.accepts(stream.transport.address, account) ? this.#host.password?.(username, password) : false
    }
  }

  #step(stream: Stream, exchange: Exchange, response: Uint8Array): Awaitable<Outcome> {
    const { mechanism } = exchange
    return when(mechanism.step(response), (step): Awaitable<Outcome> => {
      if ('challenge' in step) return step.isRefusal ? late(stream, exchange).then(() => step) : step
      if (mechanism.name === 'EXTERNAL') return this.#checkProven(step).then(() => this.#proved(stream, exchange, step))
      return this.#proved(stream, exchange, step)
    })
  }

  /** @throws SaslError */
  #proved(stream: Stream, { mechanism }: Exchange, { success }: Proved): Outcome {
    const { username, authzid, additional } = success
    // EXTERNAL's username is the JID that the certificate proves.
    const account = username.includes('@')
      ? Jid.parse(username)
      : Jid.of({ local: username, domain: stream.host!.domain.domain })
    // RFC 6120 §6.3.8
    if (authzid !== undefined && !isAddressOf(authzid, account)) throw new SaslError('invalid-authzid')
    // RFC 6120 §6.5.2: told to nobody but the owner.
    if (this.#host.isDisabled(account)) throw new SaslError('account-disabled', 'The account has been disabled')
    if (mechanism.name !== 'ANONYMOUS') stream.port.attempts.succeeded(stream.transport.address, account.toString())
    stream.exchange = undefined
    return { account, additional }
  }

  /** EXTERNAL asks nobody whether the account that a certificate proves is one. */
  async #checkProven({ success }: Proved): Promise<void> {
    if (!(await this.#host.exists(Jid.parse(success.username)))) throw new SaslError('not-authorized')
  }
}

/**
 * RFC 6120 §6.4.5: the failure that `error` means is told late, and after some of them the stream ends.
 * @throws StreamError policy-violation; and `error` itself when it is one
 */
export async function refuse(stream: Stream, error: unknown, tell: (failure: SaslError) => void): Promise<void> {
  if (error instanceof StreamError) throw error
  const { limits, log } = stream.port
  // A StanzaError: whoever knows the account cannot be asked, which has been logged.
  if (!(error instanceof SaslError || error instanceof StanzaError)) log.error({ err: error }, 'a login failed')
  const { exchange } = stream
  const failure = failureOf(error, stream)
  const mechanism = exchange?.mechanism.name
  stream.exchange = undefined
  // No guess at a password, once for each mechanism: slixmpp 1.8 tries all of SCRAM with a binding that TLS 1.3 does not have.
  if (failure.condition === 'mechanism-too-weak' && mechanism !== undefined && !stream.misbound.includes(mechanism)) {
    stream.misbound = [...stream.misbound, mechanism]
    return tell(failure)
  }
  stream.failures++
  const { address } = stream.transport
  // What is not the client's fault is no guess.
  if (!(error instanceof SaslError)) await pause(stream, limits.authenticationDelay)
  else if (failure.condition !== 'aborted' && !exchange?.isRefused) await late(stream, exchange)
  log.info({ address, host: stream.host!.domain.toString(), condition: failure.condition }, 'a login failed')
  tell(failure)
  if (stream.failures >= limits.authenticationAttempts)
    throw new StreamError('policy-violation', 'Too many attempts to log in')
}

/** The same for a wrong password and for a right one that is not accepted, where too much has been guessed. */
function failureOf(error: unknown, { exchange, port, transport }: Stream): SaslError {
  if (!(error instanceof SaslError)) return new SaslError('temporary-auth-failure')
  const { account } = exchange ?? {}
  if (account === undefined || error.condition !== 'not-authorized') return error
  if (!port.attempts.isGuarded(transport.address, account)) return error
  return new SaslError('temporary-auth-failure', 'Too many failed logins: try again later')
}

/** Counts a failure, and waits as long as its answer has to. */
function late(stream: Stream, exchange: Exchange | undefined): Promise<void> {
  const { attempts } = stream.port
  const delay = attempts.failed(stream.transport.address, exchange?.account)
  if (exchange) exchange.isRefused = true
  return pause(stream, delay)
}

function pause({ port }: Stream, time: number): Promise<void> {
  return new Promise((resolve) => void port.clock.after(time, resolve))
}

function connectionOf(stream: Stream) {
  const { tls, address } = stream.transport
  const identities =
    tls?.identities.filter((identity) => Jid.parse(identity).domain === stream.host!.domain.domain) ?? []
  return {
    // Where plaintext is allowed, PLAIN is too.
    tls: tls !== undefined || stream.host!.allowsPlaintext(address),
    bindings: stream.bindings,
    certificate: identities.length > 0,
    identities,
  }
}

/** Whether it is the account's bare JID, however it is written. */
function isAddressOf(authzid: string, account: Jid): boolean {
  try {
    return Jid.parse(authzid).equals(account)
  } catch {
    return false
  }
}
