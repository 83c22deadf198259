import { SaslError } from '../errors.ts'
import type { Awaitable, ScramCrypto, ServerScramCrypto } from './crypto.ts'
import { messageText, utf8 } from './message.ts'
import type { ChannelBindings, ServerMechanism } from './sasl.ts'
import { prepareUsername } from './unknown-user.ts'

/** draft-schmaus-kitten-sasl-ht-09 §3: the mechanisms, the strongest first, with the type of channel binding that each needs. */
export const hashedTokenMechanisms: ReadonlyMap<string, string | undefined> = new Map([
  ['HT-SHA-256-EXPR', 'tls-exporter'],
  ['HT-SHA-256-ENDP', 'tls-server-end-point'],
  ['HT-SHA-256-NONE', undefined],
])

/** Finds the account's token that `isRight`; undefined when there is none that may be used. */
export type FindToken = (username: string, isRight: (token: string) => boolean) => Awaitable<string | undefined>

interface HashedTokenContext {
  readonly bindings: ChannelBindings
  readonly crypto: ServerScramCrypto
}

/** The server's side. Whatever is wrong with a token, its client hears credentials-expired (XEP-0484 §4.2) and learns no more. */
export function hashedTokenServer(name: string, find: FindToken, context: HashedTokenContext): ServerMechanism {
  const { bindings, crypto } = context
  return {
    name,
    async step(input) {
      const end = input.indexOf(0)
      if (end < 1) throw new SaslError('malformed-request')
      const username = prepareUsername(messageText(input.subarray(0, end)))
      const hashed = input.subarray(end + 1)
      const data = bindingOf(name, bindings)
      const isRight = (token: string) => crypto.equal(crypto.hmac('SHA-256', utf8(token), initiator(data)), hashed)
      const token = await find(username, isRight)
      if (token === undefined) throw new SaslError('credentials-expired')
      return { success: { username, additional: crypto.hmac('SHA-256', utf8(token), responder(data)) } }
    },
  }
}

/** The client's side: the initial response, and what the additional data of the success must be. */
export async function hashedTokenClient(
  name: string,
  username: string,
  token: string,
  { bindings, crypto }: { readonly bindings: ChannelBindings; readonly crypto: ScramCrypto },
): Promise<{ readonly initial: Uint8Array; readonly expected: Uint8Array }> {
  const data = bindingOf(name, bindings)
  const hashed = await crypto.hmac('SHA-256', utf8(token), initiator(data))
  const expected = await crypto.hmac('SHA-256', utf8(token), responder(data))
  return { initial: joined(utf8(`${username}\0`), hashed), expected }
}

function bindingOf(name: string, bindings: ChannelBindings): Uint8Array {
  const type = hashedTokenMechanisms.get(name)
  const data = type === undefined ? new Uint8Array() : bindings.get(type)
  if (!data) throw new SaslError('mechanism-too-weak', 'unsupported channel binding type')
  return data
}

const initiator = (data: Uint8Array) => joined(utf8('Initiator'), data)
const responder = (data: Uint8Array) => joined(utf8('Responder'), data)

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}
