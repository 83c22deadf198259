import { type Jid, type Stanza, StanzaError, StreamError } from '@jackdaw/xmpp'
import type { Served, Target } from '../module.ts'
import type { ComponentStream, StreamComponent } from '../stream/component.ts'
import type { Awaitable } from '../world.ts'
import type { HostComponent, VirtualHost } from './host.ts'
import type { Router } from './router.ts'
import { ServedDomain } from './service.ts'

/** One component: whether it is there or not, nobody else serves its domain. */
export class Component implements StreamComponent {
  readonly domain: Jid
  readonly secret: string
  readonly #host: VirtualHost
  readonly #router: Router
  readonly #counts: { received: number; sent: number }
  readonly #unserve: () => void
  #stream: ComponentStream | undefined
  #listed: HostComponent | undefined
  #name: string | undefined
  #isClosed = false

  constructor(
    domain: Jid,
    host: VirtualHost,
    secret: string,
    name: string | undefined,
    router: Router,
    counts: { received: number; sent: number },
  ) {
    this.domain = domain
    this.secret = secret
    this.#host = host
    this.#name = name
    this.#router = router
    this.#counts = counts
    const take = (stanza: Stanza, sender: Target | undefined) => this.#take(stanza, sender)
    const served: Served = { name: domain.toString(), message: take, presence: take, iq: take }
    this.#unserve = router.serve(new ServedDomain(domain, served, true))
  }

  get host(): Jid {
    return this.#host.domain
  }

  get isConnected(): boolean {
    return this.#stream !== undefined
  }

  set name(name: string | undefined) {
    if (name === this.#name) return
    this.#name = name
    this.#list()
  }

  attach(stream: ComponentStream): boolean {
    if (this.#isClosed) throw new StreamError('host-gone')
    if (this.#stream) {
      // It may have gone without a word.
      this.#stream.doubt()
      return false
    }
    this.#stream = stream
    this.#list()
    return true
  }

  detach(stream: ComponentStream): void {
    if (this.#stream !== stream) return
    this.#stream = undefined
    this.#list()
    stream.port.log.info({ component: this.domain.toString() }, 'a component has gone')
  }

  accept(stanza: Stanza): Awaitable<void> {
    this.#counts.received++
    return this.#router.acceptRemote(stanza)
  }

  close(error: StreamError): void {
    this.#isClosed = true
    this.#unserve()
    this.#stream?.end(error)
  }

  #take(stanza: Stanza, sender: Target | undefined): void {
    if (this.#stream) {
      this.#counts.sent++
      return this.#stream.deliver(stanza)
    }
    // RFC 6120 §8.3.3.17: it is known, and cannot be reached.
    const error = new StanzaError('remote-server-timeout', `${this.domain} is not connected at present`)
    this.#router.unreachable(stanza, sender, error)
  }

  /** XEP-0030: while it is there, the host names it among what it has. */
  #list(): void {
    const { components } = this.#host
    if (this.#listed) components.delete(this.#listed)
    this.#listed = this.#stream && { domain: this.domain, name: this.#name }
    if (this.#listed) components.add(this.#listed)
  }
}
