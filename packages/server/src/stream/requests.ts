import type { Clock } from '../world.ts'

/** So long may what was sent wait for its acknowledgement unasked, milliseconds. */
const delay = 1000

/** Asks clients for acknowledgements (XEP-0198 §4) that have few stanzas to acknowledge: one timer for all. */
export class Requests {
  readonly #clock: Clock
  #waiting = new Set<{ requestAcknowledgement(): void }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Within `delay` the stream is told to ask. */
  soon(stream: { requestAcknowledgement(): void }): void {
    if (this.#waiting.size === 0) this.#clock.after(delay, this.#ask)
    this.#waiting.add(stream)
  }

  readonly #ask = (): void => {
    const waiting = this.#waiting
    this.#waiting = new Set()
    for (const stream of waiting) stream.requestAcknowledgement()
  }
}
