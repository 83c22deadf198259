// Longer than most: the order of requests and of responses is one matter (XEP-0124 §8 to §14).
import { type BoshBody, parse, writeBody } from '@jackdaw/xmpp'
import type { Clock } from '../../world.ts'
import { EmptyRequests, polling } from './empty-requests.ts'
import { Keys } from './keys.ts'
import type { TlsFacts, Transport, TransportEvents } from '../transport.ts'
import { closeElement, conditionOf, openElement, type TerminalCondition } from './stream-elements.ts'

/** Seconds. §10: a little more than a round trip on a bad network; §13: for who polls, more than `polling`. */
const inactivity = 60
const maxpause = 120
/** Seconds; proxies do not wait longer. */
const longestWait = 120
const mostHeld = 2
/** §14.3: how often one rid may be asked for again. */
const mostRepeats = 10
/** Characters of payload in one response; as many responses are kept as may be asked for again. */
const fullResponse = 262_144
/** Characters of output at which the stream is told to wait. */
const highWater = 65_536

interface Pending {
  readonly rid: number
  /** Until it is taken in. */
  body: BoshBody | undefined
  readonly reply: (text: string) => void
  /** The client has left without an answer. */
  isGone: boolean
  cancel: () => void
}

interface SessionOptions {
  readonly sid: string
  readonly address: string
  readonly isSecure: boolean
  /** The request that creates it. */
  readonly first: BoshBody
  readonly clock: Clock
  /** Bytes of input that may wait. */
  readonly mostInput: number
  /** Calls `act` when all that has been done so far is kept. */
  readonly afterCommit: (act: () => void) => void
  /** Its sid is known no longer. */
  readonly forget: () => void
}

/**
 * A BOSH session (XEP-0124): many requests, one stream. A request that another one lets go (§8) is answered when what that one brought has been kept,
 * for the answer says that it has come (§9.1); to be told that a stanza has been handled there is XEP-0198, as over any transport.
 */
export class BoshSession implements Transport {
  readonly address: string
  readonly tls: TlsFacts | undefined
  readonly #clock: Clock
  readonly #mostInput: number
  readonly #afterCommit: (act: () => void) => void
  readonly #forget: () => void
  readonly #wait: number
  readonly #hold: number
  readonly #requests: number
  readonly #empties: EmptyRequests
  /** What the first response says. */
  #creation: Record<string, string | undefined> | undefined
  #events!: TransportEvents
  #state: 'open' | 'ended' | 'gone' = 'open'
  /** §9.1: the highest rid of which all lower ones have come. */
  #rid: number
  /** Those that have come before their turn, by rid. */
  readonly #early = new Map<number, Pending>()
  /** In the order of their rids. */
  readonly #held: Pending[] = []
  /** §14.3: the last responses, by rid. */
  readonly #answers = new Map<number, string>()
  #repeats = 0
  readonly #keys = new Keys()
  #isPaused = false
  #inbox: string[] = []
  #inboxSize = 0
  #outbox: string[] = []
  pendingBytes = 0
  #isCongested = false
  #isTurning = false
  #isToTurn = false
  #error: string | undefined
  /** What is told to who comes after the end. */
  #final = ''
  #cancelInactivity: (() => void) | undefined
  /** Milliseconds, until the next request. */
  #idle = inactivity * 1000
  #wasAnsweredEmpty = false

  constructor({ sid, address, isSecure, first, clock, mostInput, afterCommit, forget }: SessionOptions) {
    this.address = address
    // The channel is the client's to each request alone: it binds nothing and proves nobody.
    this.tls = isSecure ? { protocol: 'https', bindings: new Map(), identities: [] } : undefined
    this.#clock = clock
    this.#mostInput = mostInput
    this.#afterCommit = afterCommit
    this.#forget = forget
    this.#wait = Math.min(first.wait ?? 60, longestWait)
    this.#hold = Math.min(first.hold ?? 1, mostHeld)
    this.#empties = new EmptyRequests(clock, this.#wait === 0 || this.#hold === 0)
    this.#requests = Math.max(this.#hold + 1, 2)
    this.#rid = first.rid - 1
    this.#creation = {
      sid,
      wait: String(this.#wait),
      requests: String(this.#requests),
      ver: versionFor(first.ver),
      polling: String(polling),
      inactivity: String(inactivity),
      hold: String(this.#hold),
      maxpause: String(maxpause),
      ack: String(first.rid),
      'xmpp:version': '1.0',
      'xmpp:restartlogic': 'true',
    }
  }

  get framing(): 'bosh' {
    return 'bosh'
  }

  get canStartTls(): boolean {
    return false
  }

  // The stream's side

  open(events: TransportEvents): void {
    this.#events = events
  }

  write(text: string): boolean {
    if (this.#state !== 'open') return true
    if (text.startsWith('<open ')) this.#opened(text)
    else if (text.startsWith('<stream:error')) this.#error = text
    else if (!text.startsWith('<close ')) {
      this.#outbox.push(text)
      this.pendingBytes += text.length
    }
    // What is written in one go is one response.
    if (!this.#isTurning) {
      this.#isTurning = true
      queueMicrotask(() => {
        this.#isTurning = false
        this.#turn()
      })
    }
    this.#isCongested ||= this.pendingBytes > highWater
    return !this.#isCongested
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    while (!this.#isPaused && this.#state === 'open' && this.#inbox.length > 0) {
      const text = this.#inbox.shift()!
      this.#inboxSize -= text.length
      this.#events.data(text)
    }
    this.#turnLater()
  }

  startTls(): Promise<void> {
    return Promise.reject(new Error('STARTTLS is not used over BOSH (XEP-0206 §2)'))
  }

  /** §13: the oldest request is told; when there is none, the next one. */
  close(): void {
    if (this.#state !== 'open') return
    this.#final = this.#last()
    this.#end('ended')
    const [oldest, ...others] = [...this.#held.splice(0), ...this.#early.values()]
    this.#early.clear()
    oldest?.reply(this.#final)
    for (const { reply } of others) reply(writeBody({}))
    if (oldest && !oldest.isGone) this.#remove()
    else this.#rest()
    queueMicrotask(() => this.#events.gone())
  }

  destroy(): void {
    if (this.#state === 'open') this.#cut('remote-connection-failed')
  }

  // The client's side

  /** A request of this session; `reply` is called once. The signal tells that the client does not wait any longer. */
  take(body: BoshBody, reply: (text: string) => void, signal?: AbortSignal): void {
    if (this.#state === 'ended') {
      this.#remove()
      return reply(this.#final)
    }
    const pending: Pending = { rid: body.rid, body, reply, isGone: signal?.aborted ?? false, cancel: () => {} }
    signal?.addEventListener('abort', () => this.#left(pending), { once: true })
    const { rid } = body
    if (rid <= this.#rid || this.#early.has(rid)) return this.#again(pending)
    // §14.2; §11: one more to pause or to terminate.
    if (rid > this.#rid + this.#requests + (isExtra(body) ? 1 : 0)) return this.#cut('item-not-found', pending)
    this.#early.set(rid, pending)
    for (let next = this.#early.get(this.#rid + 1); next; next = this.#early.get(this.#rid + 1)) {
      this.#rid++
      this.#early.delete(this.#rid)
      this.#accept(next)
    }
    this.#turnLater()
  }

  #accept(pending: Pending): void {
    const body = pending.body!
    pending.body = undefined
    if (!this.#keys.fit(body)) return this.#cut('item-not-found', pending)
    this.#cancelInactivity?.()
    this.#cancelInactivity = undefined
    this.#idle = inactivity * 1000
    this.#repeats = 0
    this.#held.push(pending)
    if ((this.#held.length > this.#requests && !isExtra(body)) || this.#isHasty(body))
      return this.#cut('policy-violation')
    if (body.pause !== undefined && body.pause > maxpause) return this.#cut('policy-violation')
    const time = this.#creation ? Math.max(this.#wait, 1) : this.#wait
    pending.cancel = this.#clock.after(time * 1000, () => this.#expire(pending.rid))
    if (this.#creation || body.isRestart) this.#hear(openElement(body))
    else for (const payload of body.payloads) this.#hear(payload)
    if (body.isTerminate) this.#hear(closeElement)
    if (body.pause === undefined) return
    // §10: all are answered, without payload.
    this.#idle = body.pause * 1000
    while (this.#held.length > 0) this.#answer(true)
  }

  #hear(text: string): void {
    if (this.#state !== 'open') return
    if (!this.#isPaused) return this.#events.data(text)
    this.#inbox.push(text)
    this.#inboxSize += text.length
    if (this.#inboxSize > this.#mostInput) this.#cut('policy-violation')
  }

  /** §14.3: a request that has come before, since its answer was lost. */
  #again(pending: Pending): void {
    if (++this.#repeats > mostRepeats) return this.#cut('policy-violation', pending)
    const { rid } = pending
    const kept = this.#answers.get(rid)
    if (kept !== undefined) return pending.reply(kept)
    const at = this.#held.findIndex((held) => held.rid === rid)
    const before = this.#held[at] ?? this.#early.get(rid)
    if (!before) return this.#cut('item-not-found', pending)
    before.reply(writeBody({ type: 'error' }))
    pending.cancel = before.cancel
    if (at >= 0) this.#held[at] = pending
    else this.#early.set(rid, pending)
    this.#cancelInactivity?.()
    this.#cancelInactivity = undefined
    this.#turn()
  }

  #left(pending: Pending): void {
    pending.isGone = true
    if (this.#state === 'open') this.#rest()
  }

  /** When what the requests have brought has been kept. */
  #turnLater(): void {
    if (this.#isToTurn) return
    this.#isToTurn = true
    // Not in the midst of what others are told: an answer may let in more, of which nothing has been kept.
    this.#afterCommit(() =>
      queueMicrotask(() => {
        this.#isToTurn = false
        this.#turn()
      }),
    )
  }

  /** §8: answers what is due, the oldest first. */
  #turn(): void {
    while (this.#state === 'open' && this.#held.length > 0 && this.#held.some(({ isGone }) => !isGone)) {
      // Who is not listened to at the moment waits, or it would send more.
      const isDue = this.#held.length > this.#hold && !this.#isPaused && this.#inbox.length === 0 && !this.#creation
      if (this.#outbox.length === 0 && !isDue) break
      this.#answer(this.#held[0]!.isGone)
    }
    if (this.#state !== 'open') return
    this.#rest()
    if (!this.#isCongested || this.#outbox.length > 0) return
    this.#isCongested = false
    this.#events.drain()
  }

  #expire(rid: number): void {
    while (this.#state === 'open' && this.#held.length > 0 && this.#held[0]!.rid <= rid)
      this.#answer(this.#held[0]!.isGone)
    if (this.#state === 'open') this.#rest()
  }

  /** Answers the oldest request. */
  #answer(isEmpty: boolean): void {
    const { rid, reply, cancel } = this.#held.shift()!
    cancel()
    const payloads = isEmpty ? [] : this.#fill()
    this.#wasAnsweredEmpty = payloads.length === 0
    const ack = rid === this.#rid ? undefined : String(this.#rid)
    const text = writeBody(this.#creation ?? { ack }, payloads)
    this.#creation = undefined
    this.#answers.set(rid, text)
    for (const old of this.#answers.keys()) {
      if (this.#answers.size <= this.#requests) break
      this.#answers.delete(old)
    }
    reply(text)
  }

  #fill(): string[] {
    let size = 0
    let count = 0
    while (count < this.#outbox.length && size < fullResponse) size += this.#outbox[count++]!.length
    this.pendingBytes -= size
    return this.#outbox.splice(0, count)
  }

  /** §10: begins to wait for the next request when none is held. */
  #rest(): void {
    if (this.#cancelInactivity || this.#held.some(({ isGone }) => !isGone)) return
    this.#cancelInactivity = this.#clock.after(this.#idle, () => {
      const wasOpen = this.#state === 'open'
      this.#end('gone')
      for (const { cancel } of this.#held.splice(0)) cancel()
      this.#remove()
      if (wasOpen) this.#events.gone(new Error('The BOSH session was inactive'))
    })
  }

  /** §11, §12 */
  #isHasty(body: BoshBody): boolean {
    const isEmpty = body.payloads.length === 0 && !body.isRestart && !isExtra(body) && !this.#creation
    if (isEmpty) return this.#empties.isTooSoon(this.#wasAnsweredEmpty)
    this.#empties.interrupted()
    return false
  }

  // Ending

  #opened(text: string): void {
    if (!this.#creation) return
    const header = parse(text)
    Object.assign(this.#creation, { from: header.attr('from'), authid: header.attr('id') })
  }

  /** What the client is told when the stream has ended. */
  #last(): string {
    const condition = conditionOf(this.#error)
    const payloads = this.#error === undefined ? this.#outbox : [...this.#outbox, this.#error]
    return writeBody({ ...this.#creation, type: 'terminate', condition }, payloads)
  }

  /** Ends by a rule of BOSH: all requests are told, and the stream is broken. */
  #cut(condition: TerminalCondition, pending?: Pending): void {
    const text = writeBody({ type: 'terminate', condition })
    pending?.reply(text)
    if (this.#state !== 'open') return
    this.#end('gone')
    for (const { reply, cancel } of [...this.#held.splice(0), ...this.#early.values()]) {
      cancel()
      reply(text)
    }
    this.#early.clear()
    this.#remove()
    queueMicrotask(() => this.#events.gone(new Error(`The BOSH session ended with ${condition}`)))
  }

  #end(state: 'ended' | 'gone'): void {
    this.#state = state
    this.#cancelInactivity?.()
    this.#cancelInactivity = undefined
    for (const { cancel } of this.#held) cancel()
    this.#answers.clear()
    this.#outbox = []
    this.#inbox = []
    this.pendingBytes = 0
  }

  #remove(): void {
    this.#state = 'gone'
    this.#cancelInactivity?.()
    this.#forget()
  }
}

/** §11: may come though as many requests as are allowed have come. */
function isExtra({ pause, isTerminate }: BoshBody): boolean {
  return pause !== undefined || isTerminate
}

/** §7.2: the lower of the two. */
function versionFor(ver: string | undefined): string {
  const [, major = '', minor = ''] = /^(\d{1,4})\.(\d{1,4})$/.exec(ver ?? '') ?? []
  return major !== '' && (Number(major) < 1 || (major === '1' && Number(minor) < 11)) ? ver! : '1.11'
}
