import { StanzaError } from '@jackdaw/xmpp'
import type { Logger } from 'pino'
import type { AccountsConfig } from '../config/accounts.ts'
import type { Metrics } from '../module.ts'
import type { Awaitable, Clock } from '../world.ts'
import { Gate } from './gate.ts'
import type { AccountSource } from './source.ts'

/** Of each kind, those that exist and those that do not. */
const mostRemembered = 10_000
/** Longer ones are nobody's. */
const longestPassword = 1024
const buckets = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

interface ForeignAccountsOptions {
  readonly source: AccountSource
  readonly config: Pick<AccountsConfig, 'timeout' | 'parallel' | 'knownTime' | 'unknownTime'>
  readonly clock: Clock
  readonly log: Logger
  /** `onClose` gets what takes them away again. */
  readonly metrics: (onClose: (act: () => void) => void) => Metrics
  /** Looks after those who are connected; called each `knownTime`. */
  readonly recheck: () => Promise<void>
}

/** The accounts of a host that another system keeps: asked with measure, and what it said is believed for a while. */
export class ForeignAccounts {
  readonly #options: ForeignAccountsOptions
  readonly #gate: Gate
  /** Until when it is believed that they exist, or that they do not; those that were asked about last at the end. */
  readonly #known = new Map<string, number>()
  readonly #unknown = new Map<string, number>()
  readonly #asked = new Map<string, Promise<boolean>>()
  readonly #counts
  readonly #seconds
  readonly #undo: (() => void)[] = []
  #isDown = false
  #isClosed = false
  #cancel: () => void

  constructor(options: ForeignAccountsOptions) {
    this.#options = options
    const { clock, config, metrics } = options
    this.#gate = new Gate({ clock, most: config.parallel, patience: config.timeout })
    const { counter, histogram } = metrics((act) => this.#undo.push(act))
    this.#counts = {
      right: counter('jackdaw_source_passwords_right_total', 'Passwords that the source of the accounts found right'),
      wrong: counter('jackdaw_source_passwords_wrong_total', 'Passwords that the source of the accounts found wrong'),
      lookups: counter(
        'jackdaw_source_lookups_total',
        'Times that the source of the accounts said whether somebody exists',
      ),
      failures: counter('jackdaw_source_failures_total', 'Times that the source of the accounts did not answer'),
    }
    this.#seconds = histogram('jackdaw_source_seconds', 'How long the source of the accounts took', buckets)
    this.#cancel = this.#schedule()
  }

  /** @throws StanzaError remote-server-timeout (RFC 6120 §8.3.3.17), to be tried again: it does not answer */
  async check(username: string, password: string): Promise<boolean> {
    if (password.length > longestPassword) return false
    const isRight = await this.#ask((source) => source.check(username, password))
    this.#counts[isRight ? 'right' : 'wrong'].inc()
    if (isRight) this.#remember(username, true)
    return isRight
  }

  /** @throws StanzaError remote-server-timeout (RFC 6120 §8.3.3.17), to be tried again: it does not answer */
  exists(username: string): Awaitable<boolean> {
    const now = this.#options.clock.now()
    if ((this.#known.get(username) ?? 0) > now) return true
    if ((this.#unknown.get(username) ?? 0) > now) return false
    const asked = this.#asked.get(username) ?? this.#lookUp(username)
    this.#asked.set(username, asked)
    return asked
  }

  close(): void {
    this.#isClosed = true
    this.#cancel()
    this.#options.source.close()
    for (const undo of this.#undo) undo()
  }

  async #lookUp(username: string): Promise<boolean> {
    try {
      const exists = await this.#ask((source) => source.exists(username))
      this.#counts.lookups.inc()
      this.#remember(username, exists)
      return exists
    } finally {
      this.#asked.delete(username)
    }
  }

  async #ask(question: (source: AccountSource) => Promise<boolean>): Promise<boolean> {
    const { clock, log, source } = this.#options
    try {
      const answer = await this.#gate.pass(async () => {
        const begun = clock.now()
        try {
          return await question(source)
        } finally {
          this.#seconds.observe((clock.now() - begun) / 1000)
        }
      })
      if (this.#isDown) log.info(`${source.name} answers again`)
      this.#isDown = false
      return answer
    } catch (error) {
      this.#counts.failures.inc()
      // Once, not for each who wants to log in meanwhile.
      if (!this.#isDown) log.error({ reason: (error as Error).message }, `${source.name} does not answer`)
      this.#isDown = true
      throw new StanzaError('remote-server-timeout', 'The accounts cannot be asked about at present: try again later')
    }
  }

  #remember(username: string, exists: boolean): void {
    const { clock, config } = this.#options
    const [into, other] = exists ? [this.#known, this.#unknown] : [this.#unknown, this.#known]
    other.delete(username)
    into.delete(username)
    into.set(username, clock.now() + (exists ? config.knownTime : config.unknownTime))
    if (into.size > mostRemembered) into.delete(into.keys().next().value!)
  }

  #schedule(): () => void {
    const { clock, config, log, recheck } = this.#options
    return clock.after(config.knownTime, () => {
      // Those who are left when nobody answers are looked after the next time.
      void recheck()
        .catch((error: unknown) => {
          if (!(error instanceof StanzaError)) log.error({ err: error }, 'who is connected could not be looked after')
        })
        .finally(() => {
          if (!this.#isClosed) this.#cancel = this.#schedule()
        })
    })
  }
}
