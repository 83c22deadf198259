import * as z from 'zod'
import type { Host } from '../../module.ts'
import { shownTime, time } from './schemas.ts'

const act = z.strictObject({
  at: time,
  by: z.string().describe('An account, `command line`, or `token` and its name.'),
  did: z.string(),
  to: z.string().optional(),
})

/** The audit log, in which the token's own acts stand too. */
export function auditEndpoints(host: Host): void {
  host.endpoint({
    method: 'get',
    path: '/audit',
    scope: 'audit:read',
    summary: 'Read what was administered last',
    query: z.strictObject({ limit: z.coerce.number().int().min(1).max(500).default(100) }),
    answer: { status: 200, description: 'The last at the end.', schema: z.strictObject({ items: z.array(act) }) },
    async handle({ query: { limit } }) {
      return { items: (await host.audit.last(limit)).map(({ at, act: one }) => ({ at: shownTime(at), ...one })) }
    },
  })
}
