import { StreamError, TcpFraming } from '@jackdaw/xmpp'
import type { Logger } from 'pino'
import type { Journal } from '../journal/journal.ts'
import type { Router } from '../router/router.ts'
import { Attempts } from '../stream/attempts.ts'
import type { StreamHost, StreamLimits, StreamPort } from '../stream/port.ts'
import { Requests } from '../stream/requests.ts'
import { Rounds } from '../stream/rounds.ts'
import { Stream } from '../stream/stream.ts'
import type { Transport } from '../transport/transport.ts'
import type { Clock, Random } from '../world.ts'
import { Streams } from './streams.ts'

export interface ClientPortLimits extends StreamLimits {
  readonly unauthenticatedConnections: number
}

interface ClientPortOptions {
  readonly router: Router
  readonly journal: Journal
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly limits: ClientPortLimits
}

/** The door for clients: a stream for each connection, whatever carries it. */
export class ClientPort implements StreamPort {
  readonly clock: Clock
  readonly random: Random
  readonly journal: Journal
  readonly log: Logger
  readonly attempts: Attempts
  readonly rounds: Rounds
  readonly requests: Requests
  readonly #router: Router
  readonly #streams: Streams<Stream>
  #limits: ClientPortLimits
  /** Since the start. */
  logins = 0

  constructor(options: ClientPortOptions) {
    this.clock = options.clock
    this.random = options.random
    this.journal = options.journal
    this.log = options.log
    this.#router = options.router
    this.#limits = options.limits
    this.#streams = new Streams(options.journal)
    this.attempts = new Attempts(options.clock, options.limits)
    this.rounds = new Rounds(options.clock)
    this.requests = new Requests(options.clock)
  }

  /** What a connection is told that is not even looked at (RFC 6120 §4.9.3.17). */
  get refusal(): string {
    const framing = new TcpFraming(this.#limits)
    const error = new StreamError('resource-constraint', 'Too many connections').toElement()
    const id = Buffer.from(this.random.bytes(12)).toString('base64url')
    return framing.open({ from: this.domain, id, version: '1.0', lang: 'en' }) + framing.element(error) + framing.close
  }

  get limits(): ClientPortLimits {
    return this.#limits
  }

  set limits(limits: ClientPortLimits) {
    this.#limits = limits
    this.attempts.limits = limits
  }

  get connections(): number {
    return this.#streams.size
  }

  /** How many of them have not logged in. */
  get strangers(): number {
    return this.#streams.strangers
  }

  readonly accept = (transport: Transport): void => {
    const most = this.#limits.unauthenticatedConnections
    this.#streams.admit(new Stream(transport, this), most, 'Too many clients are logging in at this moment')
  }

  get domain(): string {
    for (const domain of this.#router.hosts.keys()) return domain
    return ''
  }

  host(domain: string): StreamHost | undefined {
    return this.#router.hosts.get(domain)
  }

  loggedIn(stream: Stream): void {
    this.logins++
    this.#streams.known(stream)
  }

  gone(stream: Stream): void {
    this.#streams.gone(stream)
  }

  /** Ends all streams with system-shutdown; resolves when their connections are gone. Sessions that can be resumed stay. */
  close(): Promise<void> {
    return this.#streams.close()
  }
}
