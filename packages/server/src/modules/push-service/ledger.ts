import type { LogEntry, LogStore } from '../../storage/storage.ts'
import type { Awaitable, Clock } from '../../world.ts'

/** What apps let people be told. */
export type Content = {
  readonly title?: string
  readonly body?: string
  readonly data?: { readonly [key: string]: string }
}

/** What became of a message for one registration. Times are milliseconds since the Unix epoch. */
export type Delivery = {
  readonly registration: string
  readonly state: 'queued' | 'handed over' | 'failed' | 'displayed'
  /** Why it failed, or has not been handed over yet. */
  readonly reason?: string
  readonly attempts: number
  /** Since when it is in this state. */
  readonly at: number
  /** Until when it is worth trying. */
  readonly until: number
  /** While it is queued. */
  readonly content?: Content
}

/** How many entries are read at once. */
const stride = 500

/** What became of every message: an entry for each registration, owned by the app, together under the message's id. */
export class Ledger {
  readonly #log: LogStore<Delivery>
  readonly #clock: Clock

  constructor(log: LogStore<Delivery>, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  /** Queues a message for one registration; returns the id of the delivery. */
  queue(app: string, message: string, registration: string, content: Content, until: number): string {
    const at = this.#clock.now()
    const value: Delivery = { registration, state: 'queued', attempts: 0, at, until, content }
    return this.#log.append(app, { value, at, with: message, isPending: true })
  }

  /** Notes an attempt that is to be repeated. */
  tried(app: string, id: string, delivery: Delivery, reason: string): Delivery {
    const next: Delivery = { ...delivery, attempts: delivery.attempts + 1, reason, at: this.#clock.now() }
    this.#log.replace(app, id, next)
    return next
  }

  /** It has been handed over, or failed: it waits no more, and its content is forgotten. */
  finish(app: string, id: string, delivery: Delivery, reason?: string): void {
    this.#end(
      app,
      id,
      { ...delivery, attempts: delivery.attempts + 1 },
      reason === undefined ? 'handed over' : 'failed',
      reason,
    )
  }

  /** People have seen it. */
  displayed(app: string, id: string, delivery: Delivery): void {
    this.#end(app, id, delivery, 'displayed')
  }

  #end(app: string, id: string, delivery: Delivery, state: Delivery['state'], reason?: string): void {
    const { registration, attempts, until } = delivery
    const at = this.#clock.now()
    this.#log.replace(app, id, { registration, state, attempts, at, until, ...(reason !== undefined && { reason }) })
    this.#log.settle(app, [id])
  }

  /** All that waits to be handed over, the oldest first. */
  async *queued(app: string): AsyncGenerator<LogEntry<Delivery>> {
    let after: string | undefined
    for (;;) {
      const { entries, isComplete } = await this.#log.page(app, {
        isPending: true,
        max: stride,
        ...(after && { after }),
      })
      yield* entries
      if (isComplete) return
      after = entries.at(-1)!.id
    }
  }

  /** What became of a message: `max` deliveries behind the one with the id `after`. */
  page(app: string, message: string | undefined, max: number, after: string | undefined) {
    return this.#log.page(app, {
      max,
      ...(message !== undefined && { with: message }),
      ...(after !== undefined && { after }),
    })
  }

  async find(app: string, id: string): Promise<LogEntry<Delivery> | undefined> {
    return (await this.#log.page(app, { ids: [id] })).entries[0]
  }

  /** Forgets what was queued before. */
  trim(app: string, end: number): Awaitable<number> {
    return this.#log.trim(app, { end })
  }
}
