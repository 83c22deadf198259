import { createHash } from 'node:crypto'
import { type Hat, Jid } from '@jackdaw/xmpp'
import type { MapStore } from '../../storage/storage.ts'

/** How a hat looks. */
export type Look = {
  readonly title: string
  readonly hue?: string
}

/** XEP-0317: what else than a role somebody is in a room. */
export class Hats {
  readonly #looks: MapStore<Look>
  readonly #worn: MapStore<readonly string[]>
  readonly #room: string
  readonly #known: Map<string, Look>
  /** By bare JID, their URIs. */
  readonly #wearers: Map<string, readonly string[]>

  constructor(
    stores: { readonly hats: MapStore<Look>; readonly wearers: MapStore<readonly string[]> },
    room: Jid,
    known: ReadonlyMap<string, Look>,
    wearers: ReadonlyMap<string, readonly string[]>,
  ) {
    this.#looks = stores.hats
    this.#worn = stores.wearers
    this.#room = room.toString()
    this.#known = new Map(known)
    this.#wearers = new Map(wearers)
  }

  get size(): number {
    return this.#known.size
  }

  /** How many users wear one. */
  get wearerCount(): number {
    return this.#wearers.size
  }

  has(uri: string): boolean {
    return this.#known.has(uri)
  }

  /** In the order of their URIs. */
  get all(): readonly Hat[] {
    return [...this.#known].sort(([a], [b]) => (a < b ? -1 : 1)).map(([uri, look]) => ({ uri, ...look }))
  }

  /** Whose hats are which, in no order. */
  *assigned(): Iterable<readonly [Jid, Hat]> {
    for (const key of this.#wearers.keys()) {
      const user = Jid.parse(key)
      for (const hat of this.of(user)) yield [user, hat]
    }
  }

  /** Those of one user, in the order in which it got them. */
  of(user: Jid): readonly Hat[] {
    return (this.#wearers.get(user.bare.toString()) ?? []).map((uri) => ({ uri, ...this.#known.get(uri)! }))
  }

  /** §3: another one whenever something of the list is another; undefined without hats. */
  get hash(): string | undefined {
    return this.size === 0 ? undefined : createHash('sha1').update(JSON.stringify(this.all)).digest('hex')
  }

  put(uri: string, look: Look): void {
    this.#known.set(uri, look)
    void this.#looks.edit(this.#room, uri, () => look)
  }

  /** §4.3: takes it off whoever wears it; returns who that is. */
  destroy(uri: string): Jid[] {
    this.#known.delete(uri)
    void this.#looks.edit(this.#room, uri, () => undefined)
    const users = this.wearersOf(uri)
    for (const user of users) this.takeOff(user, uri)
    return users
  }

  wearersOf(uri: string): Jid[] {
    return [...this.#wearers].filter(([, uris]) => uris.includes(uri)).map(([key]) => Jid.parse(key))
  }

  putOn(user: Jid, uri: string): void {
    this.#wear(user, [...(this.#wearers.get(user.bare.toString()) ?? []), uri])
  }

  takeOff(user: Jid, uri: string): void {
    this.#wear(
      user,
      (this.#wearers.get(user.bare.toString()) ?? []).filter((other) => other !== uri),
    )
  }

  takeAllOff(user: Jid): void {
    if (this.#wearers.has(user.bare.toString())) this.#wear(user, [])
  }

  drop(): void {
    for (const uri of this.#known.keys()) void this.#looks.edit(this.#room, uri, () => undefined)
    for (const key of this.#wearers.keys()) void this.#worn.edit(this.#room, key, () => undefined)
    this.#known.clear()
    this.#wearers.clear()
  }

  #wear(user: Jid, uris: readonly string[]): void {
    const key = user.bare.toString()
    if (uris.length === 0) this.#wearers.delete(key)
    else this.#wearers.set(key, uris)
    void this.#worn.edit(this.#room, key, () => (uris.length === 0 ? undefined : uris))
  }
}
