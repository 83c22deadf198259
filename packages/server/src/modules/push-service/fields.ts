import * as z from 'zod'
import { duration, subdomain } from '../../config/fields.ts'
import { isNetwork } from '../../config/networks.ts'

const appName = /^[A-Za-z0-9._-]{1,64}$/

/** What is configured for one app. */
export const appFields = z.strictObject({
  secret: z.string().min(16, { error: 'expected at least 16 characters' }),
  http: z.boolean().default(false),
})
export type AppConfig = z.output<typeof appFields>

export const pushServiceFields = z.object({
  subdomain: subdomain('push'),
  apps: z
    .record(z.string().regex(appName, { error: 'expected letters, digits, dots, - and _' }), appFields)
    .default({})
    .describe(
      'The apps that are served, by their keys. Of each: `secret`, with which its own server authenticates (the key being the user name); `http: true` when it may be reached at URLs that its users give.',
    ),
  networks: z
    .array(
      z.string().refine(isNetwork, { error: "expected 'loopback', an address, or a network such as '10.0.0.0/8'" }),
    )
    .default([])
    .describe('Networks that are not public and may nevertheless be reached at addresses that users give.'),
  perAccount: z.int().min(1).default(20).describe('Most registrations of one account with one app.'),
  queue: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(10_000)
    .describe('Most messages of one app that wait to be handed over; more are refused.'),
  ttl: duration({ min: '1 min', max: '20 d' })
    .prefault('1 d')
    .describe('How long it is tried to hand over a message of which its app says nothing else.'),
  keep: duration({ min: '1 d', max: '24 d' })
    .prefault('20 d')
    .describe('How long it is known what became of a message, and at least as long as it may be tried.'),
})
