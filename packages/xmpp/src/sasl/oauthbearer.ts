import { SaslError } from '../errors.ts'
import { messageText, utf8 } from './message.ts'
import { escapeName, unescapeName } from './scram-message.ts'
import type { ClientCredentials, ClientMechanism, Credentials, ServerMechanism } from './sasl.ts'

// RFC 7628 §3.1; it has no channel binding.
const header = /^[ny],(?:a=(?<authzid>[^,]+))?,$/u
const pair = /^[A-Za-z]+=[\t\r\n -~]*$/
// RFC 6750 §2.1, RFC 7235 §2.1
const bearer = /^Bearer +(?<token>[A-Za-z0-9._~+/-]+=*)$/iu

/** The server's side of OAUTHBEARER (RFC 7628): all that is wrong with a token, or its user, has one answer. */
export function oauthbearerServer(credentials: Credentials): ServerMechanism {
  let isRefused = false
  return {
    name: 'OAUTHBEARER',
    async step(input) {
      // §3.2.3: whatever the client says to the error.
      if (isRefused) throw new SaslError('not-authorized')
      const { authzid, token } = read(messageText(input))
      const username = token === undefined ? undefined : await credentials.bearer?.(token)
      if (username !== undefined) return { success: { username, authzid } }
      isRefused = true
      return { challenge: utf8('{"status":"invalid_token"}'), isRefusal: true }
    },
  }
}

/** The client's side of OAUTHBEARER. Undefined without a token. */
export function oauthbearerClient({ token, authzid }: ClientCredentials): ClientMechanism | undefined {
  if (token === undefined) return undefined
  return {
    name: 'OAUTHBEARER',
    initial() {
      const name = authzid === undefined ? '' : `a=${escapeName(authzid)}`
      return utf8(`n,${name},\u0001auth=Bearer ${token}\u0001\u0001`)
    },
    step: () => utf8('\u0001'),
    finish() {},
  }
}

/** gs2-header, pairs and nothing, each but the last with a U+0001 behind it. */
function read(message: string): { readonly authzid?: string; readonly token?: string } {
  const [first = '', ...rest] = message.split('\u0001')
  const ends = rest.splice(-2)
  const groups = header.exec(first)?.groups
  const isWhole = ends.length === 2 && ends.every((end) => end === '') && rest.every((one) => pair.test(one))
  if (!groups || !isWhole || message.includes('\0')) throw new SaslError('malformed-request')
  const auth = rest.filter((one) => one.startsWith('auth='))
  if (auth.length > 1) throw new SaslError('malformed-request')
  const authzid = groups['authzid']
  const token = bearer.exec(auth[0]?.slice('auth='.length) ?? '')?.groups?.['token']
  return {
    ...(authzid !== undefined && { authzid: unescapeName(authzid) }),
    ...(token !== undefined && { token }),
  }
}
