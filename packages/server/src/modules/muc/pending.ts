import type { Jid } from '@jackdaw/xmpp'
import type { MapStore } from '../../storage/storage.ts'

/** Somebody has been invited (XEP-0045 §7.8.2). */
export type Invited = {
  /** Who did it, as bare JID. */
  readonly by: string
  readonly at: number
}

/** Somebody wants to become a member (§7.10). */
export type Applied = {
  readonly at: number
}

/** Those on whose account a room waits for an answer, by bare JID, whoever came first at the front. Kept, so that a kill loses none. */
export class Pending<T extends { readonly at: number }> {
  readonly #store: MapStore<T>
  readonly #room: string
  readonly #known: Map<string, T>

  constructor(store: MapStore<T>, room: Jid, kept: ReadonlyMap<string, T>) {
    this.#store = store
    this.#room = room.toString()
    this.#known = new Map([...kept].sort(([, a], [, b]) => a.at - b.at))
  }

  get size(): number {
    return this.#known.size
  }

  get values(): Iterable<T> {
    return this.#known.values()
  }

  get(user: Jid): T | undefined {
    return this.#known.get(user.bare.toString())
  }

  add(user: Jid, value: T): void {
    const key = user.bare.toString()
    this.#known.delete(key)
    this.#known.set(key, value)
    void this.#store.edit(this.#room, key, () => value)
  }

  /** Returns whether there was one. */
  delete(user: Jid): boolean {
    return this.#forget(user.bare.toString())
  }

  deleteFirst(): void {
    const [first] = this.#known.keys()
    if (first !== undefined) this.#forget(first)
  }

  deleteIf(isMeant: (value: T) => boolean): void {
    for (const [key, value] of this.#known) if (isMeant(value)) this.#forget(key)
  }

  #forget(key: string): boolean {
    if (!this.#known.delete(key)) return false
    void this.#store.edit(this.#room, key, () => undefined)
    return true
  }
}
