import * as z from 'zod'
import { type LogEntry, type LogQuery, type LogStore, UnknownIdError } from '../storage/storage.ts'
import { bareAddress, shownTime, time } from './rest-api/schemas.ts'

/** How much is read at once. */
const stride = { max: 250, maxBytes: 262_144 }

const moment = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text))

/** A span of an archive, as programs ask for it. */
export const spanQuery = z.strictObject({
  start: moment.optional().describe('Not before.'),
  end: moment.optional().describe('Not after.'),
  with: bareAddress.optional().describe('What was exchanged with this one.'),
})
export const exportQuery = spanQuery.extend({
  after: z.string().max(100).optional().describe('Behind the message with this id.'),
})

/** A line of an export. */
export const exportedMessage = z.strictObject({
  id: z.string().describe('In this archive (XEP-0313).'),
  at: time,
  with: z.string().optional().describe('In the archive of an account, the other side; in that of a room, the author.'),
  xml: z.string().describe('The stanza.'),
})

/** What an erasure answers. */
export const erased = z.strictObject({ erased: z.int().describe('Messages.') })

export function logQuery({ with: other, ...span }: z.output<typeof exportQuery>): LogQuery {
  const known = Object.entries(span).filter(([, value]) => value !== undefined)
  return { ...Object.fromEntries(known), ...(other && { with: other.toString() }) }
}

/** An archive, a message a line: read as fast as it is taken, a part at a time. @throws UnknownIdError */
export async function exported(
  log: LogStore<string>,
  owner: string,
  query: LogQuery,
  signal: AbortSignal,
): Promise<Response> {
  const encoder = new TextEncoder()
  let last: LogEntry<string> | undefined
  let page = await log.page(owner, { ...query, ...stride })

  /** What is behind the last one, though that may be gone by now. */
  async function next() {
    try {
      return await log.page(owner, { ...query, after: last!.id, ...stride })
    } catch (error) {
      if (!(error instanceof UnknownIdError)) throw error
      const { after: _, ...rest } = query
      return log.page(owner, { ...rest, start: last!.at, ...stride })
    }
  }

  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        signal.throwIfAborted()
        if (last) page = await next()
        const behind = last?.id ?? ''
        const lines = page.entries.filter(({ id }) => id > behind).map(lineOf)
        last = page.entries.at(-1)
        if (lines.length > 0) controller.enqueue(encoder.encode(lines.join('')))
        if (page.isComplete || !last) controller.close()
      },
    },
    { highWaterMark: 0 },
  )
  return new Response(body, { headers: { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' } })
}

function lineOf({ id, at, with: other, value }: LogEntry<string>): string {
  return `${JSON.stringify({ id, at: shownTime(at), ...(other !== undefined && { with: other }), xml: value })}\n`
}
