import {
  closed,
  type Element,
  SaslError,
  sasl2Ns,
  Stanza,
  StanzaError,
  StreamError,
  streamNs,
  TcpFraming,
  WebSocketFraming,
} from '@jackdaw/xmpp'
import { FrameReader } from './frames.ts'

/** Says in one short line each what a server answered, so that a whole answer can be compared with what it ought to be. */
export interface Ear {
  hear(chunk: Buffer): void
}

/** Told of each thing heard; the element where it was one. */
export type Tell = (said: string, element?: Element) => void

const limits = { stanzaBytes: 16_777_216, depth: 128, attributes: 256 }

/** A stream over TCP or TLS: 'header', 'features', 'error not-well-formed', 'iq result #1', 'closed' … */
export class StreamEar implements Ear {
  readonly #framing = new TcpFraming(limits)
  readonly #tell: Tell

  constructor(tell: Tell) {
    this.#tell = tell
  }

  hear(chunk: Buffer): void {
    try {
      this.#framing.write(chunk)
      for (;;) {
        const element = this.#framing.read()
        if (element === undefined) return
        if (element === closed) this.#tell('closed')
        else {
          const said = describe(element)
          // A new header follows (RFC 6120 §5.4.3.3, §6.4.6), but for SASL2.
          if ((said === 'success' && element.ns !== sasl2Ns) || said === 'proceed') this.#framing.restart()
          this.#tell(said, element)
        }
      }
    } catch {
      this.#tell(`unreadable: ${chunk.toString('latin1')}`)
    }
  }
}

/** An HTTP connection: 'http 400' … */
export class HttpEar implements Ear {
  readonly #tell: Tell
  #text = ''

  constructor(tell: Tell) {
    this.#tell = tell
  }

  hear(chunk: Buffer): void {
    this.#text += chunk.toString('latin1')
    for (;;) {
      const end = this.#text.indexOf('\r\n\r\n')
      if (end < 0) return
      const head = this.#text.slice(0, end)
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
      const isChunked = /transfer-encoding: chunked/i.test(head)
      const bodyEnd = isChunked ? this.#text.indexOf('0\r\n\r\n', end) + 5 : end + 4 + length
      if (bodyEnd < end || this.#text.length < bodyEnd) return
      this.#text = this.#text.slice(bodyEnd)
      this.#tell(`http ${head.split(' ', 2)[1]}`)
    }
  }
}

/** RFC 7395: 'http 101', then the stream's elements, 'frame close 1003' at its end. */
export class WebSocketEar implements Ear {
  readonly #framing = new WebSocketFraming(limits)
  readonly #frames = new FrameReader()
  readonly #tell: Tell
  #head: string | undefined = ''

  constructor(tell: Tell) {
    this.#tell = tell
  }

  hear(chunk: Buffer): void {
    let rest = chunk
    if (this.#head !== undefined) {
      this.#head += chunk.toString('latin1')
      const end = this.#head.indexOf('\r\n\r\n')
      if (end < 0) return
      const status = this.#head.split(' ', 2)[1]!
      rest = Buffer.from(this.#head.slice(end + 4), 'latin1')
      this.#tell(`http ${status}`)
      if (status !== '101') return
      this.#head = undefined
    }
    for (const { opcode, payload } of this.#frames.read(rest)) {
      if (opcode === 1) this.#message(payload.toString())
      else if (opcode === 8) this.#tell(`frame close ${payload.length >= 2 ? payload.readUInt16BE() : ''}`)
      else if (opcode === 10) this.#tell('frame pong')
      else this.#tell(`frame ${opcode}`)
    }
  }

  #message(text: string): void {
    this.#framing.write(text)
    const element = this.#framing.read()
    if (element === closed) this.#tell('closed')
    else if (element) this.#tell(describe(element), element)
  }
}

/** A TCP connection on which TLS is expected: 'alert 70' (RFC 8446 §6) while nothing is encrypted. */
export class TlsEar implements Ear {
  readonly #tell: Tell

  constructor(tell: Tell) {
    this.#tell = tell
  }

  hear(chunk: Buffer): void {
    if (chunk[0] === 0x15 && chunk.length === 7) this.#tell(`alert ${chunk[6]}`)
    else this.#tell(chunk[0] === 0x16 ? 'handshake' : `unreadable: ${chunk.toString('latin1')}`)
  }
}

function describe(element: Element): string {
  const { name, ns } = element
  const id = element.attr('id') === undefined ? '' : ` #${element.attr('id')}`
  if (ns === streamNs && name === 'error') {
    const { condition, application } = StreamError.from(element)
    return application ? `error ${condition} ${application.name}` : `error ${condition}`
  }
  if (ns === streamNs) return name === 'stream' ? 'header' : name
  if (name === 'open') return 'header'
  if (name === 'failure') return ns.endsWith('tls') ? 'tls failure' : `failure ${SaslError.from(element).condition}`
  if (name === 'failed') return `failed ${element.first()?.name}`
  if (name === 'a' || name === 'resumed') return `${name} ${element.attr('h')}`
  if (ns !== 'jabber:client') return name
  const type = element.attr('type')
  if (type === 'error') {
    const error = StanzaError.from(Stanza.from(element))
    return `${name} error ${error.type} ${error.condition}${id}`
  }
  return `${name}${type === undefined ? '' : ` ${type}`}${id}`
}
