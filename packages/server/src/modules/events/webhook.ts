import type { Host } from '../../module.ts'
import type { HttpAnswer, Outbound } from '../../outbound/outbound.ts'
import type { LogEntry, MapStore } from '../../storage/storage.ts'
import type { EventLog, Follower } from './event-log.ts'
import { type KeptEvent, type Kind, told } from './kinds.ts'
import { signed } from './signature.ts'

/** How long (milliseconds) until it is tried again: it doubles. */
const firstDelay = 5000
const longestDelay = 3_600_000

/** How far an endpoint has come, and what is wrong with it. Times are milliseconds since the Unix epoch. */
export type Progress = {
  /** The last event that it has had. */
  readonly position: string
  /** Where it is; at another URL all is tried anew. */
  readonly url: string
  /** Since when it has taken nothing. */
  readonly failingSince?: number
  readonly attempts?: number
  readonly reason?: string
  readonly isPaused?: true
}

interface WebhookOptions {
  readonly host: Pick<Host, 'clock' | 'random' | 'log' | 'domain' | 'kept'>
  readonly name: string
  readonly url: URL
  readonly keys: readonly Buffer[]
  readonly kinds: ReadonlySet<Kind>
  /** Milliseconds without success until it is paused. */
  readonly giveUp: number
  readonly outbound: Outbound
  readonly mayReach: (address: string) => boolean
  readonly events: EventLog
  /** Under 'progress', by its name. */
  readonly progress: MapStore<Progress>
  readonly count: Readonly<Record<'delivered' | 'failed' | 'lost', { inc(): void }>>
}

/**
 * Sends events to one endpoint, one after the other: the next one when the last has been taken. So however long it takes nothing, all that
 * is in memory for it is a page of the log.
 */
export class Webhook {
  readonly #options: WebhookOptions
  readonly #follower: Follower
  readonly #stop = new AbortController()
  #progress: Progress
  #wake = () => {}

  private constructor(options: WebhookOptions, progress: Progress) {
    this.#options = options
    this.#progress = progress
    this.#follower = options.events.follow()
  }

  /** One that is new gets what happens from now on. */
  static async open(options: WebhookOptions): Promise<Webhook> {
    const { events, name, progress, url } = options
    const known = await progress.get(name, 'progress')
    const position = known?.position ?? (await events.end())
    // Who has started the server anew, or has mended the URL, wants it to be tried.
    const isNew = known === undefined || known.isPaused || known.url !== url.href
    const webhook = new Webhook(options, isNew ? { position, url: url.href } : known)
    if (isNew) webhook.#keep(webhook.#progress)
    return webhook
  }

  get progress(): Progress {
    return this.#progress
  }

  get isFailing(): boolean {
    return this.#progress.failingSince !== undefined
  }

  get isPaused(): boolean {
    return this.#progress.isPaused === true
  }

  /** Resolves when it has been stopped or paused. */
  async run(): Promise<void> {
    try {
      await this.#run()
    } catch (error) {
      if (!this.#isStopped)
        this.#options.host.log.error({ err: error, webhook: this.#options.name }, 'a webhook has ended')
    }
  }

  async #run(): Promise<void> {
    const { events, kinds } = this.#options
    while (!this.#isStopped && !this.isPaused) {
      this.#follower.begin()
      const { entries, isComplete, isLost } = await events.read(this.#progress.position)
      if (isLost) await this.#lost()
      for (const entry of entries) {
        if (kinds.has(entry.value.type) && !(await this.#deliver(entry))) return
        this.#progress = { ...this.#progress, position: entry.id }
      }
      // What it does not want is passed over without being told of each time.
      if (entries.length > 0) this.#keep(this.#progress)
      // While nothing can be kept, nothing piles up.
      await this.#options.host.kept()
      if (isComplete) await this.#follower.news()
    }
  }

  /** Tries it at once, where it waits or was given up. */
  retry(): void {
    if (!this.isPaused) return this.#wake()
    const { position, url } = this.#progress
    this.#keep({ position, url })
    void this.run()
  }

  /** What is under way is broken off: it is sent again after the next start. */
  stop(): void {
    this.#stop.abort()
    this.#options.events.leave(this.#follower)
    this.#follower.tell()
    this.#wake()
  }

  get #isStopped(): boolean {
    return this.#stop.signal.aborted
  }

  /** Until it has been taken; false when it was stopped or given up before. */
  async #deliver(entry: LogEntry<KeptEvent>): Promise<boolean> {
    const { host, name, count } = this.#options
    const body = told(host.domain.toString(), entry)
    for (;;) {
      const outcome = await this.#attempt(entry.id, body)
      if (this.#isStopped) return false
      if (outcome === undefined) {
        if (this.isFailing) host.log.info({ webhook: name }, 'a webhook takes events again')
        this.#keep({ position: entry.id, url: this.#progress.url })
        count.delivered.inc()
        return true
      }
      count.failed.inc()
      if (!this.#failed(outcome)) return false
      await this.#wait(outcome.retryAfter)
      if (this.#isStopped) return false
    }
  }

  /** Undefined when it has been taken. */
  async #attempt(id: string, body: string): Promise<Failure | undefined> {
    const { host, keys, mayReach, outbound, url } = this.#options
    const headers = { 'content-type': 'application/json', ...signed(id, host.clock.now(), body, keys) }
    try {
      return failureOf(await outbound({ url, headers, body, mayReach, signal: this.#stop.signal }, host.clock))
    } catch (error) {
      return { reason: error instanceof Error ? error.message : String(error) }
    }
  }

  /** Notes it; false when it is given up. */
  #failed({ reason, isGone = false }: Failure): boolean {
    const { host, name, giveUp } = this.#options
    const now = host.clock.now()
    const { failingSince = now, attempts = 0, ...rest } = this.#progress
    const isPaused = isGone || now - failingSince >= giveUp
    this.#keep({
      ...rest,
      failingSince,
      attempts: attempts + 1,
      reason: reason.slice(0, 500),
      ...(isPaused && { isPaused }),
    })
    if (isPaused)
      host.log.error(
        { webhook: name, reason },
        'a webhook is paused: it has not taken events for too long; it is tried again after a start, or when its configuration changes',
      )
    else if (attempts === 0)
      host.log.warn({ webhook: name, reason }, 'a webhook does not take an event; it is tried again')
    return !isPaused
  }

  /** Longer each time, and somewhat at random. */
  async #wait(retryAfter = 0): Promise<void> {
    const { clock, random } = this.#options.host
    const [byte = 0] = random.bytes(1)
    const delay = Math.min(firstDelay * 2 ** Math.min(this.#progress.attempts! - 1, 20), longestDelay)
    const wait = Math.max(delay * (0.75 + byte / 512), retryAfter)
    await new Promise<void>((resolve) => {
      const cancel = clock.after(wait, resolve)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
  }

  async #lost(): Promise<void> {
    const { host, name, count, events } = this.#options
    const position = await events.start()
    this.#keep({ ...this.#progress, position })
    count.lost.inc()
    host.log.error(
      { webhook: name },
      'events that a webhook had not taken yet are no longer kept: it does not get them',
    )
  }

  #keep(progress: Progress): void {
    const { name, progress: store } = this.#options
    this.#progress = progress
    void store.edit(name, 'progress', () => progress)
  }
}

interface Failure {
  readonly reason: string
  readonly retryAfter?: number | undefined
  /** It wants no more, ever. */
  readonly isGone?: boolean
}

/** Standard Webhooks, delivery success and failure. */
function failureOf({ status, retryAfter }: HttpAnswer): Failure | undefined {
  if (status >= 200 && status < 300) return undefined
  return { reason: `HTTP ${status}`, retryAfter, isGone: status === 410 }
}
