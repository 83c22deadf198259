import { createHash, timingSafeEqual } from 'node:crypto'
import { StanzaError } from '@jackdaw/xmpp'
import type { MapStore } from '../../storage/storage.ts'
import type { Clock, Random } from '../../world.ts'

/** What is kept of a token, under its id: who reads the database cannot use it. Times are milliseconds since the Unix epoch. */
export type ApiToken = {
  /** What people and the audit log call it: no two have one. */
  readonly name: string
  readonly scopes: readonly string[]
  /** SHA-256 of the secret: with so many bits in it, no salt and no slow hash is needed. */
  readonly hash: string
  readonly made: number
  readonly expires?: number
  readonly used?: number
}

export interface TokenWish {
  readonly name: string
  readonly scopes: readonly string[]
  /** Milliseconds. */
  readonly lifetime?: number
}

/** A token that is good now. */
export interface Bearer {
  readonly id: string
  readonly token: ApiToken
  /** Aborted when it is good no more: revoked, expired, or there is no REST API. */
  readonly revoked: AbortSignal
}

const most = 1000
const form = /^jackdaw_([a-f0-9]{12})_([A-Za-z0-9_-]{43})$/
/** How exactly it is kept when a token was used, milliseconds. */
const precision = 60_000
/** Timers go no further than 2^31 milliseconds. */
const longestWait = 86_400_000

/** The tokens of the REST API of one host. */
export class ApiTokens {
  readonly #store: MapStore<ApiToken>
  readonly #owner: string
  readonly #clock: Clock
  readonly #random: Random
  readonly #tokens: Map<string, ApiToken>
  /** What ends that which goes on for those that were used. */
  readonly #ends = new Map<string, { readonly controller: AbortController; cancel: () => void }>()

  private constructor(
    store: MapStore<ApiToken>,
    owner: string,
    { clock, random }: { readonly clock: Clock; readonly random: Random },
    tokens: ReadonlyMap<string, ApiToken>,
  ) {
    this.#store = store
    this.#owner = owner
    this.#clock = clock
    this.#random = random
    this.#tokens = new Map(tokens)
  }

  static async open(
    store: MapStore<ApiToken>,
    owner: string,
    around: { readonly clock: Clock; readonly random: Random },
  ): Promise<ApiTokens> {
    return new ApiTokens(store, owner, around, await store.all(owner))
  }

  /** Returns the token's text; it is kept nowhere. @throws StanzaError conflict, resource-constraint */
  add({ name, scopes, lifetime }: TokenWish): string {
    if (this.#find(name)) throw new StanzaError('conflict', `There is a token ${name} already`)
    if (this.#tokens.size >= most) throw new StanzaError('resource-constraint', `There are ${most} tokens already`)
    const id = Buffer.from(this.#random.bytes(6)).toString('hex')
    const secret = Buffer.from(this.#random.bytes(32)).toString('base64url')
    const made = this.#clock.now()
    this.#keep(id, {
      name,
      scopes,
      hash: hashOf(secret).toString('hex'),
      made,
      ...(lifetime !== undefined && { expires: made + lifetime }),
    })
    return `jackdaw_${id}_${secret}`
  }

  /** The token with this text, unless it has expired; it is noted that it was used. In the same time whatever is wrong. */
  use(text: string): Bearer | undefined {
    const [, id = '', secret = ''] = form.exec(text) ?? []
    const token = this.#tokens.get(id)
    const isRight = timingSafeEqual(hashOf(secret), token ? Buffer.from(token.hash, 'hex') : hashOf(''))
    const now = this.#clock.now()
    if (!token || !isRight || now >= (token.expires ?? Infinity)) return undefined
    if (now - (token.used ?? 0) >= precision) this.#keep(id, { ...token, used: now })
    return { id, token, revoked: this.#end(id, token).signal }
  }

  /** By name; those that have expired too. */
  list(): readonly ApiToken[] {
    return [...this.#tokens.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** Returns whether there was one of that name. */
  revoke(name: string): boolean {
    const id = this.#find(name)
    if (id === undefined) return false
    this.#tokens.delete(id)
    void this.#store.edit(this.#owner, id, () => undefined)
    this.#abort(id)
    return true
  }

  /** Ends all that goes on. */
  close(): void {
    for (const id of this.#ends.keys()) this.#abort(id)
  }

  get size(): number {
    return this.#tokens.size
  }

  #find(name: string): string | undefined {
    for (const [id, token] of this.#tokens) if (token.name === name) return id
    return undefined
  }

  #end(id: string, { expires }: ApiToken): AbortController {
    const known = this.#ends.get(id)
    if (known) return known.controller
    const end = { controller: new AbortController(), cancel: () => {} }
    this.#ends.set(id, end)
    const wait = (): void => {
      const left = expires! - this.#clock.now()
      if (left <= 0) this.#abort(id)
      else end.cancel = this.#clock.after(Math.min(left, longestWait), wait)
    }
    if (expires !== undefined) wait()
    return end.controller
  }

  #abort(id: string): void {
    const end = this.#ends.get(id)
    if (!end) return
    this.#ends.delete(id)
    end.cancel()
    end.controller.abort()
  }

  #keep(id: string, token: ApiToken): void {
    this.#tokens.set(id, token)
    void this.#store.edit(this.#owner, id, () => token)
  }
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}
