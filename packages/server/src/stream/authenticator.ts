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
  startMechanism,
  StreamError,
} from '@jackdaw/xmpp'
import type { Stream } from './stream.ts'

/** What a host knows of its users, for logging in. */
export interface SaslHost extends Credentials {
  isAnonymous(): boolean
  isDisabled(account: Jid): boolean
  takesBearer(): boolean
}

/** What is the same for every exchange on this server. */
export type SaslSecrets = Pick<ServerContext, 'crypto' | 'secret' | 'iterations' | 'hashes'>

/** An exchange that goes on, and the namespace of the elements that carry it. */
export interface Exchange {
  readonly ns: string
  readonly mechanism: ServerMechanism
}

/** The exchange goes on, or it has proved an account, whose bare JID it is. */
export type Outcome =
  | { readonly challenge: Uint8Array }
  | { readonly account: Jid; readonly additional: Uint8Array | undefined }

/** The exchange of credentials (RFC 4422) on a host's streams, however its messages are written. */
export class Authenticator {
  readonly #host: SaslHost
  readonly #secrets: SaslSecrets

  constructor(host: SaslHost, secrets: SaslSecrets) {
    this.#host = host
    this.#secrets = secrets
  }

  /** RFC 6120 §6.4.1: nothing that this connection cannot do, nor anything in clear unless the host is open to that. */
  offered(stream: Stream): string[] {
    if (!stream.has('secure') && !stream.host!.allowsPlaintext(stream.transport.address)) return []
    const connection = connectionOf(stream)
    return mechanisms
      .filter(({ name }) => name !== 'ANONYMOUS' || this.#host.isAnonymous())
      .filter(({ name }) => name !== 'OAUTHBEARER' || this.#host.takesBearer())
      .filter((mechanism) => isPossible(mechanism, connection))
      .map(({ name }) => name)
  }

  /** What the exchange that a client asks for by name begins with. @throws SaslError */
  mechanism(stream: Stream, name: string): ServerMechanism {
    const offered = this.offered(stream)
    if (offered.length === 0) throw new SaslError('encryption-required')
    const announced = [...stream.bindings.keys()]
    return startMechanism(name, this.#host, { ...connectionOf(stream), ...this.#secrets, offered, announced })
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
  ): Promise<Outcome> {
    stream.exchange = { ns, mechanism }
    const response = initial()
    if (response) return this.#step(stream, stream.exchange, response)
    // ANONYMOUS has nothing that must be said (RFC 4505 §2); of the others the client speaks after an empty challenge.
    if (mechanism.name === 'ANONYMOUS') return this.#step(stream, stream.exchange, new Uint8Array())
    return Promise.resolve({ challenge: new Uint8Array() })
  }

  /** The client's answer to a challenge. @throws SaslError */
  respond(stream: Stream, ns: string, response: () => Uint8Array): Promise<Outcome> {
    const { exchange } = stream
    if (exchange?.ns !== ns) throw new SaslError('malformed-request')
    return this.#step(stream, exchange, response())
  }

  async #step(stream: Stream, { mechanism }: Exchange, response: Uint8Array): Promise<Outcome> {
    const step = await mechanism.step(response)
    if ('challenge' in step) return step
    if (mechanism.name === 'EXTERNAL') await this.#checkProven(step)
    const { username, authzid, additional } = step.success
    // EXTERNAL's username is the JID that the certificate proves.
    const account = username.includes('@')
      ? Jid.parse(username)
      : Jid.of({ local: username, domain: stream.host!.domain.domain })
    // RFC 6120 §6.3.8
    if (authzid !== undefined && !isAddressOf(authzid, account)) throw new SaslError('invalid-authzid')
    // RFC 6120 §6.5.2: told to nobody but the owner.
    if (this.#host.isDisabled(account)) throw new SaslError('account-disabled', 'The account has been disabled')
    stream.exchange = undefined
    return { account, additional }
  }

  /** EXTERNAL asks nobody whether the account that a certificate proves is one. */
  async #checkProven({ success }: Extract<ServerStep, { success: object }>): Promise<void> {
    const { local } = Jid.parse(success.username)
    if (!(await this.#host.scram(local!, this.#secrets.hashes[0]!))) throw new SaslError('not-authorized')
  }
}

/**
 * RFC 6120 §6.4.5: the failure that `error` means is told late, and after some of them the stream ends.
 * @throws StreamError policy-violation; and `error` itself when it is one
 */
export async function refuse(stream: Stream, error: unknown, tell: (failure: SaslError) => void): Promise<void> {
  if (error instanceof StreamError) throw error
  const { limits, clock, attempts, log } = stream.port
  if (!(error instanceof SaslError)) log.error({ err: error }, 'a login failed')
  const failure = error instanceof SaslError ? error : new SaslError('temporary-auth-failure')
  const mechanism = stream.exchange?.mechanism.name
  stream.exchange = undefined
  // No guess at a password, once for each mechanism: slixmpp 1.8 tries all of SCRAM with a binding that TLS 1.3 does not have.
  if (failure.condition === 'mechanism-too-weak' && mechanism !== undefined && !stream.misbound.has(mechanism)) {
    stream.misbound.add(mechanism)
    return tell(failure)
  }
  stream.failures++
  const { address } = stream.transport
  if (failure.condition !== 'aborted') {
    const delay = attempts.failed(address)
    await new Promise<void>((resolve) => void clock.after(delay, resolve))
  }
  log.info({ address, host: stream.host!.domain.toString(), condition: failure.condition }, 'a login failed')
  tell(failure)
  if (stream.failures >= limits.authenticationAttempts)
    throw new StreamError('policy-violation', 'Too many attempts to log in')
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
