import {
  Command,
  commandsNs,
  DiscoInfo,
  discoInfoNs,
  DiscoItems,
  discoItemsNs,
  fieldValues,
  Jid,
  message,
  PubsubRequest,
  pubsubNs,
  PushNotification,
  pushNs,
  StanzaError,
  xml,
} from '@jackdaw/xmpp'
import { networks } from '../../config/networks.ts'
import { defineModule, log, map } from '../../module.ts'
import { describeCommand, listCommands, perform } from '../commands/ad-hoc.ts'
import { commands } from './commands.ts'
import { apns } from './apns.ts'
import { Courier } from './courier.ts'
import type { Deliverer } from './deliverer.ts'
import { type AppConfig, pushServiceFields } from './fields.ts'
import { fcm } from './fcm.ts'
import { http2Outbound } from './http2-outbound.ts'
import { type Content, type Delivery, Ledger } from './ledger.ts'
import { httpOutbound, type Outbound } from '../../outbound/outbound.ts'
import { plainHttp } from './plain-http.ts'
import { isPublic } from '../../outbound/private-addresses.ts'
import { type Audience, type Ended, type Registration, Registrations } from './registrations.ts'
import { isSame, rest } from './rest.ts'
import { newVapidKey, webPush } from './web-push.ts'

/** What every push service takes at least (RFC 8030 §7.2, after encryption; APNs and FCM: 4096). */
const mostPayload = 3500
const day = 86_400_000
/** Most messages that wait for one registration before servers may publish no more to it. */
const mostPublished = 10

/** How services elsewhere are reached. */
export interface Ways {
  readonly http: Outbound
  readonly http2: Outbound & { close(): void }
  readonly origins: { readonly apns: string; readonly apnsSandbox: string; readonly fcm: string }
}

export function definePushService({ http, http2, origins }: Ways) {
  return defineModule({
    name: 'push-service',
    xeps: ['XEP-0357 0.4.1'],
    isOptIn: true,
    config: pushServiceFields,
    stores: {
      registrations: map<Registration>(),
      ended: map<Ended>(),
      groups: map<true>(),
      deliveries: log<Delivery>(),
      /** Owned by apps: VAPID keys that were made here. */
      keys: map<string>(),
    },
    async start(host) {
      const { config, clock, random, domain, metrics } = host
      const apps = new Map(Object.entries(config.apps))
      const isAllowed = networks(config.networks)
      const mayReach = (address: string) => isPublic(address) || isAllowed(address)
      const deliverers = new Map<string, ReadonlyMap<string, Deliverer>>()
      for (const [app, fields] of apps) deliverers.set(app, await deliverersOf(app, fields))
      const registrations = new Registrations(host.stores, clock, random)
      const ledger = new Ledger(host.stores.deliveries, clock)
      const courier = new Courier({
        host,
        ledger,
        registrations,
        deliverers,
        ended: announce,
        count: {
          handed: metrics.counter('jackdaw_push_service_handed_over_total', 'Messages handed over to push services'),
          failed: metrics.counter('jackdaw_push_service_failed_total', 'Messages that could not be handed over'),
          retried: metrics.counter('jackdaw_push_service_retries_total', 'Attempts that are to be repeated'),
          ended: metrics.counter('jackdaw_push_service_ended_total', 'Registrations that push services have ended'),
        },
        taken: metrics.histogram(
          'jackdaw_push_service_attempt_seconds',
          'How long push services took to answer',
          [0.1, 0.5, 2, 5, 15],
        ),
      })
      metrics.gauge('jackdaw_push_service_queued', 'Messages on their way to push services', () => courier.size)
      host.onStop(() => courier.stop())
      host.onStop(() => http2.close())

      const service = host.serve(config.subdomain, { name: 'Push' })
      const commandsFor = (from: Jid) =>
        commands({
          domain: service.domain,
          from,
          isOwn: from.domain === domain.domain && from.local !== undefined && host.roles.may(from, 'push'),
          deliverers,
          registrations,
          register,
        })

      service.answer('get', 'domain', DiscoInfo, ({ payload: { node }, from }) => {
        if (node !== undefined) {
          const info = describeCommand(commandsFor(from), node)
          if (!info) throw new StanzaError('item-not-found', `There is no node ${node}`)
          return DiscoInfo.write(info)
        }
        // XEP-0357 §3.2
        const identities = [{ category: 'pubsub', type: 'push', name: 'Push' }]
        return DiscoInfo.write({ identities, features: [discoInfoNs, discoItemsNs, pushNs, commandsNs], forms: [] })
      })
      service.answer('get', 'domain', DiscoItems, ({ payload: { node }, from }) =>
        DiscoItems.write({
          node,
          items: node === commandsNs ? listCommands(commandsFor(from), service.domain) : [],
        }),
      )
      service.answer('set', 'domain', Command, ({ payload, from }) => perform(commandsFor(from), payload, random))

      // XEP-0357 §6: the secret is what tells that it is the user's own server that publishes.
      service.answer('set', 'domain', PubsubRequest, async ({ payload: request }) => {
        if (request.verb !== 'publish') throw new StanzaError('feature-not-implemented')
        const { node, items, options } = request
        const registration = await registrations.get(node)
        const secret = options && fieldValues(options, 'secret')?.[0]
        if (!isSame(secret ?? '', registration?.secret ?? '') || !registration) throw new StanzaError('item-not-found')
        const notification = items[0]?.payload
        if (notification?.name !== PushNotification.name || notification.ns !== pushNs)
          throw new StanzaError('bad-request', 'A notification is missing')
        // Whoever publishes is not the app: its queue is not his to fill.
        if (courier.queuedFor(node) >= mostPublished)
          throw new StanzaError('resource-constraint', 'Too many messages wait for this registration')
        await send(registration.app, { registration: node }, contentOf(notification))
      })

      host.http(
        '/push/',
        rest({
          path: '/push/',
          deliverers,
          secrets: new Map([...apps].map(([app, { secret }]) => [app, secret])),
          registrations,
          ledger,
          clock,
          register,
          send,
          displayed: (app, id, delivery) => courier.displayed(id) || ledger.displayed(app, id, delivery),
          kept: () => host.kept(),
        }),
      )

      host.on('account:removed', async ({ account }) => {
        for (const app of apps.keys())
          for await (const id of registrations.find(app, { account: account.toString() })) {
            const registration = await registrations.get(id)
            if (registration) registrations.remove(id, registration, 'The account has been removed')
          }
      })

      recover().catch((error: unknown) => host.log.error({ err: error }, 'what push messages wait could not be read'))
      host.onStop(clean())

      /** Takes up what a kill has left. */
      async function recover(): Promise<void> {
        for (const app of apps.keys()) for await (const { id, value } of ledger.queued(app)) courier.add(app, id, value)
      }

      /** Forgets, once a day, what became of old messages. */
      function clean(): () => void {
        let cancel = clock.after(day, again)
        function again() {
          cancel = clock.after(day, again)
          for (const app of apps.keys()) void ledger.trim(app, clock.now() - config.keep)
        }
        return () => cancel()
      }

      async function deliverersOf(app: string, ways: AppConfig): Promise<ReadonlyMap<string, Deliverer>> {
        const { 'web-push': browsers, apns: apple, fcm: firebase } = ways
        const all = [
          ways.http && plainHttp(http, clock, mayReach),
          browsers &&
            webPush({
              outbound: http,
              clock,
              random,
              mayReach,
              subject: browsers.subject,
              privateKey: browsers.privateKey ?? (await vapidKey(app)),
            }),
          apple &&
            apns({ ...apple, outbound: http2, clock, origin: apple.sandbox ? origins.apnsSandbox : origins.apns }),
          firebase && fcm({ outbound: http, clock, origin: origins.fcm, account: firebase }),
        ]
        return new Map(all.filter((one) => typeof one === 'object').map((one) => [one.kind, one]))
      }

      /** The app's own, made when it is wanted first: browsers are subscribed with it for ever. */
      async function vapidKey(app: string): Promise<string> {
        return (await host.stores.keys.edit(app, 'vapid', (old) => old ?? newVapidKey(random)))!
      }

      async function register(given: Omit<Registration, 'secret' | 'at'>) {
        const { app, kind, address, account } = given
        const deliverer = deliverers.get(app)?.get(kind)
        if (!deliverer) throw new StanzaError('not-acceptable', `The app is not reached by ${kind}`)
        const wrong = deliverer.check(address)
        if (wrong !== undefined) throw new StanzaError('not-acceptable', wrong)
        if (account !== undefined && (await registrations.count(app, account, config.perAccount)) >= config.perAccount)
          throw new StanzaError('resource-constraint', 'The account has too many registrations')
        return registrations.add(given)
      }

      async function send(app: string, to: Audience, content: Content, ttl = config.ttl) {
        if (Buffer.byteLength(JSON.stringify(content)) > mostPayload)
          throw new StanzaError('not-acceptable', `A message has ${mostPayload} bytes at most`)
        const room = config.queue - courier.queued(app)
        const ids: string[] = []
        for await (const id of registrations.find(app, to)) {
          ids.push(id)
          if (ids.length > room) throw new StanzaError('resource-constraint', 'Too many messages of this app wait')
        }
        const name = Buffer.from(random.bytes(12)).toString('base64url')
        const until = clock.now() + Math.min(ttl, config.keep)
        for (const id of ids) {
          const queued = ledger.queue(app, name, id, content, until)
          courier.add(app, queued, { registration: id, state: 'queued', attempts: 0, at: clock.now(), until, content })
        }
        return { message: name, queued: ids.length }
      }

      /** XEP-0357 §7: the account's server need not wait for an error. */
      function announce(id: string, { account }: Registration): void {
        if (account === undefined) return
        const gone = xml('affiliation', pubsubNs, { jid: account, affiliation: 'none' })
        host.send(
          message({ from: service.domain, to: Jid.parse(account) }, xml('pubsub', pubsubNs, { node: id }, gone)),
        )
      }
    },
  })
}

/** What a notification tells, as an app gets it. */
function contentOf(notification: Parameters<typeof PushNotification.read>[0]): Content {
  const { lastMessageSender, lastMessageBody, messageCount, pendingSubscriptionCount } =
    PushNotification.read(notification)
  const counts = { messages: messageCount, requests: pendingSubscriptionCount }
  const data = Object.fromEntries(
    Object.entries(counts).flatMap(([key, count]) => (count === undefined ? [] : [[key, String(count)]])),
  )
  return {
    ...(lastMessageSender !== undefined && { title: lastMessageSender.slice(0, 500) }),
    ...(lastMessageBody !== undefined && { body: lastMessageBody.slice(0, 500) }),
    data,
  }
}

/** Where the services of Apple and Google are. */
export const pushOrigins = {
  apns: 'https://api.push.apple.com',
  apnsSandbox: 'https://api.sandbox.push.apple.com',
  fcm: 'https://fcm.googleapis.com',
}

export const pushService = definePushService({ http: httpOutbound(), http2: http2Outbound(), origins: pushOrigins })
