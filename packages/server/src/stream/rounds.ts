import type { Clock } from '../world.ts'

/** Whose time comes. */
interface Waiting {
  due(): void
}

/** Milliseconds. */
const length = 1000

/** Tells each when its time has come, or up to a second later: one timer for all whose times are in the same second, so that to wait costs next to nothing. */
export class Rounds {
  readonly #clock: Clock
  readonly #rounds = new Map<number, { readonly waiting: Set<Waiting>; readonly cancel: () => void }>()

  /** Of the round that ends. */
  #ending: Set<Waiting> | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Calls `due` once after `ms` milliseconds. Returns the round in which it will, for `leave`. */
  join(ms: number, waiting: Waiting): number {
    const now = this.#clock.now()
    const number = Math.ceil((now + ms) / length)
    const round = this.#rounds.get(number)
    if (round) round.waiting.add(waiting)
    else {
      const cancel = this.#clock.after(number * length - now, () => this.#end(number))
      this.#rounds.set(number, { waiting: new Set([waiting]), cancel })
    }
    return number
  }

  /** It waits no more; nothing happens if it does not. */
  leave(number: number, waiting: Waiting): void {
    this.#ending?.delete(waiting)
    const round = this.#rounds.get(number)
    if (!round?.waiting.delete(waiting) || round.waiting.size > 0) return
    round.cancel()
    this.#rounds.delete(number)
  }

  #end(number: number): void {
    const { waiting } = this.#rounds.get(number)!
    this.#rounds.delete(number)
    // One may leave because of what another does.
    this.#ending = waiting
    for (const one of waiting) one.due()
    this.#ending = undefined
  }
}
