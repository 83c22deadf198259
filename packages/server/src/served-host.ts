import { join } from 'node:path'
import type { Jid } from '@jackdaw/xmpp'
import { isLoopback } from './address.ts'
import { BearerTokens } from './bearer/bearer-tokens.ts'
import type { AccountsConfig } from './config/accounts.ts'
import type { BearerConfig } from './config/bearer.ts'
import type { HostConfig } from './config.ts'
import { withRole } from './limits.ts'
import type { ServerMetrics } from './metrics.ts'
import type { HttpServe, Module } from './module.ts'
import { invitations } from './modules/invitations/invitations.ts'
import { VirtualHost } from './router/host.ts'
import type { Surroundings } from './router/module-host.ts'
import { Modules } from './router/modules.ts'
import { HostAccounts } from './session/accounts.ts'
import { HostAudit } from './session/audit.ts'
import { Exceptions } from './session/exceptions.ts'
import { HostRoles } from './session/roles.ts'
import { Tokens } from './session/tokens.ts'
import { ForeignAccounts } from './sources/foreign-accounts.ts'
import { openSource } from './sources/open.ts'
import type { AccountSource } from './sources/source.ts'
import type { SaslSecrets } from './stream/authenticator.ts'
import type { StreamLimits } from './stream/port.ts'

/** What a virtual host needs of the server that it is one of. */
export interface HostAround extends Omit<Surroundings, 'host' | 'metrics' | 'http' | 'folder' | 'api'> {
  readonly available: readonly Module[]
  readonly crypto: SaslSecrets['crypto']
  /** What tokens (XEP-0484) are made of. */
  readonly tokenSecret: Uint8Array
  readonly tokenLimits: () => { readonly lifetime: number; readonly perAccount: number }
  readonly streamLimits: () => StreamLimits
  readonly serverMetrics: ServerMetrics
  readonly bearerCounts: { refused: number; outages: number }
  /** Where hosts keep files, a path; undefined where data is kept in memory only. */
  readonly files: string | undefined
  /** Returns what takes the path back. */
  http(path: string, serve: HttpServe, domain: string): () => void
}

/** A virtual host with all that is its own: accounts, roles, audit log, modules. */
export class ServedHost {
  readonly virtual: VirtualHost
  readonly accounts: HostAccounts
  readonly roles: HostRoles
  readonly audit: HostAudit
  readonly modules: Modules
  readonly #around: HostAround
  config: HostConfig
  bearer: BearerTokens | undefined
  /** Where another system keeps the accounts. */
  foreign: ForeignAccounts | undefined

  /** None of its modules runs before it is configured. */
  static async open(domain: Jid, config: HostConfig, around: HostAround): Promise<ServedHost> {
    const { storage } = around
    const disabled = await Exceptions.open(storage.map<true>(`${domain}/accounts/disabled`))
    const given = await Exceptions.open(storage.map<string>(`${domain}/accounts/roles`))
    return new ServedHost(domain, config, around, disabled, given)
  }

  private constructor(
    domain: Jid,
    config: HostConfig,
    around: HostAround,
    disabled: Exceptions<true>,
    given: Exceptions<string>,
  ) {
    const { clock, crypto, log, random, sessions, storage, tokenLimits: limits, tokenSecret: secret } = around
    this.#around = around
    this.config = config
    this.roles = new HostRoles(domain, given, config.roles)
    this.accounts = new HostAccounts({
      domain,
      tokens: new Tokens({ domain: domain.domain, storage, clock, random, crypto, secret, limits }),
      storage,
      sessions,
      disabled,
      crypto,
      passwordLength: () => this.config.passwordLength,
      foreign: () => this.foreign,
      clock,
      told: (fact, about) => {
        if (fact === 'account:removed') this.roles.forget(about.account)
        return this.virtual.tell(fact, about)
      },
    })
    this.audit = new HostAudit(domain, storage, clock, (act) => void this.virtual.tell('act:recorded', act))
    this.virtual = new VirtualHost({
      domain,
      accounts: this.accounts,
      roles: this.roles,
      audit: this.audit,
      log,
      allowsPlaintext: (address) => {
        const { plaintext } = this.config
        return plaintext === true || (plaintext === 'loopback' && isLoopback(address))
      },
      limitsOf: (account) => {
        const own = this.roles.limitsOf(account)
        return own && withRole(around.streamLimits(), own)
      },
    })
    this.modules = new Modules({
      ...around,
      host: this.virtual,
      http: (path, serve) => around.http(path, serve, domain.toString()),
      // An IPv6 address has colons, which not every file system takes.
      folder: around.files && join(around.files, encodeURIComponent(domain.domain)),
      metrics: (onStop) => around.serverMetrics.ofHost(domain.toString(), onStop),
    })
  }

  /** Loads and unloads modules until those run that the configuration wants, as it wants them. */
  async configure(config: HostConfig): Promise<void> {
    const { modules } = this
    const before = this.config.modules as Record<string, unknown>
    const wanted = config.modules as Record<string, unknown>
    const isMoved = (this.foreign === undefined) !== (config.accounts === undefined)
    const source = config.accounts && openSource(config.accounts, this.virtual.domain, this.#around.clock)
    this.foreign?.close()
    this.foreign = source && this.#foreign(source, config.accounts!)
    this.bearer = config.bearer && this.#bearer(config.bearer)
    this.config = config
    this.roles.configure(config.roles)
    for (const module of this.#around.available) {
      const isChanged = JSON.stringify(before[module.name]) !== JSON.stringify(wanted[module.name])
      if (modules.has(module) && (isChanged || isMoved || wanted[module.name] === false)) await modules.unload(module)
    }
    for (const module of this.#around.available) if (wanted[module.name] !== false) await modules.load(module, wanted)
  }

  async stop(): Promise<void> {
    await this.modules.stop()
    this.foreign?.close()
  }

  #foreign(source: AccountSource, config: AccountsConfig): ForeignAccounts {
    const { clock, log, serverMetrics } = this.#around
    const { domain } = this.virtual
    return new ForeignAccounts({
      source,
      config,
      clock,
      log: log.child({ host: domain.toString() }),
      metrics: (onClose) => serverMetrics.ofHost(domain.toString(), onClose),
      recheck: () => this.accounts.recheck(),
    })
  }

  #bearer(config: BearerConfig): BearerTokens {
    const { bearerCounts: counts, clock, log, random } = this.#around
    const { domain } = this.virtual
    return new BearerTokens({
      config,
      domain,
      accounts: this.accounts,
      mayCreate: (account) => this.modules.api(invitations)?.checkFree(account),
      clock,
      random,
      log: log.child({ host: domain.toString() }),
      counts,
    })
  }
}
