import { Hono, type Context } from 'hono'
import type { Logger } from 'pino'
import type * as z from 'zod'
import { networkOf } from '../../address.ts'
import { networks } from '../../config/networks.ts'
import type { Call, Endpoint, HttpServe } from '../../module.ts'
import type { Clock } from '../../world.ts'
import { TokenBuckets } from '../token-buckets.ts'
import { openApi } from './openapi.ts'
import { misfit, Problem, problemOf } from './problem.ts'
import type { Repeats } from './repeats.ts'
import type { ApiTokens, Bearer } from './tokens.ts'

const isLoopback = networks(['loopback'])

/** Most tokens that are none within an hour from one network. */
const failuresPerHour = 60

interface SiteOptions {
  readonly basePath: string
  readonly domain: string
  readonly tokens: ApiTokens
  readonly repeats: Repeats
  readonly clock: Clock
  readonly log: Logger
  endpoints(): readonly Endpoint[]
  /** Told of each request that was answered. */
  answered(route: string, status: number): void
  /** Told of each token that is none. */
  failed(): void
  record(act: { readonly by: string; readonly did: string; readonly to?: string }): void
  kept(): Promise<void>
  trouble(): string | undefined
}

type Env = { Bindings: { readonly address: string }; Variables: { route?: string } }

/** The operations of the REST API over HTTP. */
export function site(options: SiteOptions): HttpServe {
  const { basePath, clock, domain, tokens } = options
  const failures = new TokenBuckets(clock, failuresPerHour)
  let known: readonly Endpoint[] | undefined
  let app: Hono<Env>

  return (request, { address }) => {
    if (known !== options.endpoints()) {
      known = options.endpoints()
      app = routes(known)
    }
    return app.fetch(request, { address })
  }

  function routes(endpoints: readonly Endpoint[]): Hono<Env> {
    const made = new Hono<Env>().basePath(basePath)
    made.use(async (context, next) => {
      await next()
      options.answered(context.get('route') ?? 'none', context.res.status)
    })
    made.use(async ({ env, req }, next) => {
      // Secrets do not pass a network in the clear.
      if (!req.url.startsWith('https:') && !isLoopback(env.address)) throw new Problem(403, 'This is served over HTTPS')
      await next()
    })
    let document: object | undefined
    made.get('/openapi.json', (context) => {
      context.set('route', 'GET /openapi.json')
      return context.json((document ??= openApi(endpoints, `Jackdaw at ${domain}`)))
    })
    const methods = new Map<string, string[]>()
    for (const endpoint of endpoints) {
      const path = endpoint.path.replaceAll(/\{(\w+)\}/g, ':$1')
      const method = endpoint.method.toUpperCase()
      methods.set(path, [...(methods.get(path) ?? []), method])
      made.on(method, path, (context) => {
        context.set('route', `${method} ${endpoint.path}`)
        return perform(endpoint, context)
      })
    }
    for (const [path, allowed] of methods)
      made.all(path, (context) => {
        authenticated(context)
        throw new Problem(405, `Here are answered: ${allowed.join(', ')}`, {}, { allow: allowed.join(', ') })
      })
    made.all('*', (context) => {
      authenticated(context)
      throw new Problem(404, 'There is nothing here')
    })
    made.onError((error) => {
      const problem = problemOf(error)
      if (problem) return problem.response
      options.log.error({ err: error }, 'a request to the REST API failed')
      return new Problem(500, 'This should not have happened: see the log of the server').response
    })
    return made
  }

  function authenticated({ env, req }: Context<Env>): Bearer {
    const [, text = ''] = /^Bearer +([\w-]+) *$/i.exec(req.header('authorization') ?? '') ?? []
    const bearer = tokens.use(text)
    // Behind a reverse proxy all have one address: who has a token does not pay for who guesses.
    if (bearer) return bearer
    options.failed()
    if (!failures.take(networkOf(env.address)))
      throw new Problem(429, 'Too many tokens that are none have come from this address', {}, { 'retry-after': '60' })
    const detail = `A token for ${domain} is needed. If another domain is meant, the Host of the request has to name it`
    throw new Problem(401, detail, {}, { 'www-authenticate': `Bearer realm="${basePath}"` })
  }

  async function perform(endpoint: Endpoint, context: Context<Env>): Promise<Response> {
    const { raw } = context.req
    const bearer = authenticated(context)
    const demand = (scope: string) => {
      if (bearer.token.scopes.includes(scope)) return
      // RFC 6750 §3.1
      const challenge = `Bearer realm="${basePath}", error="insufficient_scope", scope="${scope}"`
      throw new Problem(403, `The token has no scope ${scope}`, {}, { 'www-authenticate': challenge })
    }
    demand(endpoint.scope)
    const trouble = endpoint.method === 'get' ? undefined : options.trouble()
    if (trouble !== undefined) throw new Problem(503, `Nothing is changed now: ${trouble}`, {}, { 'retry-after': '10' })
    const params = checked('path', endpoint.params, context.req.param())
    const query = checked('query', endpoint.query, queryOf(raw.url))
    const text = endpoint.body ? await textOf(raw) : ''
    const body = endpoint.body ? checked('body', endpoint.body, jsonOf(text)) : undefined
    const call: Call = {
      params,
      query,
      body,
      headers: raw.headers,
      signal: AbortSignal.any([raw.signal, bearer.revoked]),
      record: (did, to) => options.record({ by: `token ${bearer.token.name}`, did, ...(to !== undefined && { to }) }),
      demand,
    }
    const act = () => endpoint.handle(call as Parameters<Endpoint['handle']>[0])
    const key = endpoint.isRepeatable === true ? raw.headers.get('idempotency-key') : null
    const request = `${raw.method} ${context.req.path}\n${text}`
    const answer = key === null ? await act() : await options.repeats.once(bearer.id, key, request, act)
    if (endpoint.method !== 'get') await options.kept()
    if (answer instanceof Response) return answer
    const headers = { 'cache-control': 'no-store' }
    const { status } = endpoint.answer
    return answer === undefined ? new Response(null, { status, headers }) : Response.json(answer, { status, headers })
  }
}

function checked(place: string, schema: z.ZodType | undefined, value: unknown): unknown {
  if (!schema) {
    const [name] = Object.keys(value as object)
    if (name === undefined) return {}
    throw new Problem(400, `The ${place} has no ${name}`)
  }
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw misfit(place, result.error)
}

function queryOf(url: string): Record<string, string> {
  const { searchParams } = new URL(url)
  const query: Record<string, string> = {}
  for (const [name, value] of searchParams) {
    if (Object.hasOwn(query, name)) throw new Problem(400, `The query has ${name} twice`)
    query[name] = value
  }
  return query
}

async function textOf(request: Request): Promise<string> {
  const type = request.headers.get('content-type')
  if (type !== null && !/^application\/json *(;|$)/i.test(type))
    throw new Problem(415, 'The body is to be application/json')
  const bytes = await request.arrayBuffer().catch(() => {
    throw new Problem(413, 'The body is too long, or has broken off')
  })
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new Problem(400, 'The body is not UTF-8')
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Problem(400, 'The body is not JSON')
  }
}
