import * as z from 'zod'
import type { Host } from '../../module.ts'
import { Problem } from '../rest-api/problem.ts'
import { shownTime, time } from '../rest-api/schemas.ts'
import type { Webhook } from './webhook.ts'

const webhook = z.strictObject({
  name: z.string(),
  url: z.string().describe('Without its query, which may hold secrets.'),
  state: z.enum(['taking', 'failing', 'paused']),
  position: z.string().describe('The id of the last event that it has had; empty where there was none.'),
  failingSince: time.optional().describe('Since when it has taken nothing.'),
  attempts: z.int().optional().describe('How often the next event has been sent since then.'),
  reason: z.string().optional().describe('Why the last attempt failed.'),
})

/** Lets programs see how webhooks are, and try one at once. */
export function webhookEndpoints(host: Host, webhooks: ReadonlyMap<string, Webhook>): void {
  host.endpoint({
    method: 'get',
    path: '/webhooks',
    scope: 'webhooks:read',
    summary: 'List the webhooks of events',
    answer: { status: 200, description: 'All of them.', schema: z.strictObject({ items: z.array(webhook) }) },
    handle: () => ({ items: [...webhooks].map(([name, one]) => shown(name, one)) }),
  })

  host.endpoint({
    method: 'post',
    path: '/webhooks/{name}/retry',
    scope: 'webhooks:write',
    summary: 'Try a webhook at once that is failing or paused',
    params: z.strictObject({ name: z.string().max(64) }),
    answer: { status: 204, description: 'It is being tried.' },
    handle({ params: { name }, record }) {
      const found = webhooks.get(name)
      if (!found) throw new Problem(404, `There is no webhook ${name}`)
      found.retry()
      record('tried again the webhook', name)
    },
  })
}

function shown(name: string, { progress }: Webhook): z.output<typeof webhook> {
  const { position, url, failingSince, attempts, reason, isPaused } = progress
  const { origin, pathname } = new URL(url)
  return {
    name,
    url: origin + pathname,
    state: isPaused ? 'paused' : failingSince === undefined ? 'taking' : 'failing',
    position,
    ...(failingSince !== undefined && { failingSince: shownTime(failingSince), attempts, reason }),
  }
}
