import type { Clock } from '@jackdaw/server'

interface Timer {
  readonly at: number
  act: (() => void) | undefined
}

/**
 * Time that passes only when it is told to, in whole milliseconds, as an event loop has it: all that falls due in one millisecond is one tick,
 * of which each part is handled with all its promises before the next; then comes what was to happen at the tick's end.
 */
export class VirtualClock implements Clock {
  #now: number
  /** The next one last. */
  readonly #timers: Timer[] = []
  #soon: (() => void)[] = []

  /** @param now milliseconds since the Unix epoch */
  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  after(ms: number, act: () => void): () => void {
    const timer: Timer = { at: Math.ceil(this.#now + Math.max(0, ms)), act }
    let low = 0
    let high = this.#timers.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#timers[middle]!.at > timer.at) low = middle + 1
      else high = middle
    }
    // Before those of the same time, which come first.
    this.#timers.splice(low, 0, timer)
    return () => {
      timer.act = undefined
    }
  }

  soon(act: () => void): void {
    this.#soon.push(act)
  }

  /** Lets time pass. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    await this.#endTick()
    for (let at = this.#next(); at <= end; at = this.#next()) {
      this.#now = at
      while (this.#next() <= at) {
        this.#timers.pop()!.act!()
        await drained()
      }
      await this.#endTick()
    }
    this.#now = end
  }

  /** Lets ticks end until something has come about, without time passing. */
  async through<T>(awaited: Promise<T>): Promise<T> {
    const course = { isOver: false }
    const end = () => (course.isOver = true)
    awaited.then(end, end)
    while (!course.isOver) await this.#endTick()
    return awaited
  }

  /** When something is due. */
  #next(): number {
    while (this.#timers.length > 0 && !this.#timers.at(-1)!.act) this.#timers.pop()
    return this.#timers.at(-1)?.at ?? Infinity
  }

  async #endTick(): Promise<void> {
    await drained()
    while (this.#soon.length > 0) {
      for (const act of this.#soon.splice(0)) {
        act()
        await drained()
      }
    }
  }
}

/** Resolves when no promise has anything left to do: Node turns to this only when it has run all of them. */
function drained(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}
