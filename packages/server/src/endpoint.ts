import type * as z from 'zod'
import type { Awaitable } from './world.ts'

/** One operation of the REST API. What stands here checks its requests, and makes its part of the OpenAPI document. */
export interface Endpoint<
  P extends z.ZodObject = z.ZodObject,
  Q extends z.ZodObject = z.ZodObject,
  B extends z.ZodType = z.ZodType,
> {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  /** Below `/api/v1`, parameters in braces: '/rooms/{room}'. */
  readonly path: string
  /** What a token must have been given for it: 'rooms:read'. */
  readonly scope: string
  /** In a few words. */
  readonly summary: string
  readonly params?: P
  readonly query?: Q
  /** Of JSON. */
  readonly body?: B
  /** What is answered when it went well. */
  readonly answer: {
    readonly status: number
    readonly description: string
    /** Of the JSON; of each line, where the type is application/x-ndjson. */
    readonly schema?: z.ZodType
    /** Media type, unless it is application/json. */
    readonly type?: string
  }
  /** What only some requests need, beside `scope`: see `Call.demand`. */
  readonly moreScopes?: readonly string[]
  /**
   * Whether clients may send it again with the same Idempotency-Key, to get the same answer, and nothing is done twice. The answer is kept
   * for a day: it must hold no secret.
   */
  readonly isRepeatable?: boolean
  /**
   * Does it; first what waits, then all effects at once. Returns what is answered as JSON, if anything, or a whole response; it is sent when
   * all effects are kept. A thrown StanzaError becomes a problem (RFC 9457).
   */
  handle(call: Call<z.output<P>, z.output<Q>, z.output<B>>): Awaitable<object | Response | void>
}

/** A request that was checked. */
export interface Call<P = unknown, Q = unknown, B = unknown> {
  readonly params: P
  readonly query: Q
  readonly body: B
  /** Aborted when the client has left, or its token has been revoked: for answers that go on. */
  readonly signal: AbortSignal
  readonly headers: Headers
  /** Writes into the audit log what the token did, and to whom or what. To be called with the effects. */
  record(did: string, to?: string): void
  /** Throws unless the token has this scope, too. */
  demand(scope: string): void
}
