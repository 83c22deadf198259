import { createHash } from 'node:crypto'
import type { MapStore } from '../../storage/storage.ts'
import { when } from '../../when.ts'
import type { Awaitable, Clock, Random } from '../../world.ts'
import type { Address } from './deliverer.ts'

/** An installation of an app that gets messages. */
export type Registration = {
  readonly app: string
  /** Of the deliverer. */
  readonly kind: string
  readonly address: Address
  /** Who knows it may publish to this registration (XEP-0357 §4), and say what was displayed. */
  readonly secret: string
  readonly alias?: string
  readonly tags: readonly string[]
  /** Bare JID. */
  readonly account?: string
  /** Milliseconds since the Unix epoch. */
  readonly at: number
}

/** A registration that has ended, and why. */
export type Ended = { readonly app: string; readonly reason: string; readonly at: number }

/** Whom a message is for. */
export type Audience =
  | { readonly registration: string }
  | { readonly alias: string }
  | { readonly tag: string }
  | { readonly account: string }
  | { readonly all: true }

export interface RegistrationStores {
  /** By registration id. */
  readonly registrations: MapStore<Registration>
  readonly ended: MapStore<Ended>
  /** By registration id, then by each group in which it is: the reverse question finds its members. */
  readonly groups: MapStore<true>
}

const own = 'registration'

/** The registrations of all apps. */
export class Registrations {
  readonly #stores: RegistrationStores
  readonly #clock: Clock
  readonly #random: Random

  constructor(stores: RegistrationStores, clock: Clock, random: Random) {
    this.#stores = stores
    this.#clock = clock
    this.#random = random
  }

  get(id: string): Awaitable<Registration | undefined> {
    return this.#stores.registrations.get(id, own)
  }

  ended(id: string): Awaitable<Ended | undefined> {
    return this.#stores.ended.get(id, own)
  }

  /** Registers an address; one that the app has already keeps its id, and is what is said of it now. */
  async add(given: Omit<Registration, 'secret' | 'at'>): Promise<{ readonly id: string; readonly secret: string }> {
    const known = await this.#first(addressGroup(given))
    const old = known === undefined ? undefined : await this.get(known)
    const id = old ? known! : this.#token(16)
    // Whoever registers it now is to be told no more than that, so the secret of somebody else ends.
    const secret = old && old.account === given.account ? old.secret : this.#token(24)
    if (old) for (const group of groupsOf(old)) void this.#stores.groups.edit(id, group, () => undefined)
    const registration: Registration = { ...given, secret, at: this.#clock.now() }
    void this.#stores.registrations.edit(id, own, () => registration)
    for (const group of groupsOf(registration)) void this.#stores.groups.edit(id, group, () => true)
    return { id, secret }
  }

  /** Ends a registration, and remembers why. */
  remove(id: string, { app, ...registration }: Registration, reason: string): void {
    for (const group of groupsOf({ app, ...registration })) void this.#stores.groups.edit(id, group, () => undefined)
    void this.#stores.registrations.edit(id, own, () => undefined)
    void this.#stores.ended.edit(id, own, () => ({ app, reason, at: this.#clock.now() }))
  }

  /** The ids of those who are meant, in no order. */
  async *find(app: string, audience: Audience): AsyncGenerator<string> {
    if ('registration' in audience) {
      const found = await when(this.get(audience.registration), (one) => one?.app === app)
      if (found) yield audience.registration
      return
    }
    for await (const [id] of this.#stores.groups.owners(groupOf(app, audience))) yield id
  }

  /** How many of an account there are, up to `most`. */
  async count(app: string, account: string, most: number): Promise<number> {
    let count = 0
    for await (const _ of this.find(app, { account })) if (++count >= most) break
    return count
  }

  async #first(group: string): Promise<string | undefined> {
    for await (const [id] of this.#stores.groups.owners(group)) return id
    return undefined
  }

  #token(size: number): string {
    return Buffer.from(this.#random.bytes(size)).toString('base64url')
  }
}

function groupOf(app: string, audience: Exclude<Audience, { registration: string }>): string {
  const [[kind, value] = []] = Object.entries(audience)
  return kind === 'all' ? `${app}\nall` : `${app}\n${kind}\n${value}`
}

function addressGroup({ app, kind, address }: Pick<Registration, 'app' | 'kind' | 'address'>): string {
  const fields = Object.entries(address).sort(([a], [b]) => (a < b ? -1 : 1))
  return `${app}\naddress\n${createHash('sha256')
    .update(JSON.stringify([kind, fields]))
    .digest('base64url')}`
}

function* groupsOf(registration: Pick<Registration, 'app' | 'kind' | 'address' | 'alias' | 'tags' | 'account'>) {
  const { app, alias, tags, account } = registration
  yield groupOf(app, { all: true })
  yield addressGroup(registration)
  if (alias !== undefined) yield groupOf(app, { alias })
  if (account !== undefined) yield groupOf(app, { account })
  for (const tag of new Set(tags)) yield groupOf(app, { tag })
}
