import type { MapStore } from '../storage/storage.ts'
import type { Json } from '../world.ts'

/**
 * What a few accounts of a host have and most have not. All of it is in memory: asking waits for nothing, and a change is kept in one
 * commit with what is done about it.
 */
export class Exceptions<T extends Json> {
  readonly #store: MapStore<T>
  readonly #values: Map<string, T>

  private constructor(store: MapStore<T>, values: Map<string, T>) {
    this.#store = store
    this.#values = values
  }

  static async open<T extends Json>(store: MapStore<T>): Promise<Exceptions<T>> {
    const values = new Map<string, T>()
    for await (const [account, value] of store.owners('')) values.set(account, value)
    return new Exceptions(store, values)
  }

  get(account: string): T | undefined {
    return this.#values.get(account)
  }

  /** Undefined: it is like most from now on. */
  set(account: string, value: T | undefined): void {
    if (value === undefined) this.#values.delete(account)
    else this.#values.set(account, value)
    void this.#store.edit(account, '', () => value)
  }

  /** Bare JIDs, in order. */
  get accounts(): readonly string[] {
    return [...this.#values.keys()].sort()
  }
}
