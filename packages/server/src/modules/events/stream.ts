import type { Clock } from '../../world.ts'
import type { EventLog, Follower } from './event-log.ts'
import { type Kind, told } from './kinds.ts'

/** Silence (milliseconds) after which a comment shows that the connection is alive. */
const heartbeat = 15_000
/** How long a reader may take nothing of what is there for it. */
const patience = 60_000
/** When clients come back after a connection has broken. */
const reconnection = 3000

interface EventStreamOptions {
  readonly events: EventLog
  readonly clock: Clock
  readonly domain: string
  readonly kinds: ReadonlySet<Kind>
  /** Behind which event it begins. */
  readonly position: string
  /** Ends it. */
  readonly signal: AbortSignal
  readonly onEnd: () => void
}

const encoder = new TextEncoder()

/** Server-sent events (HTML §9.2). What a reader has not taken yet waits in the log, not here. */
export class EventStream {
  readonly #options: EventStreamOptions
  readonly #follower: Follower
  #position: string
  #hasBegun = false
  #isEnded = false
  #isTaken = () => {}

  constructor(options: EventStreamOptions) {
    this.#options = options
    this.#position = options.position
    this.#follower = options.events.follow()
    options.signal.addEventListener('abort', this.end, { once: true })
  }

  /** To be read once. */
  body(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      { pull: (controller) => this.#pull(controller), cancel: this.end },
      { highWaterMark: 0 },
    )
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    this.#isTaken()
    const text = await this.#next()
    if (text === undefined) {
      this.end()
      return controller.close()
    }
    controller.enqueue(encoder.encode(text))
    this.#isTaken = this.#options.clock.after(patience, () => {
      this.end()
      controller.error(new Error('a reader of events has taken nothing for a minute'))
    })
  }

  /** What is written next; undefined at the end. */
  async #next(): Promise<string | undefined> {
    if (!this.#hasBegun) {
      this.#hasBegun = true
      return `retry: ${reconnection}\n\n`
    }
    const { events, kinds, domain } = this.#options
    for (;;) {
      if (this.#isEnded) return undefined
      this.#follower.begin()
      const { entries, isComplete, isLost } = await events.read(this.#position)
      // It is told so when it comes back.
      if (isLost) return undefined
      this.#position = entries.at(-1)?.id ?? this.#position
      const text = entries
        .filter(({ value }) => kinds.has(value.type))
        .map((entry) => `id: ${entry.id}\nevent: ${entry.value.type}\ndata: ${told(domain, entry)}\n\n`)
        .join('')
      if (text !== '') return text
      if (isComplete && !(await this.#follower.news(heartbeat))) return ':\n\n'
    }
  }

  /** What is being written is. */
  readonly end = (): void => {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#isTaken()
    const { events, onEnd, signal } = this.#options
    signal.removeEventListener('abort', this.end)
    events.leave(this.#follower)
    this.#follower.tell()
    onEnd()
  }
}
