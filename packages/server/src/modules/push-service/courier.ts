import type { Host } from '../../module.ts'
import type { Deliverer, Outcome } from './deliverer.ts'
import type { Content, Delivery, Ledger } from './ledger.ts'
import type { Registration, Registrations } from './registrations.ts'

/** How long (milliseconds) until it is tried again: it doubles. */
const firstDelay = 10_000
const longestDelay = 3_600_000
/** How many deliveries are tried at once. */
const mostAtOnce = 50

interface CourierOptions {
  readonly host: Pick<Host, 'clock' | 'log'>
  readonly ledger: Ledger
  readonly registrations: Registrations
  /** By app, then by kind. */
  readonly deliverers: ReadonlyMap<string, ReadonlyMap<string, Deliverer>>
  /** The registration has ended: its owner is to know. */
  readonly ended: (id: string, registration: Registration, reason: string) => void
  readonly count: Readonly<Record<'handed' | 'failed' | 'retried' | 'ended', { inc(): void }>>
  /** Seconds of each attempt. */
  readonly taken: { observe(value: number): void }
}

interface Job {
  readonly app: string
  readonly id: string
  delivery: Delivery
  /** The app has said so before the push service has answered. */
  isDisplayed: boolean
}

/**
 * Hands over what the ledger has queued. An entry stays queued until it has been handed over or has failed for a reason that is noted with it;
 * what a kill has interrupted is done again.
 */
export class Courier {
  readonly #options: CourierOptions
  readonly #ready: Job[] = []
  readonly #waiting = new Map<Job, () => void>()
  /** By the id of the delivery. */
  readonly #jobs = new Map<string, Job>()
  readonly #queued = new Map<string, number>()
  readonly #queuedFor = new Map<string, number>()
  #busy = 0
  #isStopped = false

  constructor(options: CourierOptions) {
    this.#options = options
  }

  /** How many of an app's messages are on their way. */
  queued(app: string): number {
    return this.#queued.get(app) ?? 0
  }

  /** How many of them are for one registration. */
  queuedFor(registration: string): number {
    return this.#queuedFor.get(registration) ?? 0
  }

  get size(): number {
    return this.#jobs.size
  }

  add(app: string, id: string, delivery: Delivery): void {
    if (this.#jobs.has(id)) return
    const job = { app, id, delivery, isDisplayed: false }
    this.#jobs.set(id, job)
    this.#count(job, 1)
    this.#ready.push(job)
    this.#options.host.clock.soon(() => this.#pump())
  }

  /** It has been displayed; false when it is not on its way any more. */
  displayed(id: string): boolean {
    const job = this.#jobs.get(id)
    if (job) job.isDisplayed = true
    return job !== undefined
  }

  stop(): void {
    this.#isStopped = true
    for (const cancel of this.#waiting.values()) cancel()
  }

  #pump(): void {
    while (!this.#isStopped && this.#busy < mostAtOnce) {
      const job = this.#ready.shift()
      if (!job) return
      this.#busy++
      this.#deliver(job)
        .catch((error: unknown) => {
          this.#options.host.log.error({ err: error }, 'a push message could not be handled and waits')
          this.#later(job, firstDelay)
        })
        .finally(() => {
          this.#busy--
          this.#pump()
        })
    }
  }

  async #deliver(job: Job): Promise<void> {
    const { registrations } = this.#options
    const { app, delivery } = job
    const registration = await registrations.get(delivery.registration)
    const deliverer = registration && this.#options.deliverers.get(app)?.get(registration.kind)
    const outcome = await this.#attempt(job, registration, deliverer)
    // What was under way when the server stopped is done again.
    if (this.#isStopped) return
    this.#settle(job, registration, outcome)
  }

  async #attempt(
    { id, delivery }: Job,
    registration: Registration | undefined,
    deliverer: Deliverer | undefined,
  ): Promise<Outcome> {
    const left = delivery.until - this.#options.host.clock.now()
    if (!registration) return { is: 'refused', reason: 'The registration has ended' }
    if (!deliverer) return { is: 'refused', reason: `The app does not deliver by ${registration.kind}` }
    if (left <= 0) return { is: 'refused', reason: delivery.reason ?? 'Its time was over' }
    const content = delivery.content ?? {}
    const ttl = Math.ceil(left / 1000)
    const { clock } = this.#options.host
    const began = clock.now()
    try {
      return await deliverer.deliver(registration.address, {
        id,
        payload: payloadOf(id, content),
        title: content.title,
        body: content.body,
        data: content.data,
        ttl,
        secret: registration.secret,
      })
    } catch (error) {
      return { is: 'later', reason: error instanceof Error ? error.message : String(error) }
    } finally {
      this.#options.taken.observe((clock.now() - began) / 1000)
    }
  }

  #settle(job: Job, registration: Registration | undefined, outcome: Outcome): void {
    const { ledger, registrations, host, count, ended } = this.#options
    const { app, id, delivery } = job
    if (outcome.is === 'later' && !job.isDisplayed) {
      const delay = outcome.after ?? Math.min(firstDelay * 2 ** Math.min(delivery.attempts, 20), longestDelay)
      if (host.clock.now() + delay < delivery.until) {
        job.delivery = ledger.tried(app, id, delivery, outcome.reason)
        count.retried.inc()
        return this.#later(job, delay)
      }
    }
    this.#jobs.delete(id)
    this.#count(job, -1)
    if (outcome.is === 'handed over' || job.isDisplayed) {
      ledger.finish(app, id, delivery)
      if (job.isDisplayed) ledger.displayed(app, id, delivery)
      return count.handed.inc()
    }
    ledger.finish(app, id, delivery, outcome.reason)
    count.failed.inc()
    if (outcome.is !== 'gone' || !registration) return
    registrations.remove(delivery.registration, registration, outcome.reason)
    ended(delivery.registration, registration, outcome.reason)
    count.ended.inc()
  }

  #count({ app, delivery: { registration } }: Job, change: number): void {
    this.#queued.set(app, this.queued(app) + change)
    const left = this.queuedFor(registration) + change
    if (left > 0) this.#queuedFor.set(registration, left)
    else this.#queuedFor.delete(registration)
  }

  #later(job: Job, delay: number): void {
    const cancel = this.#options.host.clock.after(delay, () => {
      this.#waiting.delete(job)
      this.#ready.push(job)
      this.#pump()
    })
    this.#waiting.set(job, cancel)
  }
}

/** What the app gets: the id lets it say that the message was displayed. */
function payloadOf(id: string, content: Content): string {
  return JSON.stringify({ delivery: id, ...content })
}
