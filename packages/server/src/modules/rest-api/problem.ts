import { type StanzaCondition, StanzaError } from '@jackdaw/xmpp'
import * as z from 'zod'
import { UnknownIdError } from '../../storage/storage.ts'

/** RFC 9457 §3, with `errors` for each part of a request that does not fit. */
export const problemSchema = z.strictObject({
  type: z.literal('about:blank'),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  condition: z.string().optional().describe('What XMPP calls it (RFC 6120 §8.3.3).'),
  errors: z
    .array(z.strictObject({ pointer: z.string().describe('Where in the body, path or query.'), detail: z.string() }))
    .optional(),
})
type Details = Omit<z.output<typeof problemSchema>, 'type' | 'title' | 'status' | 'detail'>

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  410: 'Gone',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}

/** What each condition is in HTTP; the others are 422. */
const statuses: Partial<Record<StanzaCondition, number>> = {
  'bad-request': 400,
  conflict: 409,
  forbidden: 403,
  'internal-server-error': 500,
  'item-not-found': 404,
  'jid-malformed': 400,
  'not-allowed': 403,
  'policy-violation': 429,
  'remote-server-timeout': 504,
  'resource-constraint': 503,
  'service-unavailable': 503,
}

/** Thrown, it is what is answered. */
export class Problem extends Error {
  readonly status: number
  readonly details: Details
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, detail: string, details: Details = {}, headers: Readonly<Record<string, string>> = {}) {
    super(detail)
    this.status = status
    this.details = details
    this.headers = headers
  }

  get response(): Response {
    const { status, message, details, headers } = this
    const body = { type: 'about:blank', title: titles[status]!, status, detail: message, ...details }
    return Response.json(body, {
      status,
      headers: { ...headers, 'cache-control': 'no-store', 'content-type': 'application/problem+json' },
    })
  }
}

/** Undefined for what is nobody's mistake but ours. */
export function problemOf(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error
  if (error instanceof UnknownIdError) return new Problem(400, 'The cursor is of no list, or of one that is no more')
  if (!(error instanceof StanzaError)) return undefined
  const { condition, text } = error
  return new Problem(statuses[condition] ?? 422, text ?? condition, { condition })
}

/** @param place 'body', 'path' or 'query' */
export function misfit(place: string, { issues }: z.ZodError): Problem {
  const errors = issues.slice(0, 20).map(({ path, message }) => ({
    pointer: [place, ...path].map((step) => String(step).replaceAll('~', '~0').replaceAll('/', '~1')).join('/'),
    detail: message,
  }))
  return new Problem(400, `The ${place} does not fit`, { errors })
}
