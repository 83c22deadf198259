import type { Clock } from '../../world.ts'

/** How many come in `polling` seconds of a client that waits for answers, before it is too much (XEP-0124 §12). */
const most = 50
/** Seconds: who does not wait asks no more often than that (§11). */
export const polling = 5

/** Requests without payload: how fast they come. */
export class EmptyRequests {
  readonly #clock: Clock
  readonly #isPolling: boolean
  #at = -Infinity
  #count = 0

  constructor(clock: Clock, isPolling: boolean) {
    this.#clock = clock
    this.#isPolling = isPolling
  }

  /** One has come. Returns whether that is too soon; of a client that polls, only after an answer without payload. */
  isTooSoon(wasAnsweredEmpty: boolean): boolean {
    const now = this.#clock.now()
    const isSoon = now - this.#at < polling * 1000
    if (this.#isPolling || !isSoon) this.#at = now
    this.#count = isSoon ? this.#count + 1 : 1
    return this.#isPolling ? this.#count > 1 && wasAnsweredEmpty : this.#count > most
  }

  /** Another one has come: a client that polls may go on with an empty one. */
  interrupted(): void {
    if (this.#isPolling) this.#count = 0
  }
}
