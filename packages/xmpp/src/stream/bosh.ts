import { clientNs, streamNs } from '../namespaces.ts'
import { Element } from '../xml/element.ts'
import { parse, type ParserLimits } from '../xml/parser.ts'
import { escapeAttribute, write } from '../xml/writer.ts'
import { XmlError } from '../xml/xml-error.ts'
import { WebSocketFraming } from './framing.ts'

export const httpBindNs = 'http://jabber.org/protocol/httpbind'
/** XEP-0206 */
const xboshNs = 'urn:xmpp:xbosh'

/** XEP-0206: each element stands in a `<body/>` that declares the prefix `stream:`. */
export class BoshFraming extends WebSocketFraming {
  override element(element: Element): string {
    return write(element, httpBindNs, true)
  }
}

/** What a request says (XEP-0124 §7.1, §11 to §15; XEP-0206). Times in seconds. */
export interface BoshBody {
  readonly rid: number
  readonly sid: string | undefined
  readonly to: string | undefined
  readonly from: string | undefined
  readonly lang: string | undefined
  /** Of XMPP. */
  readonly version: string
  readonly ver: string | undefined
  readonly wait: number | undefined
  readonly hold: number | undefined
  readonly pause: number | undefined
  readonly key: string | undefined
  readonly newkey: string | undefined
  readonly isTerminate: boolean
  readonly isRestart: boolean
  /** XML that stands alone. */
  readonly payloads: readonly string[]
}

/** Reads the body of a request. @throws XmlError */
export function readBody(text: string, limits: ParserLimits): BoshBody {
  const body = parse(text, { ...limits, depth: limits.depth + 1 })
  if (body.name !== 'body' || body.ns !== httpBindNs || body.text.trim() !== '')
    throw new XmlError('not-well-formed', `expected <body xmlns='${httpBindNs}'/> with elements in it`)
  const rid = numberOf(body, 'rid')
  if (rid === undefined) throw new XmlError('not-well-formed', 'a request has a rid')
  return {
    rid,
    sid: body.attr('sid'),
    to: body.attr('to'),
    from: body.attr('from'),
    lang: body.attr('xml:lang'),
    version: body.attr(`{${xboshNs}}version`) ?? '1.0',
    ver: body.attr('ver'),
    wait: numberOf(body, 'wait'),
    hold: numberOf(body, 'hold'),
    pause: numberOf(body, 'pause'),
    key: body.attr('key'),
    newkey: body.attr('newkey'),
    isTerminate: body.attr('type') === 'terminate',
    isRestart: ['true', '1'].includes(body.attr(`{${xboshNs}}restart`) ?? ''),
    payloads: body.elements().map((element) => asStanza(element).toString()),
  }
}

/** Writes the body of a response; attributes that are undefined are left out. */
export function writeBody(
  attrs: Readonly<Record<string, string | undefined>>,
  payloads: readonly string[] = [],
): string {
  let text = `<body xmlns='${httpBindNs}' xmlns:xmpp='${xboshNs}' xmlns:stream='${streamNs}'`
  for (const [name, value] of Object.entries(attrs))
    if (value !== undefined) text += ` ${name}='${escapeAttribute(value)}'`
  return payloads.length === 0 ? `${text}/>` : `${text}>${payloads.join('')}</body>`
}

function numberOf(body: Element, name: string): number | undefined {
  const text = body.attr(name)
  if (text === undefined) return undefined
  const number = /^\d{1,16}$/.test(text) ? Number(text) : NaN
  if (!Number.isSafeInteger(number)) throw new XmlError('not-well-formed', `${name} is no number`)
  return number
}

/** XEP-0206 §2: many clients leave stanzas, and with them their content, in the namespace of the body. */
function asStanza(element: Element): Element {
  if (element.ns !== httpBindNs) return element
  const children = element.children.map((node) => (typeof node === 'string' ? node : asStanza(node)))
  return new Element(element.name, clientNs, element.attrs, children)
}
