import { StreamError } from '../errors.ts'
import { clientNs, streamNs } from '../namespaces.ts'
import { Element } from '../xml/element.ts'
import { closed, parse, type ParserLimits, XmlParser } from '../xml/parser.ts'
import { escapeAttribute, write } from '../xml/writer.ts'

/** RFC 7395 §3.3 */
const framingNs = 'urn:ietf:params:xml:ns:xmpp-framing'

/** The attributes of a stream header (RFC 6120 §4.7), as text. */
export interface StreamHeader {
  readonly to?: string | undefined
  readonly from?: string | undefined
  readonly id?: string | undefined
  readonly version?: string | undefined
  readonly lang?: string | undefined
}

/** How a stream's elements stand on the wire: within one document (TCP), or each in a message of its own (WebSocket). */
export interface Framing {
  /** Takes what arrived. */
  write(chunk: Uint8Array | string): void
  /** The next element, the header first; `closed` at the end of the stream; undefined when more must arrive. Throws XmlError. */
  read(): Element | typeof closed | undefined
  /** RFC 6120 §4.3.3: the next element is a header again. */
  restart(): void
  /** Drops what was not read yet; returns how much. */
  discard(): number
  limits: ParserLimits
  /**
   * What a header says.
   * @throws StreamError invalid-namespace, bad-format (§4.9.3)
   */
  header(element: Element): StreamHeader
  open(header: StreamHeader): string
  readonly close: string
  /** An element of the stream's own: features, errors, negotiation. */
  element(element: Element): string
  /** A stanza's text, as written in the scope of jabber:client. */
  stanza(text: string): string
}

/** Other content namespaces than jabber:client (§4.8.3) are seen on the wire alone. */
export class TcpFraming implements Framing {
  readonly #parser: XmlParser
  readonly #contentNs: string
  readonly close = '</stream:stream>'

  constructor(limits: ParserLimits, contentNs: string = clientNs) {
    this.#parser = new XmlParser(limits)
    this.#contentNs = contentNs
  }

  set limits(limits: ParserLimits) {
    this.#parser.limits = limits
  }

  write(chunk: Uint8Array | string): void {
    this.#parser.write(chunk)
  }

  read(): Element | typeof closed | undefined {
    const element = this.#parser.read()
    return typeof element !== 'object' || this.#contentNs === clientNs ? element : inClientNs(element, this.#contentNs)
  }

  restart(): void {
    this.#parser.restart()
  }

  discard(): number {
    return this.#parser.discard()
  }

  header(element: Element): StreamHeader {
    if (element.ns !== streamNs) throw new StreamError('invalid-namespace', `A stream's namespace is ${streamNs}`)
    if (element.name !== 'stream') throw new StreamError('bad-format', 'A stream begins with <stream:stream>')
    if (this.#parser.defaultNamespace !== this.#contentNs)
      throw new StreamError('invalid-namespace', `The content namespace is ${this.#contentNs}`)
    return headerOf(element)
  }

  open(header: StreamHeader): string {
    return `<?xml version='1.0'?><stream:stream xmlns='${this.#contentNs}' xmlns:stream='${streamNs}'${attributes(header)}>`
  }

  element(element: Element): string {
    return write(element, clientNs, true)
  }

  stanza(text: string): string {
    return text
  }
}

/** RFC 7395 */
export class WebSocketFraming implements Framing {
  readonly #messages: string[] = []
  readonly close = `<close xmlns='${framingNs}'/>`
  limits: ParserLimits

  constructor(limits: ParserLimits) {
    this.limits = limits
  }

  write(chunk: Uint8Array | string): void {
    this.#messages.push(chunk as string)
  }

  read(): Element | typeof closed | undefined {
    const message = this.#messages.shift()
    if (message === undefined) return undefined
    const element = parse(message, this.limits)
    return element.name === 'close' && element.ns === framingNs ? closed : element
  }

  restart(): void {}

  discard(): number {
    return this.#messages.splice(0).length
  }

  header(element: Element): StreamHeader {
    // §3.3.3: anything but <open/> in its namespace.
    if (element.ns !== framingNs) throw new StreamError('invalid-namespace', `A stream's namespace is ${framingNs}`)
    if (element.name !== 'open') throw new StreamError('bad-format', 'A stream begins with <open/>')
    return headerOf(element)
  }

  open(header: StreamHeader): string {
    return `<open xmlns='${framingNs}'${attributes(header)}/>`
  }

  element(element: Element): string {
    return write(element)
  }

  stanza(text: string): string {
    // §3.3: each message is a document of its own and declares its namespace.
    const end = text.search(/[ />]/)
    return `${text.slice(0, end)} xmlns='${clientNs}'${text.slice(end)}`
  }
}

/** What stands in the content namespace of its stream, as it stands everywhere else. */
function inClientNs(element: Element, contentNs: string): Element {
  const children = element.children.map((node) => (typeof node === 'string' ? node : inClientNs(node, contentNs)))
  return new Element(element.name, element.ns === contentNs ? clientNs : element.ns, element.attrs, children)
}

function headerOf(element: Element): StreamHeader {
  return {
    to: element.attr('to'),
    from: element.attr('from'),
    id: element.attr('id'),
    version: element.attr('version'),
    lang: element.attr('xml:lang'),
  }
}

function attributes({ to, from, id, version, lang }: StreamHeader): string {
  return `${attribute('to', to)}${attribute('from', from)}${attribute('id', id)}${attribute('version', version)}${attribute('xml:lang', lang)}`
}

function attribute(name: string, value: string | undefined): string {
  return value === undefined ? '' : ` ${name}='${escapeAttribute(value)}'`
}
