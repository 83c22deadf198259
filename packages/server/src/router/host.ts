import type { Jid } from '@jackdaw/xmpp'
import type { Logger } from 'pino'
import type { Accounts, Audit, Endpoint, Facts, Hooks, HostComponent, Place, Right, Roles } from '../module.ts'
import type { StreamFeature } from '../stream/features.ts'
import type { StreamHost, StreamLimits } from '../stream/port.ts'
import type { Awaitable } from '../world.ts'
import { Answers } from './answers.ts'
import { Hook } from './hooks.ts'
import type { ServedDomain } from './service.ts'

type Listener<K extends keyof Facts> = (about: Facts[K]) => Awaitable<void>

interface HostOptions extends Pick<StreamHost, 'domain' | 'allowsPlaintext' | 'limitsOf'> {
  readonly accounts: Accounts
  readonly roles: Roles
  readonly audit: Audit
  readonly log: Logger
}

/** What is registered on one virtual host, found by name when a stanza passes. */
export class VirtualHost implements StreamHost {
  readonly domain: Jid
  readonly accounts: Accounts
  readonly roles: Roles
  readonly audit: Audit
  readonly allowsPlaintext: (address: string) => boolean
  readonly limitsOf: (account: Jid) => StreamLimits | undefined
  readonly hooks: { readonly [K in keyof Hooks]: Hook<Hooks[K]> } = {
    'message:out': new Hook(),
    'message:in': new Hook(),
    'presence:out': new Hook(),
    'presence:in': new Hook(),
    'iq:out': new Hook(),
    'iq:in': new Hook(),
    'session:send': new Hook(),
  }
  readonly streamFeatures = new Set<StreamFeature>()
  /** Service discovery features with the number of those who announce them. */
  readonly #features = { server: new Map<string, number>(), account: new Map<string, number>() }
  readonly #listed: { [P in Place]?: readonly string[] } = {}
  readonly #rights = new Map<string, Right>()
  readonly #log: Logger
  readonly answers = new Answers<Place>()
  /** What its modules serve below its domain. */
  readonly services = new Set<ServedDomain>()
  /** Operations of the REST API. */
  endpoints: readonly Endpoint[] = []
  /** By domain. */
  readonly components = new Map<string, HostComponent>()
  readonly #listeners: { readonly [K in keyof Facts]: Set<Listener<K>> } = {
    'session:bound': new Set(),
    'session:resumed': new Set(),
    'session:gone': new Set(),
    'session:ended': new Set(),
    'account:created': new Set(),
    'account:removed': new Set(),
    'account:dropped': new Set(),
    'password:changed': new Set(),
    'act:recorded': new Set(),
    'message:kept': new Set(),
    'room-message:kept': new Set(),
    'room:created': new Set(),
    'room:destroyed': new Set(),
    'room:entered': new Set(),
    'room:left': new Set(),
    'file:uploaded': new Set(),
    'invitation:used': new Set(),
    'report:made': new Set(),
    'domain:reached': new Set(),
    'domain:lost': new Set(),
  }

  constructor(options: HostOptions) {
    this.#log = options.log
    this.domain = options.domain
    this.accounts = options.accounts
    this.roles = options.roles
    this.audit = options.audit
    this.allowsPlaintext = options.allowsPlaintext
    this.limitsOf = options.limitsOf
  }

  /** Returns what takes it back. */
  on<K extends keyof Facts>(fact: K, listener: Listener<K>): () => void {
    this.#listeners[fact].add(listener)
    return () => void this.#listeners[fact].delete(listener)
  }

  /** Tells all listeners, also when one of them fails; a promise only when one of them waits. */
  tell<K extends keyof Facts>(fact: K, about: Facts[K]): Awaitable<void> {
    const listeners = this.#listeners[fact]
    if (listeners.size === 0) return
    const waits: Promise<void>[] = []
    for (const listener of listeners) {
      try {
        const wait = listener(about)
        if (wait instanceof Promise) waits.push(wait.catch((error: unknown) => this.#fault(error, fact)))
      } catch (error) {
        this.#fault(error, fact)
      }
    }
    if (waits.length > 0) return Promise.all(waits).then(() => undefined)
  }

  #fault(error: unknown, fact: string): void {
    this.#log.error({ err: error, fact }, 'a listener failed')
  }

  /** How much is registered, by kind. */
  get census(): Readonly<Record<string, number>> {
    const hooks = Object.entries(this.hooks).map(([name, hook]) => [`hook ${name}`, hook.size] as const)
    const listeners = Object.entries(this.#listeners).map(([fact, set]) => [`fact ${fact}`, set.size] as const)
    return {
      ...Object.fromEntries([...hooks, ...listeners]),
      answers: this.answers.size,
      services: this.services.size,
      endpoints: this.endpoints.length,
      streamFeatures: this.streamFeatures.size,
      serverFeatures: this.#features.server.size,
      accountFeatures: this.#features.account.size,
    }
  }

  /** Service discovery features, the same array until one comes or goes; or those of them that are for `account`. */
  features(place: Place, account?: Jid): readonly string[] {
    const all = (this.#listed[place] ??= [...this.#features[place].keys()])
    if (!account) return all
    return all.filter((name) => {
      const right = this.#rights.get(name)
      return !right || this.roles.may(account, right)
    })
  }

  /** Announces a service discovery feature, to those who have a right where it is for them; returns what takes it back. */
  feature(place: Place, name: string, right?: Right): () => void {
    const features = this.#features[place]
    features.set(name, (features.get(name) ?? 0) + 1)
    if (right) this.#rights.set(name, right)
    delete this.#listed[place]
    return () => {
      delete this.#listed[place]
      const left = features.get(name)! - 1
      if (left > 0) features.set(name, left)
      else features.delete(name)
    }
  }
}
