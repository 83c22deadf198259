import { createHmac, hash, pbkdf2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { hashLength, type HashName, type ServerScramCrypto } from '@jackdaw/xmpp'

const nodeNames: Record<HashName, string> = { 'SHA-1': 'sha1', 'SHA-256': 'sha256', 'SHA-512': 'sha512' }
const derive = promisify(pbkdf2)

/** SASL's cryptography by `node:crypto`; PBKDF2 runs in the thread pool. `random` gives unpredictable bytes. */
export function saslCrypto(random: (length: number) => Uint8Array): ServerScramCrypto {
  return {
    hash: (name, data) => hash(nodeNames[name], data, 'buffer'),
    hmac: (name, key, data) => createHmac(nodeNames[name], key).update(data).digest(),
    pbkdf2: (name, password, salt, iterations) => derive(password, salt, iterations, hashLength[name], nodeNames[name]),
    random,
    equal: (a, b) => a.length === b.length && timingSafeEqual(a, b),
  }
}
