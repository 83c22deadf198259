import { Worker } from 'node:worker_threads'
import type { Clock } from '../world.ts'
import type { Applier, TrimOutcome } from './applier.ts'
import {
  COMMITTED,
  CLOSING,
  type FollowerReport,
  SIGNAL,
  URGENT,
  WANTED,
  type WorkerData,
  sharedState,
} from './sqlite-shared.ts'

const RETRY = 1000

/** Who applies the journal's batches to the database. */
export interface Follower {
  /** Batches up to this one have been committed. */
  committed(number: number): void
  /** Somebody waits for this batch. */
  wanted(number: number): void
  /** Applies what has been committed, unless the database refuses it, and ends. */
  close(): Promise<void>
}

export interface FollowerEvents {
  readonly clock: Clock
  onApplied(cursor: number, safeCursor: number, trims: readonly TrimOutcome[]): void
  onTrouble(error: Error | undefined): void
}

/** Where batches come from: those from `from` to `upTo`. */
export type BatchSource = (from: number, upTo: number) => Iterable<readonly [number: number, batch: string]>

/** Applies in the thread of the server: for simulations and tests. */
export class InlineFollower implements Follower {
  readonly #applier: Applier
  readonly #source: BatchSource
  readonly #events: FollowerEvents
  #committed = 0
  #cancelRetry: (() => void) | undefined

  constructor(applier: Applier, source: BatchSource, events: FollowerEvents) {
    this.#applier = applier
    this.#source = source
    this.#events = events
  }

  committed(number: number): void {
    this.#committed = number
    if (!this.#cancelRetry) this.#apply()
  }

  wanted(): void {}

  close(): Promise<void> {
    this.#cancelRetry?.()
    return Promise.resolve()
  }

  #apply(): void {
    const applier = this.#applier
    const wasTroubled = this.#cancelRetry !== undefined
    this.#cancelRetry = undefined
    try {
      while (applier.cursor < this.#committed) applier.apply(this.#source(applier.cursor + 1, this.#committed))
    } catch (error) {
      if (!wasTroubled) this.#events.onTrouble(error as Error)
      this.#cancelRetry = this.#events.clock.after(RETRY, () => this.#apply())
      return
    }
    if (wasTroubled) this.#events.onTrouble(undefined)
    this.#events.onApplied(applier.cursor, applier.safeCursor, applier.takeTrims())
  }
}

/** Applies in a worker thread, which is begun anew should it die. */
export class WorkerFollower implements Follower {
  readonly #state = sharedState()
  readonly #data: WorkerData
  readonly #events: FollowerEvents
  #worker: Worker
  #ended = Promise.withResolvers<void>()
  #isTroubled = false
  #isClosing = false
  #wanted = 0
  #cursor: number

  constructor(data: Omit<WorkerData, 'state'>, cursor: number, events: FollowerEvents) {
    this.#data = { ...data, state: this.#state }
    this.#cursor = cursor
    this.#events = events
    this.#worker = this.#start()
  }

  committed(number: number): void {
    Atomics.store(this.#state.numbers, COMMITTED, BigInt(number))
    this.#signal(SIGNAL)
  }

  wanted(number: number): void {
    this.#wanted = number
    this.#worker.ref()
    Atomics.store(this.#state.numbers, WANTED, BigInt(number))
    this.#signal(URGENT)
  }

  close(): Promise<void> {
    this.#isClosing = true
    this.#worker.ref()
    this.#signal(CLOSING)
    this.#signal(SIGNAL)
    this.#signal(URGENT)
    return this.#ended.promise
  }

  #signal(index: number): void {
    Atomics.add(this.#state.signals, index, 1)
    Atomics.notify(this.#state.signals, index)
  }

  #start(): Worker {
    // The sources run as they are, and built beside each other.
    const file = `./sqlite-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`
    const worker = new Worker(new URL(file, import.meta.url), { workerData: this.#data })
    if (this.#wanted <= this.#cursor) worker.unref()
    worker.on('message', (report: FollowerReport) => this.#report(report))
    worker.on('error', (error) => this.#trouble(error as Error))
    worker.on('exit', () => {
      if (this.#isClosing) this.#ended.resolve()
      else this.#events.clock.after(RETRY, () => this.#restart())
    })
    return worker
  }

  #restart(): void {
    if (this.#isClosing) this.#ended.resolve()
    else this.#worker = this.#start()
  }

  #report(report: FollowerReport): void {
    if ('trouble' in report) return this.#trouble(new Error(report.trouble))
    this.#cursor = report.cursor
    if (this.#wanted <= report.cursor && !this.#isClosing) this.#worker.unref()
    if (this.#isTroubled) {
      this.#isTroubled = false
      this.#events.onTrouble(undefined)
    }
    this.#events.onApplied(report.cursor, report.safeCursor, report.trims)
  }

  #trouble(error: Error): void {
    if (this.#isTroubled) return
    this.#isTroubled = true
    this.#events.onTrouble(error)
  }
}
