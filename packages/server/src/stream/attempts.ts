import type { Clock } from '../world.ts'

interface Limits {
  readonly authenticationDelay: number
  readonly authenticationDelayMax: number
}

/** How long an address is remembered after its last failure, milliseconds. */
const memory = 600_000
const mostAddresses = 10_000

/** Failed logins by address: each makes the next wait longer (RFC 6120 §6.4.5). */
export class Attempts {
  readonly #clock: Clock
  readonly #failures = new Map<string, { count: number; at: number }>()
  limits: Limits

  constructor(clock: Clock, limits: Limits) {
    this.#clock = clock
    this.limits = limits
  }

  /** Counts a failure; returns how long its answer waits, milliseconds. */
  failed(address: string): number {
    const now = this.#clock.now()
    const before = this.#failures.get(address)
    const count = before && now - before.at < memory ? before.count + 1 : 1
    // Kept in the order of their last failure, so that the oldest go first.
    this.#failures.delete(address)
    this.#failures.set(address, { count, at: now })
    if (this.#failures.size > mostAddresses) this.#failures.delete(this.#failures.keys().next().value!)
    const { authenticationDelay, authenticationDelayMax } = this.limits
    return Math.min(authenticationDelay * 2 ** (count - 1), authenticationDelayMax)
  }
}
