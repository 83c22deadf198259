import {
  type Credentials,
  decodeBase64,
  type Element,
  encodeBase64,
  isPossible,
  Jid,
  mechanisms,
  SaslError,
  saslNs,
  type ServerContext,
  type ServerStep,
  startMechanism,
  StreamError,
  xml,
} from '@jackdaw/xmpp'
import type { StreamFeature } from './features.ts'
import type { Stream } from './stream.ts'

/** What a host knows of its users, for logging in. */
export interface SaslHost extends Credentials {
  isAnonymous(): boolean
}

/** What is the same for every exchange on this server. */
export type SaslSecrets = Pick<ServerContext, 'crypto' | 'secret' | 'iterations' | 'hashes'>

/** RFC 6120 §6 */
export function sasl(host: SaslHost, secrets: SaslSecrets): StreamFeature {
  return {
    name: 'SASL',
    ns: saslNs,
    forbids: ['authenticated'],
    offer(stream) {
      const offered = offer(stream, host)
      if (offered.length === 0) return undefined
      return xml('mechanisms', saslNs, {}, ...offered.map((name) => xml('mechanism', saslNs, {}, name)))
    },
    async negotiate(stream, element) {
      try {
        const step = await take(stream, element, host, secrets)
        if (step && stream.exchange?.name === 'EXTERNAL') await checkProven(step, host, secrets)
        if (step) answer(stream, step)
      } catch (error) {
        if (error instanceof SaslError) return refuse(stream, error)
        stream.port.log.error({ err: error }, 'a login failed')
        await refuse(stream, new SaslError('temporary-auth-failure'))
      }
    },
  }
}

/** §6.4.1: nothing is offered that this connection cannot do, nor anything in clear unless the host is open to that. */
function offer(stream: Stream, host: SaslHost): string[] {
  if (!stream.has('secure') && !stream.host!.allowsPlaintext(stream.transport.address)) return []
  const connection = connectionOf(stream)
  return mechanisms
    .filter((mechanism) => mechanism.name !== 'ANONYMOUS' || host.isAnonymous())
    .filter((mechanism) => isPossible(mechanism, connection))
    .map(({ name }) => name)
}

function connectionOf(stream: Stream) {
  const { tls, address, framing } = stream.transport
  const identities =
    tls?.identities.filter((identity) => Jid.parse(identity).domain === stream.host!.domain.domain) ?? []
  return {
    // Where plaintext is allowed, PLAIN is too.
    tls: tls !== undefined || stream.host!.allowsPlaintext(address),
    // A browser cannot know the channel that its WebSocket runs on, and some libraries take -PLUS wherever it is offered.
    bindings: (framing === 'tcp' ? tls?.bindings : undefined) ?? new Map<string, Uint8Array>(),
    certificate: identities.length > 0,
    identities,
  }
}

async function take(
  stream: Stream,
  element: Element,
  host: SaslHost,
  secrets: SaslSecrets,
): Promise<ServerStep | undefined> {
  switch (element.name) {
    case 'auth': {
      const offered = offer(stream, host)
      if (offered.length === 0) throw new SaslError('encryption-required')
      stream.exchange = startMechanism(element.attr('mechanism') ?? '', host, {
        ...connectionOf(stream),
        ...secrets,
        offered,
      })
      // §6.4.2: '=' is an initial response that is empty; without one the client speaks after an empty challenge.
      // ANONYMOUS has nothing that must be said (RFC 4505 §2).
      if (element.text === '' && stream.exchange.name !== 'ANONYMOUS') return { challenge: new Uint8Array() }
      return stream.exchange.step(decode(element.text))
    }
    case 'response':
      if (!stream.exchange) throw new SaslError('malformed-request')
      return stream.exchange.step(decode(element.text))
    case 'abort':
      throw new SaslError('aborted')
    default:
      throw new SaslError('malformed-request')
  }
}

/** EXTERNAL asks nobody whether the account that a certificate proves is one. */
async function checkProven(step: ServerStep, host: SaslHost, { hashes }: SaslSecrets): Promise<void> {
  if ('challenge' in step) return
  const { local } = Jid.parse(step.success.username)
  if (!(await host.scram(local!, hashes[0]!))) throw new SaslError('not-authorized')
}

function answer(stream: Stream, step: ServerStep): void {
  // §6.4.3: a challenge may be empty; '=' is for the data that comes with <auth/> and <success/>.
  if ('challenge' in step) return stream.send(xml('challenge', saslNs, {}, encodeBase64(step.challenge)))
  const { username, authzid, additional } = step.success
  // EXTERNAL's username is the JID that the certificate proves.
  const account = username.includes('@')
    ? Jid.parse(username)
    : Jid.of({ local: username, domain: stream.host!.domain.domain })
  // §6.3.8
  if (authzid !== undefined && !isAddressOf(authzid, account)) throw new SaslError('invalid-authzid')
  stream.exchange = undefined
  stream.send(xml('success', saslNs, {}, additional && encode(additional)))
  stream.authenticated(account)
}

/** Whether it is the account's bare JID, however it is written. */
function isAddressOf(authzid: string, account: Jid): boolean {
  try {
    return Jid.parse(authzid).equals(account)
  } catch {
    return false
  }
}

/** §6.4.5: a failure is answered late, and after some of them the stream ends. */
async function refuse(stream: Stream, error: SaslError): Promise<void> {
  const { limits, clock, attempts } = stream.port
  const mechanism = stream.exchange?.name
  stream.exchange = undefined
  // No guess at a password, once for each mechanism: slixmpp 1.8 tries all of SCRAM with a binding that TLS 1.3 does not have.
  if (error.condition === 'mechanism-too-weak' && mechanism !== undefined && !stream.misbound.has(mechanism)) {
    stream.misbound.add(mechanism)
    return stream.send(error.toElement())
  }
  stream.failures++
  if (error.condition !== 'aborted') {
    const delay = attempts.failed(stream.transport.address)
    await new Promise<void>((resolve) => void clock.after(delay, resolve))
  }
  const { address } = stream.transport
  stream.port.log.info({ address, host: stream.host!.domain.toString(), condition: error.condition }, 'a login failed')
  stream.send(error.toElement())
  if (stream.failures >= limits.authenticationAttempts)
    throw new StreamError('policy-violation', 'Too many attempts to log in')
}

function encode(bytes: Uint8Array): string {
  return bytes.length === 0 ? '=' : encodeBase64(bytes)
}

function decode(text: string): Uint8Array {
  const bytes = text === '=' ? new Uint8Array() : decodeBase64(text)
  if (!bytes) throw new SaslError('incorrect-encoding')
  return bytes
}
