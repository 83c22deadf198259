import { type Jid, StanzaError } from '@jackdaw/xmpp'
import type { MapStore } from '../../storage/storage.ts'
import type { Clock, Random } from '../../world.ts'
import { hashOf, type Invitation, makeToken } from './invitation.ts'

/** Most that are open at once on one host: they are all in memory. */
const mostOpen = 10_000
/** XEP-0445 §4: who has shown a token in time may still register; by then every stream has logged in or ended. */
const grace = 600_000

export type Wish = Omit<Invitation, 'used' | 'made'>

/** The open invitations of one host. What is asked and changed here waits for nothing, so that no token is used twice. */
export class Book {
  readonly #store: MapStore<Invitation>
  readonly #clock: Clock
  readonly #random: Random
  /** By the hash of the token. */
  readonly #open: Map<string, Invitation>

  private constructor(store: MapStore<Invitation>, clock: Clock, random: Random, open: Map<string, Invitation>) {
    this.#store = store
    this.#clock = clock
    this.#random = random
    this.#open = open
  }

  static async open(store: MapStore<Invitation>, clock: Clock, random: Random): Promise<Book> {
    const open = new Map<string, Invitation>()
    for await (const [hash, invitation] of store.owners('')) open.set(hash, invitation)
    return new Book(store, clock, random, open)
  }

  /** Returns the token; it is kept nowhere. @throws StanzaError resource-constraint */
  make(wish: Wish): string {
    this.#forgetExpired()
    if (this.#open.size >= mostOpen) throw new StanzaError('resource-constraint', 'Too many invitations are open')
    const token = makeToken(this.#random)
    this.#keep(hashOf(token), { ...wish, used: 0, made: this.#clock.now() })
    return token
  }

  /** The invitation with this token, unless it has expired, is used up or was taken back. */
  find(token: string): { readonly hash: string; readonly invitation: Invitation } | undefined {
    const hash = hashOf(token)
    const invitation = this.#open.get(hash)
    return invitation && this.#clock.now() < invitation.expires ? { hash, invitation } : undefined
  }

  /** With this hash, if it can still be used, whether it has expired meanwhile or not. */
  get(hash: string | undefined): Invitation | undefined {
    return hash === undefined ? undefined : this.#open.get(hash)
  }

  /** Uses it once, whether it has expired meanwhile or not. @throws StanzaError item-not-found when it cannot be used any more */
  use(hash: string): void {
    const invitation = this.#open.get(hash)
    if (!invitation) throw invalid()
    const { uses, used } = invitation
    this.#keep(hash, uses > 1 ? { ...invitation, uses: uses - 1, used: used + 1 } : undefined)
  }

  /** Takes all of them back that are meant; returns how many. */
  revoke(isMeant: (hash: string, invitation: Invitation) => boolean): number {
    const meant = [...this.#open].filter(([hash, invitation]) => isMeant(hash, invitation))
    for (const [hash] of meant) this.#keep(hash, undefined)
    return meant.length
  }

  /** XEP-0445 §5: whether the name is kept for somebody who was invited. */
  isReserved(account: Jid): boolean {
    return this.list().some(([, { isReset, account: name }]) => !isReset && name === account.toString())
  }

  /** With the hashes of their tokens, the oldest first. */
  list(): (readonly [hash: string, invitation: Invitation])[] {
    const now = this.#clock.now()
    return [...this.#open].filter(([, { expires }]) => now < expires).sort(([, a], [, b]) => a.made - b.made)
  }

  /** How many there are, the latest that expired among them. */
  get size(): number {
    return this.#open.size
  }

  #forgetExpired(): void {
    const now = this.#clock.now()
    this.revoke((_, { expires }) => now >= expires + grace)
  }

  #keep(hash: string, invitation: Invitation | undefined): void {
    if (invitation) this.#open.set(hash, invitation)
    else this.#open.delete(hash)
    void this.#store.edit(hash, '', () => invitation)
  }
}

/** XEP-0445 §4 */
export function invalid(): StanzaError {
  return new StanzaError('item-not-found', 'The invitation is not valid, or not any more')
}
