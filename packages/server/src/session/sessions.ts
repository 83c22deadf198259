import { Jid, JidError, type Stanza, StanzaError, StreamError } from '@jackdaw/xmpp'
import type { Undelivered } from '../module.ts'
import type { Journal, JournalStore, TickEnd } from '../journal/journal.ts'
import { recordsOf } from '../journal/journal.ts'
import type { SessionStream } from '../stream/bound.ts'
import type { Awaitable, Clock, Json, Random } from '../world.ts'
import { type Held, Session, type SessionOwner, type SessionRecord } from './session.ts'

/** What the registry asks of the router. */
export interface SessionRouter {
  accept(stanza: Stanza, session: Session): Awaitable<void>
  sending(stanza: Stanza, session: Session): Stanza | undefined
  /** Tells the contacts that it has gone, if it had not told them. */
  farewell(session: Session): Awaitable<void>
  bound(session: Session): void
  resumed(session: Session): void
  /** Most sessions of the account, where that is another number than for everybody. */
  resources(account: Jid): number | undefined
  gone(session: Session, undelivered: readonly Undelivered[]): Awaitable<void>
  /** In the commit in which its record ends. */
  ended(session: Session): void
}

export interface SessionLimits {
  readonly resumeTime: number
  readonly outboxStanzas: number
  readonly outboxBytes: number
  readonly resourcesPerAccount: number
}

interface SessionsOptions {
  readonly journal: Journal
  readonly journalStore: JournalStore
  readonly clock: Clock
  readonly random: Random
  readonly limits: SessionLimits
}

/** How many idle sessions' records are carried into a new part of the journal at each tick. */
const carriedPerTick = 64
/** And after how many characters of them a tick has enough. */
const carriedSize = 1_048_576

/** Who is here: the sessions of all virtual hosts, rebuilt from the journal at start. */
export class Sessions implements TickEnd, SessionOwner {
  readonly clock: Clock
  readonly journal: Journal
  limits: SessionLimits
  readonly #store: JournalStore
  readonly #random: Random
  readonly #byId = new Map<string, Session>()
  readonly #byAccount = new Map<string, Session[]>()
  #router!: SessionRouter
  #lastNumber = 0
  #part: number
  /** Where the records begin that are being carried. */
  #carriedFrom = 0
  #keptFrom = 0
  /** Where the records begin that have all been carried, and of which the journal has not yet said that it keeps the last ones. */
  #carried: number | undefined
  #toCarry: Iterator<Session> | undefined

  constructor(options: SessionsOptions) {
    this.clock = options.clock
    this.journal = options.journal
    this.limits = options.limits
    this.#store = options.journalStore
    this.#random = options.random
    this.#part = options.journalStore.part
  }

  /** Gives it the router, which needs it in turn, and takes up the sessions that the journal holds. */
  recover(router: SessionRouter): void {
    this.#router = router
    const records = new Map<number, Recovered>()
    for (const [, batch] of this.#store.read(0)) {
      for (const [kind, number, ...rest] of recordsOf(batch)) replay(records, kind, number as number, rest)
    }
    for (const [number, record] of records) {
      this.#lastNumber = Math.max(this.#lastNumber, number)
      const jid = Jid.parse(record.jid)
      this.#add(new Session(number, jid, record, this))
    }
    this.#carriedFrom = this.#store.part
    this.#toCarry = this.#byId.values()
    this.#carryLater()
  }

  /**
   * After `recover`, once the server serves the domain: ends its sessions that cannot be resumed, gives the others their time. Those of
   * a domain that is not served at present wait until it is.
   */
  revive(domain: string): void {
    for (const session of [...this.#byId.values()]) {
      if (session.jid.domain !== domain) continue
      if (session.resumeTime > 0) session.expireLater()
      else this.end(session)
    }
  }

  get size(): number {
    return this.#byId.size
  }

  [Symbol.iterator](): Iterator<Session> {
    return this.#byId.values()
  }

  /** The sessions of the account. */
  of(account: Jid): readonly Session[] {
    return this.#byAccount.get(account.toString()) ?? none
  }

  /** The sessions of all accounts of a domain: looks at those of every domain. */
  *ofDomain({ domain }: Jid): Iterable<Session> {
    for (const session of this) if (session.jid.domain === domain) yield session
  }

  /** The session with this full JID. */
  get(jid: Jid): Session | undefined {
    for (const session of this.of(jid.bare)) if (session.jid.equals(jid)) return session
    return undefined
  }

  /**
   * RFC 6120 §7: binds a resource, the server's choice when none is given. One that is in use is taken from its old session
   * (§7.7.2.2), which ends with the stream error conflict.
   * @throws StanzaError resource-constraint (§7.6.2.1)
   */
  bind(stream: SessionStream, account: Jid, resource: string | undefined): Session {
    const jid = account.withResource(resource ?? this.#token(9))
    const old = this.get(jid)
    const most = this.#router.resources(account) ?? this.limits.resourcesPerAccount
    if (!old && this.of(account).length >= most) this.#makeRoom(account)
    if (!old && this.of(account).length >= most)
      throw new StanzaError('resource-constraint', 'This account has too many resources connected')
    if (old) this.end(old, new StreamError('conflict', 'Replaced by a new connection'))
    const record: SessionRecord = {
      id: this.#token(18),
      jid: jid.toString(),
      isManaged: false,
      resumeTime: 0,
      handled: 0,
      acknowledged: 0,
      state: {},
      outbox: [],
      held: [],
    }
    const session = new Session(++this.#lastNumber, jid, record, this)
    this.#add(session)
    this.journal.append(['session', session.number, record as unknown as Json])
    session.attach(stream)
    this.#router.bound(session)
    return session
  }

  /**
   * XEP-0386 §3.2: binds a resource of the server's choice, behind the client's tag where a resource can begin with it. Older sessions of
   * the same client end.
   * @param client what the client tells nobody but the server: the same whenever it logs in
   * @throws StanzaError resource-constraint
   */
  bindClient(stream: SessionStream, account: Jid, tag: string | undefined, client: string | undefined): Session {
    if (client !== undefined)
      for (const old of this.of(account).filter((one) => one.get('client') === client))
        this.end(old, new StreamError('conflict', 'This client has logged in again'))
    const id = this.#token(9)
    const session = this.bind(stream, account, isResource(account, `${tag}/${id}`) && tag ? `${tag}/${id}` : id)
    if (client !== undefined) session.set('client', client)
    return session
  }

  /** The session that the token names, if it is the account's and can be resumed. */
  find(id: string, account: Jid): Session | undefined {
    const session = this.#byId.get(id)
    return session && session.resumeTime > 0 && session.account.equals(account) ? session : undefined
  }

  accept(stanza: Stanza, session: Session): Awaitable<void> {
    return this.#router.accept(stanza, session)
  }

  sending(stanza: Stanza, session: Session): Stanza | undefined {
    return this.#router.sending(stanza, session)
  }

  resumed(session: Session): void {
    this.#router.resumed(session)
  }

  /** Ends a session for good: its contacts learn that it is unavailable, what it never acknowledged is handed to `gone`. */
  end(session: Session, error?: StreamError): void {
    if (session.isEnded) return
    this.#remove(session)
    const undelivered = session.finish(error)
    const wait = this.#router.farewell(session)
    if (wait instanceof Promise) void wait.then(() => this.#bury(session, undelivered))
    else this.#bury(session, undelivered)
  }

  /** Part of the journal below which no session has a record: what is older may be released. */
  get keptFrom(): number {
    return this.#keptFrom
  }

  /** Writes whole records of sessions into the journal's new part, some at each tick, so that old parts can be released. */
  commit(): void {
    if (!this.#toCarry && this.#store.part !== this.#part) {
      this.#carriedFrom = this.#store.part
      this.#toCarry = this.#byId.values()
    }
    if (!this.#toCarry) return
    let size = 0
    for (let i = 0; i < carriedPerTick && size < carriedSize; i++) {
      const { value: session, done } = this.#toCarry.next()
      if (done) {
        this.#toCarry = undefined
        this.#carried = this.#carriedFrom
        return
      }
      size += session.unacknowledgedSize + session.held.characters
      this.journal.append(['session', session.number, session.record as unknown as Json])
    }
    this.#carryLater()
  }

  /** To be called when the journal has kept a batch: looks whether a new part has begun. */
  committed(): void {
    // Parts begun by the carrying need none of their own, or it would never end.
    if (this.#carried !== undefined) {
      this.#part = this.#store.part
      this.#keptFrom = this.#carried
      this.#carried = undefined
    }
    if (this.#store.part !== this.#part) this.#carryLater()
  }

  #carryLater(): void {
    this.clock.soon(() => this.journal.beforeCommit(this))
  }

  // The record of its end comes after the effects of its end, in the same batch: a kill in between repeats both or neither.
  #bury(session: Session, undelivered: readonly Undelivered[]): void {
    const end = () => {
      this.#router.ended(session)
      this.journal.append(['end', session.number])
    }
    const wait = this.#router.gone(session, undelivered)
    if (wait instanceof Promise) void wait.then(end)
    else end()
  }

  /** Ends the session that has been without a connection the longest, if any is: a client with a bad connection must get in. */
  #makeRoom(account: Jid): void {
    const detached = this.of(account).filter((session) => session.isDetached)
    const [oldest] = detached.sort((a, b) => a.lastActive - b.lastActive)
    if (oldest) this.end(oldest)
  }

  /** Sessions stay in the journal; what is planned for them here is off. */
  close(): void {
    for (const session of this.#byId.values()) session.suspend()
  }

  #add(session: Session): void {
    this.#byId.set(session.id, session)
    const key = session.account.toString()
    const others = this.#byAccount.get(key)
    if (others) others.push(session)
    else this.#byAccount.set(key, [session])
  }

  #remove(session: Session): void {
    this.#byId.delete(session.id)
    const key = session.account.toString()
    const others = (this.#byAccount.get(key) ?? []).filter((other) => other !== session)
    if (others.length > 0) this.#byAccount.set(key, others)
    else this.#byAccount.delete(key)
  }

  #token(size: number): string {
    return Buffer.from(this.#random.bytes(size)).toString('base64url')
  }
}

const none: readonly Session[] = []

function isResource(account: Jid, resource: string): boolean {
  try {
    return account.withResource(resource) !== undefined
  } catch (error) {
    if (error instanceof JidError) return false
    throw error
  }
}

interface Recovered extends SessionRecord {
  isManaged: boolean
  resumeTime: number
  handled: number
  acknowledged: number
  state: Record<string, Json>
  outbox: (readonly [number, string])[]
  held: Held[]
}

/** Repeats one record of the journal upon the sessions' records. */
function replay(records: Map<number, Recovered>, kind: string, number: number, rest: readonly Json[]): void {
  if (kind === 'session') {
    records.set(number, rest[0] as unknown as Recovered)
    return
  }
  // Records of sessions that ended, or whose whole record comes later, in the next part.
  const record = records.get(number)
  if (!record) return
  switch (kind) {
    case 'set': {
      const [key, value] = rest as [string, Json?]
      if (value === undefined) delete record.state[key]
      else record.state[key] = value
      break
    }
    case 'manage':
      record.isManaged = true
      record.resumeTime = rest[0] as number
      break
    case 'out':
      record.outbox.push(rest as [number, string])
      break
    case 'hold': {
      const held = rest as unknown as Held
      record.held = [...record.held.filter((one) => held[2] === '' || one[2] !== held[2]), held]
      break
    }
    case 'flush': {
      const [at] = rest as [number]
      if (record.isManaged) for (const [, text] of record.held) record.outbox.push([at, text])
      record.held = []
      break
    }
    case 'count': {
      const [handled, acknowledged] = rest as [number, number]
      record.outbox.splice(0, (acknowledged - record.acknowledged) >>> 0)
      record.handled = handled
      record.acknowledged = acknowledged
      break
    }
    case 'end':
      records.delete(number)
  }
}
