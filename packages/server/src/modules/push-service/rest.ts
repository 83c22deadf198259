import { createHash, timingSafeEqual } from 'node:crypto'
import { Jid, JidError, StanzaError } from '@jackdaw/xmpp'
import * as z from 'zod'
import { networkOf } from '../../address.ts'
import { networks } from '../../config/networks.ts'
import type { HttpServe } from '../../module.ts'
import { UnknownIdError } from '../../storage/storage.ts'
import type { Clock } from '../../world.ts'
import { TokenBuckets } from '../token-buckets.ts'
import type { Deliverer } from './deliverer.ts'
import type { Content, Delivery, Ledger } from './ledger.ts'
import type { Audience, Registration, Registrations } from './registrations.ts'

const isLoopback = networks(['loopback'])

/** Most failed attempts to authenticate within an hour from one address. */
const attemptsPerHour = 60
/** Most deliveries in one answer. */
const mostAtOnce = 500

const name = z.string().min(1).max(255)
const jid = z
  .string()
  .max(3071)
  .transform((text, context) => {
    try {
      return Jid.parse(text).bare.toString()
    } catch (error) {
      if (!(error instanceof JidError)) throw error
      context.issues.push({ code: 'custom', input: text, message: 'expected a JID' })
      return z.NEVER
    }
  })
const newRegistration = z.strictObject({
  kind: name,
  address: z.record(z.string().max(32), z.string().max(4096)),
  alias: name.optional(),
  tags: z.array(name).max(100).default([]),
  account: jid.optional(),
})
const newMessage = z.strictObject({
  to: z.union([
    z.strictObject({ registration: name }),
    z.strictObject({ alias: name }),
    z.strictObject({ tag: name }),
    z.strictObject({ account: jid }),
    z.strictObject({ all: z.literal(true) }),
  ]),
  title: z.string().max(1000).optional(),
  body: z.string().max(3000).optional(),
  data: z.record(z.string().max(100), z.string().max(3000)).optional(),
  ttl: z.int().min(1).optional(),
})
const displayed = z.strictObject({ registration: name, secret: name, delivery: name })

interface RestOptions {
  readonly path: string
  readonly secrets: ReadonlyMap<string, string>
  readonly deliverers: ReadonlyMap<string, ReadonlyMap<string, Deliverer>>
  readonly registrations: Registrations
  readonly ledger: Ledger
  readonly clock: Clock
  /** Throws a StanzaError when it cannot be. */
  register(given: Omit<Registration, 'secret' | 'at'>): Promise<{ readonly id: string; readonly secret: string }>
  send(
    app: string,
    to: Audience,
    content: Content,
    ttl?: number,
  ): Promise<{ readonly message: string; readonly queued: number }>
  displayed(app: string, id: string, delivery: Delivery): void
  kept(): Promise<void>
}

class HttpError extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** What the servers of apps ask: HTTP with JSON, authenticated by the app's key and secret (RFC 7617). */
export function rest(options: RestOptions): HttpServe {
  const { path, secrets, registrations, ledger, clock } = options
  const failures = new TokenBuckets(clock, attemptsPerHour)

  return async (request, { address }) => {
    try {
      const url = new URL(request.url)
      // Secrets do not pass a network in the clear.
      if (url.protocol !== 'https:' && !isLoopback(address)) throw new HttpError(403, 'This is served over HTTPS')
      const [kind = '', id, ...more] = url.pathname.slice(path.length).split('/').map(decodeURIComponent)
      if (more.length > 0) throw new HttpError(404, 'There is nothing here')
      if (kind === 'displayed' && id === undefined) return await displayedBy(await read(request, displayed))
      if (request.method === 'GET' && kind === 'apps' && id !== undefined) return about(id)
      const app = authenticated(request, networkOf(address))
      const route = `${request.method} ${kind}${id === undefined ? '' : '/'}`
      switch (route) {
        case 'POST registrations':
          return await registered(app, await read(request, newRegistration))
        case 'GET registrations/':
          return await shown(app, id!)
        case 'DELETE registrations/':
          return await removed(app, id!)
        case 'POST messages':
          return await sent(app, await read(request, newMessage))
        case 'GET messages':
        case 'GET messages/':
          return await deliveries(app, id, url.searchParams)
        default:
          throw new HttpError(404, 'There is nothing here')
      }
    } catch (error) {
      return refusal(error)
    }
  }

  function authenticated({ headers }: Request, address: string): string {
    if (!failures.has(address)) throw new HttpError(429, 'Too many failed attempts from this address')
    const [, encoded = ''] = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(headers.get('authorization') ?? '') ?? []
    const [, app = '', secret = ''] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, 'base64').toString()) ?? []
    const expected = secrets.get(app)
    // As long for an app that there is not.
    if (!isSame(secret, expected ?? '') || expected === undefined) {
      failures.take(address)
      throw new HttpError(401, 'The key of an app and its secret are needed')
    }
    return app
  }

  /** What a page in a browser has to know before it subscribes: no secret. */
  function about(app: string): Response {
    const kinds = options.deliverers.get(app)
    if (!kinds) throw new HttpError(404, 'There is no such app')
    const known = [...kinds.values()].map(({ kind, fields, publicKey }) => [kind, { fields, publicKey }])
    return json(200, Object.fromEntries(known), { 'access-control-allow-origin': '*' })
  }

  async function registered(app: string, { alias, account, ...given }: z.output<typeof newRegistration>) {
    const { id, secret } = await options.register({
      app,
      ...given,
      ...(alias && { alias }),
      ...(account && { account }),
    })
    await options.kept()
    return json(201, { registration: id, secret })
  }

  async function shown(app: string, id: string) {
    const found = await own(app, id)
    const { kind, alias, tags, account, at } = found
    return json(200, { registration: id, kind, alias, tags, account, at: new Date(at).toISOString() })
  }

  async function removed(app: string, id: string) {
    registrations.remove(id, await own(app, id), 'Removed by the app')
    await options.kept()
    return new Response(null, { status: 204 })
  }

  async function own(app: string, id: string): Promise<Registration> {
    const found = await registrations.get(id)
    if (found?.app === app) return found
    const ended = await registrations.ended(id)
    if (ended?.app === app) throw new HttpError(410, `The registration has ended: ${ended.reason}`)
    throw new HttpError(404, 'There is no such registration')
  }

  async function sent(app: string, { to, ttl, title, body, data }: z.output<typeof newMessage>) {
    const content = {
      ...(title !== undefined && { title }),
      ...(body !== undefined && { body }),
      ...(data && { data }),
    }
    const result = await options.send(app, to, content, ttl === undefined ? undefined : ttl * 1000)
    await options.kept()
    return json(202, result)
  }

  async function deliveries(app: string, message: string | undefined, query: URLSearchParams) {
    const { entries, isComplete } = await ledger.page(app, message, mostAtOnce, query.get('after') ?? undefined)
    if (message !== undefined && entries.length === 0 && !query.has('after'))
      throw new HttpError(404, 'Nothing is known of such a message')
    return json(200, {
      deliveries: entries.map(({ id, with: of, value }) => ({ delivery: id, message: of, ...shownDelivery(value) })),
      ...(!isComplete && { next: entries.at(-1)!.id }),
    })
  }

  /** The device says it, which has the registration's secret, not the app's. */
  async function displayedBy({ registration: id, secret, delivery }: z.output<typeof displayed>) {
    const registration = await registrations.get(id)
    if (!isSame(secret, registration?.secret ?? '') || !registration)
      throw new HttpError(403, 'There is no such registration, or its secret is another one')
    const entry = await ledger.find(registration.app, delivery)
    if (entry?.value.registration !== id) throw new HttpError(404, 'Nothing is known of such a delivery')
    if (entry.value.state !== 'displayed') options.displayed(registration.app, delivery, entry.value)
    await options.kept()
    return new Response(null, { status: 204 })
  }
}

function shownDelivery({ registration, state, reason, attempts, at }: Delivery) {
  return { registration, state, reason, attempts, at: new Date(at).toISOString() }
}

async function read<T extends z.ZodType>(request: Request, schema: T): Promise<z.output<T>> {
  if (request.method !== 'POST') throw new HttpError(405, 'Only POST is answered here')
  let value: unknown
  const text = await request.text()
  try {
    value = JSON.parse(text)
  } catch {
    throw new HttpError(400, 'The body is not JSON')
  }
  const result = schema.safeParse(value)
  if (!result.success) throw new HttpError(400, z.prettifyError(result.error))
  return result.data
}

function refusal(error: unknown): Response {
  if (error instanceof URIError || error instanceof UnknownIdError) return json(400, { error: 'There is no such id' })
  if (error instanceof StanzaError) {
    const status = error.type === 'wait' ? 429 : 400
    return json(status, { error: error.text ?? error.condition })
  }
  if (!(error instanceof HttpError)) throw error
  const headers = error.status === 401 ? { 'www-authenticate': 'Basic realm="push", charset="UTF-8"' } : {}
  return json(error.status, { error: error.message }, headers)
}

function json(status: number, value: object, headers: Record<string, string> = {}): Response {
  return Response.json(value, { status, headers: { ...headers, 'cache-control': 'no-store' } })
}

/** In the same time whatever is wrong. */
export function isSame(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(expected))
}
