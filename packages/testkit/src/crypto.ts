import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import type { HashName, ScramCrypto } from '@jackdaw/xmpp'

const nodeNames: Record<HashName, string> = { 'SHA-1': 'sha1', 'SHA-256': 'sha256', 'SHA-512': 'sha512' }
const lengths: Record<HashName, number> = { 'SHA-1': 20, 'SHA-256': 32, 'SHA-512': 64 }
const derived = new Map<string, Uint8Array>()

/** A client's cryptography; keys derived once are remembered, for many clients use the same passwords. */
export const scramCrypto: ScramCrypto = {
  hash: (name, data) => createHash(nodeNames[name]).update(data).digest(),
  hmac: (name, key, data) => createHmac(nodeNames[name], key).update(data).digest(),
  pbkdf2(name, password, salt, iterations) {
    const id = `${name} ${iterations} ${Buffer.from(password).toString('hex')} ${Buffer.from(salt).toString('hex')}`
    const known = derived.get(id) ?? pbkdf2Sync(password, salt, iterations, lengths[name], nodeNames[name])
    derived.set(id, known)
    return known
  },
  random: (size) => randomBytes(size),
}
