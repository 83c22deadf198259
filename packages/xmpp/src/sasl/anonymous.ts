import { SaslError } from '../errors.ts'
import { messageText } from './message.ts'
import type { ClientCredentials, ClientMechanism, Credentials, ServerContext, ServerMechanism } from './sasl.ts'

/**
 * The server's side of ANONYMOUS (RFC 4505, XEP-0175 1.2). The username is a new UUID; the trace that the client may
 * send, at most 255 characters, is checked and dropped.
 */
export function anonymousServer(_: Credentials, { crypto }: ServerContext): ServerMechanism {
  return {
    name: 'ANONYMOUS',
    step(input) {
      const trace = messageText(input)
      if (Array.from(trace).length > 255 || /\p{Cc}/u.test(trace)) throw new SaslError('malformed-request')
      return { success: { username: uuid(crypto.random(16)) } }
    },
  }
}

/** The client's side of ANONYMOUS: without a trace, as XEP-0175 §3 recommends. Undefined when there is a username. */
export function anonymousClient({ username }: ClientCredentials): ClientMechanism | undefined {
  if (username !== undefined) return undefined
  return {
    name: 'ANONYMOUS',
    initial() {
      return new Uint8Array()
    },
    step() {
      throw new SaslError('aborted', 'unexpected challenge')
    },
    finish() {},
  }
}

/** RFC 9562 §5.4. */
function uuid(random: Uint8Array): string {
  const bytes = random.map((byte, at) => (at === 6 ? (byte & 0x0f) | 0x40 : at === 8 ? (byte & 0x3f) | 0x80 : byte))
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
