import { defineModule, log, map } from '../../module.ts'
import { keptOutbound } from '../../outbound/outbound.ts'
import { streamEndpoint } from './endpoint.ts'
import { EventLog } from './event-log.ts'
import { eventFields } from './fields.ts'
import { type KeptEvent, kindsOf } from './kinds.ts'
import { reach } from './reach.ts'
import { listen } from './sources.ts'
import { type Progress, Webhook } from './webhook.ts'
import { webhookEndpoints } from './webhook-endpoints.ts'

/** What happens on a host, in a log of its own, for other programs: sent to webhooks, and to who follows it. */
export const events = defineModule({
  name: 'events',
  isOptIn: true,
  config: eventFields,
  stores: {
    events: log<KeptEvent>(),
    floor: map<string>(),
    /** Owned by webhooks. */
    progress: map<Progress>(),
  },
  async start(host) {
    const { clock, config, metrics, stores } = host
    const kinds = kindsOf(config.kinds)
    const kept = await EventLog.open({
      log: stores.events,
      floor: stores.floor,
      clock,
      kept: () => host.kept(),
      keep: config.keep,
      count: config.count,
      onFault: (error) => host.log.error({ err: error }, 'old events could not be removed'),
    })
    host.onStop(() => kept.close())
    metrics.gauge('jackdaw_events', 'Events that are kept', () => kept.size)
    listen(host, kept, { kinds, hasContent: config.content })
    streamEndpoint(host, kept, { kinds, most: config.streams })

    const count = {
      delivered: metrics.counter('jackdaw_webhook_events_total', 'Events that webhooks have taken'),
      failed: metrics.counter('jackdaw_webhook_failures_total', 'Attempts to send an event that failed'),
      lost: metrics.counter(
        'jackdaw_webhook_gaps_total',
        'Times that events were removed before a webhook had taken them',
      ),
    }
    const outbound = keptOutbound()
    host.onStop(() => outbound.close())
    const mayReach = reach(config.networks)
    const webhooks = new Map<string, Webhook>()
    for await (const [name] of stores.progress.owners('progress'))
      if (!Object.hasOwn(config.webhooks, name)) void stores.progress.edit(name, 'progress', () => undefined)
    for (const [name, { url: text, secret: keys, kinds: wanted, giveUp }] of Object.entries(config.webhooks)) {
      const url = new URL(text)
      const webhook = await Webhook.open({
        host,
        name,
        url,
        keys,
        kinds: wanted ? kindsOf(wanted) : kinds,
        giveUp,
        outbound,
        mayReach: mayReach(url),
        events: kept,
        progress: stores.progress,
        count,
      })
      webhooks.set(name, webhook)
      host.onStop(() => webhook.stop())
      void webhook.run()
    }
    webhookEndpoints(host, webhooks)
    metrics.gauge(
      'jackdaw_webhooks_failing',
      'Webhooks that do not take events',
      () => [...webhooks.values()].filter((one) => one.isFailing).length,
    )
    metrics.gauge(
      'jackdaw_webhooks_paused',
      'Webhooks that were given up',
      () => [...webhooks.values()].filter((one) => one.isPaused).length,
    )
  },
})
