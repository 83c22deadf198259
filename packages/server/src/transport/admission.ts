import { isIPv6, type Socket } from 'node:net'
import type { Logger } from 'pino'
import type { Clock } from '../world.ts'
import type { NetworkLimits } from './network.ts'

const place = Symbol('place')
type Counted = Socket & { [place]?: { readonly admission: Admission; readonly group: string } }

/** Counts open connections and refuses those above the caps. */
export class Admission {
  readonly #limits: Pick<NetworkLimits, 'connections' | 'connectionsPerAddress'>
  readonly #clock: Clock
  readonly #log: Logger
  readonly #groups = new Map<string, number>()
  #count = 0
  #refused = 0
  #lastWarned = -Infinity

  constructor(
    limits: Pick<NetworkLimits, 'connections' | 'connectionsPerAddress'>,
    { clock, log }: { clock: Clock; log: Logger },
  ) {
    this.#limits = limits
    this.#clock = clock
    this.#log = log
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
    const group = groupOf(plainAddress(socket.remoteAddress))
    const inGroup = this.#groups.get(group) ?? 0
    if (this.#count >= this.#limits.connections || inGroup >= this.#limits.connectionsPerAddress) {
      this.#refuse(group)
      return false
    }
    this.#count++
    this.#groups.set(group, inGroup + 1)
    const counted: Counted = socket
    counted[place] = { admission: this, group }
    counted.on('close', release)
    return true
  }

  leave(group: string): void {
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

function release(this: Counted): void {
  this[place]?.admission.leave(this[place].group)
}

/** An address as people write it: an IPv4 client of an IPv6 socket ('::ffff:192.0.2.1') is '192.0.2.1'. */
export function plainAddress(address: string | undefined): string {
  return address?.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : (address ?? '')
}

/** Who owns one IPv6 address owns its /64. */
function groupOf(address: string): string {
  if (!isIPv6(address)) return address
  const [head = '', tail] = address.split('%', 1)[0]!.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups =
    tail === undefined ? before : [...before, ...Array(8 - before.length - after.length).fill('0'), ...after]
  return `${groups.slice(0, 4).join(':')}::/64`
}
