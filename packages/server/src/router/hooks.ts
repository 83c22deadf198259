import { type Handler, type Stage, stages } from '../module.ts'
import type { Awaitable } from '../world.ts'

interface Registered<P> {
  readonly stage: Stage
  readonly handler: Handler<P>
}

/** The handlers of one hook, in the order of their stages. */
export class Hook<P> {
  #handlers: readonly Registered<P>[] = []

  get size(): number {
    return this.#handlers.length
  }

  /** Returns what removes it. */
  add(stage: Stage, handler: Handler<P>): () => void {
    const added = { stage, handler }
    this.#handlers = [...this.#handlers, added].sort((a, b) => stages.indexOf(a.stage) - stages.indexOf(b.stage))
    return () => {
      this.#handlers = this.#handlers.filter((one) => one !== added)
    }
  }

  /**
   * Runs them one after the other, synchronously until one returns a promise.
   * @param renew called when one has waited: meanwhile somebody may have left
   */
  run(passage: P, renew?: (passage: P) => void): Awaitable<'stop' | void> {
    return runFrom(this.#handlers, 0, passage, renew)
  }
}

function runFrom<P>(
  handlers: readonly Registered<P>[],
  first: number,
  passage: P,
  renew: ((passage: P) => void) | undefined,
): Awaitable<'stop' | void> {
  for (let i = first; i < handlers.length; i++) {
    const result = handlers[i]!.handler(passage)
    if (result === 'stop') return 'stop'
    if (result instanceof Promise)
      return result.then((awaited) => {
        if (awaited === 'stop') return 'stop'
        renew?.(passage)
        return runFrom(handlers, i + 1, passage, renew)
      })
  }
}
