import { createHmac } from 'node:crypto'
import {
  ExternalCredentials,
  type ExternalService,
  ExternalServices,
  externalServicesNs,
  type Jid,
  StanzaError,
} from '@jackdaw/xmpp'
import * as z from 'zod'
import { duration } from '../config/fields.ts'
import { defineModule, type Target } from '../module.ts'
import { when } from '../when.ts'
import type { Awaitable } from '../world.ts'

const types = ['stun', 'stuns', 'turn', 'turns'] as const

const service = z
  .strictObject({
    type: z.enum(types),
    host: z.string().regex(/^(?:[\w.-]+|[\da-f:.]+)$/i, { error: 'expected a name or an address' }),
    port: z.int().min(1).max(65_535).optional(),
    transport: z.enum(['udp', 'tcp']).optional(),
    secret: z.string().min(1).optional(),
  })
  .refine(({ type, secret }) => type.startsWith('turn') === (secret !== undefined), {
    error: 'a turn or turns service needs a secret, the same as in its own configuration; others have none',
  })

export type CallService = z.output<typeof service>

/** Where it is found: what is not configured is what it usually has. */
export function placeOf({ type, port, transport }: CallService): {
  readonly port: number
  readonly transport: 'udp' | 'tcp'
} {
  const isTls = type.endsWith('s')
  return { port: port ?? (isTls ? 5349 : 3478), transport: transport ?? (isTls ? 'tcp' : 'udp') }
}

/** Tells clients which STUN and TURN servers there are for calls, with credentials that end. */
export const externalServices = defineModule({
  name: 'external-services',
  xeps: ['XEP-0215 1.0.0'],
  config: z.object({
    services: z
      .array(service)
      .max(20)
      .default([])
      .describe(
        'Servers for calls: `type` (stun, stuns, turn or turns), `host`, `port` (3478, with TLS 5349), `transport` (udp, with TLS tcp) and, of turn and turns, the `secret` shared with them. See [calls](calls.md).',
      ),
    time: duration({ min: '10 min', max: '7 d' })
      .describe('How long the credentials for a TURN server are good; no call lasts longer.')
      .prefault('12 h'),
  }),
  start(host) {
    const { clock, config, domain } = host
    const { services } = config
    if (services.length === 0) return
    const given = host.metrics.counter(
      'jackdaw_turn_credentials_total',
      'Credentials for TURN servers given to clients',
    )
    host.feature('server', externalServicesNs)

    host.answer('get', 'server', ExternalServices, ({ sender, payload: { type } }) =>
      forOwn(sender, (account) => {
        const wanted = services.filter((one) => type === undefined || one.type === type)
        return ExternalServices.write({ type, services: wanted.map((one) => tell(one, account)) })
      }),
    )

    host.answer('get', 'server', ExternalCredentials, ({ sender, payload: [asked, ...more] }) =>
      forOwn(sender, (account) => {
        if (!asked || more.length > 0) throw new StanzaError('bad-request', 'Ask for one service')
        const found = services
          .map((one) => tell(one, account))
          .filter(
            ({ host: name, type, port, password }) =>
              password !== undefined &&
              name === asked.host &&
              type === asked.type &&
              (asked.port === undefined || port === asked.port),
          )
        // §3.3
        if (found.length === 0) throw new StanzaError('item-not-found', 'There are no credentials for this service')
        return ExternalCredentials.write(found)
      }),
    )

    /** §2: who is not one of ours is not to use our relays. */
    function forOwn<T>(sender: Target | undefined, act: (account: Jid) => T): Awaitable<T> {
      const account = sender?.account
      if (account?.domain !== domain.domain) throw forbidden()
      return when(host.accounts.exists(account), (exists) => {
        if (!exists) throw forbidden()
        return act(account)
      })
    }

    function tell(one: CallService, account: Jid): ExternalService {
      const { type, host: name, secret } = one
      const open: ExternalService = { type, host: name, ...placeOf(one) }
      return secret === undefined ? open : { ...open, isRestricted: true, ...credentials(secret, account) }
    }

    /** draft-uberti-behave-turn-rest-00 §2.2: what the TURN server makes itself out of the secret and the name. */
    function credentials(secret: string, account: Jid) {
      given.inc()
      const expires = Math.floor((clock.now() + config.time) / 1000)
      // The name travels in clear text; the same one for each account, so that quotas of the TURN server hold.
      const who = createHmac('sha256', secret).update(account.toString()).digest('base64url').slice(0, 16)
      const username = `${expires}:${who}`
      return {
        username,
        password: createHmac('sha1', secret).update(username).digest('base64'),
        expires: expires * 1000,
      }
    }
  },
})

function forbidden(): StanzaError {
  return new StanzaError('forbidden', 'These services are for our own users')
}
