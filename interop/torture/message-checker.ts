import type { Violate } from './checker.ts'
import { checkContent, type Original } from './contents.ts'
import type { EventOf, SessionNumber, TortureEvent } from './events.ts'

interface Message extends Original {
  readonly at: number
  readonly from: SessionNumber
  readonly to: readonly SessionNumber[]
  readonly copies: readonly SessionNumber[]
  readonly isToAccount: boolean
  /** The how manieth message of its sender it is. */
  readonly order: number
  readonly seenBy: Set<SessionNumber>
  readonly copiedTo: Set<SessionNumber>
}

/** Judges messages: each comes to each once, as it was sent and in order, and is in the archives of both sides. */
export class MessageChecker {
  readonly #violate: Violate
  readonly #messages = new Map<string, Message>()
  readonly #orders = new Map<SessionNumber, number>()
  readonly #lastSeen = new Map<string, number>()
  readonly counted = { received: 0, copied: 0, archived: 0, acknowledged: 0, retracted: 0 }

  constructor(violate: Violate) {
    this.#violate = violate
  }

  get sent(): number {
    return this.#messages.size
  }

  /** @param due by reading, the place of the event that asked for it */
  take(event: TortureEvent, place: number, due: ReadonlyMap<string, number>): void {
    if (event.kind === 'sent') this.#take(event)
    else if (event.kind === 'acknowledged') {
      const message = this.#messages.get(event.id)
      if (!message) return
      this.counted.acknowledged++
      message.acknowledged = place
    } else if (event.kind === 'received') this.#receive(event)
    else if (event.kind === 'copied') this.#copy(event)
    else if (event.kind === 'archived') this.#checkArchive(event, due.get(event.reading) ?? place)
  }

  #take({ at, id, session, body, retracts, to, copies, isToAccount }: EventOf<'sent'>): void {
    const order = (this.#orders.get(session) ?? 0) + 1
    this.#orders.set(session, order)
    const unseen = { seenBy: new Set<number>(), copiedTo: new Set<number>(), acknowledged: Infinity }
    const message: Message = { at, id, body, from: session, to, copies, isToAccount, order, ...unseen }
    this.#messages.set(id, message)
    const original = retracts === undefined ? undefined : this.#messages.get(retracts)
    if (!original) return
    original.retraction = message
    this.counted.retracted++
  }

  #receive(event: EventOf<'received'>): void {
    this.counted.received++
    const { at, id, session, from } = event
    const message = this.#messages.get(id)
    if (!message || message.from !== from || !message.to.includes(session))
      return this.#violate('misdelivered', at, `${id} from ${from} came to ${session}`)
    if (message.seenBy.has(session)) return this.#violate('duplicates', at, `${id} came to ${session} again`)
    message.seenBy.add(session)
    this.#compare(event, message)
    // What waits for its account may come behind what went straight to the session.
    const pair = `${from} ${session} ${message.isToAccount}`
    const before = this.#lastSeen.get(pair) ?? 0
    if (message.order < before) this.#violate('disorder', at, `${id} came to ${session} behind a later one`)
    else this.#lastSeen.set(pair, message.order)
  }

  #copy(event: EventOf<'copied'>): void {
    this.counted.copied++
    const { at, id, session } = event
    const message = this.#messages.get(id)
    if (!message?.copies.includes(session))
      return this.#violate('misdelivered', at, `a copy of ${id} came to ${session}`)
    if (message.copiedTo.has(session))
      return this.#violate('duplicates', at, `a copy of ${id} came to ${session} again`)
    message.copiedTo.add(session)
    this.#compare(event, message)
  }

  #compare({ at, id, session, body }: EventOf<'received' | 'copied'>, message: Message): void {
    if (body !== message.body) this.#violate('contents', at, `${id} came to ${session} as: ${body}`)
  }

  /** XEP-0313: whether an archive holds each message that its account sent or was sent, once, and each sender's in order. */
  #checkArchive({ at, sessions, entries }: EventOf<'archived'>, due: number): void {
    this.counted.archived += entries.length
    const held = new Set<string>()
    const orders = new Map<SessionNumber, number>()
    const where = `the archive of ${sessions}`
    for (const entry of entries) {
      const { id } = entry
      const message = this.#messages.get(id)
      if (!message) {
        this.#violate('misdelivered', at, `${id} is in ${where}`)
        continue
      }
      if (held.has(id)) this.#violate('archivedTwice', at, `${id} in ${where}`)
      else if (message.order < (orders.get(message.from) ?? 0)) this.#violate('disorder', at, `${id} in ${where}`)
      else orders.set(message.from, message.order)
      held.add(id)
      checkContent(entry, message, due, at, where, this.#violate)
    }
    for (const [id, { from, to, acknowledged }] of this.#messages)
      if (acknowledged < due && !held.has(id) && [from, ...to].some((session) => sessions.includes(session)))
        this.#violate('archiveLost', at, `${id} is not in ${where}`)
  }

  /** What should have happened by now. */
  end(): void {
    for (const [id, { at, to, isToAccount, retraction, seenBy, copies, copiedTo, acknowledged }] of this.#messages) {
      // What waits and is taken back comes no more.
      const mayMiss = isToAccount && retraction !== undefined
      const isAcknowledged = acknowledged < Infinity
      for (const session of to)
        if (!seenBy.has(session) && !mayMiss)
          this.#violate(
            isAcknowledged ? 'acknowledgedLost' : 'unacknowledgedLost',
            at,
            `${id} never came to ${session}`,
          )
      for (const session of copies)
        if (!copiedTo.has(session)) this.#violate('copiesLost', at, `no copy of ${id} came to ${session}`)
      if (!isAcknowledged) this.#violate('unsettled', at, id)
    }
  }
}
