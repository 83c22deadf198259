import { PrecisError } from '../precis/precis-error.ts'
import { saslprep } from '../precis/saslprep.ts'
import { SaslError } from '../errors.ts'
import { encodeBase64 } from './base64.ts'
import { deriveClientKeys, type HashName, type ScramClientKeys } from './crypto.ts'
import { messageText, utf8 } from './message.ts'
import type { ClientContext, ClientCredentials, ClientMechanism } from './sasl.ts'
import {
  bindingInput,
  escapeName,
  makeNonce,
  offerInput,
  parseServerFinal,
  parseServerFirst,
  xor,
} from './scram-message.ts'

/** RFC 7677 §4: a server that asks for less makes the password cheap to guess. */
export const minIterations = 4096
/** A server that asks for more only wants to keep the client busy: this is some seconds already. */
export const maxIterations = 10_000_000

/**
 * The client's side of SCRAM (RFC 5802). After `finish` its `keys` may be kept, so that the next login needs neither the
 * password nor PBKDF2. Undefined when the credentials have no username, or neither a password nor keys for this hash.
 */
export function scramClient(
  hash: HashName,
  plus: boolean,
  { username, password, keys: cached, authzid }: ClientCredentials,
  { crypto, bindings, offered, announced = [] }: ClientContext,
): ClientMechanism | undefined {
  if (username === undefined || (password === undefined && cached?.hash !== hash)) return undefined
  const [binding] = bindings
  const flag = plus
    ? `p=${binding?.[0] ?? ''}`
    : bindings.size > 0 && !offered.some((name) => name.endsWith('-PLUS'))
      ? 'y' // §6: we could, but saw no offer; a server that did offer now knows that somebody removed it
      : 'n'
  const gs2 = `${flag},${authzid === undefined ? '' : `a=${escapeName(authzid)}`},`
  let nonce = ''
  let bare = ''
  let expected: string | undefined
  let used: ScramClientKeys | undefined
  let state: 'new' | 'first' | 'final' | 'done' | 'failed' = 'new'

  return {
    name: `SCRAM-${hash}${plus ? '-PLUS' : ''}`,
    get keys() {
      return state === 'done' ? used : undefined
    },
    initial() {
      nonce = makeNonce(crypto)
      bare = `n=${escapeName(prepare(username))},r=${nonce}`
      state = 'first'
      return utf8(gs2 + bare)
    },
    async step(challenge) {
      const before = state
      state = 'failed'
      const message = messageText(challenge)
      if (before === 'first') {
        const response = await prove(message)
        state = 'final'
        return response
      }
      // A server that has no room for data in its success sends its last message as a challenge (RFC 4422 §4).
      if (before !== 'final') throw new SaslError('aborted', 'unexpected challenge')
      verify(message)
      return new Uint8Array()
    },
    finish(additional) {
      if (state === 'final' && additional) {
        state = 'failed'
        verify(messageText(additional))
      }
      if (state !== 'done') throw new SaslError('aborted', 'the server has not proved that it knows the password')
    },
  }

  async function prove(serverFirst: string): Promise<Uint8Array> {
    const server = parseServerFirst(serverFirst)
    if (!server.nonce.startsWith(nonce) || server.nonce.length === nonce.length) {
      throw new SaslError('aborted', 'wrong nonce')
    }
    if (!(server.iterations >= minIterations && server.iterations <= maxIterations)) {
      throw new SaslError('aborted', `the server asks for ${server.iterations} iterations`)
    }
    // XEP-0474 §4.2
    if (server.offerHash !== undefined) {
      const own = encodeBase64(await crypto.hash(hash, offerInput(offered, announced)))
      if (server.offerHash !== own) throw new SaslError('aborted', 'somebody has changed what the server offers')
    }
    used = await findKeys(server.salt, server.iterations)
    const signed = `c=${encodeBase64(bindingInput(gs2, plus ? binding?.[1] : undefined))},r=${server.nonce}`
    const messages = utf8(`${bare},${serverFirst},${signed}`)
    const storedKey = await crypto.hash(hash, used.clientKey)
    const proof = xor(used.clientKey, await crypto.hmac(hash, storedKey, messages))
    expected = encodeBase64(await crypto.hmac(hash, used.serverKey, messages))
    return utf8(`${signed},p=${encodeBase64(proof)}`)
  }

  async function findKeys(salt: Uint8Array, iterations: number): Promise<ScramClientKeys> {
    if (cached?.hash === hash && cached.iterations === iterations && encodeBase64(cached.salt) === encodeBase64(salt)) {
      return cached
    }
    if (password === undefined) throw new SaslError('credentials-expired', 'the password has been changed')
    return deriveClientKeys(hash, prepare(password), salt, iterations, crypto)
  }

  function verify(serverFinal: string): void {
    const { error, signature } = parseServerFinal(serverFinal)
    if (error !== undefined) throw new SaslError('not-authorized', error)
    if (signature !== expected) throw new SaslError('aborted', 'the server does not know the password')
    state = 'done'
  }
}

function prepare(text: string): string {
  try {
    return saslprep(text)
  } catch (error) {
    if (error instanceof PrecisError) throw new SaslError('aborted', error.message)
    throw error
  }
}
