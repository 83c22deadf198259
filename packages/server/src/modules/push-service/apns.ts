import { createPrivateKey } from 'node:crypto'
import type { Clock } from '../../world.ts'
import { type Deliverer, type Outcome, outcomeOf } from './deliverer.ts'
import { signedJwt } from './jwt.ts'
import type { HttpAnswer, Outbound } from '../../outbound/outbound.ts'

/** Apple refuses tokens that are older than an hour, and those who make new ones all the time. */
const tokenTime = 50 * 60_000

export interface ApnsOptions {
  /** HTTP/2. */
  readonly outbound: Outbound
  readonly clock: Clock
  readonly origin: string
  readonly teamId: string
  readonly keyId: string
  /** PEM, as Apple gives it. */
  readonly key: string
  /** The app's bundle identifier. */
  readonly topic: string
}

/** Apple's devices. */
export function apns({ outbound, clock, origin, teamId, keyId, key, topic }: ApnsOptions): Deliverer {
  const privateKey = createPrivateKey(key)
  let token = { text: '', at: -Infinity }

  function authorization(): string {
    if (clock.now() - token.at >= tokenTime) {
      const claims = { iss: teamId, iat: Math.floor(clock.now() / 1000) }
      token = { text: signedJwt(privateKey, claims, { kid: keyId }), at: clock.now() }
    }
    return `bearer ${token.text}`
  }

  return {
    kind: 'apns',
    fields: ['token'],
    check: ({ token: device = '' }) =>
      /^[0-9a-f]{32,200}$/i.test(device) ? undefined : 'token is no device token in hexadecimal digits',
    async deliver({ token: device }, { payload, title, body, ttl }) {
      const isShown = title !== undefined || body !== undefined
      const aps = isShown
        ? { alert: { title, body }, sound: 'default', 'mutable-content': 1 }
        : { 'content-available': 1 }
      const { title: _, body: __, ...rest } = JSON.parse(payload)
      const headers = {
        authorization: authorization(),
        'apns-topic': topic,
        'apns-push-type': isShown ? 'alert' : 'background',
        'apns-priority': isShown ? '10' : '5',
        'apns-expiration': String(Math.floor(clock.now() / 1000) + ttl),
        'content-type': 'application/json',
      }
      const url = new URL(`/3/device/${device}`, origin)
      const answer = await outbound({ url, headers, body: JSON.stringify({ aps, ...rest }) }, clock)
      if (reasonOf(answer) === 'ExpiredProviderToken') token = { text: '', at: -Infinity }
      return outcome(answer)
    },
  }
}

const ended = new Set(['BadDeviceToken', 'DeviceTokenNotForTopic', 'ExpiredToken', 'Unregistered'])

function outcome(answer: HttpAnswer): Outcome {
  const words = reasonOf(answer)
  const reason = `HTTP ${answer.status}: ${words}`
  if (ended.has(words)) return { is: 'gone', reason }
  if (words === 'ExpiredProviderToken') return { is: 'later', reason }
  // A path that is wrong says nothing of the device.
  if (answer.status === 404) return { is: 'refused', reason }
  return outcomeOf(answer, words)
}

function reasonOf({ body }: HttpAnswer): string {
  try {
    const { reason } = JSON.parse(body)
    return typeof reason === 'string' ? reason.slice(0, 100) : ''
  } catch {
    return ''
  }
}
