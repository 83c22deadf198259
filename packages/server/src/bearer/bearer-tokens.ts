import { Jid, JidError, SaslError, StanzaError } from '@jackdaw/xmpp'
import type { JWTPayload } from 'jose'
import type { Logger } from 'pino'
import type { BearerConfig } from '../config/bearer.ts'
import type { Accounts } from '../module.ts'
import type { Clock, Random } from '../world.ts'
import { openKeys, type BearerKeys } from './keys.ts'

/** Longer ones are not looked at. */
const mostCharacters = 8192
/** How far the issuer's clock may be off, seconds. */
const tolerance = 30
/** Of jose: the issuer's keys cannot be had, which is not the token's fault. */
const outages = ['ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID', 'ERR_JOSE_GENERIC']

interface BearerTokensOptions {
  readonly config: BearerConfig
  readonly domain: Jid
  readonly accounts: Accounts
  /** Throws a StanzaError when the name is kept for somebody. */
  readonly mayCreate: (account: Jid) => void
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** Counted on. */
  readonly counts: { refused: number; outages: number }
}

/** Accounts that log in with a JWT (RFC 7519) of the operator's product. */
export class BearerTokens {
  readonly #options: BearerTokensOptions
  readonly #keys: BearerKeys

  /** @throws ConfigError */
  constructor(options: BearerTokensOptions) {
    this.#options = options
    this.#keys = openKeys(options.config)
  }

  /**
   * The localpart of the account that a token is for. Undefined for whatever is wrong with it, also when there is no such account.
   * @throws SaslError temporary-auth-failure when the issuer's keys cannot be had
   */
  async username(token: string): Promise<string | undefined> {
    const payload = token.length <= mostCharacters ? await this.#verify(token) : this.#refused('it is too long')
    const account = payload && this.#accountOf(payload)
    return account && (await this.#admit(account)) ? account.local : undefined
  }

  async #verify(token: string): Promise<JWTPayload | undefined> {
    const { config, clock, log } = this.#options
    const { issuer, audience, algorithms, claim } = config
    const { jwtVerify, errors } = await import('jose')
    try {
      const { payload } = await jwtVerify(token, await this.#keys(), {
        issuer,
        audience,
        algorithms,
        requiredClaims: ['exp', claim],
        currentDate: new Date(clock.now()),
        clockTolerance: tolerance,
      })
      return payload
    } catch (error) {
      if (error instanceof errors.JOSEError && !outages.includes(error.code)) return this.#refused(error.message)
      this.#options.counts.outages++
      log.error({ err: error }, 'the keys of tokens cannot be had')
      throw new SaslError('temporary-auth-failure')
    }
  }

  /** Names that become one when prepared (RFC 7622 §3.3) would be one account of several people. */
  #accountOf(payload: JWTPayload): Jid | undefined {
    const { config, domain } = this.#options
    const name = payload[config.claim]
    if (typeof name !== 'string') return this.#refused('its name is no text')
    try {
      const account = Jid.of({ local: name, domain: domain.domain })
      return account.local === name ? account : this.#refused('its name is not written as a localpart is')
    } catch (error) {
      if (error instanceof JidError) return this.#refused('its name is no localpart')
      throw error
    }
  }

  /** Whether there is an account, or may be one from now on. */
  async #admit(account: Jid): Promise<boolean> {
    const { accounts, config, log, mayCreate, random } = this.#options
    if (await accounts.exists(account)) return true
    if (!config.newAccounts) return this.#refused('there is no such account') ?? false
    try {
      // A password that nobody knows.
      await accounts.create(account, Buffer.from(random.bytes(32)).toString('base64'), () => mayCreate(account))
      log.info({ account: account.toString() }, 'an account was made for the owner of a token')
      return true
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error
      // Somebody with the same token may have been faster.
      return accounts.exists(account)
    }
  }

  #refused(reason: string): undefined {
    this.#options.counts.refused++
    this.#options.log.debug({ reason }, 'a token was refused')
  }
}
