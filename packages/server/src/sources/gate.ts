import type { Clock } from '../world.ts'

interface GateOptions {
  readonly clock: Clock
  /** How many are let in at once. */
  readonly most: number
  /** How long somebody waits for that, milliseconds. */
  readonly patience: number
}

/** Lets so many in at once; the others wait for their turn. */
export class Gate {
  readonly #options: GateOptions
  readonly #waiting = new Set<() => void>()
  #inside = 0

  constructor(options: GateOptions) {
    this.#options = options
  }

  /** Rejects when it is not let in in time. */
  async pass<T>(act: () => Promise<T>): Promise<T> {
    if (this.#inside < this.#options.most) this.#inside++
    else await this.#turn()
    try {
      return await act()
    } finally {
      const [next] = this.#waiting
      if (next) next()
      else this.#inside--
    }
  }

  /** Resolves when whoever leaves hands over his place. */
  #turn(): Promise<void> {
    const { clock, patience } = this.#options
    return new Promise((resolve, reject) => {
      const enter = () => {
        this.#waiting.delete(enter)
        cancel()
        resolve()
      }
      const cancel = clock.after(patience, () => {
        this.#waiting.delete(enter)
        reject(new Error('Too much is asked at once'))
      })
      this.#waiting.add(enter)
    })
  }
}
