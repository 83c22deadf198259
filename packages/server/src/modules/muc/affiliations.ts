import { type MucAffiliation, mucAffiliations, Jid, StanzaError } from '@jackdaw/xmpp'
import type { MapStore } from '../../storage/storage.ts'

/** What a room knows of a user, whether or not it is here. */
export type Affiliated = {
  readonly affiliation: MucAffiliation
  /** Since when, milliseconds since the Unix epoch, it is a member or more. */
  readonly since?: number
  /** The nickname that is reserved for it (§7.10). */
  readonly nick?: string
  readonly reason?: string
  /** Of somebody without an affiliation: it has been given voice in this moderated room, and keeps it (§5.1). */
  readonly hasVoice?: true
}

const nobody: Affiliated = { affiliation: 'none' }

/** XEP-0045 §5.2: the lasting ties of users with one room, by bare JID. */
export class Affiliations {
  readonly #store: MapStore<Affiliated>
  readonly #room: string
  readonly #known: Map<string, Affiliated>

  constructor(store: MapStore<Affiliated>, room: Jid, known: ReadonlyMap<string, Affiliated>) {
    this.#store = store
    this.#room = room.toString()
    this.#known = new Map(known)
  }

  /** §9.2: a user's own affiliation goes before that of its whole domain. */
  of(user: Jid): MucAffiliation {
    return (this.#known.get(user.bare.toString()) ?? this.#known.get(user.domain) ?? nobody).affiliation
  }

  /** What is known of this very JID. */
  get(jid: Jid): Affiliated {
    return this.#known.get(jid.bare.toString()) ?? nobody
  }

  has(jid: Jid): boolean {
    return this.#known.has(jid.bare.toString())
  }

  set(jid: Jid, known: Affiliated): void {
    const key = jid.bare.toString()
    const isForgotten = known.affiliation === 'none' && !known.hasVoice
    if (isForgotten) this.#known.delete(key)
    else this.#known.set(key, known)
    void this.#store.edit(this.#room, key, () => (isForgotten ? undefined : known))
  }

  /** All of that affiliation. */
  *list(affiliation: MucAffiliation): Iterable<readonly [Jid, Affiliated]> {
    for (const [key, known] of this.#known) if (known.affiliation === affiliation) yield [Jid.parse(key), known]
  }

  count(affiliation: MucAffiliation): number {
    let count = 0
    for (const known of this.#known.values()) if (known.affiliation === affiliation) count++
    return count
  }

  get size(): number {
    return this.#known.size
  }

  /** Whom a nickname is reserved for. */
  holderOf(nick: string): Jid | undefined {
    const wanted = folded(nick)
    for (const [key, known] of this.#known)
      if (known.nick !== undefined && folded(known.nick) === wanted) return Jid.parse(key)
    return undefined
  }

  drop(): void {
    for (const key of this.#known.keys()) void this.#store.edit(this.#room, key, () => undefined)
    this.#known.clear()
  }
}

/** What two nicknames have in common that people would take for one (§7.2.8). */
export function folded(nick: string): string {
  return nick.normalize('NFKC').toLowerCase()
}

export function isAtLeast(affiliation: MucAffiliation, least: MucAffiliation): boolean {
  return mucAffiliations.indexOf(affiliation) >= mucAffiliations.indexOf(least)
}

/**
 * §5.2.2: whether who has the affiliation `actor` may change another's from `old` to `wanted`.
 * @throws StanzaError forbidden, not-allowed
 */
export function checkAffiliation(actor: MucAffiliation, old: MucAffiliation, wanted: MucAffiliation): void {
  if (actor === 'owner') return
  // §9, §10.3 – §10.8
  if (actor !== 'admin' || isAtLeast(wanted, 'admin'))
    throw new StanzaError('forbidden', 'Your affiliation does not allow that')
  // §9.1
  if (isAtLeast(old, 'admin')) throw new StanzaError('not-allowed', 'Only owners do that to an admin or an owner')
}
