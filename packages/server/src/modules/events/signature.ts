import { createHmac } from 'node:crypto'

/** Standard Webhooks 1.0.0: the bytes of a secret; undefined for what is none. */
export function secretKey(text: string): Buffer | undefined {
  const encoded = text.startsWith('whsec_') ? text.slice(6) : ''
  const key = Buffer.from(encoded, 'base64')
  return key.toString('base64') === encoded && key.length >= 24 && key.length <= 64 ? key : undefined
}

/** The headers that let a receiver see from whom a body comes: signed with each key, so that one can be replaced by another. @param at milliseconds */
export function signed(id: string, at: number, body: string, keys: readonly Buffer[]): Record<string, string> {
  const timestamp = String(Math.floor(at / 1000))
  const sign = (key: Buffer) => createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': keys.map((key) => `v1,${sign(key)}`).join(' '),
  }
}
