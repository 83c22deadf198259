import { type Delegations, type Jid, type Privileges, type Stanza, StreamError } from '@jackdaw/xmpp'
import type { HostComponent, Served } from '../module.ts'
import type { ComponentStream, StreamComponent } from '../stream/component.ts'
import type { Awaitable } from '../world.ts'
import type { VirtualHost } from './host.ts'
import type { Router } from './router.ts'
import { ServedDomain } from './service.ts'
import { UnreachableError } from './unreachable.ts'

export interface ComponentConfig {
  readonly secret: string
  readonly name?: string | undefined
  readonly privileges: Privileges
  readonly delegated: Delegations
}

/** One component: whether it is there or not, nobody else serves its domain. */
export class Component implements StreamComponent, HostComponent {
  readonly domain: Jid
  readonly #host: VirtualHost
  readonly #router: Router
  readonly #counts: { received: number; sent: number }
  readonly #unserve: () => void
  #stream: ComponentStream | undefined
  config: ComponentConfig
  #isClosed = false

  constructor(
    domain: Jid,
    host: VirtualHost,
    config: ComponentConfig,
    router: Router,
    counts: { received: number; sent: number },
  ) {
    this.domain = domain
    this.#host = host
    this.config = config
    this.#router = router
    this.#counts = counts
    const take = (stanza: Stanza) => this.#take(stanza)
    const served: Served = { name: domain.toString(), message: take, presence: take, iq: take }
    this.#unserve = router.serve(new ServedDomain(domain, served, true))
    host.components.set(domain.domain, this)
  }

  get host(): Jid {
    return this.#host.domain
  }

  get isConnected(): boolean {
    return this.#stream !== undefined
  }

  get secret(): string {
    return this.config.secret
  }

  get name(): string | undefined {
    return this.config.name
  }

  get privileges(): Privileges {
    return this.config.privileges
  }

  get delegated(): Delegations {
    return this.config.delegated
  }

  whenTaken(act: () => void): void {
    this.#stream?.whenDrained(act)
  }

  attach(stream: ComponentStream): boolean {
    if (this.#isClosed) throw new StreamError('host-gone')
    if (this.#stream) {
      // It may have gone without a word.
      this.#stream.doubt()
      return false
    }
    this.#stream = stream
    return true
  }

  online(): void {
    this.#tell('domain:reached')
  }

  detach(stream: ComponentStream): void {
    if (this.#stream !== stream) return
    this.#stream = undefined
    // Who stops comes back, and so do its components: until then everybody stays as they were.
    if (!stream.port.isClosing) this.#tell('domain:lost')
    stream.port.log.info({ component: this.domain.toString() }, 'a component has gone')
  }

  accept(stanza: Stanza): Awaitable<void> {
    this.#counts.received++
    return this.#router.acceptRemote(stanza)
  }

  close(error: StreamError): void {
    this.#isClosed = true
    this.#unserve()
    this.#host.components.delete(this.domain.domain)
    this.#stream?.end(error)
  }

  #take(stanza: Stanza): void {
    if (this.#stream) {
      this.#counts.sent++
      return this.#stream.deliver(stanza)
    }
    // RFC 6120 §8.3.3.17: it is known, and cannot be reached.
    throw new UnreachableError('remote-server-timeout', `${this.domain} is not connected at present`)
  }

  /** Everybody may have contacts there. */
  #tell(fact: 'domain:reached' | 'domain:lost'): void {
    const { domain } = this
    for (const host of this.#router.hosts.values()) void host.tell(fact, { domain })
  }
}
