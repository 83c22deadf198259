import { SaslError } from '../errors.ts'
import { PrecisError } from '../precis/precis-error.ts'
import { usernameCaseMapped } from '../precis/username-case-mapped.ts'
import { hashLength, type HashName, type ScramKeys } from './crypto.ts'
import { utf8 } from './message.ts'
import type { ServerContext } from './sasl.ts'

/** The localpart of a JID that a client's username stands for (RFC 7622 §3.3). Throws `SaslError` not-authorized. */
export function prepareUsername(username: string): string {
  try {
    return usernameCaseMapped(username)
  } catch (error) {
    if (error instanceof PrecisError) throw new SaslError('not-authorized', 'malformed username')
    throw error
  }
}

/**
 * Keys for a name that has none: opened by no password, and with a salt that is always the same for it and not to be told from a real
 * one without the server's secret. They hide whether the account exists (RFC 5802 §5.1, §9) as long as real salts have 16 bytes and real
 * iteration counts are `context.iterations`. Of the others nothing is ever told.
 */
export function fakeKeys(username: string, hash: HashName, { crypto, secret, iterations }: ServerContext): ScramKeys {
  const salt = crypto.hmac(hash, secret, utf8(`salt ${hash} ${username}`)).slice(0, 16)
  const key = crypto.random(hashLength[hash])
  return { salt, iterations, storedKey: key, serverKey: key }
}
