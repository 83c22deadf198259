import { createPrivateKey } from 'node:crypto'
import * as z from 'zod'
import { duration, subdomain } from '../../config/fields.ts'
import { isNetwork } from '../../config/networks.ts'

/** A private key in PEM. */
function privateKey(type: 'ec' | 'rsa') {
  const isOne = (text: string) => {
    try {
      return createPrivateKey(text).asymmetricKeyType === type
    } catch {
      return false
    }
  }
  return z.string().refine(isOne, { error: `expected a private key of type ${type} in PEM` })
}

const appName = /^[A-Za-z0-9._-]{1,64}$/

/** What is configured for one app. */
export const appFields = z.strictObject({
  secret: z.string().min(16, { error: 'expected at least 16 characters' }),
  http: z.boolean().default(false),
  'web-push': z
    .strictObject({
      subject: z.string().regex(/^(mailto:.+@|https:\/\/)./, { error: "expected 'mailto:…' or 'https://…'" }),
      privateKey: z
        .string()
        .regex(/^[A-Za-z0-9_-]{43}$/, { error: 'expected 32 bytes in base64url' })
        .optional(),
    })
    .optional(),
  apns: z
    .strictObject({
      teamId: z.string().min(1),
      keyId: z.string().min(1),
      key: privateKey('ec'),
      topic: z.string().min(1),
      sandbox: z.boolean().default(false),
    })
    .optional(),
  fcm: z
    .object({
      project_id: z.string().min(1),
      client_email: z.string().min(1),
      private_key: privateKey('rsa'),
      token_uri: z.url({ protocol: /^https$/ }).default('https://oauth2.googleapis.com/token'),
    })
    .optional(),
})
export type AppConfig = z.output<typeof appFields>

export const pushServiceFields = z.object({
  subdomain: subdomain('push'),
  apps: z
    .record(z.string().regex(appName, { error: 'expected letters, digits, dots, - and _' }), appFields)
    .default({})
    .describe(
      'The apps that are served, by their keys. Of each: `secret`, with which its own server authenticates (the key being the user name); and how it is reached: `http`, `web-push`, `apns`, `fcm`. See [push.md](push.md).',
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
