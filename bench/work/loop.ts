import { Meter } from '../meter.ts'
import type { Peer } from '../peers/peer.ts'
import { pause } from '../processes.ts'
import type { Sizes } from '../sizes.ts'
import type { Figures } from './work.ts'

/** A closed loop of so many lanes: in each, what has come to its end is begun again. Counts what is done while it is measured. */
export class Loop {
  readonly #failure = Promise.withResolvers<never>()
  readonly #lanes: number
  #isRunning = true
  #held: (() => void)[] = []
  #whenHeld: (() => void) | undefined
  #count = 0

  constructor(lanes: number) {
    this.#lanes = lanes
    // Whoever measures hears of it.
    this.#failure.promise.catch(() => {})
  }

  /** One thing that is counted has been done. */
  count(): void {
    this.#count++
  }

  /** A lane has come to its end; `again` begins it anew, now or when the server's next turn has come. */
  next(again: () => void): void {
    if (this.#isRunning) return again()
    this.#held.push(again)
    if (this.#held.length === this.#lanes) this.#whenHeld?.()
  }

  /** The server has not done what it was asked. */
  fail(words: string): void {
    this.#failure.reject(new Error(words))
  }

  /** `cpu`: µs of the server for one; `rate`: done in a second. Resolves when all lanes have ended. */
  async measure(peer: Peer, { warmUp, warmCount, seconds, turns }: Sizes): Promise<Figures> {
    const start = performance.now()
    do await this.#wait(warmUp)
    while (this.#count < warmCount && performance.now() < start + warmUp * 4000)
    await this.#hold()
    await peer.othersTurns()
    const meter = new Meter(peer)
    const before = this.#count
    for (let turn = 0; turn < turns; turn++) {
      await meter.during(async () => {
        this.#release()
        await this.#wait(seconds / turns)
        await this.#hold()
      })
      await peer.othersTurns()
    }
    const { cpu, elapsed, load, wait } = meter.read()
    const count = this.#count - before
    return { cpu: cpu / count, rate: (count * 1000) / elapsed, load, wait }
  }

  async #wait(seconds: number): Promise<void> {
    await Promise.race([pause(seconds * 1000), this.#failure.promise])
  }

  /** Resolves when all lanes have come to their ends. */
  async #hold(): Promise<void> {
    this.#isRunning = false
    const held = new Promise<void>((resolve) => (this.#whenHeld = resolve))
    const impatience = setTimeout(
      () => this.fail(`${this.#lanes - this.#held.length} of those under way never came back`),
      30_000,
    )
    await Promise.race([held, this.#failure.promise]).finally(() => clearTimeout(impatience))
  }

  #release(): void {
    this.#isRunning = true
    for (const again of this.#held.splice(0)) again()
  }
}
