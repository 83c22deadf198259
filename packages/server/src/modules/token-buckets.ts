import type { Clock } from '../world.ts'

const hour = 3_600_000
/** Most keys that are remembered; of those who took first, the tokens are given back. */
const mostKeys = 10_000

/** Something that each key may do so many times at once, and within an hour in the long run. */
export class TokenBuckets {
  readonly #clock: Clock
  readonly #perHour: number
  readonly #mostKeys: number
  /** In the order in which they were last taken from. A key that is not here has all its tokens. */
  readonly #buckets = new Map<string, { readonly tokens: number; readonly at: number }>()

  constructor(clock: Clock, perHour: number, most = mostKeys) {
    this.#clock = clock
    this.#perHour = perHour
    this.#mostKeys = most
  }

  /** How many keys are remembered. */
  get size(): number {
    return this.#buckets.size
  }

  has(key: string): boolean {
    return this.#tokens(key) >= 1
  }

  /** Takes a token; false when there is none. */
  take(key: string): boolean {
    const tokens = this.#tokens(key)
    if (tokens < 1) return false
    this.#buckets.delete(key)
    this.#buckets.set(key, { tokens: tokens - 1, at: this.#clock.now() })
    if (this.#buckets.size > this.#mostKeys) this.#buckets.delete(this.#buckets.keys().next().value!)
    return true
  }

  #tokens(key: string): number {
    const bucket = this.#buckets.get(key)
    if (!bucket) return this.#perHour
    const earned = ((this.#clock.now() - bucket.at) / hour) * this.#perHour
    return Math.min(this.#perHour, bucket.tokens + Math.max(0, earned))
  }
}
