import type { Clock } from '@jackdaw/server'

interface Timer {
  readonly at: number
  readonly order: number
  readonly act: () => void
}

/** Time that stands still until it is moved; the ticks of the server still end with those of the event loop. */
export class ManualClock implements Clock {
  #now: number
  #timers: Timer[] = []
  #order = 0

  /** @param now milliseconds since the Unix epoch */
  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  after(ms: number, act: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, ms), order: this.#order++, act }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer)
    }
  }

  soon(act: () => void): void {
    setImmediate(act)
  }

  /** Lets the time pass; what falls due happens in its order, with a turn of the event loop after each. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    for (;;) {
      const next = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at || a.order - b.order)[0]
      if (!next) break
      this.#timers = this.#timers.filter((one) => one !== next)
      this.#now = Math.max(this.#now, next.at)
      next.act()
      await turn()
    }
    this.#now = end
    await turn()
  }
}

/** A server's view of a clock. When its life ends nothing that it planned happens any more, as after `kill -9`. */
export class Life implements Clock {
  readonly #clock: Clock
  #isOver = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  now(): number {
    return this.#clock.now()
  }

  after(ms: number, act: () => void): () => void {
    return this.#clock.after(ms, () => this.#act(act))
  }

  soon(act: () => void): void {
    this.#clock.soon(() => this.#act(act))
  }

  end(): void {
    this.#isOver = true
  }

  #act(act: () => void): void {
    if (!this.#isOver) act()
  }
}

/** Two turns of the event loop: what was sent has been handled and committed. */
export async function turn(): Promise<void> {
  for (let i = 0; i < 2; i++) await new Promise((resolve) => void setImmediate(resolve))
}
