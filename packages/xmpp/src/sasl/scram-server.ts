import { SaslError } from '../errors.ts'
import { encodeBase64 } from './base64.ts'
import { type Awaitable, hashLength, type HashName, type ScramKeys } from './crypto.ts'
import { messageText, utf8 } from './message.ts'
import type { Credentials, ServerContext, ServerMechanism, ServerStep } from './sasl.ts'
import {
  bindingInput,
  type ClientFirst,
  makeNonce,
  offerInput,
  parseClientFinal,
  parseClientFirst,
  xor,
} from './scram-message.ts'
import { fakeKeys, prepareUsername } from './unknown-user.ts'

/**
 * The server's side of SCRAM (RFC 5802). It waits for nothing but `credentials`.
 *
 * A failure is told by `<failure/>` alone: the `e=` message of §7, which RFC 5802 leaves optional, is not sent. An unknown
 * user meets the challenge and the failure of a wrong password.
 */
export function scramServer(
  hash: HashName,
  plus: boolean,
  credentials: Credentials,
  context: ServerContext,
): ServerMechanism {
  const { crypto } = context
  let next: (message: string) => Awaitable<ServerStep> = first

  return {
    name: `SCRAM-${hash}${plus ? '-PLUS' : ''}`,
    step(input) {
      const step = next
      next = ended
      return step(messageText(input))
    },
  }

  function first(message: string): Awaitable<ServerStep> {
    const client = parseClientFirst(message)
    const binding = chooseBinding(client)
    const username = prepareUsername(client.username)
    const fake = fakeKeys(username, hash, context)
    const challenge = (keys: ScramKeys | undefined): ServerStep => {
      const { salt, iterations } = keys ?? fake
      const nonce = client.nonce + makeNonce(crypto)
      const serverFirst = `r=${nonce},s=${encodeBase64(salt)},i=${iterations}${offerHash()}`
      next = (answer) => {
        const additional = final(answer, `${client.bare},${serverFirst}`, nonce, binding, keys ?? fake)
        if (!keys) throw new SaslError('not-authorized')
        return { success: { username, authzid: client.authzid, additional } }
      }
      return { challenge: utf8(serverFirst) }
    }
    const keys = credentials.scram(username, hash)
    return keys instanceof Promise ? keys.then(challenge) : challenge(keys)
  }

  /** XEP-0474 §4.1 */
  function offerHash(): string {
    const { offered, announced } = context
    if (!announced) return ''
    const ofOffer = offerHashes.get(offered) ?? new Map<string, string>()
    offerHashes.set(offered, ofOffer)
    const key = `${hash} ${announced.join(' ')}`
    const made = ofOffer.get(key) ?? `,h=${encodeBase64(crypto.hash(hash, offerInput(offered, announced)))}`
    ofOffer.set(key, made)
    return made
  }

  function final(message: string, firsts: string, nonce: string, binding: Uint8Array, keys: ScramKeys): Uint8Array {
    const client = parseClientFinal(message)
    if (client.nonce !== nonce) throw new SaslError('not-authorized', 'wrong nonce')
    if (!crypto.equal(client.binding, binding)) throw new SaslError('not-authorized', 'channel bindings do not match')
    const signed = utf8(`${firsts},${client.signed}`)
    const clientKey = xor(crypto.hmac(hash, keys.storedKey, signed), client.proof)
    if (client.proof.length !== hashLength[hash] || !crypto.equal(crypto.hash(hash, clientKey), keys.storedKey)) {
      throw new SaslError('not-authorized')
    }
    return utf8(`v=${encodeBase64(crypto.hmac(hash, keys.serverKey, signed))}`)
  }

  /** RFC 5802 §6: what `c=` must hold. */
  function chooseBinding({ flag, binding = '', gs2 }: ClientFirst): Uint8Array {
    if ((flag === 'p') !== plus) throw new SaslError('malformed-request', 'channel binding must go with -PLUS')
    if (flag === 'y' && context.offered.some((name) => name.endsWith('-PLUS'))) {
      throw new SaslError('mechanism-too-weak', 'the server does support channel binding')
    }
    const data = plus ? context.bindings.get(binding) : undefined
    if (plus && !data) throw new SaslError('mechanism-too-weak', 'unsupported channel binding type')
    return bindingInput(gs2, data)
  }
}

/** By the list of mechanisms, which is the same for most clients: what has been hashed with it. */
const offerHashes = new WeakMap<readonly string[], Map<string, string>>()

function ended(): never {
  throw new SaslError('malformed-request', 'the exchange has ended')
}
