import { networkOf } from '../address.ts'
import type { Clock } from '../world.ts'

interface Limits {
  readonly authenticationDelay: number
  readonly authenticationDelayMax: number
}

/** How long a network is remembered after its last failure, milliseconds. */
const memory = 600_000
const mostNetworks = 10_000

/** Failed logins by network: each makes the next wait longer (RFC 6120 §6.4.5). */
export class Attempts {
  readonly #clock: Clock
  readonly #failures = new Map<string, { count: number; at: number }>()
  limits: Limits
  /** All failures since the start. */
  total = 0

  constructor(clock: Clock, limits: Limits) {
    this.#clock = clock
    this.limits = limits
  }

  /** Counts a failure; returns how long its answer waits, milliseconds. */
  failed(address: string): number {
    this.total++
    const network = networkOf(address)
    const now = this.#clock.now()
    const before = this.#failures.get(network)
    const count = before && now - before.at < memory ? before.count + 1 : 1
    // Kept in the order of their last failure, so that the oldest go first.
    this.#failures.delete(network)
    this.#failures.set(network, { count, at: now })
    if (this.#failures.size > mostNetworks) this.#failures.delete(this.#failures.keys().next().value!)
    const { authenticationDelay, authenticationDelayMax } = this.limits
    return Math.min(authenticationDelay * 2 ** (count - 1), authenticationDelayMax)
  }
}
