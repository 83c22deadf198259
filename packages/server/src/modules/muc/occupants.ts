import {
  type Element,
  Jid,
  parse,
  type Presence,
  presence as presenceOf,
  type MucRole,
  Stanza,
  unlimited,
} from '@jackdaw/xmpp'
import type { MapStore } from '../../storage/storage.ts'
import { folded } from './affiliations.ts'

/** How one session is in a room: kept, so that it still is after a kill. */
export type Visit = {
  readonly nick: string
  readonly role: MucRole
  /** What it said of itself, as XML. */
  readonly presence: string
  readonly at: number
  /** When it came. */
  readonly since?: number
}

/** Times are milliseconds since the Unix epoch. */
interface OccupantSession {
  readonly jid: Jid
  readonly presence: Presence
  /** When it last said something of itself. */
  readonly at: number
  /** When it came. */
  readonly since: number
}

/** A nickname in a room, with the sessions of the one user that has it (§7.2.8). */
export class Occupant {
  /** The occupant JID. */
  jid: Jid
  readonly account: Jid
  role: MucRole
  /** By full JID, the one that spoke last at the end. */
  readonly sessions = new Map<string, OccupantSession>()
  /** Its presence as others see it, with and without its JID; undefined when that has changed since it was told. */
  seen: { readonly open: Presence; readonly closed: Presence } | undefined
  /** What it may still say at once, and when that was worked out. */
  allowance = { left: Infinity, at: 0 }

  constructor(jid: Jid, account: Jid, role: MucRole) {
    this.jid = jid
    this.account = account
    this.role = role
  }

  get nick(): string {
    return this.jid.resource!
  }

  /** The session that stands for it. */
  get shown(): { readonly jid: Jid; readonly presence: Presence } {
    return [...this.sessions.values()].at(-1)!
  }
}

/** Who is in a room. */
export class Occupants {
  readonly #store: MapStore<Visit>
  readonly #room: Jid
  readonly #byNick = new Map<string, Occupant>()
  readonly #bySession = new Map<string, Occupant>()
  readonly #told: (fact: 'room:entered' | 'room:left', occupant: Occupant) => void

  constructor(
    store: MapStore<Visit>,
    room: Jid,
    kept: ReadonlyMap<string, Visit>,
    told: (fact: 'room:entered' | 'room:left', occupant: Occupant) => void,
  ) {
    this.#told = told
    this.#store = store
    this.#room = room
    for (const [key, record] of [...kept].sort(([, a], [, b]) => a.at - b.at)) {
      const jid = Jid.parse(key)
      const occupant = this.withNick(record.nick) ?? new Occupant(room.withResource(record.nick), jid.bare, record.role)
      const presence = Stanza.from(parse(record.presence, unlimited)) as Presence
      occupant.sessions.set(key, { jid, presence, at: record.at, since: record.since ?? record.at })
      this.#byNick.set(folded(record.nick), occupant)
      this.#bySession.set(key, occupant)
    }
  }

  get size(): number {
    return this.#byNick.size
  }

  [Symbol.iterator](): Iterator<Occupant> {
    return this.#byNick.values()
  }

  of(session: Jid): Occupant | undefined {
    return this.#bySession.get(session.toString())
  }

  /** Who has that nickname, or one that people would take for it. */
  withNick(nick: string): Occupant | undefined {
    return this.#byNick.get(folded(nick))
  }

  /** Who is at that occupant JID. */
  at(jid: Jid): Occupant | undefined {
    const occupant = this.withNick(jid.resource!)
    return occupant?.jid.equals(jid) ? occupant : undefined
  }

  /** The nicknames of one user. */
  *ofAccount(account: Jid): Iterable<Occupant> {
    for (const occupant of this) if (occupant.account.equals(account)) yield occupant
  }

  /** The full JIDs of all sessions that are here. */
  get sessions(): Iterable<string> {
    return this.#bySession.keys()
  }

  /** Lets a session be here, or renews what it says of itself. */
  put(occupant: Occupant, session: Jid, content: readonly Element[], at: number): void {
    const key = session.toString()
    const presence = presenceOf({}, ...content)
    const since = occupant.sessions.get(key)?.since ?? at
    const isNew = occupant.sessions.size === 0
    occupant.seen = undefined
    occupant.sessions.delete(key)
    occupant.sessions.set(key, { jid: session, presence, at, since })
    this.#byNick.set(folded(occupant.nick), occupant)
    this.#bySession.set(key, occupant)
    this.#keep(occupant, key)
    if (isNew) this.#told('room:entered', occupant)
  }

  rename(occupant: Occupant, nick: string): void {
    this.#byNick.delete(folded(occupant.nick))
    occupant.jid = this.#room.withResource(nick)
    occupant.seen = undefined
    this.#byNick.set(folded(nick), occupant)
    for (const key of occupant.sessions.keys()) this.#keep(occupant, key)
  }

  setRole(occupant: Occupant, role: MucRole): void {
    occupant.role = role
    occupant.seen = undefined
    for (const key of occupant.sessions.keys()) this.#keep(occupant, key)
  }

  /** Takes one session out; the occupant goes with the last of them. */
  remove(occupant: Occupant, session: Jid): void {
    const key = session.toString()
    occupant.sessions.delete(key)
    this.#bySession.delete(key)
    void this.#store.edit(this.#room.toString(), key, () => undefined)
    if (occupant.sessions.size > 0) return
    this.#byNick.delete(folded(occupant.nick))
    this.#told('room:left', occupant)
  }

  #keep(occupant: Occupant, key: string): void {
    const { presence, at, since } = occupant.sessions.get(key)!
    const record: Visit = { nick: occupant.nick, role: occupant.role, presence: presence.toString(), at, since }
    void this.#store.edit(this.#room.toString(), key, () => record)
  }
}
