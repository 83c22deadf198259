import { iq, Jid, parse, pubsub, PushNotification, type PushSummary, pubsubNs, StanzaError, xml } from '@jackdaw/xmpp'
import type { Host } from '../../module.ts'
import type { MapStore } from '../../storage/storage.ts'
import type { Awaitable } from '../../world.ts'
import type { Notice } from './notice.ts'
import type { Enabled, Services } from './services.ts'

/** How long (milliseconds) until a service that could not be reached is tried again: it doubles. */
const firstDelay = 60_000
const longestDelay = 3_600_000

interface PublisherOptions {
  readonly host: Pick<Host, 'accounts' | 'ask' | 'clock' | 'domain' | 'log' | 'roles'>
  readonly services: Services
  /** Owned by the host: notifications that no service has taken yet, under account and service. */
  readonly outstanding: MapStore<true>
  /** Milliseconds between two notifications to one service. */
  readonly interval: number
  /** How often in a row a service may fail before it is disabled. */
  readonly attempts: number
  readonly summary: (account: Jid, last: Notice | undefined) => Awaitable<PushSummary>
  readonly count: Readonly<Record<'published' | 'failed' | 'disabled', { inc(): void }>>
}

/** A notification on its way to a service: what comes meanwhile goes with the next one. */
interface Publication {
  readonly account: Jid
  readonly key: string
  last: Notice | undefined
  /** There is more to tell than is on its way. */
  isDue: boolean
  isBusy: boolean
  cancel?: () => void
}

/**
 * Publishes notifications (XEP-0357 §6), to each service one after the other. That one is due is kept until the service has taken it: it
 * outlives a kill, though not what its last message was.
 */
export class Publisher {
  readonly #options: PublisherOptions
  readonly #running = new Map<string, Publication>()
  #isStopped = false

  constructor(options: PublisherOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#running.size
  }

  /** Takes up what a kill has left. */
  async recover(): Promise<void> {
    const { outstanding, host } = this.#options
    for (const id of (await outstanding.all(host.domain.toString())).keys()) {
      const [account = '', ...key] = id.split('\n')
      this.notify(Jid.parse(account), key.join('\n'), undefined)
    }
  }

  /** Lets the service be told; of several notices the last one counts. */
  notify(account: Jid, key: string, notice: Notice | undefined): void {
    const id = `${account}\n${key}`
    const publication = this.#running.get(id) ?? { account, key, last: undefined, isDue: false, isBusy: false }
    this.#running.set(id, publication)
    publication.last = notice ?? publication.last
    if (!publication.isDue && !publication.isBusy) this.#note(id, true)
    publication.isDue = true
    if (publication.isBusy || publication.cancel) return
    publication.isBusy = true
    this.#options.host.clock.soon(() => void this.#publish(id, publication))
  }

  /** What was on its way to a service is not to be told any more. */
  drop(account: Jid, key: string): void {
    this.#end(`${account}\n${key}`)
  }

  forget(account: Jid): void {
    for (const [id, publication] of this.#running) if (publication.account.equals(account)) this.#end(id)
  }

  stop(): void {
    this.#isStopped = true
    for (const { cancel } of this.#running.values()) cancel?.()
  }

  async #publish(id: string, publication: Publication): Promise<void> {
    const { account, key } = publication
    const { services, host, summary, interval, count } = this.#options
    try {
      const service = (await services.of(account)).get(key)
      // Who is woken could not log in, or may not be woken any more.
      if (!service || host.accounts.isDisabled(account) || !host.roles.may(account, 'push')) return this.#end(id)
      publication.isDue = false
      const told = await summary(account, publication.last)
      if (this.#isStopped) return
      await host.ask(this.#request(service, told))
      if (this.#isOver(id, publication)) return
      count.published.inc()
      if (service.failures) services.failed(account, key, 0)
      if (!publication.isDue) this.#note(id, false)
      this.#rest(id, publication, interval)
    } catch (error) {
      if (this.#isOver(id, publication)) return
      count.failed.inc()
      await this.#failed(id, publication, error)
    }
  }

  /** §6.1: a service that refuses is disabled, one that cannot be reached when that has happened several times in a row. */
  async #failed(id: string, publication: Publication, error: unknown): Promise<void> {
    const { account, key } = publication
    const { services, host, attempts, count } = this.#options
    if (!(error instanceof StanzaError)) host.log.error({ err: error }, 'a notification could not be published')
    const service = (await services.of(account)).get(key)
    if (!service || this.#isOver(id, publication)) return this.#end(id)
    const failures = (service.failures ?? 0) + 1
    if (!isTransient(error) || failures >= attempts) {
      host.log.info({ service: service.jid, err: error }, 'a push service has been disabled')
      services.remove(account, key)
      count.disabled.inc()
      return this.#end(id)
    }
    services.failed(account, key, failures)
    publication.isDue = true
    this.#rest(id, publication, Math.min(firstDelay * 2 ** (failures - 1), longestDelay))
  }

  #rest(id: string, publication: Publication, delay: number): void {
    publication.isBusy = false
    publication.cancel = this.#options.host.clock.after(delay, () => {
      delete publication.cancel
      if (!publication.isDue) return void this.#running.delete(id)
      publication.isBusy = true
      void this.#publish(id, publication)
    })
  }

  #isOver(id: string, publication: Publication): boolean {
    return this.#isStopped || this.#running.get(id) !== publication
  }

  #end(id: string): void {
    this.#running.get(id)?.cancel?.()
    this.#running.delete(id)
    this.#note(id, false)
  }

  #note(id: string, isOutstanding: boolean): void {
    const { outstanding, host } = this.#options
    void outstanding.edit(host.domain.toString(), id, () => (isOutstanding ? true : undefined))
  }

  #request({ jid, node, options }: Enabled, told: PushSummary) {
    const item = xml('item', pubsubNs, undefined, PushNotification.write(told))
    const publish = xml('publish', pubsubNs, { node: node || undefined }, item)
    const form = options === undefined ? undefined : xml('publish-options', pubsubNs, undefined, parse(options))
    return iq({ type: 'set', from: this.#options.host.domain, to: Jid.parse(jid) }, pubsub(publish, form))
  }
}

function isTransient(error: unknown): boolean {
  if (!(error instanceof StanzaError)) return true
  return error.type === 'wait' || error.condition === 'remote-server-not-found'
}
