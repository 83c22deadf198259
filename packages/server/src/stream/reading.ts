import { closed, type Element, type Framing } from '@jackdaw/xmpp'
import type { Awaitable } from '../world.ts'
import type { Intake } from './intake.ts'
import type { Output } from './output.ts'
import type { AnyPort } from './port.ts'

/** Milliseconds after which other streams have their turn, though more of this one's input is there. */
const mostTime = 20
/** Elements before these milliseconds are counted: most reads bring no more than a stanza, a request of an acknowledgement and one given, and to look at the clock is dear. */
const uncounted = 3

/** Who takes what is read. */
export interface Reader {
  readonly isOver: boolean
  /** `closed`: the other side has ended the stream. */
  take(element: Element | typeof closed): Awaitable<void>
  fail(error: unknown): void
}

/** Input is taken one element at a time: while one waits, the next is not read, and the connection is paused. */
export class Reading {
  readonly #port: AnyPort
  readonly #framing: Framing
  readonly #intake: Intake
  readonly #output: Output
  readonly #reader: Reader
  #isReading = false

  constructor(port: AnyPort, framing: Framing, intake: Intake, output: Output, reader: Reader) {
    this.#port = port
    this.#framing = framing
    this.#intake = intake
    this.#output = output
    this.#reader = reader
  }

  /** Takes all that is there, as far as nothing bids wait. */
  read(): void {
    if (this.#isReading) return
    this.#isReading = true
    const { clock, journal } = this.#port
    let began: number | undefined
    try {
      for (let taken = 0; !this.#reader.isOver; taken++) {
        if (journal.isTroubled) return this.#hold(journal.relieved())
        // What it has sent ahead waits as well.
        if (this.#output.isFull) break
        // And what the tick keeps is bounded, however much is asked for with few bytes.
        if (journal.isFull) return this.#hold(journal.turned())
        if (taken >= uncounted) {
          const now = clock.now()
          if (now - (began ??= now) > mostTime) return this.#hold(new Promise<void>((resolve) => clock.soon(resolve)))
        }
        const element = this.#framing.read()
        if (element === undefined) break
        const wait = this.#reader.take(element)
        if (wait instanceof Promise) return this.#hold(wait)
      }
    } catch (error) {
      this.#reader.fail(error)
    }
    this.#isReading = false
  }

  #hold(wait: Promise<void>): void {
    this.#intake.pause()
    wait
      .catch((error: unknown) => this.#reader.fail(error))
      .finally(() => {
        this.#isReading = false
        this.#intake.resume()
        this.read()
      })
  }
}
