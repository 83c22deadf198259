import { createHmac, hash, pbkdf2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { hashLength, type HashName, type ServerScramCrypto } from '@jackdaw/xmpp'

const nodeNames: Record<HashName, string> = { 'SHA-1': 'sha1', 'SHA-256': 'sha256', 'SHA-512': 'sha512' }
/** FIPS 180-4 §1, in bytes. */
const blockLength: Record<HashName, number> = { 'SHA-1': 64, 'SHA-256': 64, 'SHA-512': 128 }
const derive = promisify(pbkdf2)

/** SASL's cryptography by `node:crypto`; PBKDF2 runs in the thread pool. `random` gives unpredictable bytes. */
export function saslCrypto(random: (length: number) => Uint8Array): ServerScramCrypto {
  return {
    hash: digest,
    hmac,
    pbkdf2: (name, password, salt, iterations) => derive(password, salt, iterations, hashLength[name], nodeNames[name]),
    random,
    equal: (a, b) => a.length === b.length && timingSafeEqual(a, b),
  }
}

/** By way of text: a buffer that Node makes for a hash costs twice as much. */
function digest(name: HashName, data: Uint8Array): Uint8Array {
  return Buffer.from(hash(nodeNames[name], data, 'latin1'), 'latin1')
}

const inner = Buffer.alloc(2048)
const outer = Buffer.alloc(256)

/** RFC 2104 by two hashes, in places that are used again: Node's object for it costs twice as much. */
function hmac(name: HashName, key: Uint8Array, data: Uint8Array): Uint8Array {
  const block = blockLength[name]
  const length = block + data.length
  if (key.length > block || length > inner.length) return createHmac(nodeNames[name], key).update(data).digest()
  for (let at = 0; at < block; at++) {
    const byte = at < key.length ? key[at]! : 0
    inner[at] = byte ^ 0x36
    outer[at] = byte ^ 0x5c
  }
  inner.set(data, block)
  outer.write(hash(nodeNames[name], inner.subarray(0, length), 'latin1'), block, 'latin1')
  return digest(name, outer.subarray(0, block + hashLength[name]))
}
