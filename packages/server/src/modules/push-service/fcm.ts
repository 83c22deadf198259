import { createPrivateKey } from 'node:crypto'
import type { Clock } from '../../world.ts'
import { type Deliverer, type Outcome, outcomeOf } from './deliverer.ts'
import { signedJwt } from './jwt.ts'
import type { HttpAnswer, Outbound } from '../../outbound/outbound.ts'

const scope = 'https://www.googleapis.com/auth/firebase.messaging'
/** So long (milliseconds) before it ends an access token is not used any more. */
const margin = 60_000

export interface FcmOptions {
  readonly outbound: Outbound
  readonly clock: Clock
  readonly origin: string
  /** Of a service account, as Google gives them. */
  readonly account: {
    readonly project_id: string
    readonly client_email: string
    readonly private_key: string
    readonly token_uri: string
  }
}

/** Firebase Cloud Messaging, HTTP v1: Android, and what else an app has connected there. */
export function fcm({ outbound, clock, origin, account }: FcmOptions): Deliverer {
  const key = createPrivateKey(account.private_key)
  let token: { readonly text: Promise<string | Outcome>; until: number } | undefined

  /** RFC 7523 §2.1; one that is being asked for serves all. */
  function accessToken(): Promise<string | Outcome> {
    if (token && clock.now() < token.until) return token.text
    const asked = { text: ask(), until: Infinity }
    token = asked
    const drop = () => {
      if (token === asked) token = undefined
    }
    asked.text.then((text) => typeof text !== 'string' && drop(), drop)
    return asked.text

    async function ask(): Promise<string | Outcome> {
      const now = Math.floor(clock.now() / 1000)
      const claims = { iss: account.client_email, scope, aud: account.token_uri, iat: now, exp: now + 3600 }
      const body = new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        assertion: signedJwt(key, claims),
      })
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      const answer = await outbound({ url: new URL(account.token_uri), headers, body: body.toString() }, clock)
      const { access_token: text, expires_in: seconds } = parsed(answer.body)
      if (answer.status !== 200 || typeof text !== 'string' || typeof seconds !== 'number')
        // Whatever is wrong with the account, it is no fault of the message's.
        return { is: 'later', reason: `No access token: HTTP ${answer.status}`, after: answer.retryAfter }
      asked.until = clock.now() + seconds * 1000 - margin
      return text
    }
  }

  return {
    kind: 'fcm',
    fields: ['token'],
    check: ({ token: device = '' }) =>
      /^[\w:.~-]{20,4096}$/.test(device) ? undefined : 'token is no registration token of FCM',
    async deliver({ token: device }, { id, title, body, data, ttl }) {
      const access = await accessToken()
      if (typeof access !== 'string') return access
      const isShown = title !== undefined || body !== undefined
      const message = {
        token: device,
        ...(isShown && { notification: { title, body } }),
        data: { ...data, delivery: id },
        android: { priority: 'high', ttl: `${ttl}s` },
      }
      const url = new URL(`/v1/projects/${encodeURIComponent(account.project_id)}/messages:send`, origin)
      const headers = { authorization: `Bearer ${access}`, 'content-type': 'application/json' }
      const answer = await outbound({ url, headers, body: JSON.stringify({ message }) }, clock)
      if (answer.status === 401) token = undefined
      return outcome(answer)
    },
  }
}

function outcome(answer: HttpAnswer): Outcome {
  const { error } = parsed(answer.body)
  const code = error?.details?.find?.((one: any) => typeof one?.errorCode === 'string')?.errorCode ?? error?.status
  const words = typeof code === 'string' ? code.slice(0, 100) : ''
  const reason = `HTTP ${answer.status}: ${words}`
  if (words === 'UNREGISTERED' || words === 'SENDER_ID_MISMATCH') return { is: 'gone', reason }
  if (answer.status === 401) return { is: 'later', reason }
  // A project that is wrong says nothing of the device.
  if (answer.status === 404) return { is: 'refused', reason }
  return outcomeOf(answer, words)
}

function parsed(text: string): any {
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}
