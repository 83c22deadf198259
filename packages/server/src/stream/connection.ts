import { type closed, type Element, type Framing, StreamError, XmlError } from '@jackdaw/xmpp'
import type { TickEnd } from '../journal/journal.ts'
import type { Transport } from '../transport/transport.ts'
import type { Awaitable } from '../world.ts'
import { Intake } from './intake.ts'
import { KeepAlive } from './keep-alive.ts'
import { Output } from './output.ts'
import type { AnyPort } from './port.ts'

/** A stream, as its connection sees it. */
interface Carried extends TickEnd {
  readonly transport: Transport
  readonly port: AnyPort
  readonly isOver: boolean
  /** `closed`: the other side has ended the stream. */
  take(element: Element | typeof closed): Awaitable<void>
  end(error: StreamError): void
  /** Asks the other side for a sign of life. */
  probe(): void
}

/** Milliseconds after which other streams have their turn, though more of this one's input is there. */
const mostTime = 20
/** Elements before these milliseconds are counted: most reads bring no more than a stanza, a request of an acknowledgement and one given, and to look at the clock is dear. */
const uncounted = 3

/**
 * What a stream's connection carries, in both directions, whoever is at its other end: elements in, text out, each as fast as is bearable.
 * Input is taken one element at a time: while one waits, the next is not read, and the connection is paused.
 */
export class Connection {
  readonly framing: Framing
  readonly #stream: Carried
  readonly #intake: Intake
  readonly #output: Output
  #keepAlive: KeepAlive | undefined
  #isReading = false

  /** @param limited where the limits of its input are found, when they are others than the port's */
  constructor(stream: Carried, framing: Framing, limited: Pick<AnyPort, 'clock' | 'limits'> = stream.port) {
    const { transport, port } = stream
    this.framing = framing
    this.#stream = stream
    this.#intake = new Intake(transport, limited)
    this.#output = new Output(transport, port, this.#intake)
  }

  data(chunk: Uint8Array | string): void {
    if (this.#stream.isOver) return
    this.#intake.heard(chunk.length)
    this.framing.write(chunk)
    this.#read()
  }

  /** When the other side was heard last, in milliseconds since the epoch. */
  get lastInput(): number {
    return this.#intake.lastInput
  }

  drain(): void {
    if (!this.#output.isCongested) return
    this.#output.drain()
    this.#read()
  }

  /** To be called for each stanza that is handled. */
  stanza(): void {
    this.#intake.stanza()
  }

  /** Adds to what is written at the tick's end. */
  write(text: string): void {
    if (this.#stream.isOver) return
    this.#output.add(text)
    this.#stream.port.journal.afterCommit(this.#stream)
  }

  /** The same while the tick is ending. */
  add(text: string): void {
    this.#output.add(text)
  }

  /** At the tick's end. False: the other side does not read, and was cut off. */
  flush(): boolean {
    const { transport, port, isOver } = this.#stream
    const wasFull = this.#output.isFull
    const isTaken = this.#output.flush(isOver)
    if (isOver) transport.close()
    else if (!isTaken) transport.destroy()
    else if (wasFull && !this.#output.isCongested) port.clock.soon(() => this.#read())
    return isTaken
  }

  whenDrained(act: () => void): void {
    this.#output.whenDrained = act
    this.#stream.port.journal.afterCommit(this.#stream)
  }

  /** From now on silence is not taken for good. */
  keepAlive(): void {
    this.#keepAlive = new KeepAlive(this.#stream, this.#intake, this.#output)
  }

  /** Is the other side still there? */
  doubt(): void {
    this.#keepAlive?.doubt()
  }

  /** Turns it away before anything is read; written at once, for it needs no journal. */
  refuse(header: string, text: string): void {
    const { transport } = this.#stream
    transport.write(header)
    transport.write(this.framing.element(new StreamError('resource-constraint', text).toElement()))
    transport.write(this.framing.close)
  }

  /** The stream is over: nothing is awaited any more. */
  stop(): void {
    this.#keepAlive?.stop()
    this.#output.whenDrained = undefined
  }

  /** Takes all that is there, as far as nothing bids wait. */
  #read(): void {
    if (this.#isReading) return
    this.#isReading = true
    const stream = this.#stream
    const { clock, journal } = stream.port
    let began: number | undefined
    try {
      for (let taken = 0; !stream.isOver; taken++) {
        if (journal.isTroubled) return this.#hold(journal.relieved())
        // What it has sent ahead waits as well.
        if (this.#output.isFull) break
        // And what the tick keeps is bounded, however much is asked for with few bytes.
        if (journal.isFull) return this.#hold(journal.turned())
        if (taken >= uncounted) {
          const now = clock.now()
          if (now - (began ??= now) > mostTime) return this.#hold(new Promise<void>((resolve) => clock.soon(resolve)))
        }
        const element = this.framing.read()
        if (element === undefined) break
        const wait = stream.take(element)
        if (wait instanceof Promise) return this.#hold(wait)
      }
    } catch (error) {
      this.#fail(error)
    }
    this.#isReading = false
  }

  #hold(wait: Promise<void>): void {
    this.#intake.pause()
    wait
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#isReading = false
        this.#intake.resume()
        this.#read()
      })
  }

  #fail(error: unknown): void {
    const stream = this.#stream
    if (error instanceof StreamError) return stream.end(error)
    if (error instanceof XmlError) {
      const { condition, message, application } = error
      return stream.end(new StreamError(condition, message, { application }))
    }
    if (stream.isOver) return
    stream.port.log.error({ err: error }, 'a stream failed')
    stream.end(new StreamError('internal-server-error'))
  }
}
