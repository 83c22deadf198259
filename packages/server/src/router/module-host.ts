import { join } from 'node:path'
import { type Element, type Iq, Jid, type Message, type Payload, type Stanza } from '@jackdaw/xmpp'
import type { Logger } from 'pino'
import type * as z from 'zod'
import type {
  Accounts,
  Audit,
  Endpoint,
  Facts,
  Handler,
  Hooks,
  Host,
  HostComponent,
  HttpServe,
  Metrics,
  Module,
  Opened,
  Place,
  Reply,
  Roles,
  Served,
  Service,
  Stage,
  Stores,
  Target,
} from '../module.ts'
import type { Sessions } from '../session/sessions.ts'
import type { Storage } from '../storage/storage.ts'
import type { StreamFeature } from '../stream/features.ts'
import type { Awaitable, Clock, Random } from '../world.ts'
import type { VirtualHost } from './host.ts'
import type { Router } from './router.ts'
import { ServedDomain } from './service.ts'

/** What a module's host hands through to it. */
export interface Surroundings {
  readonly host: VirtualHost
  readonly router: Router
  readonly sessions: Sessions
  readonly storage: Storage
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly metrics: (undo: (act: () => void) => void) => Metrics
  /** Returns what takes the path back. */
  http(path: string, serve: HttpServe): () => void
  httpsPort(): number | undefined
  /** Of the host's files, a path; undefined where data is kept in memory only. */
  readonly folder: string | undefined
  kept(): Promise<void>
  trouble(): string | undefined
  api(module: Module): unknown
}

/** One running module's view of its virtual host; remembers how to undo all that the module registers. */
export class ModuleHost<F extends z.ZodObject, S extends Stores> implements Host<F, S> {
  readonly domain: Jid
  readonly config: z.output<F>
  readonly stores: Opened<S>
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly accounts: Accounts
  readonly roles: Roles
  readonly audit: Audit
  readonly metrics: Metrics
  readonly folder: string | undefined
  readonly #module: Module<F, S>
  readonly #around: Surroundings
  readonly #undo: (() => Awaitable<void>)[] = []

  constructor(module: Module<F, S>, config: z.output<F>, around: Surroundings) {
    const { host, storage, clock, random, log } = around
    this.#module = module
    this.#around = around
    this.domain = host.domain
    this.config = config
    this.stores = openStores(module, host.domain, storage)
    this.clock = clock
    this.random = random
    this.log = log.child({ module: module.name, host: host.domain.toString() })
    this.accounts = host.accounts
    this.roles = host.roles
    this.audit = host.audit
    this.folder = around.folder === undefined ? undefined : join(around.folder, module.name)
    this.metrics = around.metrics((act) => this.#undo.push(act))
    for (const feature of module.features?.server ?? []) this.feature('server', feature)
    for (const feature of module.features?.account ?? []) this.feature('account', feature)
  }

  hook<K extends keyof Hooks>(at: K, stage: Stage, handler: Handler<Hooks[K]>): void {
    this.#undo.push(this.#around.host.hooks[at].add(stage, handler))
  }

  on<K extends keyof Facts>(fact: K, listener: (about: Facts[K]) => Awaitable<void>): void {
    this.#undo.push(this.#around.host.on(fact, listener))
  }

  tell<K extends keyof Facts>(fact: K, about: Facts[K]): void {
    void this.#around.host.tell(fact, about)
  }

  answer<T>(type: 'get' | 'set', at: Place, payload: Payload<T>, reply: Reply<T>): void {
    this.#undo.push(this.#around.host.answers.add(type, at, payload, reply))
  }

  streamFeature(feature: StreamFeature): void {
    const { streamFeatures } = this.#around.host
    streamFeatures.add(feature)
    this.#undo.push(() => void streamFeatures.delete(feature))
  }

  feature(place: Place, name: string): void {
    this.#undo.push(this.#around.host.feature(place, name, this.#module.right))
  }

  features(place: Place, account?: Jid): readonly string[] {
    return this.#around.host.features(place, account)
  }

  serve(label: string, served: Served): Service {
    const { host, router } = this.#around
    const service = new ServedDomain(Jid.of({ domain: `${label}.${host.domain.domain}` }), served)
    this.#undo.push(router.serve(service))
    host.services.add(service)
    this.#undo.push(() => void host.services.delete(service))
    return {
      domain: service.domain,
      answer: (type, at, payload, reply) => void this.#undo.push(service.answers.add(type, at, payload, reply)),
    }
  }

  *services(): Iterable<{ readonly domain: Jid; readonly name: string | undefined }> {
    yield* this.#around.host.services
    for (const component of this.components()) if (component.isConnected) yield component
  }

  component(domain: string): HostComponent | undefined {
    return this.#around.host.components.get(domain)
  }

  components(): Iterable<HostComponent> {
    return this.#around.host.components.values()
  }

  isOfServer({ domain }: Jid): boolean {
    return this.#around.router.hosts.has(domain)
  }

  isElsewhere({ domain }: Jid): boolean {
    return this.#around.router.isElsewhere(domain)
  }

  http(path: string, serve: HttpServe): void {
    this.#undo.push(this.#around.http(path, serve))
  }

  endpoint<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodType>(added: Endpoint<P, Q, B>): void {
    const { host } = this.#around
    // What it is called with has been checked by its own schemas.
    const endpoint = added as unknown as Endpoint
    const { method, path } = endpoint
    if (host.endpoints.some((other) => other.method === method && other.path === path))
      throw new Error(`${method} ${path} of the REST API is another module's`)
    host.endpoints = [...host.endpoints, endpoint]
    this.#undo.push(() => void (host.endpoints = host.endpoints.filter((one) => one !== endpoint)))
  }

  endpoints(): readonly Endpoint[] {
    return this.#around.host.endpoints
  }

  httpsPort(): number | undefined {
    return this.#around.httpsPort()
  }

  kept(): Promise<void> {
    return this.#around.kept()
  }

  trouble(): string | undefined {
    return this.#around.trouble()
  }

  sessions(account?: Jid): Iterable<Target> {
    const { sessions, host } = this.#around
    return account ? sessions.of(account) : sessions.ofDomain(host.domain)
  }

  session(jid: Jid): Target | undefined {
    return this.#around.sessions.get(jid)
  }

  send(stanza: Stanza): void {
    this.#around.router.send(stanza)
  }

  pass(stanza: Stanza): Awaitable<void> {
    return this.#around.router.pass(stanza)
  }

  submit(stanza: Message): Awaitable<void> {
    return this.#around.router.submit(stanza)
  }

  sendAs(stanza: Stanza): void {
    this.#around.router.sendAs(stanza)
  }

  ask(iq: Iq): Promise<Element | undefined> {
    return this.#around.router.ask(iq)
  }

  askAs(iq: Iq): Promise<Element | undefined> {
    return this.#around.router.askAs(iq)
  }

  use<Api>(module: Module<any, any, Api>): Api {
    if (!this.#module.needs?.includes(module))
      throw new Error(`${this.#module.name} does not declare that it needs ${module.name}`)
    return this.#around.api(module) as Api
  }

  onStop(undo: () => Awaitable<void>): void {
    this.#undo.push(undo)
  }

  /** Takes back all that was registered, the last first. */
  async stop(): Promise<void> {
    for (const undo of this.#undo.reverse()) await undo()
  }
}

function openStores<S extends Stores>(module: Module<any, S>, domain: Jid, storage: Storage): Opened<S> {
  const opened: Record<string, unknown> = {}
  for (const [name, { kind }] of Object.entries(module.stores ?? {})) {
    const full = `${domain}/${module.name}/${name}`
    opened[name] = kind === 'map' ? storage.map(full) : storage.log(full)
  }
  return opened as Opened<S>
}
