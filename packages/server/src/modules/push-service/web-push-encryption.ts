import { createCipheriv, createECDH, type ECDH, hkdfSync } from 'node:crypto'

const recordSize = 4096

/** What a browser gives for its subscription: its public key (a point of P-256, uncompressed) and its secret. */
export interface SubscriptionKeys {
  readonly p256dh: Uint8Array
  readonly auth: Uint8Array
}

/** RFC 8291: a message that only the browser can read, in one record of aes128gcm (RFC 8188). `key` and `salt` are for this one alone. */
export function encrypted(text: Uint8Array, { p256dh, auth }: SubscriptionKeys, key: ECDH, salt: Uint8Array): Buffer {
  const own = key.getPublicKey()
  // §3.4
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), p256dh, own])
  const material = Buffer.from(hkdfSync('sha256', key.computeSecret(p256dh), auth, info, 32))
  const derive = (label: string, size: number) =>
    Buffer.from(hkdfSync('sha256', material, salt, `Content-Encoding: ${label}\0`, size))
  const cipher = createCipheriv('aes-128-gcm', derive('aes128gcm', 16), derive('nonce', 12))
  const head = Buffer.alloc(21)
  head.set(salt)
  head.writeUInt32BE(recordSize, 16)
  head.writeUInt8(own.length, 20)
  // RFC 8188 §2: the last record ends with 2.
  return Buffer.concat([
    head,
    own,
    cipher.update(text),
    cipher.update(Buffer.of(2)),
    cipher.final(),
    cipher.getAuthTag(),
  ])
}

/** A key pair of P-256 from random bytes. */
export function ecdhKey(bytes: (size: number) => Uint8Array): ECDH {
  const key = createECDH('prime256v1')
  for (;;) {
    try {
      key.setPrivateKey(bytes(32))
      return key
    } catch {
      // One of 2^32 numbers is none of the curve's.
    }
  }
}
