// Longer than the others: header, features and the end are one state, which all of them read and change; what stands alone is beside it.
import {
  type Authenticate,
  BoshFraming,
  type ChannelBindings,
  clientNs,
  closed,
  commandsNs,
  type Element,
  Jid,
  parsNs,
  pingNs,
  registerNs,
  sasl2Ns,
  saslNs,
  smNs,
  Stanza,
  StanzaError,
  StreamError,
  streamNs,
  TcpFraming,
  WebSocketFraming,
  write,
  xml,
} from '@jackdaw/xmpp'
import type { TickEnd } from '../journal/journal.ts'
import type { Transport, TransportEvents } from '../transport/transport.ts'
import type { Awaitable, Clock } from '../world.ts'
import type { Exchange } from './authenticator.ts'
import type { SessionStream, StreamSession } from './bound.ts'
import { announcement } from './announcement.ts'
import { Connection } from './connection.ts'
import type { StreamFeature, StreamState } from './features.ts'
import { languageOf } from './language.ts'
import type { StreamHost, StreamLimits, StreamPort } from './port.ts'

const framings = { tcp: TcpFraming, websocket: WebSocketFraming, bosh: BoshFraming }

/** XEP-0198 §4: the same in all framings. */
const request = write(xml('r', smNs))
const none: readonly never[] = []
const noBindings: ChannelBindings = new Map<string, Uint8Array>()

/** How many stanzas may wait before their acknowledgement is asked for at once. */
const askedAt = 8

/** One client's stream (RFC 6120 §4): header, features, errors, and whole stanzas to the session that is bound on it. */
export class Stream implements TransportEvents, TickEnd, SessionStream {
  readonly transport: Transport
  readonly #port: StreamPort
  readonly #connection: Connection
  #isSecure: boolean
  host: StreamHost | undefined
  /** Bare, once authenticated. */
  account: Jid | undefined
  session: StreamSession | undefined
  /** The SASL exchange that goes on. */
  exchange: Exchange | undefined
  /** XEP-0388: what was asked for along with the login that goes on. */
  login: Authenticate | undefined
  failures = 0
  isAwaited = false
  /** Mechanisms that were asked for with a channel binding that cannot be. */
  misbound: readonly string[] = none
  #lang: string | undefined
  /** Who the client says that it is, in its header. */
  #claimed: string | undefined
  readonly #isTraced: boolean
  /** Whom the last stanza was for. */
  #to: Jid | undefined
  #hasHeader = false
  #hasAnswered = false
  #isOver = false
  #asksAcknowledgement = false
  /** Among what was sent since the last request there is a message. */
  #hasMessage = false
  /** In which it must have logged in. */
  readonly #lastRound: number
  #afterFlush: (() => void) | undefined

  constructor(transport: Transport, port: StreamPort) {
    this.transport = transport
    this.#port = port
    const { limits, rounds } = port
    this.#isTraced = port.log.isLevelEnabled('trace')
    const { depth, attributes, unauthenticatedStanzaBytes: stanzaBytes } = limits
    const framing = new framings[transport.framing]({ stanzaBytes, depth, attributes })
    this.#connection = new Connection(this, framing, this)
    this.#isSecure = transport.tls !== undefined
    this.#lastRound = rounds.join(limits.unauthenticatedTime, this)
    transport.open(this)
  }

  has(state: StreamState): boolean {
    switch (state) {
      case 'secure':
        return this.#isSecure
      case 'authenticated':
        return this.account !== undefined
      case 'bound':
        return this.session !== undefined
    }
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** A browser cannot know the channel that its WebSocket runs on, and some libraries take -PLUS wherever it is offered. */
  get bindings(): ChannelBindings {
    const { framing, tls } = this.transport
    return (framing === 'tcp' ? tls?.bindings : undefined) ?? noBindings
  }

  get port(): StreamPort {
    return this.#port
  }

  get clock(): Clock {
    return this.#port.clock
  }

  /** Those of the account's role, where that has some of its own. */
  get limits(): StreamLimits {
    return (this.account && this.host?.limitsOf(this.account)) ?? this.#port.limits
  }

  // What arrives

  data(chunk: Uint8Array | string): void {
    this.#connection.data(chunk)
  }

  drain(): void {
    this.#connection.drain()
  }

  gone(error?: Error): void {
    if (error) this.#port.log.debug({ err: error, address: this.transport.address }, 'connection lost')
    try {
      this.#leave(false)
    } finally {
      this.#port.gone(this)
    }
  }

  // What is sent

  /** An element of the stream's own. */
  send(element: Element): void {
    this.#write(this.#connection.framing.element(element))
  }

  deliver(text: string): void {
    // To look into a text lays it flat: here, while its pieces are in the caches, for half of what that takes at the tick's end.
    if (text.startsWith('<message')) this.#hasMessage = true
    this.#write(this.#connection.framing.stanza(text))
  }

  whenDrained(act: () => void): void {
    this.#connection.whenDrained(act)
  }

  /** Called at the tick's end, when all that explains this output has been kept. */
  flush(): void {
    const { session } = this
    if (session?.isManaged && !this.#asksAcknowledgement) {
      // Who has shown a message and logs out at once has told so; for the rest, asking would double what is read and written.
      if (this.#hasMessage || session.unacknowledged >= askedAt) this.#connection.add(this.#request())
      else if (session.unacknowledged > 0) this.#port.requests.soon(this)
    }
    this.#connection.flush()
    const after = this.#afterFlush
    this.#afterFlush = undefined
    after?.()
  }

  /** XEP-0198 §4: asks for an acknowledgement, unless one has been asked for or nothing waits for it. */
  requestAcknowledgement(): void {
    if (!this.#asksAcknowledgement && this.session?.unacknowledged) this.#write(this.#request())
  }

  #request(): string {
    this.#asksAcknowledgement = true
    this.#hasMessage = false
    return request
  }

  /** XEP-0198 §4: tells the client how much of what it sent has been handled. */
  acknowledge(h: number): void {
    this.#write(`<a xmlns='${smNs}' h='${h}'/>`)
  }

  /** The client has acknowledged; asks again when more waits and the last answer was progress. */
  acknowledged(h: number): void {
    const { session } = this
    if (!session) return
    const before = session.unacknowledged
    if (!session.acknowledge(h)) throw tooHigh(h, session.sent)
    this.#asksAcknowledgement = false
    if (session.unacknowledged > 0 && session.unacknowledged < before) this.#port.journal.afterCommit(this)
  }

  // How it goes on

  /** The client is who it says. */
  authenticated(account: Jid): void {
    this.account = account
    this.#port.loggedIn(this)
    this.#connection.framing.limits = this.limits
  }

  /** A new header follows. */
  restart(): void {
    this.#hasHeader = false
    this.#hasAnswered = false
    this.#connection.framing.restart()
  }

  /** RFC 6120 §4.3.2: sends the features that are open to the client now. */
  announce(): void {
    const offers: Element[] = []
    for (const feature of this.host!.streamFeatures) {
      const offer = this.#isOpenTo(feature) ? feature.offer?.(this) : undefined
      if (offer) offers.push(offer)
    }
    this.#write(announcement(offers, this.transport.framing, this.#connection.framing))
  }

  /** RFC 6120 §4.9.3.9: false when the header says that it is from somebody else; one from the domain alone is from nobody else. */
  mayBe(account: Jid): boolean {
    const claimed = bareOf(this.#claimed)
    return !claimed?.includes('@') || claimed === account.toString()
  }

  /** RFC 6120 §5.4.3.3: what was sent in clear is not trusted, a new header follows. */
  async secure(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#afterFlush = resolve
      this.#port.journal.afterCommit(this)
    })
    this.#connection.framing.discard()
    // The client may have gone meanwhile, of which `gone` is still to tell.
    if (this.#isOver || !this.transport.canStartTls) return
    this.transport.resume()
    await this.transport.startTls(this.host!.domain.domain)
    this.#isSecure = true
    this.restart()
  }

  /** The session whose stanzas it carries from now on. */
  bound(session: StreamSession): void {
    this.session = session
    // The role may have changed since the login.
    this.#connection.framing.limits = this.limits
    const { address } = this.transport
    this.#port.log.debug(
      { jid: session.jid.toString(), address, framing: this.transport.framing },
      'a client is online',
    )
    this.#port.rounds.leave(this.#lastRound, this)
    this.#connection.keepAlive()
  }

  /** Nobody has logged in. */
  due(): void {
    this.end(new StreamError('connection-timeout', 'Log in sooner'))
  }

  /** RFC 6120 §4.4: ends the stream in an orderly way. */
  finish(): void {
    if (this.#isOver) return
    if (!this.#hasAnswered) this.#answer()
    this.#write(this.#connection.framing.close)
    this.#leave(true)
  }

  /** Turns a connection away before anything is read. */
  refuse(text: string): void {
    this.#connection.refuse(this.#header(), text)
    this.#leave(true)
    this.transport.close()
  }

  /** RFC 6120 §4.9: ends the stream, saying why. */
  end(error: StreamError): void {
    if (this.#isOver) return
    if (!this.#hasAnswered) this.#answer()
    this.send(error.toElement())
    this.#write(this.#connection.framing.close)
    // A stream that broke the rules does not come back; one that was lost, or that we cut, may.
    this.#leave(error.condition !== 'connection-timeout' && error.condition !== 'system-shutdown')
  }

  // Reading

  take(element: Element | typeof closed): Awaitable<void> {
    if (element === closed) return this.finish()
    if (this.#isTraced) this.#port.log.trace({ address: this.transport.address, received: shown(element) })
    if (!this.#hasHeader) return this.#open(element)
    // XEP-0388 §2.4
    if (this.login && element.ns !== sasl2Ns) throw new StreamError('not-authorized', 'You are logging in')
    if (element.ns === clientNs) return this.session ? this.#accept(this.session, element) : this.#negotiateIq(element)
    if (element.ns === streamNs) {
      if (element.name !== 'error') throw new StreamError('unsupported-stanza-type')
      this.#port.log.debug({ condition: StreamError.from(element).condition }, 'stream error from the client')
      return this.finish()
    }
    return this.#negotiate(element.ns, element)
  }

  #accept(session: StreamSession, element: Element): Awaitable<void> {
    this.#connection.stanza()
    let stanza: Stanza
    try {
      stanza = Stanza.from(element, this.#to, session.jid)
      this.#to = stanza.to
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error
      // RFC 6120 §8.1.2.1: a 'from' that is no address is not the client's either.
      const from = element.attr('from')
      if (from !== undefined && domainOf(from) === '')
        throw new StreamError('invalid-from', 'The stanza names no sender')
      return session.refuse(element, error)
    }
    // RFC 6120 §8.1.5
    if (this.#lang !== undefined && stanza.lang === undefined) stanza = stanza.with({ 'xml:lang': this.#lang })
    return session.accept(stanza, this.#connection.lastInput)
  }

  #open(element: Element): void {
    const { to, from, version, lang } = this.#connection.framing.header(element)
    this.#hasHeader = true
    this.#lang = languageOf(lang)
    this.#claimed = from
    // RFC 6120 §4.7.5
    if (!/^0*[1-9][0-9]*\.[0-9]+$/.test(version ?? '')) throw new StreamError('unsupported-version')
    if (to === undefined) throw new StreamError('improper-addressing', "The header has no 'to'")
    const host = this.#port.host(domainOf(to))
    if (!host || (this.account && host !== this.host)) throw new StreamError('host-unknown', `${to} is not served here`)
    this.host = host
    if (this.account && !this.mayBe(this.account))
      throw new StreamError('invalid-from', `You have logged in as ${this.account.toString()}`)
    // XEP-0388 §2.1
    if (from !== undefined && domainOf(from) !== host.domain.domain)
      throw new StreamError('invalid-from', `Users of ${host.domain.domain} log in here`)
    this.#answer()
    this.announce()
  }

  #answer(): void {
    this.#hasAnswered = true
    this.#write(this.#header())
  }

  /** RFC 6120 §4.7; §4.9.1.3: also before an error there is a `from`, whomever the client asked for. */
  #header(): string {
    return this.#connection.framing.open({
      to: bareOf(this.#claimed),
      from: this.host?.domain.domain ?? this.#port.domain,
      id: Buffer.from(this.#port.random.bytes(12)).toString('base64url'),
      version: '1.0',
      lang: this.#lang ?? 'en',
    })
  }

  #isOpenTo({ needs = none, forbids = none }: StreamFeature): boolean {
    for (const state of needs) if (!this.has(state)) return false
    for (const state of forbids) if (this.has(state)) return false
    return true
  }

  #negotiateIq(element: Element): Awaitable<void> {
    const payload = element.name === 'iq' ? element.first() : undefined
    // RFC 6120 §4.9.3.12, §7.1: nothing else is handled before a resource is bound.
    if (!payload) throw new StreamError('not-authorized', 'Log in and bind a resource first')
    return this.#negotiate(payload.ns, element)
  }

  #negotiate(ns: string, element: Element): Awaitable<void> {
    for (const feature of this.host!.streamFeatures) {
      if (feature.ns !== ns || !feature.negotiate) continue
      if (!this.#isOpenTo(feature)) throw new StreamError('not-authorized', `${feature.name} is not possible now`)
      return feature.negotiate(this, element)
    }
    if (!this.session) throw new StreamError('not-authorized', 'Log in and bind a resource first')
    throw new StreamError(ns === 'jabber:server' ? 'invalid-namespace' : 'unsupported-stanza-type')
  }

  // Ending

  #leave(isClosed: boolean): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#port.rounds.leave(this.#lastRound, this)
    this.#connection.stop()
    this.session?.detach(this, isClosed)
    this.session = undefined
  }

  #write(text: string): void {
    this.#connection.write(text)
  }

  /** Asks for a sign of life. */
  probe(): void {
    if (this.session?.isManaged) return this.#write(request)
    const ping = xml('ping', pingNs)
    const attrs = { type: 'get', id: 'keep-alive', from: String(this.host!.domain), to: String(this.session!.jid) }
    this.deliver(write(xml('iq', clientNs, attrs, ping), clientNs))
  }
}

/** Of a command the form may set a password. */
const withSecrets = new Set([saslNs, sasl2Ns, registerNs, commandsNs, parsNs])

/** What the log may show at its most talkative: no password. */
function shown(element: Element): string {
  for (const one of [element, element.first()])
    if (one && withSecrets.has(one.ns)) return `<${element.name}/> that may hold a password`
  return element.toString()
}

/** XEP-0198 §4: more was acknowledged than sent. */
export function tooHigh(h: number, sent: number): StreamError {
  const application = xml('handled-count-too-high', smNs, { h: String(h), 'send-count': String(sent) })
  return new StreamError('undefined-condition', 'You acknowledged more stanzas than were sent', { application })
}

/** RFC 6120 §4.7.2 */
function bareOf(from: string | undefined): string | undefined {
  try {
    return from === undefined ? undefined : Jid.parse(from).bare.toString()
  } catch {
    return undefined
  }
}

function domainOf(to: string): string {
  try {
    return Jid.parse(to).domain
  } catch {
    return ''
  }
}
