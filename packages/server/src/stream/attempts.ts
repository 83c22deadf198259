import { isLoopback, networkOf } from '../address.ts'
import type { Clock } from '../world.ts'

interface Limits {
  readonly authenticationDelay: number
  readonly authenticationDelayMax: number
}

/** How long failures are remembered after the last, milliseconds. */
const memory = 600_000
/** So many of them, from one network or at one account, are guesses. */
const mostFailures = 100
const mostKeys = 10_000
const mostPairs = 50_000

/**
 * Failed logins. Each makes the answer to the next from its network wait longer (RFC 6120 §6.4.5). To wait hinders nobody who hangs up when
 * there is no success at once; so after too many, no password is right any more for whom has not logged in from there before.
 */
export class Attempts {
  readonly #clock: Clock
  readonly #networks = new Failures()
  /** Those at passwords, which alone can be guessed. */
  readonly #guesses = { networks: new Failures(), accounts: new Failures() }
  /** Who has logged in from where, the latest at the end. */
  readonly #pairs = new Set<string>()
  limits: Limits
  /** All failures since the start. */
  total = 0

  constructor(clock: Clock, limits: Limits) {
    this.#clock = clock
    this.limits = limits
  }

  /** Counts a failure; returns how long its answer waits, milliseconds. @param account whose password was tried, a bare JID, whether there is one or not */
  failed(address: string, account?: string): number {
    this.total++
    const now = this.#clock.now()
    const network = networkOf(address)
    if (account !== undefined) {
      this.#guesses.accounts.add(account, now)
      this.#guesses.networks.add(network, now)
    }
    const count = this.#networks.add(network, now)
    const { authenticationDelay, authenticationDelayMax } = this.limits
    return Math.min(authenticationDelay * 2 ** (count - 1), authenticationDelayMax)
  }

  succeeded(address: string, account: string): void {
    const pair = `${account} ${networkOf(address)}`
    this.#pairs.delete(pair)
    this.#pairs.add(pair)
    if (this.#pairs.size > mostPairs) this.#pairs.delete(this.#pairs.values().next().value!)
  }

  /** Whether there were too many. Those of a proxy on this machine are anybody's. */
  isGuarded(address: string, account: string): boolean {
    const now = this.#clock.now()
    const { accounts, networks } = this.#guesses
    if (accounts.count(account, now) >= mostFailures) return true
    return !isLoopback(address) && networks.count(networkOf(address), now) >= mostFailures
  }

  /** Whether a right password is accepted. */
  accepts(address: string, account: string): boolean {
    return !this.isGuarded(address, account) || this.#pairs.has(`${account} ${networkOf(address)}`)
  }
}

class Failures {
  readonly #all = new Map<string, { count: number; at: number }>()

  /** How many there are with this one. Above the most the time stays, so that they are forgotten whatever goes on. */
  add(key: string, now: number): number {
    const before = this.count(key, now)
    const count = before + 1
    const at = before >= mostFailures ? this.#all.get(key)!.at : now
    // Kept in the order of their last failure, so that the oldest go first.
    this.#all.delete(key)
    this.#all.set(key, { count, at })
    if (this.#all.size > mostKeys) this.#all.delete(this.#all.keys().next().value!)
    return count
  }

  count(key: string, now: number): number {
    // Mostly there are none, and the key need not be hashed.
    if (this.#all.size === 0) return 0
    const found = this.#all.get(key)
    return found && now - found.at < memory ? found.count : 0
  }
}
