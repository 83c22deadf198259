import type { Clock } from '../world.ts'

/** Destroys what has taken too long: one timer for all that have the same time. */
export class Deadlines {
  readonly #clock: Clock
  time: number
  /** In the order in which they began; after `time` has changed the sooner deadline may wait for an older one. */
  readonly #waiting = new Map<{ destroy(error?: Error): void }, number>()
  #cancel: (() => void) | undefined
  readonly #why: string
  most: number

  /** `time` in milliseconds; `why` becomes the message of the error. Beyond `most` tasks the oldest gives way. */
  constructor(clock: Clock, time: number, why: string, most = Infinity) {
    this.most = most
    this.#clock = clock
    this.time = time
    this.#why = why
  }

  start(task: { destroy(error?: Error): void }): void {
    if (this.#waiting.size >= this.most && !this.#waiting.has(task)) this.#dropOldest()
    this.#waiting.set(task, this.#clock.now() + this.time)
    this.#cancel ??= this.#clock.after(this.time, this.#sweep)
  }

  /** The task has ended in time. */
  end(task: { destroy(error?: Error): void }): void {
    this.#waiting.delete(task)
    if (this.#waiting.size > 0) return
    this.#cancel?.()
    this.#cancel = undefined
  }

  #dropOldest(): void {
    const [oldest] = this.#waiting.keys()
    this.#waiting.delete(oldest!)
    oldest!.destroy(new Error('Too many at once'))
  }

  readonly #sweep = (): void => {
    this.#cancel = undefined
    const now = this.#clock.now()
    for (const [task, deadline] of this.#waiting) {
      if (deadline > now) {
        this.#cancel = this.#clock.after(deadline - now, this.#sweep)
        return
      }
      this.#waiting.delete(task)
      task.destroy(new Error(this.#why))
    }
  }
}
