import { correctedId, Delay, type HistoryWish, type Jid, type Message, OccupantId, StanzaId } from '@jackdaw/xmpp'
import { sizeOf } from './size.ts'

/** In milliseconds. */
const hour = 3_600_000
const day = 24 * hour

/** A message of the discussion. */
interface Said {
  /** The stanza-id that the room gave it. */
  readonly id: string
  readonly at: number
  /** As it is told to who enters (§7.2.13). */
  readonly message: Message
  readonly size: number
}

/** Most characters of a discussion that are kept; the last message may be longer. */
export const mostKept = 256 * 1024

/** The end of a room's discussion, kept in memory for who enters. */
export class History {
  readonly #room: Jid
  readonly #most: number
  #said: Said[] = []
  #size = 0
  /** Whether more was said than is here. */
  #isCut = false

  constructor(room: Jid, most: number) {
    this.#room = room
    this.#most = most
  }

  /** @param message as it was sent to the occupants, without the stanza-id */
  add(id: string, at: number, message: Message): void {
    if (this.#most === 0 || message.child('body') === undefined) return
    const by = this.#room
    const size = sizeOf(message)
    this.#said.push({
      id,
      at,
      message: message.append(StanzaId.write({ id, by }), Delay.write({ from: by, stamp: at })),
      size,
    })
    this.#size += size
    while (this.#said.length > this.#most || (this.#size > mostKept && this.#said.length > 1)) {
      this.#size -= this.#said.shift()!.size
      this.cut()
    }
  }

  /** To be called when more was said before than is added. */
  cut(): void {
    this.#isCut = true
  }

  /**
   * XEP-0502 §4: about how many messages an hour have come, in the last day or, where it remembers less, since the first that it does; corrections
   * are not counted.
   */
  rate(now: number): number {
    const first = this.#said[0]
    if (!first) return 0
    const since = this.#isCut ? Math.max(first.at, now - day) : now - day
    const count = this.#said.filter(({ at, message }) => at >= since && correctedId(message) === undefined).length
    return (count * hour) / Math.max(now - since, hour)
  }

  /** Forgets what was said up to then, milliseconds. */
  expire(until: number): void {
    this.#keep(({ at }) => at > until)
  }

  /** Also its corrections (XEP-0308 §3). Whether it was there. @param by the occupant-id of who may do that; undefined: anybody's goes */
  remove(id: string, by?: string): boolean {
    const removed = this.#said.find((said) => said.id === id)
    if (!removed) return false
    const author = authorOf(removed.message)
    if (by !== undefined && author !== by) return false
    const corrected = removed.message.id
    this.#keep(
      ({ id: other, message }) =>
        other !== id && (corrected === undefined || correctedId(message) !== corrected || authorOf(message) !== author),
    )
    return true
  }

  #keep(isKept: (said: Said) => boolean): void {
    this.#said = this.#said.filter(isKept)
    this.#size = this.#said.reduce((sum, { size }) => sum + size, 0)
  }

  /** §7.2.14: the least that meets every wish, in the order in which it was said. @param to its address is in each of them */
  chosen(wish: HistoryWish, most: number, now: number, to: Jid): Message[] {
    const { maxChars = Infinity, maxStanzas = Infinity, seconds, since = 0 } = wish
    const from = Math.max(since, seconds === undefined ? 0 : now - seconds * 1000)
    const chosen: Message[] = []
    let left = maxChars
    for (let i = this.#said.length - 1; i >= 0 && chosen.length < Math.min(most, maxStanzas); i--) {
      const { at, message } = this.#said[i]!
      if (at < from) break
      if (maxChars !== Infinity) left -= message.addressed({ to }).toString().length
      if (left < 0) break
      chosen.push(message)
    }
    return chosen.reverse()
  }
}

function authorOf(message: Message): string | undefined {
  return message.child(OccupantId.name, OccupantId.ns)?.attr('id')
}
