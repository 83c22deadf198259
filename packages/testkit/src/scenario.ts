import { type ConfigInput, createServer, MemoryJournalStore, type Module, type Server } from '@jackdaw/server'
import { Jid, parse, presence, type Stanza, StanzaError, xml } from '@jackdaw/xmpp'
import { type Logger, pino } from 'pino'
import { Client, type ClientOptions } from './client.ts'
import { Life, ManualClock } from './clock.ts'
import { ComponentActor } from './component.ts'
import { Loopback } from './loopback.ts'
import { mismatch } from './pattern.ts'
import type { Wire, WireEvents } from './wire.ts'

export interface ScenarioOptions {
  /** Accounts (of home.test, or with another domain) with the resources that log in. */
  readonly accounts?: Readonly<Record<string, readonly string[]>>
  /** Instead of every module there is. */
  readonly modules?: readonly Module[]
  readonly config?: ConfigInput
  readonly clock?: ManualClock
  /** Instead of one that writes what is fatal. */
  readonly log?: Logger
  /** Logged in clients count stanzas and can resume (XEP-0198). */
  readonly resume?: boolean
  /** After how many batches the journal begins a new part. */
  readonly partBatches?: number
}

const listen = { xmpp: 0, xmpps: false, http: 0, https: false, component: 0 } as const

export const password = 'the wine is red'

/** A whole server in memory, with clients that have logged in and sent nothing yet. */
export class Scenario {
  readonly clock: ManualClock
  readonly journalStore: MemoryJournalStore
  readonly network: Loopback
  readonly #options: ScenarioOptions
  server!: Server
  /** By resource. */
  readonly clients: Record<string, Actor> = {}
  /** The virtual hosts that the next start serves. */
  readonly domains: Set<string>
  #ports = new Map<string, number>()
  #life: Life | undefined

  constructor(options: ScenarioOptions) {
    this.#options = options
    this.clock = options.clock ?? new ManualClock()
    this.network = new Loopback(this.clock)
    this.journalStore = new MemoryJournalStore(options.partBatches)
    const names = Object.keys(options.accounts ?? {}).map((name) => jidOf(name).domain)
    this.domains = new Set(['home.test', ...names, ...Object.keys(options.config?.hosts ?? {})])
  }

  /** Starts the server on what the journal holds. */
  async start(): Promise<void> {
    const { config, modules } = this.#options
    this.#life = new Life(this.clock)
    const hosts = Object.fromEntries(
      [...this.domains].map((domain) => [domain, { plaintext: true, ...config?.hosts?.[domain] }]),
    )
    this.server = await createServer(
      { log: { level: 'warn' }, ...config, hosts, listen },
      {
        clock: this.#life,
        network: this.network,
        journalStore: this.journalStore,
        log: this.#options.log ?? pino({ level: process.env['LOG'] ?? 'fatal' }),
        ...(modules && { modules }),
      },
    )
    this.#ports = new Map((await this.server.start()).map(({ name, port }) => [name, port]))
  }

  async register(name: string): Promise<void> {
    const account = jidOf(name)
    await this.server.hosts.get(account.domain)!.accounts.create(account, password)
  }

  /** A client that is not connected yet. */
  client(name: string, resource?: string, options: Partial<ClientOptions> = {}): Actor {
    const account = jidOf(name)
    return new Actor({
      jid: resource === undefined ? account.toString() : account.withResource(resource).toString(),
      password,
      resume: this.#options.resume ?? false,
      connect: (events) => this.connect(events),
      ...options,
    })
  }

  /** A bare connection. */
  connect(events: WireEvents): Promise<Wire> {
    return this.network.connect(this.#ports.get('xmpp')!)(events)
  }

  /** A component that is not connected yet; the configuration names it with its secret. */
  component(domain: string, secret: string): ComponentActor {
    const connect = (events: WireEvents) => this.network.connect(this.#ports.get('component')!)(events)
    return new ComponentActor({ domain, secret, connect })
  }

  /** Logs a resource in; it has sent no presence. */
  async login(name: string, resource: string): Promise<Actor> {
    const client = this.client(name, resource)
    await client.connect()
    return client
  }

  /** The server dies as by `kill -9`: nothing more is said or kept, and all connections break. `start` starts another. */
  crash(): void {
    this.#life!.end()
    this.network.crash()
  }

  async stop(): Promise<void> {
    await this.server.stop()
  }
}

/** Starts a server with accounts and clients; to be stopped with `stop`, which `await using` does. */
export async function scenario(
  options: ScenarioOptions = {},
): Promise<Scenario & Record<string, any> & AsyncDisposable> {
  const made = new Scenario(options)
  await made.start()
  for (const [name, resources] of Object.entries(options.accounts ?? {})) {
    await made.register(name)
    for (const resource of resources) made.clients[resource] = await made.login(name, resource)
  }
  return Object.assign(made, made.clients, { [Symbol.asyncDispose]: () => made.stop() }) as never
}

/** A client in a play: says, hears, asks. */
export class Actor extends Client {
  /** Sends XML as written. The stanzas of it are counted like any other. */
  says(xmlText: string): void {
    this.send(parse(withNs(xmlText)))
  }

  /** Sends available presence. */
  comes(priority?: number): void {
    this.send(presence({}, priority === undefined ? undefined : xml('priority', 'jabber:client', {}, String(priority))))
  }

  /** The next stanza must match: attributes and children of the pattern must be there, others may be; text '…' is any. */
  async hears(pattern: string): Promise<Stanza> {
    const stanza = await this.stanza()
    const wrong = mismatch(parse(withNs(pattern)), stanza)
    if (wrong !== undefined) throw new Error(`${this.jid} heard ${stanza}\nbut ${wrong} of ${pattern}`)
    return stanza
  }

  /** Skips stanzas until one matches. */
  async awaits(pattern: string): Promise<Stanza> {
    const wanted = parse(withNs(pattern))
    for (;;) {
      const stanza = await this.stanza()
      if (mismatch(wanted, stanza) === undefined) return stanza
    }
  }

  /** All that was sent before has been handled, and nothing that was not taken has been heard. */
  async hearsNothing(): Promise<void> {
    await this.sync()
    if (this.inbox.length > 0) throw new Error(`${this.jid} heard ${this.inbox.join('\n')}`)
  }

  /** Resolves when all that was sent before has been handled, and all that it caused here has been heard. */
  async sync(): Promise<void> {
    try {
      await this.ask(
        'get',
        xml('sync', 'urn:jackdaw:test'),
        this.account.domain ? Jid.parse(this.account.domain) : undefined,
      )
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error
    }
  }

  /** Asks with XML as written: `<iq type='get'>…</iq>`; resolves with the answer, be it a result or an error. */
  async asks(xmlText: string): Promise<Stanza> {
    const request = parse(withNs(xmlText))
    const to = request.attr('to')
    const payload = request.first()!
    return this.ask(request.attr('type') as 'get' | 'set', payload, to === undefined ? undefined : Jid.parse(to))
  }
}

function jidOf(name: string): Jid {
  return Jid.parse(name.includes('@') ? name : `${name}@home.test`)
}

function withNs(text: string): string {
  const end = text.search(/[\s/>]/)
  return / xmlns=/.test(text.slice(0, text.indexOf('>')))
    ? text
    : `${text.slice(0, end)} xmlns='jabber:client'${text.slice(end)}`
}
