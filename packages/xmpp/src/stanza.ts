import { StanzaError, StreamError } from './errors.ts'
import { Jid } from './jid.ts'
import { clientNs } from './namespaces.ts'
import { changed, Element, type Node } from './xml/element.ts'

export type Kind = 'message' | 'presence' | 'iq'
export type Message = Stanza<'message'>
export type Presence = Stanza<'presence'>
export type Iq = Stanza<'iq'>

/** The attributes of a new stanza; addresses are given parsed. */
export interface StanzaAttributes {
  readonly to?: Jid | undefined
  readonly from?: Jid | undefined
  readonly id?: string | undefined
  readonly type?: string | undefined
  readonly lang?: string | undefined
}

/** A message, presence or iq (RFC 6120 §8), its addresses parsed once. */
export class Stanza<K extends Kind = Kind> extends Element {
  declare readonly name: K
  readonly to: Jid | undefined
  readonly from: Jid | undefined

  /** `to` and `from` are what `attrs` says; to make a stanza, use `message`, `presence`, `iq` or `Stanza.from`. */
  protected constructor(
    name: K,
    attrs: readonly string[],
    children: readonly Node[],
    to: Jid | undefined,
    from: Jid | undefined,
  ) {
    super(name, clientNs, attrs, children)
    this.to = to
    this.from = from
  }

  /**
   * @param likely whom it is probably for, and so need not be looked for: to look for a parsed address is dear
   * @param sender whom it is from when it does not say
   * @throws StanzaError jid-malformed for an address that is none (RFC 6120 §8.1.1, §8.1.2)
   * @throws StreamError unsupported-stanza-type for any other element (§4.9.3.24)
   */
  static from(element: Element, likely?: Jid, sender?: Jid): Stanza {
    if (element instanceof Stanza) return element
    const { name, attrs, children } = element
    if (element.ns !== clientNs || !isKind(name))
      throw new StreamError('unsupported-stanza-type', `<${name} xmlns='${element.ns}'/> is not a stanza`)
    const to = parsed('to', element.attr('to'), likely)
    const from = parsed('from', element.attr('from'))
    if (from || !sender) return element.share(new Stanza(name, attrs, children, to, from))
    return new Stanza(name, [...attrs, 'from', sender.toString()], children, to, sender)
  }

  /** A new stanza: see `message`, `presence` and `iq`. */
  static of<K extends Kind>(name: K, attributes: StanzaAttributes, children: readonly (Node | undefined)[]): Stanza<K> {
    const { to, from, id, type, lang } = attributes
    const attrs: string[] = []
    if (to) attrs.push('to', to.toString())
    if (from) attrs.push('from', from.toString())
    if (id !== undefined) attrs.push('id', id)
    if (type !== undefined) attrs.push('type', type)
    if (lang !== undefined) attrs.push('xml:lang', lang)
    return new Stanza(
      name,
      attrs,
      children.filter((node) => node !== undefined),
      to,
      from,
    )
  }

  get id(): string | undefined {
    return this.attr('id')
  }

  get type(): string | undefined {
    return this.attr('type')
  }

  get lang(): string | undefined {
    return this.attr('xml:lang')
  }

  /** The same stanza with other addresses (undefined removes one); children are shared and nothing is parsed. */
  addressed(addresses: { readonly to?: Jid | undefined; readonly from?: Jid | undefined }): Stanza<K> {
    const to = 'to' in addresses ? addresses.to : this.to
    const from = 'from' in addresses ? addresses.from : this.from
    const { attrs } = this
    const result: string[] = []
    if (to) result.push('to', to.toString())
    if (from) result.push('from', from.toString())
    for (let i = 0; i < attrs.length; i += 2) {
      const name = attrs[i]!
      if (name !== 'to' && name !== 'from') result.push(name, attrs[i + 1]!)
    }
    return this.share(new Stanza(this.name, result, this.children, to, from))
  }

  /** A copy with attributes set or removed; `to` and `from` are parsed again if they are among them. */
  override with(attrs: Record<string, string | undefined>): Stanza<K> {
    const to = 'to' in attrs ? parsed('to', attrs['to']) : this.to
    const from = 'from' in attrs ? parsed('from', attrs['from']) : this.from
    return this.share(new Stanza(this.name, changed(this.attrs, attrs), this.children, to, from))
  }

  override append(...children: Node[]): Stanza<K> {
    return this.extend(this.containing([...this.children, ...children]))
  }

  /** A copy with other children in place of its own. */
  containing(children: readonly Node[]): Stanza<K> {
    return new Stanza(this.name, this.attrs, children, this.to, this.from)
  }

  /** The answer: same kind and id, addresses swapped. For an IQ the type is 'result' (RFC 6120 §8.2.3). */
  reply(type: string | undefined, ...children: (Node | undefined)[]): Stanza<K> {
    return Stanza.of(this.name, { to: this.from, from: this.to, id: this.id, type }, children)
  }

  /**
   * The answer that tells of an error (RFC 6120 §8.3.1). The original payload, which may be included, is not:
   * nobody acts on it, and it would let a small request draw large answers.
   */
  error(error: StanzaError): Stanza<K> {
    return this.reply('error', error.echo, error.toElement())
  }
}

export function message(attributes: StanzaAttributes, ...children: (Node | undefined)[]): Message {
  return Stanza.of('message', attributes, children)
}

export function presence(attributes: StanzaAttributes, ...children: (Node | undefined)[]): Presence {
  return Stanza.of('presence', attributes, children)
}

export function iq(attributes: StanzaAttributes, ...children: (Node | undefined)[]): Iq {
  return Stanza.of('iq', attributes, children)
}

/**
 * The error reply to an element that could not become a Stanza: addresses are swapped as they are where they parse,
 * and left out where they do not.
 */
export function errorReply(element: Element, error: StanzaError): Stanza {
  const to = tolerant(element.attr('from'))
  const from = tolerant(element.attr('to'))
  if (!isKind(element.name)) throw new StreamError('unsupported-stanza-type')
  return Stanza.of(element.name, { to, from, id: element.attr('id'), type: 'error' }, [error.toElement()])
}

function isKind(name: string): name is Kind {
  return name === 'message' || name === 'presence' || name === 'iq'
}

function parsed(name: 'to' | 'from', text: string | undefined, likely?: Jid): Jid | undefined {
  if (text === undefined) return undefined
  if (text === likely?.toString()) return likely
  try {
    return Jid.parse(text)
  } catch (error) {
    throw new StanzaError('jid-malformed', `'${name}': ${error instanceof Error ? error.message : String(error)}`)
  }
}

function tolerant(text: string | undefined): Jid | undefined {
  try {
    return parsed('to', text)
  } catch {
    return undefined
  }
}
