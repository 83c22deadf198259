import { SaslError } from '../errors.ts'
import { messageText, utf8 } from './message.ts'
import type { ClientCredentials, ClientMechanism, Credentials, ServerContext, ServerMechanism } from './sasl.ts'

/**
 * The server's side of EXTERNAL with certificates (RFC 4422 appendix A, XEP-0178 1.2). Username and authzid of the
 * success are both the identity that the certificate proves: a bare JID, or a server's domain.
 */
export function externalServer(_: Credentials, { identities }: ServerContext): ServerMechanism {
  return {
    name: 'EXTERNAL',
    step(input) {
      const asked = messageText(input)
      if (asked.includes('\0')) throw new SaslError('malformed-request')
      const [only, ...others] = identities
      if (only === undefined) throw new SaslError('not-authorized', 'the certificate names nobody known here')
      if (asked === '' ? others.length > 0 : !identities.includes(asked)) throw new SaslError('invalid-authzid')
      const identity = asked || only
      return { success: { username: identity, authzid: identity } }
    },
  }
}

/** The client's side of EXTERNAL. Its authzid is needed only when the certificate has several identities (XEP-0178 §2). */
export function externalClient({ authzid = '' }: ClientCredentials): ClientMechanism {
  return {
    name: 'EXTERNAL',
    initial() {
      return utf8(authzid)
    },
    step() {
      throw new SaslError('aborted', 'unexpected challenge')
    },
    finish() {},
  }
}
