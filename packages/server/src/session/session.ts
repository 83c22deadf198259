import {
  clientNs,
  type Element,
  errorReply,
  type Jid,
  parse,
  type Presence,
  Stanza,
  type StanzaError,
  StreamError,
  write,
  unlimited,
} from '@jackdaw/xmpp'
import type { Journal, TickEnd } from '../journal/journal.ts'
import type { Target, Undelivered } from '../module.ts'
import type { SessionStream, StreamSession, Unacknowledged } from '../stream/bound.ts'
import type { Awaitable, Clock, Json } from '../world.ts'

/** A session as the journal keeps it: all that is needed to go on after a restart. */
export interface SessionRecord {
  /** The token for resumption: unguessable. */
  readonly id: string
  readonly jid: string
  /** XEP-0198: stanzas are counted. */
  readonly isManaged: boolean
  /** How long it lives without a stream, milliseconds; 0 when it cannot be resumed. */
  readonly resumeTime: number
  readonly handled: number
  readonly acknowledged: number
  readonly state: { readonly [key: string]: Json }
  readonly outbox: readonly Unacknowledged[]
  readonly held: readonly Held[]
}

/** A stanza that is held back: since when (milliseconds since the epoch), its text, and what a later one of the same key replaces. */
export type Held = readonly [at: number, text: string, key: string]

/** What a session asks of those above it. */
export interface SessionOwner {
  readonly clock: Clock
  readonly journal: Journal
  readonly limits: { readonly resumeTime: number; readonly outboxStanzas: number; readonly outboxBytes: number }
  accept(stanza: Stanza, session: Session): Awaitable<void>
  /** The stanza as modules let it be handed to the session; undefined when they hold it back. */
  sending(stanza: Stanza, session: Session): Stanza | undefined
  resumed(session: Session): void
  end(session: Session, error?: StreamError): void
}

/** How long a client may take to acknowledge more than the usual limit, milliseconds. */
const patience = 60_000

/** The connection of one resource of an account with the server: a plain record, written to the journal as it changes. */
export class Session implements Target, StreamSession, TickEnd {
  readonly number: number
  readonly id: string
  readonly jid: Jid
  readonly account: Jid
  readonly #owner: SessionOwner
  /** A plain object: of a few values it takes a quarter of a map. */
  readonly #state: Record<string, Json>
  #outbox: Unacknowledged[]
  #outboxBytes = 0
  #held: Held[]
  #heldSize = 0
  #acknowledged: number
  #stream: SessionStream | undefined
  #presence: Presence | undefined
  #isCountKept = true
  #handling: Promise<void> | undefined
  #cancelExpiry: (() => void) | undefined
  #taken: { readonly count: number; readonly act: () => void } | undefined
  handled: number
  isManaged: boolean
  resumeTime: number
  isEnded = false
  lastActive = 0

  constructor(number: number, jid: Jid, record: SessionRecord, owner: SessionOwner) {
    this.number = number
    this.id = record.id
    this.jid = jid
    this.account = jid.bare
    this.isManaged = record.isManaged
    this.resumeTime = record.resumeTime
    this.handled = record.handled
    this.#acknowledged = record.acknowledged
    this.#state = { ...record.state }
    this.#outbox = [...record.outbox]
    for (const [, text] of record.outbox) this.#outboxBytes += text.length
    this.#held = [...record.held]
    for (const [, text] of record.held) this.#heldSize += text.length
    this.#owner = owner
    this.lastActive = owner.clock.now()
  }

  get record(): SessionRecord {
    return {
      id: this.id,
      jid: this.jid.toString(),
      isManaged: this.isManaged,
      resumeTime: this.resumeTime,
      handled: this.handled,
      acknowledged: this.#acknowledged,
      state: { ...this.#state },
      outbox: this.#outbox,
      held: this.#held,
    }
  }

  // What modules see

  deliver(stanza: Stanza): void {
    if (this.isEnded) return
    const sent = this.#owner.sending(stanza, this)
    if (!sent) return
    if (this.#held.length > 0) this.flush()
    const text = write(sent, clientNs)
    if (this.isManaged) this.#keep(text)
    this.#stream?.deliver(text)
  }

  hold(stanza: Stanza, key = ''): void {
    if (this.isEnded) return
    const held: Held = [this.#owner.clock.now(), write(stanza, clientNs), key]
    if (key !== '') this.#forgetHeld(key)
    this.#held.push(held)
    this.#heldSize += held[1].length
    this.#owner.journal.append(['hold', this.number, ...held])
  }

  get held(): { readonly stanzas: number; readonly characters: number } {
    return { stanzas: this.#held.length, characters: this.#heldSize }
  }

  flush(): void {
    const held = this.#held
    if (held.length === 0 || this.isEnded) return
    const at = this.#owner.clock.now()
    this.#held = []
    this.#heldSize = 0
    this.#owner.journal.append(['flush', this.number, at])
    for (const [, text] of held) {
      if (this.isManaged) this.#queue(at, text)
      this.#stream?.deliver(text)
    }
    this.#checkOutbox(at)
  }

  get<T extends Json>(key: string): T | undefined {
    return this.#state[key] as T | undefined
  }

  set(key: string, value: Json | undefined): void {
    if (value === undefined) {
      if (this.#state[key] === undefined) return
      delete this.#state[key]
    } else this.#state[key] = value
    if (key === 'presence') this.#presence = undefined
    this.#owner.journal.append(value === undefined ? ['set', this.number, key] : ['set', this.number, key, value])
  }

  get presence(): Presence | undefined {
    const text = this.#state['presence']
    if (text === undefined) return undefined
    return (this.#presence ??= stanzaOf(text as string) as Presence)
  }

  get priority(): number {
    return Number(this.presence?.child('priority')?.text ?? 0)
  }

  get isAvailable(): boolean {
    return this.#state['presence'] !== undefined
  }

  whenTaken(act: () => void): void {
    if (!this.isManaged) return this.#stream?.whenDrained(act)
    this.#taken = { count: this.sent, act }
    this.#tellTaken()
  }

  end(error?: StreamError): void {
    this.#owner.end(this, error)
  }

  // What its stream sees

  accept(stanza: Stanza, at: number): Awaitable<void> {
    this.lastActive = at
    const wait = this.#owner.accept(stanza, this)
    if (!(wait instanceof Promise)) return this.#count()
    const handling = wait.then(() => {
      this.#handling = undefined
      this.#count()
    })
    this.#handling = handling
    return handling
  }

  refuse(element: Element, error: StanzaError): void {
    if (element.attr('type') !== 'error' && element.attr('type') !== 'result')
      this.deliver(errorReply(element, error).addressed({ to: this.jid }))
    this.#count()
  }

  manage(canResume: boolean, seconds?: number): { id: string; seconds: number } | undefined {
    const longest = this.#owner.limits.resumeTime
    this.isManaged = true
    this.resumeTime = canResume ? Math.min(seconds === undefined ? longest : seconds * 1000, longest) : 0
    this.#owner.journal.append(['manage', this.number, this.resumeTime])
    return this.resumeTime > 0 ? { id: this.id, seconds: Math.floor(this.resumeTime / 1000) } : undefined
  }

  acknowledge(h: number): boolean {
    const count = (h - this.#acknowledged) >>> 0
    if (count === 0) return true
    if (count > this.#outbox.length) return false
    for (let i = 0; i < count; i++) this.#outboxBytes -= this.#outbox[i]![1].length
    // Of one no list is made; of many, one by one would move those behind them each time.
    if (count === 1) this.#outbox.shift()
    else this.#outbox.splice(0, count)
    this.#acknowledged = h
    this.#countLater()
    if (this.#taken) this.#tellTaken()
    return true
  }

  /** Characters that wait for an acknowledgement. */
  get unacknowledgedSize(): number {
    return this.#outboxBytes
  }

  get isDetached(): boolean {
    return this.#stream === undefined
  }

  get sent(): number {
    return (this.#acknowledged + this.#outbox.length) >>> 0
  }

  get unacknowledged(): number {
    return this.#outbox.length
  }

  detach(stream: SessionStream, isClosed: boolean): void {
    if (this.#stream !== stream || this.isEnded) return
    this.#stream = undefined
    if (isClosed || this.resumeTime === 0) this.#owner.end(this)
    else this.expireLater()
  }

  // What the registry of sessions sees

  /** The stream that carries it from now on. */
  attach(stream: SessionStream): void {
    this.#leaveStream()
    this.#cancelExpiry?.()
    this.#cancelExpiry = undefined
    this.#stream = stream
  }

  /** Takes it from its stream, of which nothing more is read; resolves when the stanza that is being handled has been counted. */
  release(): Awaitable<void> {
    this.#leaveStream()
    return this.#handling
  }

  /** Hands the stream what its client has not acknowledged (XEP-0198 §5). */
  repeat(): void {
    for (const [, text] of this.#outbox) this.#stream?.deliver(text)
    this.#owner.resumed(this)
  }

  /** The server stops: no time runs for it any more. */
  suspend(): void {
    this.#cancelExpiry?.()
  }

  /** Ends it unless it is resumed in time. */
  expireLater(): void {
    this.#cancelExpiry?.()
    this.#cancelExpiry = this.#owner.clock.after(this.resumeTime, () => this.#owner.end(this))
  }

  /** Takes it out of use: nothing is delivered any more. Returns what was never acknowledged. */
  finish(error: StreamError | undefined): Undelivered[] {
    this.isEnded = true
    this.#cancelExpiry?.()
    const stream = this.#stream
    this.#stream = undefined
    stream?.end(error ?? new StreamError('reset'))
    return [...this.#outbox, ...this.#held].map(([at, text]) => ({ at, stanza: stanzaOf(text) }))
  }

  #tellTaken(): void {
    const { count, act } = this.#taken!
    if (((this.#acknowledged - count) | 0) < 0) return
    this.#taken = undefined
    this.#owner.clock.soon(act)
  }

  #leaveStream(): void {
    const old = this.#stream
    if (!old) return
    this.#stream = undefined
    this.expireLater()
    old.end(new StreamError('conflict', 'The session has been resumed on another stream'))
  }

  // The journal's tick

  commit(): void {
    this.#isCountKept = true
    if (!this.isEnded) this.#owner.journal.append(['count', this.number, this.handled, this.#acknowledged])
  }

  #count(): void {
    if (!this.isManaged) return
    this.handled = (this.handled + 1) >>> 0
    this.#countLater()
  }

  #countLater(): void {
    if (!this.#isCountKept) return
    this.#isCountKept = false
    this.#owner.journal.beforeCommit(this)
  }

  #keep(text: string): void {
    const at = this.#owner.clock.now()
    this.#queue(at, text)
    this.#owner.journal.append(['out', this.number, at, text])
    this.#checkOutbox(at)
  }

  #queue(at: number, text: string): void {
    this.#outbox.push([at, text])
    this.#outboxBytes += text.length
  }

  #forgetHeld(key: string): void {
    const index = this.#held.findIndex((one) => one[2] === key)
    if (index < 0) return
    const [[, text] = ['', '']] = this.#held.splice(index, 1)
    this.#heldSize -= text.length
  }

  #checkOutbox(at: number): void {
    const { outboxStanzas, outboxBytes } = this.#owner.limits
    const excess = Math.max(this.#outbox.length / outboxStanzas, this.#outboxBytes / outboxBytes)
    // A client that is there is given the time to acknowledge what came all at once, such as what had waited for it.
    const isPatient = this.#stream !== undefined && excess <= 8 && at - this.#outbox[0]![0] < patience
    if (excess > 1 && !isPatient)
      this.#owner.end(this, new StreamError('policy-violation', 'Too many stanzas wait for an acknowledgement'))
  }
}

/** A stanza from its text in the scope of jabber:client. */
function stanzaOf(text: string): Stanza {
  return Stanza.from(parse(`<s xmlns='${clientNs}'>${text}</s>`, unlimited).first()!)
}
