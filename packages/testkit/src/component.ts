import { createHash } from 'node:crypto'
import {
  clientNs,
  closed,
  componentNs,
  type Element,
  handshakeName,
  iq,
  Jid,
  parse,
  Ping,
  Stanza,
  StanzaError,
  StreamError,
  streamNs,
  TcpFraming,
  write,
} from '@jackdaw/xmpp'
import { mismatch } from './pattern.ts'
import type { Connect, Wire, WireEvents } from './wire.ts'

const limits = { stanzaBytes: 16_777_216, depth: 128, attributes: 256 }

export interface ComponentOptions {
  readonly domain: string
  readonly secret: string
  readonly connect: Connect
}

/** A component for tests (XEP-0114): says as any address of its domain, tells what it hears, answers nothing by itself. */
export class ComponentActor implements WireEvents {
  readonly #options: ComponentOptions
  readonly domain: Jid
  #wire: Wire | undefined
  #framing!: TcpFraming
  readonly #elements: Element[] = []
  #waiting: { resolve(element: Element): void; reject(error: Error): void }[] = []
  #gone: Promise<void> = Promise.resolve()
  #setGone: () => void = () => {}
  #lastId = 0
  streamError: StreamError | undefined

  constructor(options: ComponentOptions) {
    this.#options = options
    this.domain = Jid.parse(options.domain)
  }

  get isConnected(): boolean {
    return this.#wire !== undefined
  }

  /** Resolves when the connection is gone. */
  get whenGone(): Promise<void> {
    return this.#gone
  }

  /** Connects and shows that it knows the secret; rejects with the stream error. */
  async connect(): Promise<void> {
    const header = await this.open()
    await this.shakeHands(header.attr('id')!)
  }

  /** Connects and sends a header; resolves with the server's. */
  async open(header = this.#header()): Promise<Element> {
    this.#elements.length = 0
    this.streamError = undefined
    this.#gone = new Promise((resolve) => (this.#setGone = resolve))
    this.#framing = new TcpFraming(limits, componentNs)
    this.#wire = await this.#options.connect(this)
    this.write(header)
    return this.element()
  }

  /** §3; resolves when the server has agreed. */
  async shakeHands(id: string, secret = this.#options.secret): Promise<void> {
    const hash = createHash('sha1')
      .update(id + secret)
      .digest('hex')
    this.write(`<${handshakeName}>${hash}</${handshakeName}>`)
    const answer = await this.element()
    if (answer.name !== handshakeName || answer.children.length > 0) throw new Error(`the handshake: ${answer}`)
  }

  /** Sends text as it is. */
  write(text: string): void {
    this.#wire?.write(text)
  }

  /** Sends stanzas as written, in the namespace of the stream. */
  says(xmlText: string): void {
    this.write(xmlText)
  }

  /** The next element; rejects when the stream ends. */
  element(): Promise<Element> {
    const element = this.#elements.shift()
    if (element) return Promise.resolve(element)
    if (!this.#wire) return Promise.reject(this.#ending)
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  /** The next stanza must match: see `Actor.hears`. */
  async hears(pattern: string): Promise<Stanza> {
    const stanza = Stanza.from(await this.element())
    const wrong = mismatch(wanted(pattern), stanza)
    if (wrong !== undefined) throw new Error(`${this.domain} heard ${stanza}\nbut ${wrong} of ${pattern}`)
    return stanza
  }

  /** Skips stanzas until one matches. */
  async awaits(pattern: string): Promise<Stanza> {
    for (;;) {
      const stanza = Stanza.from(await this.element())
      if (mismatch(wanted(pattern), stanza) === undefined) return stanza
    }
  }

  /** Nothing that was not taken has been heard when all that was sent before has been handled. */
  async hearsNothing(): Promise<void> {
    const heard = await this.sync()
    if (heard.length > 0) throw new Error(`${this.domain} heard ${heard.join('\n')}`)
  }

  /** Resolves when all that was sent before has been handled, with what was heard until then and not taken. */
  async sync(): Promise<Element[]> {
    const heard: Element[] = []
    const id = `sync-${++this.#lastId}`
    // A component asks itself: the server hands it over like any other.
    this.write(write(iq({ id, type: 'get', from: this.domain, to: this.domain }, Ping.write()), clientNs))
    for (;;) {
      const element = await this.element()
      if (element.attr('id') === id) return heard
      heard.push(element)
    }
  }

  /** Asks as one of its addresses; resolves with the result, rejects with the StanzaError answered. Nothing else may come meanwhile. */
  async asks(
    type: 'get' | 'set',
    to: string,
    payload: Element,
    from = this.domain.toString(),
  ): Promise<Element | undefined> {
    const id = `ask-${++this.#lastId}`
    this.write(write(iq({ id, type, from: Jid.parse(from), to: Jid.parse(to) }, payload), clientNs))
    const answer = await this.hears(`<iq id='${id}'/>`)
    if (answer.type === 'error') throw StanzaError.from(answer)
    return answer.first()
  }

  /** Ends the stream; resolves when the connection is gone. */
  async close(): Promise<void> {
    this.write('</stream:stream>')
    await this.#gone
  }

  /** Breaks the connection. */
  async cut(): Promise<void> {
    this.#wire?.destroy()
    await this.#gone
  }

  data(chunk: Uint8Array | string): void {
    this.#framing.write(chunk)
    for (;;) {
      const element = this.#framing.read()
      if (element === undefined) return
      if (element === closed) return this.#wire?.end()
      if (element.ns === streamNs && element.name === 'error') this.streamError = StreamError.from(element)
      else {
        const waiting = this.#waiting.shift()
        if (waiting) waiting.resolve(element)
        else this.#elements.push(element)
      }
    }
  }

  gone(): void {
    this.#wire = undefined
    for (const { reject } of this.#waiting.splice(0)) reject(this.#ending)
    this.#setGone()
  }

  get #ending(): StreamError {
    return this.streamError ?? new StreamError('reset', 'The connection is gone')
  }

  #header(): string {
    return `<?xml version='1.0'?><stream:stream xmlns='${componentNs}' xmlns:stream='${streamNs}' to='${this.domain}'>`
  }
}

function wanted(pattern: string): Element {
  return parse(`<s xmlns='${clientNs}'>${pattern}</s>`).first()!
}
