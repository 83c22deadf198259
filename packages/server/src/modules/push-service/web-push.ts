import { createECDH, createPrivateKey, ECDH, type KeyObject } from 'node:crypto'
import type { Clock, Random } from '../../world.ts'
import { type Deliverer, outcomeOf } from './deliverer.ts'
import { signedJwt } from './jwt.ts'
import type { Outbound } from '../../outbound/outbound.ts'
import { checkUrl, reaching } from './plain-http.ts'
import { ecdhKey, encrypted } from './web-push-encryption.ts'

/** RFC 8292 §2: a token is good for a day at most. */
const tokenTime = 12 * 3600

export interface WebPushOptions {
  readonly outbound: Outbound
  readonly clock: Clock
  readonly random: Random
  readonly mayReach: (address: string) => boolean
  /** Whom the operator of a push service can ask: a mailto: or https: URI. */
  readonly subject: string
  /** 32 bytes in base64url, as the library web-push makes them. */
  readonly privateKey: string
}

/** Browsers: RFC 8030, encrypted (RFC 8291), with the app's key (VAPID, RFC 8292). */
export function webPush(options: WebPushOptions): Deliverer & { readonly publicKey: string } {
  const { outbound, clock, random, mayReach, subject } = options
  const { key, publicKey } = vapidKey(options.privateKey)
  return {
    kind: 'web-push',
    fields: ['endpoint', 'p256dh', 'auth'],
    publicKey,
    check({ endpoint, p256dh = '', auth = '' }) {
      if (!isPoint(bytes(p256dh))) return 'p256dh is no public key of P-256'
      if (bytes(auth).length !== 16) return 'auth does not have 16 bytes'
      return checkUrl(endpoint, ['https:'])
    },
    deliver: ({ endpoint, p256dh, auth }, { payload, ttl }) =>
      reaching(async () => {
        const url = new URL(endpoint!)
        const expiry = Math.floor(clock.now() / 1000) + tokenTime
        const token = signedJwt(key, { aud: url.origin, exp: expiry, sub: subject })
        const headers = {
          authorization: `vapid t=${token}, k=${publicKey}`,
          'content-encoding': 'aes128gcm',
          'content-type': 'application/octet-stream',
          ttl: String(ttl),
          urgency: 'high',
        }
        const keys = { p256dh: bytes(p256dh!), auth: bytes(auth!) }
        const body = encrypted(
          Buffer.from(payload),
          keys,
          ecdhKey((size) => random.bytes(size)),
          random.bytes(16),
        )
        return outcomeOf(await outbound({ url, headers, body, mayReach }, clock))
      }),
  }
}

/** A new private key for `privateKey`. */
export function newVapidKey(random: Random): string {
  return ecdhKey((size) => random.bytes(size)).getPrivateKey('base64url')
}

function vapidKey(privateKey: string): { readonly key: KeyObject; readonly publicKey: string } {
  const pair = createECDH('prime256v1')
  pair.setPrivateKey(privateKey, 'base64url')
  const point = pair.getPublicKey()
  const x = point.toString('base64url', 1, 33)
  const y = point.toString('base64url', 33)
  const key = createPrivateKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', d: privateKey, x, y } })
  return { key, publicKey: point.toString('base64url') }
}

function isPoint(point: Buffer): boolean {
  if (point.length !== 65) return false
  try {
    ECDH.convertKey(point, 'prime256v1')
    return true
  } catch {
    return false
  }
}

/** Browsers write base64url; some apps pad it, or write base64. */
function bytes(text: string): Buffer {
  return Buffer.from(text, 'base64url')
}
