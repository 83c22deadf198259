import { mkdirSync } from 'node:fs'
import { type Command, listening, ServerProcess } from '../processes.ts'
import type { Stored } from '../sizes.ts'
import type { Turns } from '../turns.ts'

/** Personal eventing (XEP-0163), search in archives by words (XEP-0431), or rooms (XEP-0045). */
export type Extra = 'pep' | 'search' | 'rooms'

/** What a server is set up with. */
export interface Setting extends Stored {
  readonly data: string
  readonly port: number
  readonly tlsPort: number
  readonly key: string
  readonly cert: string
  /** Archive, carbons and stream management on, or all of them off. */
  readonly hasFeatures: boolean
  /** What is on beside, and costs where it is not asked for. */
  readonly extra?: Extra | undefined
}

/** How a server is prepared, started and reached. */
export interface Kind {
  readonly name: string
  /** What must be installed, and the program by which one sees that it is. */
  readonly needs?: { readonly program: string; readonly package: string }
  /** The field of a room's form that switches its archive off, where the service has no option for that. */
  readonly roomLogging?: string
  /** Fills the folder; gives the command that serves it. */
  prepare(setting: Setting): Command | Promise<Command>
}

/** A server that is measured, running, with accounts u0, u1 … */
export class Peer {
  readonly kind: Kind
  readonly port: number
  readonly tlsPort: number
  readonly #setting: Setting
  readonly #turns: Turns
  #command: Command | undefined
  #process: ServerProcess | undefined
  /** How long it took from its start until its ports answered (ms), and its memory then (bytes). */
  started = { time: NaN, memory: NaN }

  constructor(kind: Kind, setting: Setting, turns: Turns) {
    this.kind = kind
    this.port = setting.port
    this.tlsPort = setting.tlsPort
    this.#setting = setting
    this.#turns = turns
  }

  /** Starts it on what it has, if it has run already. */
  async start(): Promise<void> {
    if (!this.#command) {
      mkdirSync(this.#setting.data, { recursive: true })
      this.#command = await this.kind.prepare(this.#setting)
    }
    const from = performance.now()
    this.#process = new ServerProcess(this.#command)
    for (const port of [this.port, this.tlsPort]) await listening(port, this.process)
    this.started = { time: performance.now() - from, memory: this.process.memory }
  }

  get data(): string {
    return this.#setting.data
  }

  get isRunning(): boolean {
    return this.#process !== undefined && !this.#process.exited
  }

  get process(): ServerProcess {
    return this.#process!
  }

  /** Lets the others that do the same work have their turns; nothing is to be under way meanwhile. */
  async othersTurns(): Promise<void> {
    this.#turns.pass()
    await this.#turns.take()
  }

  async kill(): Promise<void> {
    await this.#process?.kill()
  }

  /** Lets it put its data in order. */
  async stop(): Promise<void> {
    await this.#process?.stop()
  }
}
