import { iq, Jid, type RosterItem, RosterQuery } from '@jackdaw/xmpp'
import type { Host } from '../../module.ts'
import type { MapStore } from '../../storage/storage.ts'
import { when } from '../../when.ts'
import type { Awaitable } from '../../world.ts'
import { type Contact, isSubscriber, itemOf, stranger, textSize } from './contact.ts'

/** What tells a client with an older version of the roster which contacts have gone since. */
export type History = {
  /** Changes after this version are all known. */
  readonly since: number
  /** The contacts removed since then, with the versions that removed them, in order. */
  readonly removed: readonly (readonly [jid: string, version: number])[]
}

/** So many removals are remembered; who has been away for more of them gets the whole roster. */
const removalsKept = 100

/** What rosters share that have nothing yet. */
const noContacts: ReadonlyMap<string, Contact> = new Map()
const noHistory: History = { since: 0, removed: [] }

/** One account's roster, and who has asked to be in it. */
export class Roster {
  readonly account: Jid
  #contacts: Map<string, Contact> | undefined
  history: History
  version: number

  constructor(account: Jid, contacts: ReadonlyMap<string, Contact>, history: History | undefined) {
    this.account = account
    this.#contacts = contacts.size > 0 ? new Map(contacts) : undefined
    this.history = history ?? noHistory
    this.version = this.history.removed.at(-1)?.[1] ?? this.history.since
    for (const contact of this.contacts.values()) this.version = Math.max(this.version, contact.version)
  }

  /** Under the contacts' bare JIDs. */
  get contacts(): ReadonlyMap<string, Contact> {
    return this.#contacts ?? noContacts
  }

  /** Undefined removes. */
  set(jid: Jid, contact: Contact | undefined): void {
    if (contact) (this.#contacts ??= new Map()).set(jid.toString(), contact)
    else this.#contacts?.delete(jid.toString())
  }

  contact(jid: Jid): Contact {
    return this.contacts.get(jid.toString()) ?? stranger
  }

  /** Whether this entity sees the account's presence: a subscriber, or the account itself. */
  isSubscribed(entity: Jid): boolean {
    return entity.bare.equals(this.account) || isSubscriber(this.contact(entity.bare))
  }

  /** How many contacts the client sees. */
  get size(): number {
    let size = 0
    for (const { version } of this.contacts.values()) if (version > 0) size++
    return size
  }

  /** How many characters names and groups have. */
  get textSize(): number {
    let size = 0
    for (const contact of this.contacts.values()) size += textSize(contact)
    return size
  }

  get items(): RosterItem[] {
    const items: RosterItem[] = []
    for (const [jid, contact] of this.contacts) if (contact.version > 0) items.push(itemOf(Jid.parse(jid), contact))
    return items
  }

  /** RFC 6121 §2.6.3: what has changed since a version, in order; undefined when that is not known any more. */
  changesSince(ver: string): (readonly [version: number, item: RosterItem])[] | undefined {
    const known = /^\d+$/.test(ver) ? Number(ver) : -1
    if (known < this.history.since || known > this.version) return undefined
    const changes: [number, RosterItem][] = []
    for (const [jid, contact] of this.contacts)
      if (contact.version > known) changes.push([contact.version, itemOf(Jid.parse(jid), contact)])
    for (const [jid, version] of this.history.removed)
      if (version > known && this.contact(Jid.parse(jid)).version === 0)
        changes.push([version, removal(Jid.parse(jid))])
    return changes.toSorted(([a], [b]) => a - b)
  }
}

/** What an account has of a contact has changed. */
export interface RosterChange {
  readonly account: Jid
  readonly jid: Jid
  readonly before: Contact
  readonly after: Contact
}

/**
 * The rosters of a virtual host's accounts. Those of accounts with sessions stay in memory, so that a broadcast of presence waits
 * for nothing. Its reads may wait; its changes take effect at once: who changes a roster has read it before.
 */
export class Rosters {
  readonly #listeners = new Set<(change: RosterChange) => void>()
  readonly #host: Host
  readonly #contacts: MapStore<Contact>
  readonly #histories: MapStore<History>
  readonly #known = new Map<string, Awaitable<Roster>>()

  constructor(host: Host, contacts: MapStore<Contact>, histories: MapStore<History>) {
    this.#host = host
    this.#contacts = contacts
    this.#histories = histories
  }

  of(account: Jid): Awaitable<Roster> {
    const key = account.toString()
    const known = this.#known.get(key)
    if (known) return known
    const roster = this.#read(account)
    if (!this.#hasSessions(account)) return roster
    this.#known.set(key, roster)
    if (roster instanceof Promise)
      roster.then(
        (read) => this.#known.get(key) === roster && this.#known.set(key, read),
        () => this.#known.delete(key),
      )
    return roster
  }

  /** Whether another entity sees the account's presence. */
  isSubscribed(account: Jid, entity: Jid): Awaitable<boolean> {
    const known = this.#known.get(account.toString())
    if (known) return when(known, (roster) => roster.isSubscribed(entity))
    if (entity.bare.equals(account)) return true
    return when(this.#contacts.get(account.toString(), entity.bare.toString()), (contact) =>
      isSubscriber(contact ?? stranger),
    )
  }

  /** Whether an entity is in the account's roster. */
  has(account: Jid, entity: Jid): Awaitable<boolean> {
    return when(this.contact(account, entity), ({ version }) => version > 0)
  }

  /** What the account has of one contact. */
  contact(account: Jid, jid: Jid): Awaitable<Contact> {
    const known = this.#known.get(account.toString())
    if (known) return when(known, (roster) => roster.contact(jid.bare))
    return when(this.#contacts.get(account.toString(), jid.bare.toString()), (contact) => contact ?? stranger)
  }

  /** Calls back after each change, in the same tick; returns what ends that. */
  onChange(listener: (change: RosterChange) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Keeps what is no part of the roster that clients see: the contact's request. */
  keep(roster: Roster, jid: Jid, contact: Contact): void {
    const isNothing = contact.version === 0 && contact.request === ''
    this.#write(roster, jid, isNothing ? undefined : contact)
  }

  /** Changes or adds an item of the roster and pushes it (RFC 6121 §2.1.6). */
  push(roster: Roster, jid: Jid, contact: Contact): void {
    const version = this.#next(roster)
    this.#write(roster, jid, { ...contact, version })
    this.#tell(roster, itemOf(jid, contact))
  }

  /** Removes an item of the roster and pushes that (RFC 6121 §2.5.2). */
  remove(roster: Roster, jid: Jid): void {
    const removed = [...roster.history.removed, [jid.toString(), this.#next(roster)] as const]
    const forgotten = removed.splice(0, Math.max(0, removed.length - removalsKept)).at(-1)
    const history = { since: forgotten?.[1] ?? roster.history.since, removed }
    roster.history = history
    void this.#histories.edit(roster.account.toString(), '', () => history)
    this.#write(roster, jid, undefined)
    this.#tell(roster, removal(jid))
  }

  /** To be called when a session of the account has gone, or the account. */
  forget(account: Jid): void {
    if (!this.#hasSessions(account)) this.#known.delete(account.toString())
  }

  #read(account: Jid): Awaitable<Roster> {
    const owner = account.toString()
    return when(this.#contacts.all(owner), (contacts) =>
      when(this.#histories.get(owner, ''), (history) => new Roster(account, contacts, history)),
    )
  }

  /**
   * Versions are times that never stand still or go back, so that a client's version of an account which has been removed is not
   * taken for one of its namesake.
   */
  #next(roster: Roster): number {
    roster.version = Math.max(roster.version + 1, this.#host.clock.now())
    return roster.version
  }

  #write(roster: Roster, jid: Jid, contact: Contact | undefined): void {
    const owner = roster.account.toString()
    const key = jid.toString()
    const before = roster.contact(jid)
    roster.set(jid, contact)
    // Read before the account had a session, or while another read was under way: that one is out of date now.
    if (this.#known.get(owner) !== roster) this.#known.delete(owner)
    void this.#contacts.edit(owner, key, () => contact)
    for (const listener of this.#listeners)
      listener({ account: roster.account, jid, before, after: contact ?? stranger })
  }

  #tell(roster: Roster, item: RosterItem): void {
    const push = pushOf(roster.version, item)
    for (const session of this.#host.sessions(roster.account))
      if (session.get('roster')) session.deliver(push.addressed({ to: session.jid }))
  }

  #hasSessions(account: Jid): boolean {
    for (const _ of this.#host.sessions(account)) return true
    return false
  }
}

/** RFC 6121 §2.1.6: without `from`, which means the client's own account. */
export function pushOf(version: number, item: RosterItem) {
  return iq({ id: `push-${version}`, type: 'set' }, RosterQuery.write({ ver: String(version), items: [item] }))
}

function removal(jid: Jid): RosterItem {
  return { jid, groups: [], subscription: 'remove' }
}
