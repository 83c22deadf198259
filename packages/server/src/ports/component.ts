import { isDeepStrictEqual } from 'node:util'
import { componentNs, Jid, StreamError, TcpFraming } from '@jackdaw/xmpp'
import type { Logger } from 'pino'
import type { Journal } from '../journal/journal.ts'
import { Component, type ComponentConfig } from '../router/component.ts'
import type { VirtualHost } from '../router/host.ts'
import type { Router } from '../router/router.ts'
import { Attempts } from '../stream/attempts.ts'
import { ComponentStream, type ComponentStreamPort } from '../stream/component.ts'
import type { StreamLimits } from '../stream/port.ts'
import { Rounds } from '../stream/rounds.ts'
import type { Transport } from '../transport/transport.ts'
import type { Clock, Random } from '../world.ts'
import { Streams } from './streams.ts'

export interface ComponentPortLimits extends StreamLimits {
  readonly unauthenticatedConnections: number
}

interface ComponentPortOptions {
  readonly router: Router
  readonly journal: Journal
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly limits: ComponentPortLimits
}

/** The door for components (XEP-0114), and the domains that they serve. */
export class ComponentPort implements ComponentStreamPort {
  readonly clock: Clock
  readonly random: Random
  readonly journal: Journal
  readonly log: Logger
  readonly attempts: Attempts
  readonly rounds: Rounds
  readonly counts = { received: 0, sent: 0 }
  readonly #router: Router
  readonly #components = new Map<string, Component>()
  readonly #streams: Streams<ComponentStream>
  #limits: ComponentPortLimits

  constructor(options: ComponentPortOptions) {
    this.clock = options.clock
    this.random = options.random
    this.journal = options.journal
    this.log = options.log
    this.#router = options.router
    this.#limits = options.limits
    this.#streams = new Streams(options.journal)
    this.attempts = new Attempts(options.clock, options.limits)
    this.rounds = new Rounds(options.clock)
  }

  get limits(): ComponentPortLimits {
    return this.#limits
  }

  set limits(limits: ComponentPortLimits) {
    this.#limits = limits
    this.attempts.limits = limits
  }

  /** How many components are configured. */
  get size(): number {
    return this.#components.size
  }

  /** How many are connected. */
  get connected(): number {
    let connected = 0
    for (const { isConnected } of this.#components.values()) if (isConnected) connected++
    return connected
  }

  get domain(): string {
    for (const domain of this.#router.hosts.keys()) return domain
    return ''
  }

  /** What a connection is told that is not even looked at (RFC 6120 §4.9.3.17). */
  get refusal(): string {
    const framing = new TcpFraming(this.#limits, componentNs)
    const error = new StreamError('resource-constraint', 'Too many connections').toElement()
    return framing.open({ from: this.domain }) + framing.element(error) + framing.close
  }

  get isClosing(): boolean {
    return this.#streams.isClosing
  }

  component(domain: string): Component | undefined {
    return this.#components.get(domain)
  }

  // The configuration

  /** Lets those go that are configured no more, or otherwise; `configs` are those of one virtual host. */
  retain(host: string, configs: Readonly<Record<string, ComponentConfig>>): void {
    for (const [domain, component] of this.#components) {
      if (component.host.domain !== host || isSame(configs[domain], component.config)) continue
      this.#components.delete(domain)
      component.close(new StreamError(configs[domain] ? 'reset' : 'host-gone', 'The configuration has changed'))
    }
  }

  /** Makes those known that are not yet. */
  add(host: VirtualHost, configs: Readonly<Record<string, ComponentConfig>>): void {
    for (const [domain, config] of Object.entries(configs)) {
      const known = this.#components.get(domain)
      if (known) known.config = config
      else this.#components.set(domain, new Component(Jid.parse(domain), host, config, this.#router, this.counts))
    }
  }

  // Connections

  readonly accept = (transport: Transport): void => {
    const most = this.#limits.unauthenticatedConnections
    this.#streams.admit(new ComponentStream(transport, this), most, 'Too many components are connecting at this moment')
  }

  online(stream: ComponentStream): void {
    this.#streams.known(stream)
  }

  gone(stream: ComponentStream): void {
    this.#streams.gone(stream)
  }

  /** Ends all streams with system-shutdown; resolves when their connections are gone. */
  close(): Promise<void> {
    return this.#streams.close()
  }
}

/** All but the name; what a component is granted it is told when it connects (XEP-0355 §8 rule 3). */
function isSame(configured: ComponentConfig | undefined, running: ComponentConfig): boolean {
  return configured !== undefined && isDeepStrictEqual({ ...configured, name: '' }, { ...running, name: '' })
}
