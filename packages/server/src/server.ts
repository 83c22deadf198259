// Longer than the others: the composition root, where all rooms are wired together and nowhere else.
import { join } from 'node:path'
import { Jid, StreamError } from '@jackdaw/xmpp'
import { type Logger, pino } from 'pino'
import { type Config, type ConfigInput, configFrom, type HostConfig } from './config.ts'
import { hasComponents } from './config/components.ts'
import { networks } from './config/networks.ts'
import { openFileJournal } from './journal/file.ts'
import { Journal, type JournalStore } from './journal/journal.ts'
import { boshLimits, certificateHosts, componentLimits, networkLimits, sessionLimits, streamLimits } from './limits.ts'
import { measure } from './measures.ts'
import { ServerMetrics } from './metrics.ts'
import type { Module } from './module.ts'
import { modules as everyModule } from './modules/modules.ts'
import { ClientPort } from './ports/c2s.ts'
import { ComponentPort } from './ports/component.ts'
import { Router } from './router/router.ts'
import { saslCrypto } from './sasl-crypto.ts'
import { secretFile } from './secret-file.ts'
import { Secrets } from './secrets.ts'
import { type HostAround, ServedHost } from './served-host.ts'
import { hashes, iterations } from './session/accounts.ts'
import type { Session } from './session/session.ts'
import { Sessions } from './session/sessions.ts'
import { openSqliteStorage, type SqliteStorage } from './storage/sqlite.ts'
import { Authenticator, type SaslSecrets } from './stream/authenticator.ts'
import { bind } from './stream/bind.ts'
import { bind2 } from './stream/bind2.ts'
import { channelBinding } from './stream/channel-binding.ts'
import { management } from './stream/management.ts'
import { sasl } from './stream/sasl.ts'
import { sasl2 } from './stream/sasl2.ts'
import { fast } from './stream/fast.ts'
import { starttls } from './stream/starttls.ts'
import type { Stream } from './stream/stream.ts'
import { Upgrades } from './stream/upgrades.ts'
import { Bosh, type BoshLimits } from './transport/bosh/bosh.ts'
import { Certificates } from './transport/certificate.ts'
import { HttpRoutes } from './transport/http.ts'
import type { Listener, Network } from './transport/network.ts'
import { SystemNetwork } from './transport/system-network.ts'
import { when } from './when.ts'
import { type Awaitable, type Clock, type Random, systemClock, systemRandom } from './world.ts'

/** What an embedder may hand in in place of the machine's own. */
export interface Parts {
  readonly clock?: Clock
  readonly random?: Random
  readonly log?: Logger
  /** Every module there is; which of them run is the configuration's choice. */
  readonly modules?: readonly Module[]
  /** A network without TLS, such as a simulation's; no certificates are then made. */
  readonly network?: Network
  /** Keeps the journal elsewhere; the database is then in memory and rebuilt from it. */
  readonly journalStore?: JournalStore
  /** Where files are kept beside such a journal; without it, none are. */
  readonly files?: string
  /** The cryptography of logins. */
  readonly crypto?: SaslSecrets['crypto']
}

/** What listens where. */
export interface Listening {
  readonly name: 'xmpp' | 'xmpps' | 'http' | 'https' | 'component' | 'componentTls'
  readonly address: string
  readonly port: number
}

/**
 * Opens a server on its data: accounts can be worked with at once, clients come after `start`.
 * @throws ConfigError, JournalError, StorageError: one plain sentence each
 */
export async function createServer(input: ConfigInput | Config = {}, parts: Parts = {}): Promise<Server> {
  const modules = parts.modules ?? everyModule
  const server = new Server(configFrom(input, modules), modules, parts)
  try {
    await server.open()
  } catch (error) {
    await server.stop()
    throw error
  }
  return server
}

/** A whole Jackdaw: the composition root. */
export class Server {
  readonly log: Logger
  readonly metrics = new ServerMetrics()
  /** By domain. */
  readonly hosts = new Map<string, ServedHost>()
  readonly sessions: Sessions
  readonly #parts: Parts
  readonly #available: readonly Module[]
  readonly #clock: Clock
  readonly #random: Random
  readonly #journalStore: JournalStore
  readonly #journal: Journal
  readonly #storage: SqliteStorage
  readonly #router: Router
  readonly #port: ClientPort
  readonly #componentPort: ComponentPort
  readonly #http: HttpRoutes
  readonly #troubles = new Map<string, string>()
  #troubled = 0
  readonly #bearerCounts = { refused: 0, outages: 0 }
  readonly #listeners: Listener[] = []
  readonly #secrets: Secrets
  /** Of those who have logged in without an account. */
  readonly #guests = new WeakSet<Stream>()
  #sasl!: SaslSecrets
  #hostAround!: HostAround
  #certificates: Certificates | undefined
  /** Undefined when the network is the embedder's. */
  #systemNetwork: SystemNetwork | undefined
  #config: Config
  #boshLimits: BoshLimits
  #mayWatch: (address: string) => boolean
  #httpsPort: number | undefined
  #isStarted = false
  #stopped: Promise<void> | undefined
  #cancelWatch: (() => void) | undefined

  constructor(config: Config, modules: readonly Module[], parts: Parts) {
    this.#config = config
    this.#boshLimits = boshLimits(config)
    this.#parts = parts
    this.#available = modules
    this.#clock = parts.clock ?? systemClock
    this.#random = parts.random ?? systemRandom
    this.log = parts.log ?? pino({ level: config.log.level })
    this.#mayWatch = networks(config.metrics.allow)
    const clock = this.#clock
    const random = this.#random
    this.#journalStore = parts.journalStore ?? this.#openJournal()
    this.#journal = new Journal({
      store: this.#journalStore,
      clock,
      onTrouble: this.#trouble('journal'),
      onFault: (error) => this.log.error({ err: error }, 'output could not be written'),
      onCommit: (number) => {
        this.#storage.committed(number)
        this.sessions.committed()
        // What the database held at the start already can go as soon as the sessions have been written anew.
        this.#release()
      },
    })
    try {
      this.#storage = this.#openStorage()
    } catch (error) {
      this.#journalStore.close()
      throw error
    }
    this.#secrets = new Secrets(this.#storage, random)
    const journal = this.#journal
    const limits = sessionLimits(config)
    this.sessions = new Sessions({ journal, journalStore: this.#journalStore, clock, random, limits })
    this.#router = new Router(this.sessions, clock, this.log, ({ account }) => this.#forget(account))
    const door = { router: this.#router, journal, clock, random, log: this.log }
    this.#port = new ClientPort({ ...door, limits: streamLimits(config) })
    this.#componentPort = new ComponentPort({ ...door, limits: componentLimits(config) })
    this.#http = new HttpRoutes({
      health: () => [...this.#troubles.values()],
      metrics: this.metrics.registry,
      mayWatch: (address) => this.#mayWatch(address),
    })
    this.#http.addWebSocket('/xmpp', this.#port.accept)
    const { accept } = this.#port
    const afterCommit = (act: () => void) => journal.afterCommit({ flush: act })
    this.#http.add('/bosh', new Bosh({ accept, clock, random, afterCommit, limits: () => this.#boshLimits }).serve)
    if (!parts.network) this.metrics.collectProcess()
    this.#measure()
  }

  /** What is served over HTTP, as `path domain`. */
  get httpPaths(): readonly string[] {
    return this.#http.paths
  }

  get config(): Config {
    return this.#config
  }

  /** Called by `createServer`. */
  async open(): Promise<void> {
    // That of SASL makes unknown users' challenges: it must not change from start to start.
    const crypto = this.#parts.crypto ?? saslCrypto((size) => this.#random.bytes(size))
    this.#sasl = {
      crypto,
      secret: await this.#secrets.get('sasl'),
      iterations,
      hashes,
    }
    // What makes tokens is not in the database, so that who has that alone has none of them.
    const tokenSecret = this.#parts.journalStore
      ? await this.#secrets.get('tokens')
      : secretFile(join(this.#config.data, 'tokens.key'), this.#random)
    this.#hostAround = this.#aroundHosts(crypto, tokenSecret)
    for (const [domain, host] of Object.entries(this.#config.hosts)) await this.#addHost(domain, host)
    this.#addComponents()
    this.sessions.recover(this.#router)
    for (const host of this.hosts.values()) await this.#recogniseGuests(host)
  }

  /** Listens, on all of its ports or, when it fails, on none: then it may be called again. @throws ListenError, CertificateError */
  async start(): Promise<readonly Listening[]> {
    if (this.#stopped) throw new Error('This server has been stopped: create another one')
    if (this.#isStarted) throw new Error('This server has been started already')
    this.#isStarted = true
    try {
      return await this.#start()
    } catch (error) {
      this.#isStarted = false
      this.#cancelWatch?.()
      this.#certificates?.close()
      await this.#closeListeners()
      throw error
    }
  }

  async #start(): Promise<readonly Listening[]> {
    const { listen, data, tls } = this.#config
    if (!this.#parts.network) {
      this.#certificates = await Certificates.open({
        folder: join(data, 'certificates'),
        hosts: certificateHosts(this.#config),
        minVersion: tls.minimum,
        ticketKeys: (day) => this.#secrets.ticketKeys(day),
        clock: this.#clock,
        log: this.log,
      })
      this.#systemNetwork = new SystemNetwork(networkLimits(this.#config), { clock: this.#clock, log: this.log })
    }
    const network = this.#parts.network ?? this.#systemNetwork!
    const secure = this.#certificates && { secure: this.#certificates }
    const direct = { ...secure, isDirectTls: true, alpn: 'xmpp-client' }
    const listening: Listening[] = []
    const opened = async (name: Listening['name'], listener: Promise<Listener>) => {
      const { address, port } = await listener
      this.#listeners.push(await listener)
      if (this.#stopped) throw new Error('This server has been stopped: create another one')
      listening.push({ name, address, port })
      if (name === 'https') this.#httpsPort = port
    }
    for (const domain of this.hosts.keys()) this.sessions.revive(domain)
    this.#watch()
    if (listen.xmpp)
      await opened(
        'xmpp',
        network.listenTcp(listen.xmpp, { ...secure, refusal: this.#port.refusal }, this.#port.accept),
      )
    if (listen.xmpps && secure) await opened('xmpps', network.listenTcp(listen.xmpps, direct, this.#port.accept))
    if (listen.http) await opened('http', network.listenHttp(listen.http, {}, this.#http))
    if (listen.https && secure) await opened('https', network.listenHttp(listen.https, secure, this.#http))
    if (hasComponents(this.#config.hosts)) {
      const { accept, refusal } = this.#componentPort
      if (listen.component) await opened('component', network.listenTcp(listen.component, { refusal }, accept))
      if (listen.componentTls && secure)
        await opened('componentTls', network.listenTcp(listen.componentTls, { ...secure, isDirectTls: true }, accept))
    }
    return listening
  }

  /** Takes over another configuration without a restart: hosts, modules, certificates, limits, log level. Ports and folders need one. */
  async reload(input: ConfigInput | Config): Promise<void> {
    const config = configFrom(input, this.#available)
    this.log.info('reloading')
    await this.#certificates?.reload(certificateHosts(config))
    this.#config = config
    this.#boshLimits = boshLimits(config)
    this.log.level = config.log.level
    this.#mayWatch = networks(config.metrics.allow)
    this.sessions.limits = sessionLimits(config)
    this.#port.limits = streamLimits(config)
    this.#componentPort.limits = componentLimits(config)
    if (this.#systemNetwork) this.#systemNetwork.limits = networkLimits(config)
    for (const domain of this.hosts.keys()) this.#componentPort.retain(domain, config.hosts[domain]?.components ?? {})
    for (const domain of [...this.hosts.keys()]) if (!config.hosts[domain]) await this.#removeHost(domain)
    for (const [domain, host] of Object.entries(config.hosts)) {
      const running = this.hosts.get(domain)
      if (running) await running.configure(host)
      else {
        await this.#addHost(domain, host)
        await this.#recogniseGuests(this.hosts.get(domain)!)
        this.sessions.revive(domain)
      }
    }
    this.#addComponents()
  }

  /** Why nothing can be kept at present; undefined when all is well. */
  get trouble(): string | undefined {
    return this.#troubles.get('journal')
  }

  /** Resolves when all that was done so far has been committed. */
  kept(): Promise<void> {
    return new Promise((resolve) => this.#journal.afterCommit({ flush: resolve }))
  }

  /** Ends all streams in an orderly way, keeps what can be resumed, and closes the data. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    this.log.info('stopping')
    const closing = this.#closeListeners()
    await this.#port.close()
    await this.#componentPort.close()
    await closing
    for (const host of this.hosts.values()) await host.stop()
    this.#certificates?.close()
    this.#cancelWatch?.()
    this.sessions.close()
    this.#router.isStopped = true
    try {
      this.#journal.close()
    } finally {
      await this.#storage.close()
    }
  }

  async #closeListeners(): Promise<void> {
    await Promise.all(this.#listeners.splice(0).map((listener) => listener.close()))
  }

  // The data

  #openJournal(): JournalStore {
    const { data, storage } = this.#config
    return openFileJournal({
      folder: join(data, 'journal'),
      durability: storage.durability,
      onTorn: (torn) =>
        this.log.warn(torn, 'the end of the journal was half written when the server ended; it was cut off'),
    })
  }

  #openStorage(): SqliteStorage {
    const { data, storage } = this.#config
    const isInMemory = this.#parts.journalStore !== undefined
    return openSqliteStorage({
      journal: this.#journal,
      journalStore: this.#journalStore,
      clock: this.#clock,
      random: this.#random,
      durability: storage.durability,
      onApplied: () => this.#release(),
      onTrouble: this.#trouble('database'),
      onMended: (sentence) => this.log.warn(sentence),
      onUpgrade: (sentence) => this.log.info(sentence),
      ...(isInMemory
        ? { mode: 'inline', path: ':memory:' }
        : { mode: 'worker', path: join(data, 'jackdaw.db'), journalFolder: join(data, 'journal') }),
    })
  }

  /** Looks each second whether the journal is still there: who removed it is told before more is acknowledged. */
  #watch(): void {
    const store = this.#journalStore
    if (!store.isInPlace) return
    this.#cancelWatch = this.#clock.after(1000, () => {
      // A batch of nothing: it finds out, and ends the trouble when the folder comes back.
      if (!store.isInPlace!() && !this.#journal.isTroubled) this.#journal.append(['lost'])
      this.#watch()
    })
  }

  #release(): void {
    this.#journalStore.release(Math.min(this.#storage.cursor + 1, this.sessions.keptFrom))
  }

  #trouble(part: string): (error: Error | undefined) => void {
    return (error) => {
      if (error) {
        this.#troubled++
        this.#troubles.set(part, `The ${part} cannot be written: ${error.message}`)
        this.log.error({ reason: error.message }, `the ${part} cannot be written; input waits until it can`)
      } else {
        this.#troubles.delete(part)
        this.log.info(`the ${part} can be written again`)
      }
    }
  }

  // The hosts

  async #addHost(domain: string, config: HostConfig): Promise<void> {
    const jid = Jid.of({ domain })
    const host = await ServedHost.open(jid, config, this.#hostAround)
    const authenticator = new Authenticator(
      {
        scram: (username, hash) => host.accounts.scram(username, hash),
        password: (username, password) => host.foreign?.check(username, password),
        exists: (account) => host.accounts.exists(account),
        asksElsewhere: () => host.foreign !== undefined,
        bearer: (token) => host.bearer?.username(token),
        isAnonymous: () => host.config.anonymous,
        isDisabled: (account) => host.accounts.isDisabled(account),
        takesBearer: () => host.bearer !== undefined,
      },
      this.#sasl,
    )
    for (const feature of [
      starttls,
      channelBinding,
      sasl(authenticator),
      sasl2(
        authenticator,
        (stream, account) => this.#check(host, stream, account),
        new Upgrades(this.#sasl, (account) => host.accounts.outdated(account)),
      ),
      bind((stream, account, resource) => this.#bind(host, stream, account, resource)),
      management({
        location: () => this.#config.resumption.location,
        find: (id, account) => this.sessions.find(id, account),
      }),
      fast(host.accounts.tokens, (account) => !host.config.anonymous || host.accounts.exists(account)),
      bind2((stream, account, tag, client) => {
        this.#admit(host, stream, account)
        return this.sessions.bindClient(stream, account, tag, client)
      }),
    ])
      host.virtual.streamFeatures.add(feature)
    this.hosts.set(domain, host)
    this.#router.hosts.set(domain, host.virtual)
    await host.configure(config)
  }

  #bind(host: ServedHost, stream: Stream, account: Jid, resource: string | undefined): Awaitable<Session> {
    return when(this.#check(host, stream, account), () => {
      this.#admit(host, stream, account)
      return this.sessions.bind(stream, account, resource)
    })
  }

  /** What a client has logged in to may be gone by the time it binds. */
  #check(host: ServedHost, stream: Stream, account: Jid): Awaitable<void> {
    if (this.hosts.get(account.domain) !== host) throw new StreamError('host-gone')
    return when(host.accounts.admit(account), (exists) => {
      if (!exists && !host.config.anonymous) throw new StreamError('not-authorized', 'The account has been removed')
      if (!exists) this.#guests.add(stream)
    })
  }

  /** An account may have been disabled since its login. @throws StreamError */
  #admit({ accounts, roles }: ServedHost, stream: Stream, account: Jid): void {
    if (accounts.isDisabled(account)) throw new StreamError('not-authorized', 'The account has been disabled')
    if (this.#guests.has(stream)) roles.admitGuest(account)
  }

  #aroundHosts(crypto: SaslSecrets['crypto'], tokenSecret: Uint8Array): HostAround {
    const { files, journalStore } = this.#parts
    return {
      router: this.#router,
      sessions: this.sessions,
      storage: this.#storage,
      clock: this.#clock,
      random: this.#random,
      log: this.log,
      available: this.#available,
      crypto,
      tokenSecret,
      tokenLimits: () => this.#config.tokens,
      streamLimits: () => this.#port.limits,
      serverMetrics: this.metrics,
      bearerCounts: this.#bearerCounts,
      files: files ?? (journalStore ? undefined : join(this.#config.data, 'files')),
      http: (path, serve, domain) => this.#http.add(path, serve, domain),
      httpsPort: () => this.#httpsPort ?? this.#plannedHttpsPort,
      kept: () => this.kept(),
      trouble: () => this.trouble,
    }
  }

  /** Of commands on a server that does not run. */
  get #plannedHttpsPort(): number | undefined {
    const { https } = this.#config.listen
    return this.#isStarted || https === false || https.port === 0 ? undefined : https.port
  }

  /** After the modules, whose domains may have changed as well. */
  #addComponents(): void {
    for (const { virtual, config } of this.hosts.values()) this.#componentPort.add(virtual, config.components)
  }

  /** Drops what an anonymous user (RFC 4505) leaves behind. */
  #forget(account: Jid): Awaitable<void> {
    const host = this.hosts.get(account.domain)!
    if (!host.config.anonymous || this.sessions.of(account).length > 0) return
    return when(host.accounts.exists(account), (exists) => {
      if (exists) return
      host.roles.forget(account)
      this.#storage.drop(`${host.virtual.domain}/`, account.toString())
    })
  }

  /** Sessions that have outlived the server may be those of anonymous users. */
  async #recogniseGuests({ accounts, config, roles, virtual }: ServedHost): Promise<void> {
    if (!config.anonymous) return
    for (const { account } of [...this.sessions.ofDomain(virtual.domain)])
      if (!(await accounts.exists(account))) roles.admitGuest(account)
  }

  async #removeHost(domain: string): Promise<void> {
    const host = this.hosts.get(domain)!
    for (const session of [...this.sessions.ofDomain(host.virtual.domain)])
      this.sessions.end(session, new StreamError('host-gone'))
    await host.stop()
    this.hosts.delete(domain)
    this.#router.hosts.delete(domain)
  }

  #measure(): void {
    measure(this.metrics, {
      counts: this.#router.counts,
      bearer: this.#bearerCounts,
      troubles: this.#troubles,
      troubled: () => this.#troubled,
      port: this.#port,
      components: this.#componentPort,
      refused: () => this.#systemNetwork?.admission.refused ?? 0,
      sessions: this.sessions,
      hosts: this.hosts,
      certificates: () => this.#certificates?.facts ?? [],
      answered: this.#http.answered,
      journal: this.#journalStore,
      database: this.#storage.progress,
      data: this.#parts.journalStore ? undefined : this.#config.data,
    })
  }
}
