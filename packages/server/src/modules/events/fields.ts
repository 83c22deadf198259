import * as z from 'zod'
import { duration } from '../../config/fields.ts'
import { isNetwork } from '../../config/networks.ts'
import { groups, kindSchema, kindsOf } from './kinds.ts'
import { secretKey } from './signature.ts'

const longestUrl = 2048

const secret = z.string().refine((text) => secretKey(text) !== undefined, {
  error: "expected 'whsec_' and 24 to 64 bytes in base64; openssl rand -base64 32 makes what stands behind it",
})

const webhook = z.strictObject({
  url: z.string().refine(isEndpoint, {
    error: "expected a URL that begins with 'https://' (or 'http://'), without user name and '#'",
  }),
  secret: z
    .union([secret, z.array(secret).min(1).max(4)], {
      error: "expected 'whsec_' and 24 to 64 bytes in base64, or a list of some",
    })
    .transform((one) => [one].flat().map((text) => secretKey(text)!)),
  kinds: z.array(kindSchema).min(1).optional(),
  giveUp: duration({ min: '1 min', max: '24 d' }).prefault('3 d'),
})
export type WebhookConfig = z.output<typeof webhook>

const name = /^[A-Za-z0-9._-]{1,64}$/

export const eventFields = z
  .object({
    kinds: z
      .array(kindSchema)
      .min(1)
      .default(groups)
      .describe('What is kept: kinds of events, or groups of them such as `room`. See [events.md](events.md).'),
    content: z
      .boolean()
      .default(false)
      .describe('Whether events hold what people say, and what is needed to fetch their files.'),
    keep: duration({ min: '1 h', max: '3650 d' }).prefault('7 d').describe('How long an event is kept.'),
    count: z.int().min(1000).max(100_000_000).default(1_000_000).describe('Most events that are kept.'),
    webhooks: z
      .record(z.string().regex(name, { error: 'expected letters, digits, dots, - and _' }), webhook)
      .default({})
      .describe(
        'Where events are sent, by a name. Of each: `url`; `secret`, one or, while one is replaced, several; `kinds`, unless it gets all; `giveUp`, how long it may take nothing before it is paused, 3 d by default.',
      ),
    networks: z
      .array(
        z.string().refine(isNetwork, { error: "expected 'loopback', an address, or a network such as '10.0.0.0/8'" }),
      )
      .default([])
      .describe('Networks that are not public and where webhooks may nevertheless be; there they need no TLS.'),
    streams: z.int().min(1).max(10_000).default(50).describe('Most streams of events that are open at once.'),
  })
  .check(({ value: { kinds, webhooks }, issues }) => {
    const kept = kindsOf(kinds)
    for (const [called, { kinds: wanted }] of Object.entries(webhooks))
      for (const kind of kindsOf(wanted ?? []))
        if (!kept.has(kind))
          issues.push({
            code: 'custom',
            input: wanted,
            path: ['webhooks', called, 'kinds'],
            message: `${kind} is not kept: name it under events.kinds as well`,
          })
  })

function isEndpoint(text: string): boolean {
  const url = text.length <= longestUrl ? URL.parse(text) : null
  return (
    url !== null && ['https:', 'http:'].includes(url.protocol) && url.username + url.password === '' && url.hash === ''
  )
}
