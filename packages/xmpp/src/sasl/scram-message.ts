import { SaslError } from '../errors.ts'
import { decodeBase64 } from './base64.ts'
import type { ScramCrypto } from './crypto.ts'
import { messageText, utf8 } from './message.ts'

// RFC 5802 §7. Values may hold anything but NUL and comma; a name has `=` only in its two escapes. For names of groups V8 makes a slow object each time.
const clientFirst = /^(?:([ny])|p=([A-Za-z0-9.-]+)),(?:a=([^,]+))?,(.*)$/su
const clientFirstBare = /^n=([^,]+),r=([!-+\--~]+)(?:,[A-Za-z]=[^,]+)*$/u
const serverFirst = /^r=([!-+\--~]+),s=([^,]+),i=([1-9][0-9]*)((?:,[A-Za-z]=[^,]+)*)$/u
const clientFinal = /^(c=([^,]+),r=([!-+\--~]+)(?:,[A-Za-z]=[^,]+)*),p=([^,]+)$/u
const serverFinal = /^(?:e=([^,]+)|v=([^,]+))(?:,[A-Za-z]=[^,]+)*$/u

/** The gs2-header says whether the client binds to the channel: no; no, for it believes the server cannot; yes, to which. */
export interface ClientFirst {
  readonly flag: 'n' | 'y' | 'p'
  readonly binding: string | undefined
  readonly authzid: string | undefined
  readonly gs2: string
  readonly bare: string
  readonly username: string
  readonly nonce: string
}

export function parseClientFirst(message: string): ClientFirst {
  const [, flag, binding, authzid, bare = ''] = match(clientFirst, message)
  const [, name = '', nonce = ''] = match(clientFirstBare, bare)
  return {
    flag: flag === 'n' || flag === 'y' ? flag : 'p',
    binding,
    authzid: authzid === undefined ? undefined : unescapeName(authzid),
    gs2: message.slice(0, message.length - bare.length),
    bare,
    username: unescapeName(name),
    nonce,
  }
}

export interface ServerFirst {
  readonly nonce: string
  readonly salt: Uint8Array
  readonly iterations: number
  /** XEP-0474 §4.1 */
  readonly offerHash: string | undefined
}

export function parseServerFirst(message: string): ServerFirst {
  const [, nonce = '', salt = '', iterations, extensions = ''] = match(serverFirst, message)
  const offerHash = /,h=([^,]+)/u.exec(extensions)?.[1]
  return { nonce, salt: fromBase64(salt), iterations: Number(iterations), offerHash }
}

/** `signed` is client-final-message-without-proof. */
export function parseClientFinal(message: string): {
  signed: string
  binding: Uint8Array
  nonce: string
  proof: Uint8Array
} {
  const [, signed = '', binding = '', nonce = '', proof = ''] = match(clientFinal, message)
  return { signed, binding: fromBase64(binding), nonce, proof: fromBase64(proof) }
}

export function parseServerFinal(message: string): { error: string | undefined; signature: string | undefined } {
  const [, error, signature] = match(serverFinal, message)
  return { error, signature }
}

/** The data of `c=`: the gs2-header as sent, then what identifies the channel (RFC 5802 §5.1). */
export function bindingInput(gs2: string, data: Uint8Array | undefined): Uint8Array {
  const header = utf8(gs2)
  if (!data) return header
  const input = new Uint8Array(header.length + data.length)
  input.set(header)
  input.set(data, header.length)
  return input
}

/**
 * XEP-0474 §4.1: what is hashed of the mechanisms and the types of channel binding that a server announced; no types: it announced none,
 * for there is no empty announcement.
 */
export function offerInput(mechanisms: readonly string[], types: readonly string[]): Uint8Array<ArrayBuffer> {
  // Both are ASCII, where the order of code units is that of octets.
  const [names, bindings] = [mechanisms.toSorted().join('\x1e'), types.toSorted().join('\x1e')]
  return utf8(types.length === 0 ? names : `${names}\x1f${bindings}`)
}

export function escapeName(name: string): string {
  return name.replaceAll('=', '=3D').replaceAll(',', '=2C')
}

export function unescapeName(name: string): string {
  if (/=(?!2C|3D)/u.test(name)) throw new SaslError('malformed-request', 'malformed username')
  return name.replaceAll('=2C', ',').replaceAll('=3D', '=')
}

// Printable ASCII without the comma that ends an attribute, without `=` for peers that split on it, and without `"` for those that take it for
// quoting (the SASL of @xmpp/client).
const nonceChars = utf8("!#$%&'()*+-./0123456789:;<>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~")

/** Makes a nonce with some 150 bits of chance. */
export function makeNonce(crypto: ScramCrypto): string {
  const nonce = crypto.random(24)
  for (let at = 0; at < nonce.length; at++) nonce[at] = nonceChars[nonce[at]! % nonceChars.length]!
  return messageText(nonce)
}

export function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  const result = new Uint8Array(a.length)
  for (let at = 0; at < a.length; at++) result[at] = a[at]! ^ b[at]!
  return result
}

function match(syntax: RegExp, message: string): readonly (string | undefined)[] {
  // §5.1: whoever meets `m=`, anywhere, does not understand what it makes mandatory.
  if (/(?:^|,)m=/u.test(message)) throw new SaslError('malformed-request', 'unsupported mandatory extension')
  const groups = message.includes('\0') ? null : syntax.exec(message)
  if (!groups) throw new SaslError('malformed-request')
  return groups
}

function fromBase64(text: string): Uint8Array {
  const data = decodeBase64(text)
  if (!data) throw new SaslError('incorrect-encoding', 'not base64')
  return data
}
