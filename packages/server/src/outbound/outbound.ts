import { lookup as systemLookup } from 'node:dns'
import type { Agent, RequestOptions } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { Agent as HttpAgent, request as requestHttp } from '../node-http.ts'
import type { Clock } from '../world.ts'

export interface HttpRequest {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
  /** Which IP addresses may be connected to; all where it is missing. */
  readonly mayReach?: ((address: string) => boolean) | undefined
  /** Ends it, and the promise is rejected. */
  readonly signal?: AbortSignal | undefined
}

export interface HttpAnswer {
  readonly status: number
  /** The beginning of it, as text. */
  readonly body: string
  /** Retry-After (RFC 9110 §10.2.3), milliseconds. */
  readonly retryAfter: number | undefined
}

/** Sends a POST and resolves with the answer. Redirections are not followed. Rejects when there is none in time. */
export type Outbound = (request: HttpRequest, clock: Clock) => Promise<HttpAnswer>

/** How long (milliseconds) an answer may take, how much of it is read, and how long a service may ask us to wait. */
export const timeout = 15_000
export const longestAnswer = 16_384
const longestWait = 86_400_000

/** The address that a name has, or that was given, is not one that may be connected to. */
export class ForbiddenAddressError extends Error {
  override readonly name = 'ForbiddenAddressError'
}

/** How long (milliseconds) a connection that is kept stays open while nobody uses it. */
const idle = 60_000

/** HTTP/1.1, over TLS where the URL says so; `ca`: certificates of authorities that are trusted instead of the usual ones. */
export function httpOutbound(ca?: string): Outbound {
  return (request, clock) => post(request, clock, ca, false)
}

/** The same, which keeps its connections for the next request. One for each set of addresses that may be reached. */
export function keptOutbound(ca?: string): Outbound & { close(): void } {
  const kept = { keepAlive: true, timeout: idle }
  const agents = { 'http:': new HttpAgent(kept), 'https:': new HttpsAgent(kept) }
  const send: Outbound = (request, clock) =>
    post(request, clock, ca, agents[request.url.protocol as keyof typeof agents])
  return Object.assign(send, {
    close() {
      for (const agent of Object.values(agents)) agent.destroy()
    },
  })
}

function post(asked: HttpRequest, clock: Clock, ca: string | undefined, agent: Agent | false): Promise<HttpAnswer> {
  const { url, headers, body, mayReach = () => true, signal } = asked
  return new Promise((resolve, reject) => {
    const host = url.hostname.replace(/^\[|\]$/g, '')
    // Such a host is not looked up.
    if (isIP(host) !== 0 && !mayReach(host)) throw new ForbiddenAddressError(`${host} may not be connected to`)
    const options: RequestOptions = {
      method: 'POST',
      headers,
      agent,
      lookup: guarded(mayReach),
      ...(ca && { ca }),
      ...(signal && { signal }),
    }
    const request = (url.protocol === 'http:' ? requestHttp : requestHttps)(url, options)
    const cancel = clock.after(timeout, () => request.destroy(new Error('No answer in time')))
    request.on('error', (error: NodeJS.ErrnoException) => {
      cancel()
      // The other side closed a connection that was kept just as it was used again.
      if (request.reusedSocket && error.code === 'ECONNRESET') resolve(post(asked, clock, ca, agent))
      else reject(error)
    })
    request.on('response', (response) => {
      let text = ''
      const finish = () => {
        cancel()
        const retryAfter = waitOf(response.headers['retry-after'], clock)
        resolve({ status: response.statusCode ?? 0, body: text.slice(0, longestAnswer), retryAfter })
      }
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
        if (text.length <= longestAnswer) return
        finish()
        request.destroy()
      })
      response.on('end', finish)
      // What has been said before it broke counts.
      response.on('error', finish)
    })
    request.end(body)
  })
}

/** The check stands where the connection is made: a name that was looked up before may have another address now. */
function guarded(mayReach: (address: string) => boolean): LookupFunction {
  return (name, options, done) => {
    systemLookup(name, { ...options, all: true }, (error, found) => {
      const allowed = error ? [] : found.filter(({ address }) => mayReach(address))
      const [first] = allowed
      if (!first) return done(error ?? new ForbiddenAddressError(`${name} may not be connected to`), [])
      if (options.all) done(null, allowed)
      else done(null, first.address, first.family)
    })
  }
}

export function waitOf(header: string | undefined, clock: Clock): number | undefined {
  if (header === undefined) return undefined
  const wait = /^\d{1,9}$/.test(header) ? Number(header) * 1000 : Date.parse(header) - clock.now()
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), longestWait)
}
