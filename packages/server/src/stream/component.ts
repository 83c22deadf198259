import { createHash, timingSafeEqual } from 'node:crypto'
import {
  clientNs,
  type closed,
  componentNs,
  type Element,
  errorReply,
  handshakeName,
  iq,
  Jid,
  Ping,
  Stanza,
  StanzaError,
  StreamError,
  streamNs,
  TcpFraming,
  write,
  xml,
} from '@jackdaw/xmpp'
import type { TickEnd } from '../journal/journal.ts'
import type { Transport, TransportEvents } from '../transport/transport.ts'
import type { Awaitable } from '../world.ts'
import { Connection } from './connection.ts'
import { languageOf } from './language.ts'
import type { AnyPort } from './port.ts'

/** A component as its stream sees it. */
export interface StreamComponent {
  readonly domain: Jid
  /** The domain of the virtual host to which it belongs. */
  readonly host: Jid
  readonly secret: string
  /** From now on this stream gets what is for the component; false while another one does. */
  attach(stream: ComponentStream): boolean
  /** It has been told that it is in. */
  online(): void
  detach(stream: ComponentStream): void
  /** Handles one stanza of the component's, with all its lasting effects. */
  accept(stanza: Stanza): Awaitable<void>
}

/** What a component's stream needs of the port that opened it. */
export interface ComponentStreamPort extends AnyPort {
  /** Whether the server is about to stop. */
  readonly isClosing: boolean
  /** The component that is to serve this domain. */
  component(domain: string): StreamComponent | undefined
  /** Called once, when the component has shown that it knows the secret. */
  online(stream: ComponentStream): void
  /** Called once, when the connection is gone. */
  gone(stream: ComponentStream): void
}

/** XEP-0114: the stream of a program that serves a domain. Header, handshake, then whole stanzas in both directions. */
export class ComponentStream implements TransportEvents, TickEnd {
  readonly transport: Transport
  readonly port: ComponentStreamPort
  readonly #framing: TcpFraming
  readonly #connection: Connection
  /** Unguessable: the handshake is made of it. */
  readonly #id: string
  readonly #isTraced: boolean
  #component: StreamComponent | undefined
  #lang: string | undefined
  #hasHeader = false
  #hasAnswered = false
  #isOnline = false
  isAwaited = false
  #isOver = false
  /** In which the handshake must have come. */
  readonly #lastRound: number

  constructor(transport: Transport, port: ComponentStreamPort) {
    this.transport = transport
    this.port = port
    const { limits, random, log, rounds } = port
    this.#isTraced = log.isLevelEnabled('trace')
    this.#id = Buffer.from(random.bytes(18)).toString('base64url')
    this.#framing = new TcpFraming({ ...limits, stanzaBytes: limits.unauthenticatedStanzaBytes }, componentNs)
    this.#connection = new Connection(this, this.#framing)
    this.#lastRound = rounds.join(limits.unauthenticatedTime, this)
    transport.open(this)
  }

  get isOver(): boolean {
    return this.#isOver
  }

  get #name(): string | undefined {
    return this.#component?.domain.domain
  }

  // What the connection tells

  data(chunk: Uint8Array | string): void {
    this.#connection.data(chunk)
  }

  drain(): void {
    this.#connection.drain()
  }

  gone(error?: Error): void {
    if (error) this.port.log.debug({ err: error, address: this.transport.address }, 'connection of a component lost')
    this.#leave()
    this.port.gone(this)
  }

  // What is sent

  /** Adds a stanza to what is written at the tick's end. */
  deliver(stanza: Stanza): void {
    this.#write(write(stanza, clientNs))
  }

  whenDrained(act: () => void): void {
    this.#connection.whenDrained(act)
  }

  /** Called at the tick's end, when all that explains this output has been kept. */
  flush(): void {
    if (!this.#connection.flush() && !this.#isOver)
      this.port.log.warn({ component: this.#name }, 'a component does not read what it is sent: its connection was cut')
  }

  /** No handshake has come. */
  due(): void {
    this.end(new StreamError('connection-timeout', 'Send the handshake sooner'))
  }

  /** RFC 6120 §4.6: every entity answers a request, be it with an error. */
  probe(): void {
    const { host: from, domain: to } = this.#component!
    this.deliver(iq({ type: 'get', id: 'keep-alive', from, to }, Ping.write()))
  }

  /** Somebody else wants its place: is it still there? */
  doubt(): void {
    this.#connection.doubt()
  }

  /** Turns a connection away before anything is read. */
  refuse(text: string): void {
    this.#connection.refuse(this.#header(), text)
    this.#leave()
    this.transport.close()
  }

  finish(): void {
    if (this.#isOver) return
    if (!this.#hasAnswered) this.#answer()
    this.#write(this.#framing.close)
    this.#leave()
  }

  /** RFC 6120 §4.9: ends the stream, saying why. */
  end(error: StreamError): void {
    if (this.#isOver) return
    this.port.log.info(
      { component: this.#name, condition: error.condition, reason: error.text },
      'the stream of a component ends with an error',
    )
    if (!this.#hasAnswered) this.#answer()
    this.#write(this.#framing.element(error.toElement()))
    this.finish()
  }

  // What is read

  take(element: Element | typeof closed): Awaitable<void> {
    if (typeof element === 'symbol') return this.finish()
    // Of the handshake a short secret can be guessed.
    if (this.#isTraced)
      this.port.log.trace({
        address: this.transport.address,
        received: element.name === handshakeName ? `<${handshakeName}/>` : element.toString(),
      })
    if (!this.#hasHeader) return this.#open(element)
    if (element.ns === streamNs) {
      if (element.name !== 'error') throw new StreamError('unsupported-stanza-type')
      const { condition, text } = StreamError.from(element)
      this.port.log.info({ component: this.#name, condition, text }, 'a component reports an error')
      return this.finish()
    }
    return this.#isOnline ? this.#accept(this.#component!, element) : this.#shakeHands(this.#component!, element)
  }

  /** §3: its `to` is the domain that the component serves. */
  #open(element: Element): void {
    const { to, lang } = this.#framing.header(element)
    this.#hasHeader = true
    this.#lang = languageOf(lang)
    if (to === undefined) throw new StreamError('improper-addressing', "The header has no 'to'")
    this.#component = this.port.component(domainOf(to))
    if (!this.#component) throw new StreamError('host-unknown', `No component ${to} is configured here`)
    this.#answer()
  }

  /** §3: what shows that both know the secret without telling it. */
  #shakeHands(component: StreamComponent, element: Element): Awaitable<void> {
    const { attempts, clock, log, limits } = this.port
    if (element.name !== handshakeName || element.ns !== clientNs)
      throw new StreamError('not-authorized', 'Send the handshake first')
    const { address } = this.transport
    if (!isEqual(element.text, handshakeOf(this.#id, component.secret))) {
      log.warn({ component: this.#name, address }, 'a component showed that it does not know the secret')
      return new Promise<void>((resolve) => clock.after(attempts.failed(address), resolve)).then(() => {
        throw new StreamError('not-authorized', 'The handshake was not made of the secret')
      })
    }
    if (!component.attach(this)) throw new StreamError('conflict', `${component.domain} is connected already`)
    this.port.rounds.leave(this.#lastRound, this)
    this.#isOnline = true
    this.#framing.limits = limits
    this.#connection.keepAlive()
    this.port.online(this)
    log.info({ component: this.#name, address }, 'a component is online')
    this.#write(this.#framing.element(xml(handshakeName, clientNs)))
    component.online()
  }

  #accept(component: StreamComponent, element: Element): Awaitable<void> {
    this.#connection.stanza()
    // §3: any address of its domain, and no other.
    if (domainOf(element.attr('from')) !== component.domain.domain)
      throw new StreamError('invalid-from', `Every stanza comes from an address of ${component.domain}`)
    try {
      const stanza = Stanza.from(element)
      if (!stanza.to) throw new StanzaError('bad-request', "A component's stanza needs a 'to'")
      // RFC 6120 §8.1.5
      const isBare = this.#lang !== undefined && stanza.lang === undefined
      return component.accept(isBare ? stanza.with({ 'xml:lang': this.#lang }) : stanza)
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error
      if (element.attr('type') === 'error' || element.attr('type') === 'result') return
      const reply = errorReply(element, error)
      this.deliver(reply.from ? reply : reply.addressed({ from: component.host }))
    }
  }

  #answer(): void {
    this.#hasAnswered = true
    this.#write(this.#header())
  }

  #header(): string {
    return this.#framing.open({ from: this.#component?.domain.domain ?? this.port.domain, id: this.#id })
  }

  #leave(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.port.rounds.leave(this.#lastRound, this)
    this.#connection.stop()
    this.#component?.detach(this)
  }

  #write(text: string): void {
    this.#connection.write(text)
  }
}

/** §3: as lower-case hexadecimal digits. */
function handshakeOf(id: string, secret: string): string {
  return createHash('sha1')
    .update(id + secret)
    .digest('hex')
}

function isEqual(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given.trim()), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}

function domainOf(address: string | undefined): string {
  try {
    return address === undefined ? '' : Jid.parse(address).domain
  } catch {
    return ''
  }
}
