/** Who does the same work goes on in turns: what one is measured in lasts moments, and the next ones are the others'. */
export class Turns {
  readonly #waiting: (() => void)[] = []
  #isTaken = false

  /** Resolves when it is the caller's turn, in the order in which they came. */
  async take(): Promise<void> {
    if (this.#isTaken) return new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#isTaken = true
  }

  /** Ends the turn, and begins that of who has waited longest. */
  pass(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#isTaken = false
  }
}
