import * as z from 'zod'
import type { Call, Host } from '../../module.ts'
import { Problem } from '../rest-api/problem.ts'
import type { EventLog } from './event-log.ts'
import { eventSchema, type Kind, kindSchema, kindsOf } from './kinds.ts'
import { EventStream } from './stream.ts'

const query = z.strictObject({
  kinds: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(kindSchema))
    .optional()
    .describe('Names of kinds, or of groups of them, with commas between; all when left out.'),
})

interface Limits {
  /** What the log keeps. */
  readonly kinds: ReadonlySet<Kind>
  /** Most streams that are open at once. */
  readonly most: number
}

/** Lets programs follow the events, one request for as long as they like. */
export function streamEndpoint(host: Host, events: EventLog, { kinds: kept, most }: Limits): void {
  const open = new Set<EventStream>()
  host.metrics.gauge('jackdaw_event_streams', 'Streams of events that are open', () => open.size)

  host.onStop(() => open.forEach((stream) => stream.end()))

  host.endpoint({
    method: 'get',
    path: '/events',
    scope: 'events:read',
    summary: 'Follow what happens',
    query,
    answer: {
      status: 200,
      description:
        'Server-sent events, each with its id, its type, and as data what the schema says: what happens from now on or, with Last-Event-ID, all since that event. 410 when some of that is no longer kept.',
      type: 'text/event-stream',
      schema: eventSchema,
    },
    handle: (call) => follow(call, call.query.kinds),
  })

  async function follow({ headers, signal }: Call, names: readonly string[] | undefined): Promise<Response> {
    const kinds = names ? kindsOf(names) : kept
    const missing = [...kinds].find((kind) => !kept.has(kind))
    if (missing !== undefined) throw new Problem(400, `${missing} is not kept here`)
    // As it was sent: browsers leave it out when it is empty (HTML §9.2.2).
    const last = headers.get('last-event-id') ?? ''
    if (last !== '' && (await events.read(last)).isLost)
      throw new Problem(410, 'Events that came behind this one are no longer kept, or there was none like it')
    const position = last === '' ? await events.end() : last
    if (signal.aborted) throw new Problem(503, 'Nobody waits for it any more')
    if (open.size >= most) throw new Problem(503, `${most} streams are open already`, {}, { 'retry-after': '10' })
    const stream: EventStream = new EventStream({
      events,
      clock: host.clock,
      domain: host.domain.toString(),
      kinds,
      position,
      signal,
      onEnd: () => open.delete(stream),
    })
    open.add(stream)
    return new Response(stream.body(), {
      headers: {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        // Reverse proxies that would gather it first.
        'x-accel-buffering': 'no',
      },
    })
  }
}
