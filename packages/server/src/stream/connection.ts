import { type closed, type Element, type Framing, StreamError, XmlError } from '@jackdaw/xmpp'
import type { TickEnd } from '../journal/journal.ts'
import type { Transport } from '../transport/transport.ts'
import type { Awaitable } from '../world.ts'
import { Intake } from './intake.ts'
import { KeepAlive } from './keep-alive.ts'
import { Output } from './output.ts'
import type { AnyPort } from './port.ts'
import { type Reader, Reading } from './reading.ts'

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

/** What a stream's connection carries, in both directions, whoever is at its other end: elements in, text out, each as fast as is bearable. */
export class Connection implements Reader {
  readonly framing: Framing
  readonly #stream: Carried
  readonly #intake: Intake
  readonly #output: Output
  readonly #reading: Reading
  #keepAlive: KeepAlive | undefined

  /** @param limited where the limits of its input are found, when they are others than the port's */
  constructor(stream: Carried, framing: Framing, limited: Pick<AnyPort, 'clock' | 'limits'> = stream.port) {
    const { transport, port } = stream
    this.framing = framing
    this.#stream = stream
    this.#intake = new Intake(transport, limited)
    this.#output = new Output(transport, port, this.#intake)
    this.#reading = new Reading(port, framing, this.#intake, this.#output, this)
  }

  data(chunk: Uint8Array | string): void {
    if (this.#stream.isOver) return
    this.#intake.heard(chunk.length)
    this.#keepAlive?.heard()
    this.framing.write(chunk)
    this.#reading.read()
  }

  drain(): void {
    if (!this.#output.isCongested) return
    this.#output.drain()
    this.#reading.read()
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
    else if (wasFull && !this.#output.isCongested) port.clock.soon(() => this.#reading.read())
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

  // What its reading sees

  get isOver(): boolean {
    return this.#stream.isOver
  }

  take(element: Element | typeof closed): Awaitable<void> {
    return this.#stream.take(element)
  }

  fail(error: unknown): void {
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

  /** The stream is over: nothing is awaited any more. */
  stop(): void {
    this.#keepAlive?.stop()
    this.#output.whenDrained = undefined
  }
}
