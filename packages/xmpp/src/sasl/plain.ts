import { SaslError } from '../errors.ts'
import { PrecisError } from '../precis/precis-error.ts'
import { deriveKeys } from './crypto.ts'
import { messageText, utf8 } from './message.ts'
import type { ClientCredentials, ClientMechanism, Credentials, ServerContext, ServerMechanism } from './sasl.ts'
import { fakeKeys, prepareUsername } from './unknown-user.ts'

/** The server's side of PLAIN (RFC 4616): derives the keys from the password and compares them with the stored ones, unless another system is asked. */
export function plainServer(credentials: Credentials, context: ServerContext): ServerMechanism {
  return {
    name: 'PLAIN',
    async step(input) {
      const [authzid = '', name = '', password = '', ...rest] = messageText(input).split('\0')
      if (name === '' || password === '' || rest.length > 0) throw new SaslError('malformed-request')
      const username = prepareUsername(name)
      const success = { success: { username, ...(authzid !== '' && { authzid }) } }
      const asked = credentials.password?.(username, password)
      if (asked !== undefined) {
        if (!(await asked)) throw new SaslError('not-authorized')
        return success
      }
      // Every hash is asked for, and one is derived, whether the account exists or not: time tells nothing.
      const found = await Promise.all(context.hashes.map(async (one) => credentials.scram(username, one)))
      const at = found.findIndex((keys) => keys)
      const hash = context.hashes[Math.max(at, 0)] ?? 'SHA-256'
      const keys = found[at] ?? fakeKeys(username, hash, context)
      const { salt, iterations } = keys
      const { storedKey } = await deriveKeys(hash, password, salt, iterations, context.crypto).catch(refusePassword)
      if (!context.crypto.equal(storedKey, keys.storedKey) || at < 0) throw new SaslError('not-authorized')
      return success
    },
  }
}

/** The client's side of PLAIN. Undefined without username and password. */
export function plainClient({ username, password, authzid = '' }: ClientCredentials): ClientMechanism | undefined {
  if (!username || !password) return undefined
  return {
    name: 'PLAIN',
    initial() {
      if ((authzid + username + password).includes('\0')) throw new SaslError('aborted', 'NUL in a credential')
      return utf8(`${authzid}\0${username}\0${password}`)
    },
    step() {
      throw new SaslError('aborted', 'unexpected challenge')
    },
    finish() {},
  }
}

function refusePassword(error: unknown): never {
  if (error instanceof PrecisError) throw new SaslError('not-authorized')
  throw error
}
