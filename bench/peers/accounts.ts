import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'

export const password = 'the wine is red'

const iterations = 10_000
const salt = Buffer.from('one for everybody')

/** What a server keeps of the password (RFC 5802 §3). Of all accounts u0, u1 … it is the same, so that they are made at once. */
export function keysOf(hash: 'sha1' | 'sha256' | 'sha512') {
  const hmac = (key: Buffer, text: string) => createHmac(hash, key).update(text).digest()
  const size = createHash(hash).digest().length
  const salted = pbkdf2Sync(password, salt, iterations, size, hash)
  const storedKey = createHash(hash).update(hmac(salted, 'Client Key')).digest()
  return { salt, iterations, storedKey, serverKey: hmac(salted, 'Server Key') }
}
