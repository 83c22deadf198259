import { Meter } from '../meter.ts'
import type { Peer } from '../peers/peer.ts'
import { pause } from '../processes.ts'
import type { Sizes } from '../sizes.ts'
import type { Figures } from './work.ts'

/** A closed loop of so many lanes: in each, what has come to its end is begun again. Counts what is done while it is measured. */
export class Loop {
  readonly #end = Promise.withResolvers<void>()
  #lanes: number
  #isRunning = true
  #count = 0

  constructor(lanes: number) {
    this.#lanes = lanes
    // Whoever measures hears of it.
    this.#end.promise.catch(() => {})
  }

  /** One thing that is counted has been done. */
  count(): void {
    this.#count++
  }

  /** A lane has come to its end; `again` begins it anew, as long as it goes on. */
  next(again: () => void): void {
    if (this.#isRunning) again()
    else if (--this.#lanes === 0) this.#end.resolve()
  }

  /** The server has not done what it was asked. */
  fail(words: string): void {
    this.#end.reject(new Error(words))
  }

  /** `cpu`: µs of the server for one; `rate`: done in a second. Resolves when all lanes have ended. */
  async measure(peer: Peer, { warmUp, warmCount, seconds }: Sizes): Promise<Figures> {
    const failed = this.#end.promise
    const start = performance.now()
    do await Promise.race([pause(warmUp * 1000), failed])
    while (this.#count < warmCount && performance.now() < start + warmUp * 4000)
    const meter = new Meter(peer)
    const before = this.#count
    await Promise.race([pause(seconds * 1000), failed])
    const { cpu, elapsed, load, wait } = meter.read()
    const count = this.#count - before
    this.#isRunning = false
    const impatience = setTimeout(() => this.fail(`${this.#lanes} of those under way never came back`), 30_000)
    await failed.finally(() => clearTimeout(impatience))
    return { cpu: cpu / count, rate: (count * 1000) / elapsed, load, wait }
  }
}
