import type { Socket } from 'node:net'
import type { Logger } from 'pino'
import { networkOf } from '../address.ts'
import type { Clock } from '../world.ts'
import type { NetworkLimits } from './network.ts'

/** The group in which a socket counts. */
const place = Symbol('place')
type Counted = Socket & { [place]?: string }

/** Counts open connections and refuses those above the caps. */
export class Admission {
  /** Those that are open stay, whatever the caps become. */
  limits: Pick<NetworkLimits, 'connections' | 'connectionsPerAddress'>
  readonly #clock: Clock
  readonly #log: Logger
  readonly #groups = new Map<string, number>()
  #count = 0
  #refused = 0
  #lastWarned = -Infinity
  /** For all of them: it finds the group on the socket. */
  readonly #release: (this: Counted) => void

  constructor(
    limits: Pick<NetworkLimits, 'connections' | 'connectionsPerAddress'>,
    { clock, log }: { clock: Clock; log: Logger },
  ) {
    this.limits = limits
    this.#clock = clock
    this.#log = log
    const leave = (group: string) => this.#leave(group)
    this.#release = function () {
      leave(this[place]!)
    }
  }

  /** Open connections. */
  get count(): number {
    return this.#count
  }

  /** Connections refused so far. */
  get refused(): number {
    return this.#refused
  }

  /** Counts the socket until it closes; false when it is one too many. */
  admit(socket: Socket): boolean {
    const group = networkOf(socket.remoteAddress ?? '')
    const inGroup = this.#groups.get(group) ?? 0
    if (this.#count >= this.limits.connections || inGroup >= this.limits.connectionsPerAddress) {
      this.#refuse(group)
      return false
    }
    this.#count++
    this.#groups.set(group, inGroup + 1)
    const counted: Counted = socket
    counted[place] = group
    counted.on('close', this.#release)
    return true
  }

  #leave(group: string): void {
    this.#count--
    const left = (this.#groups.get(group) ?? 0) - 1
    if (left > 0) this.#groups.set(group, left)
    else this.#groups.delete(group)
  }

  #refuse(group: string): void {
    this.#refused++
    const now = this.#clock.now()
    if (now - this.#lastWarned < 60_000) return
    this.#lastWarned = now
    this.#log.warn(
      { address: group, open: this.#count, refused: this.#refused },
      'connections are refused: the cap is reached',
    )
  }
}
