import { SaslError } from '../errors.ts'
import { type Element, xml } from '../xml/element.ts'
import { formatDateTime } from './date-time.ts'

/** XEP-0484 */
export const fastNs = 'urn:xmpp:fast:0'

/** §3.4: `<fast/>`, with which a client says that it logs in with a token. */
export interface Fast {
  /** Greater with each attempt to use the token. */
  readonly count: number | undefined
  /** The token is to end with this use. */
  readonly invalidates: boolean
}

/** §3.1: stands in SASL2's `<inline/>`. */
export function fastFeature(mechanisms: readonly string[]): Element {
  return xml('fast', fastNs, {}, ...mechanisms.map((name) => xml('mechanism', fastNs, {}, name)))
}

/** What is said of tokens along with a login. @throws SaslError malformed-request */
export function readFast(requests: readonly Element[]): Fast | undefined {
  const element = requests.find(({ name, ns }) => name === 'fast' && ns === fastNs)
  if (!element) return undefined
  const count = element.attr('count')
  if (count !== undefined && !/^[0-9]{1,15}$/.test(count))
    throw new SaslError('malformed-request', 'A count is a number')
  const invalidate = element.attr('invalidate')
  return {
    count: count === undefined ? undefined : Number(count),
    invalidates: invalidate === 'true' || invalidate === '1',
  }
}

/** §3.2: the mechanism of the token that is asked for. */
export function requestedToken(requests: readonly Element[]): string | undefined {
  return requests.find(({ name, ns }) => name === 'request-token' && ns === fastNs)?.attr('mechanism')
}

/** §3.3: `<token/>`; it expires then, milliseconds since the Unix epoch. */
export function fastToken(token: string, expiry: number): Element {
  return xml('token', fastNs, { expiry: formatDateTime(expiry), token })
}
