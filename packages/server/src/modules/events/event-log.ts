import type { LogEntry, LogStore, MapStore, Page } from '../../storage/storage.ts'
import { UnknownIdError } from '../../storage/storage.ts'
import { when } from '../../when.ts'
import type { Awaitable, Clock } from '../../world.ts'
import type { DataOf, KeptEvent, Kind } from './kinds.ts'

/** No account is called so. */
const owner = 'events'
/** Of a page. */
const most = 200
const mostBytes = 1_048_576
/** From one sweep to the next, milliseconds. */
const rest = 60_000
/** So many more than it may have, and the log is swept at once. */
const slack = 1000

interface EventLogOptions {
  readonly log: LogStore<KeptEvent>
  /** Under 'floor': the last entry that has been removed. */
  readonly floor: MapStore<string>
  readonly clock: Clock
  /** Resolves when all effects so far have been committed. */
  readonly kept: () => Promise<void>
  /** How long an event is kept, milliseconds, and how many are. */
  readonly keep: number
  readonly count: number
  readonly onFault: (error: unknown) => void
}

/** What was read; `isLost` says that there had been more behind the position that is not kept any more. */
export interface EventPage extends Pick<Page<KeptEvent>, 'entries' | 'isComplete'> {
  readonly isLost: boolean
}

/** Is told when there is something new. */
export class Follower {
  #isNew = false
  #wake: (() => void) | undefined
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** To be called before reading: what comes from now on is new. */
  begin(): void {
    this.#isNew = false
  }

  /** Resolves when something has come since `begin`, or after `ms` milliseconds, with whether it has come. */
  async news(ms = Infinity): Promise<boolean> {
    if (!this.#isNew) {
      await new Promise<void>((resolve) => {
        const cancel = ms === Infinity ? () => {} : this.#clock.after(ms, resolve)
        this.#wake = () => {
          cancel()
          resolve()
        }
      })
      this.#wake = undefined
    }
    return this.#isNew
  }

  tell(): void {
    this.#isNew = true
    this.#wake?.()
  }
}

/** The events of one host, bounded by age and number. Readers have positions: the ids of the last that they have had. */
export class EventLog {
  readonly #options: EventLogOptions
  readonly #followers = new Set<Follower>()
  #size = 0
  #isTelling = false
  #isSweeping = false
  #isClosed = false
  #cancel = () => {}

  private constructor(options: EventLogOptions) {
    this.#options = options
  }

  static async open(options: EventLogOptions): Promise<EventLog> {
    const opened = new EventLog(options)
    const { count } = await options.log.page(owner, { max: 1, count: options.count + slack })
    opened.#size = count ?? options.count + slack
    opened.#sweepLater()
    return opened
  }

  /** How many it has, those to be swept among them. */
  get size(): number {
    return this.#size
  }

  /** Keeps an event, in the commit of this tick. */
  add<K extends Kind>(type: K, data: DataOf<K>): void {
    const { log, clock } = this.#options
    log.append(owner, { value: { type, data: data as KeptEvent['data'] }, at: clock.now() })
    this.#size++
    if (this.#size > this.#options.count + slack && !this.#isSweeping) void this.#sweep()
    // What a kill undoes must have been told to nobody.
    if (this.#isTelling) return
    this.#isTelling = true
    void this.#options.kept().then(() => {
      this.#isTelling = false
      for (const follower of this.#followers) follower.tell()
    })
  }

  /** The position of who wants what happens from now on. */
  async end(): Promise<string> {
    const { entries } = await this.#options.log.page(owner, { max: 1, fromEnd: true })
    return entries.at(-1)?.id ?? (await this.start())
  }

  /** The position of who wants all that is kept. */
  start(): Awaitable<string> {
    return when(this.#options.floor.get(owner, 'floor'), (floor) => floor ?? '')
  }

  /** The events behind a position. */
  async read(position: string): Promise<EventPage> {
    const { log } = this.#options
    const bounds = { max: most, maxBytes: mostBytes }
    try {
      if (position !== '') return { ...(await log.page(owner, { ...bounds, after: position })), isLost: false }
    } catch (error) {
      if (!(error instanceof UnknownIdError)) throw error
    }
    return { ...(await log.page(owner, bounds)), isLost: position !== (await this.start()) }
  }

  /** To be ended with `leave`. */
  follow(): Follower {
    const follower = new Follower(this.#options.clock)
    this.#followers.add(follower)
    return follower
  }

  leave(follower: Follower): void {
    this.#followers.delete(follower)
  }

  /** Nothing is removed any more. */
  close(): void {
    this.#isClosed = true
    this.#cancel()
  }

  #sweepLater(): void {
    if (!this.#isClosed) this.#cancel = this.#options.clock.after(rest, () => void this.#sweep())
  }

  async #sweep(): Promise<void> {
    this.#isSweeping = true
    this.#cancel()
    try {
      while (!this.#isClosed && (await this.#trim()));
    } catch (error) {
      if (!this.#isClosed) this.#options.onFault(error)
    }
    this.#isSweeping = false
    this.#sweepLater()
  }

  /** Removes some of what is too old or too much; false when that is nothing. */
  async #trim(): Promise<boolean> {
    const { log, floor, clock, keep, count } = this.#options
    const { entries } = await log.page(owner, { max: most, maxBytes: mostBytes })
    const end = clock.now() - keep
    const isSpare = ({ at }: LogEntry<KeptEvent>, index: number) => at < end || index < this.#size - count
    const first = entries.findIndex((entry, index) => !isSpare(entry, index))
    const spare = first < 0 ? entries.length : first
    if (spare === 0 || this.#isClosed) return false
    void floor.edit(owner, 'floor', () => entries[spare - 1]!.id)
    await log.trim(owner, { max: spare })
    this.#size -= spare
    return true
  }
}
