// A little longer than the others: the loop over tokens stays in one place, for speed; what could stand alone is beside it.
import { cdataStart, declarationStart, TokenEnd } from './token-end.ts'
import { isSpace, resolvedText } from './characters.ts'
import { Decoder } from './decoder.ts'
import type { Element, Node } from './element.ts'
import type { Binding } from './scope.ts'
import { nowhere, type OpenElement, TagReader } from './tag-reader.ts'
import { XmlError } from './xml-error.ts'

/** What one stanza, or the stream header, may be. */
export interface ParserLimits {
  /** Length of the text from `<` to `>`, in UTF-16 units: no stanza of that many bytes is refused. */
  readonly stanzaBytes: number
  /** Levels of elements, the stanza itself being the first. */
  readonly depth: number
  /** Attributes of one element, namespace declarations included. */
  readonly attributes: number
}

/** RFC 6120 §13.12 asks for no less than 10,000 bytes; avatars and signalling of calls want more. */
export const defaultLimits: ParserLimits = { stanzaBytes: 262_144, depth: 64, attributes: 64 }

/** For what has been let in once: it is read again whatever the limits are now. */
export const unlimited: ParserLimits = { stanzaBytes: Infinity, depth: Infinity, attributes: Infinity }

/** What `XmlParser.read` gives for the end tag of the stream. */
export const closed: unique symbol = Symbol('closed')

const LT = 0x3c
const GT = 0x3e
const SLASH = 0x2f
const BANG = 0x21
const QUESTION = 0x3f
const BYTE_ORDER_MARK = 0xfeff

/** Streams share one, as each reads what is there in one go. What stands alone is read in between: with the same one each stream would look through its text anew. */
const streamTags = new TagReader()
const loneTags = new TagReader()

/** The header of the last stream: nearly all are alike, and kept once. */
let lastRoot = nowhere

/**
 * Reads a stream of RFC 6120: pulled, so that the reader can hold back while a stanza waits.
 *
 * ```ts
 * const parser = new XmlParser()
 * parser.write(bytes)
 * for (let item = parser.read(); item !== undefined; item = parser.read()) …
 * ```
 *
 * Whatever the chunks, the same items and the same error come out in the same order. Text that is not namespace-well-formed
 * is `not-well-formed` (§11.3, §4.9.3.13): `bad-namespace-prefix` is about prefixes that a server does not support
 * (§4.9.3.2), and any that is declared is supported here.
 */
export class XmlParser {
  readonly #decoder = new Decoder()
  readonly #tags: TagReader
  #limits: ParserLimits
  /** Whether the text is one element rather than a stream of them. */
  readonly #whole: boolean

  /** What is being read, from `#at` on. */
  #text = ''
  #at = 0
  /** Where in `#text` the present stanza began; negative if that was in text before this one. */
  #start = 0
  /** A token's beginning, all of it searched for the end already by `#end`; then `#text` is empty. */
  #held = ''
  #heldPieces = 0
  #end: TokenEnd | undefined
  /** What came after `#text`, or after `#held`. */
  #fresh = ''

  /** 'prolog': an XML declaration may still come; 'closing': the end of the stream was read but not yet told. */
  #stage: 'start' | 'prolog' | 'header' | 'open' | 'closing' | 'closed' = 'start'
  /** The stream. */
  #root: OpenElement | undefined
  /** The innermost open element of the present stanza. */
  #inner: OpenElement | undefined
  #failure: XmlError | undefined

  constructor(limits: ParserLimits = defaultLimits, whole = false) {
    this.#limits = limits
    this.#whole = whole
    this.#tags = whole ? loneTags : streamTags
    this.restart()
  }

  get limits(): ParserLimits {
    return this.#limits
  }

  /** May change at any time: small before authentication, larger after it. */
  set limits(limits: ParserLimits) {
    this.#limits = limits
  }

  /** Unread characters (and bytes of a character not yet complete) held. */
  get buffered(): number {
    return this.#text.length - this.#at + this.#held.length + this.#fresh.length + this.#decoder.held
  }

  /** The default namespace that the stream header declared, '' if none. */
  get defaultNamespace(): string {
    return this.#root?.defaultNs ?? ''
  }

  /** Never throws for what the text holds: that is told by `read`, in its turn. */
  write(chunk: Uint8Array | string): void {
    if (this.#failure === undefined) this.#fresh += this.#decoder.decode(chunk)
  }

  /**
   * First the stream header, as an element without children; then its children, each whole; then `closed` for its end tag.
   * Undefined while more text is needed.
   *
   * @throws XmlError now and on every later call, once all that stood before the error was read
   */
  read(): Element | typeof closed | undefined {
    if (this.#failure !== undefined) throw this.#failure
    try {
      for (;;) {
        if (!this.#advance()) return undefined
        const item = this.#parse()
        if (item !== undefined) return item
        this.#hold()
      }
    } catch (error) {
      if (error instanceof XmlError) this.#fail(error)
      throw error
    }
  }

  /** What is unread begins a new stream (RFC 6120 §4.3.3). */
  restart(): void {
    if (this.#end !== undefined) this.#release()
    this.#start = this.#at
    this.#inner = undefined
    this.#root = this.#whole ? nowhere : undefined
    this.#stage = 'start'
  }

  /**
   * Drops what is unread, and with it a fault in it: what a peer sent in the clear behind `<starttls/>` is not to be trusted.
   *
   * @returns how much that was, as `buffered` counts
   */
  discard(): number {
    const dropped = this.buffered
    this.#take('')
    this.#start = 0
    this.#held = this.#fresh = ''
    this.#end = undefined
    this.#decoder.reset()
    return dropped
  }

  /** Sees to it that there is text to parse, at the beginning of a token which is worth looking at. */
  #advance(): boolean {
    if (this.#stage === 'closing') return true
    if (this.#end === undefined) {
      if (this.#at < this.#text.length) return true
      if (this.#fresh !== '') {
        this.#start -= this.#text.length
        this.#take(this.#fresh)
        this.#fresh = ''
        return true
      }
      this.#start -= this.#text.length
      this.#take('')
    } else if (this.#fresh !== '') {
      if (this.#end.search(this.#fresh) >= 0) {
        this.#release()
        return true
      }
      this.#keep(this.#fresh)
      this.#fresh = ''
    }
    if (this.#decoder.fault) throw this.#decoder.fault
    return false
  }

  /** The token at `#at` has no end yet: sets it aside. */
  #hold(): void {
    this.#start -= this.#at
    const rest = this.#text.slice(this.#at)
    this.#take('')
    if (rest === '') return
    this.#held = ''
    this.#heldPieces = 0
    this.#end = new TokenEnd(rest)
    this.#end.search(rest)
    this.#keep(rest)
  }

  #keep(piece: string): void {
    this.#held += piece
    this.#checkSize(this.#held.length)
    // A string put together from single characters takes 32 bytes for each until something flattens it. Doing so when
    // the pieces have grown by a part of the whole keeps both the memory and the copying linear.
    if (++this.#heldPieces > 1024 + this.#held.length / 32) {
      this.#held.indexOf('\0')
      this.#heldPieces = 0
    }
  }

  #take(text: string): void {
    this.#text = text
    this.#at = 0
    this.#tags.end(this)
  }

  #release(): void {
    this.#take(this.#held + this.#fresh)
    this.#held = this.#fresh = ''
    this.#end = undefined
  }

  #fail(error: XmlError): void {
    this.#failure = error
    this.#inner = undefined
    this.discard()
  }

  #checkSize(end: number): void {
    if (end - this.#start > this.#limits.stanzaBytes)
      throw new XmlError('policy-violation', `more than ${this.#limits.stanzaBytes} bytes`)
  }

  /** The next item; undefined when the text ends before it does, `#at` being where its last token began. */
  #parse(): Element | typeof closed | undefined {
    if (this.#stage === 'closing') {
      this.#stage = 'closed'
      return closed
    }
    const text = this.#text
    this.#tags.begin(this, text)
    let at = this.#at
    for (;;) {
      const inner = this.#inner
      if (inner === undefined) {
        at = this.#skipSpace(at)
        this.#at = this.#start = at
        if (at === text.length) return undefined
      } else if (text.charCodeAt(at) !== LT) {
        const end = text.indexOf('<', at)
        if (end < 0) return undefined
        this.#checkSize(end)
        addText(inner.children, resolvedText(text.slice(at, end)))
        this.#at = at = end
      }
      const code = text.charCodeAt(at + 1)
      if (code === SLASH) {
        if ((at = this.#endTag(at)) < 0) return undefined
        this.#at = at
        if (inner === undefined) {
          this.#stage = 'closed'
          return closed
        }
        this.#inner = inner.outer
        if (inner.outer === undefined) return this.#completed(inner.element)
      } else if (code === BANG || code === QUESTION) {
        if ((at = code === BANG ? this.#cdata(at) : this.#declaration(at)) < 0) return undefined
        this.#at = at
      } else {
        if (at + 1 === text.length) return undefined
        if ((at = this.#startTag(at)) < 0) return undefined
        this.#at = at
        const item = this.#began()
        if (item !== undefined) return item
      }
    }
  }

  /** Passes over what may stand between stanzas, which is white space alone. */
  #skipSpace(from: number): number {
    const text = this.#text
    let at = from
    if (this.#stage === 'start') {
      this.#stage = 'prolog'
      if (text.charCodeAt(at) === BYTE_ORDER_MARK) at++
    }
    while (at < text.length && isSpace(text.charCodeAt(at))) at++
    if (at < text.length && (this.#stage === 'closed' || text.charCodeAt(at) !== LT)) throw this.#misplaced()
    return at
  }

  #misplaced(): XmlError {
    if (this.#stage === 'open') return new XmlError('bad-format', 'text between stanzas')
    return new XmlError('not-well-formed', 'something other than white space outside of the outermost element')
  }

  /** Reads a start tag; the index behind it, or -1 if it has not come whole. */
  #startTag(at: number): number {
    const end = this.#tags.read(at, this.#inner, this.#inner ?? this.#root ?? nowhere, this.#limits)
    if (end >= 0) {
      this.#checkSize(end)
      return end
    }
    const { fault } = this.#tags
    if (fault === undefined) return -1
    // A tag is judged when all of it is here, as it is when it comes in pieces.
    if (this.#tokenEnd(at) >= 0) throw fault
    return -1
  }

  /** What the start tag just read leads to: an item if that makes one. */
  #began(): Element | undefined {
    const { element, ended, opened, defaultNs } = this.#tags
    if (this.#root === undefined) {
      this.#root = rootOf(ended ? { ...nowhere, defaultNs } : opened)
      this.#stage = ended ? 'closing' : 'open'
      return element
    }
    const inner = this.#inner
    if (inner !== undefined) inner.children.push(element)
    if (!ended) this.#inner = opened
    else if (inner === undefined) return this.#completed(element)
    return undefined
  }

  #completed(element: Element): Element {
    if (this.#whole) this.#stage = 'closed'
    return element
  }

  /** Reads an end tag; the index behind it, or -1 if it has not come whole. */
  #endTag(at: number): number {
    const text = this.#text
    const open = this.#inner ?? this.#root
    const name = open?.rawName ?? ''
    const nameEnd = at + 2 + name.length
    if (name !== '' && text.charCodeAt(nameEnd) === GT && text.startsWith(name, at + 2)) {
      this.#checkSize(nameEnd + 1)
      return nameEnd + 1
    }
    const end = this.#tokenEnd(at)
    if (end < 0) return -1
    let i = nameEnd
    while (isSpace(text.charCodeAt(i))) i++
    if (name !== '' && i === end - 1 && text.startsWith(name, at + 2)) return end
    throw new XmlError('not-well-formed', name === '' ? 'an end tag without a start' : `this is not the end of ${name}`)
  }

  /** Reads `<![CDATA[…]]>`; the index behind it, or -1 if it has not come whole. */
  #cdata(at: number): number {
    const text = this.#text
    for (let i = 2; i < cdataStart.length; i++) {
      if (at + i === text.length) return -1
      if (text[at + i] === cdataStart[i]) continue
      // RFC 6120 §11.1 forbids comments and document types; whichever it is, the third character tells that it is no CDATA.
      if (i === 2) throw new XmlError('restricted-xml', 'comments and document types are not allowed')
      throw new XmlError('not-well-formed', 'an unfinished CDATA section')
    }
    if (this.#inner === undefined) throw this.#misplaced()
    const end = this.#tokenEnd(at)
    if (end >= 0) addText(this.#inner.children, text.slice(at + cdataStart.length, end - 3))
    return end
  }

  /** Reads the XML declaration; the index behind it, or -1 if it has not come whole. */
  #declaration(at: number): number {
    const text = this.#text
    const head = text.slice(at, at + declarationStart.length + 1)
    const complete = head.length > declarationStart.length
    const begins = complete
      ? head.startsWith(declarationStart) && isSpace(head.charCodeAt(declarationStart.length))
      : declarationStart.startsWith(head)
    if (this.#stage !== 'prolog' || this.#inner !== undefined || !begins)
      throw new XmlError('restricted-xml', 'processing instructions are not allowed')
    if (!complete) return -1
    const end = this.#tokenEnd(at)
    if (end < 0) return -1
    const match = declaration.exec(text.slice(at, end))
    if (match === null) throw new XmlError('not-well-formed', 'this is no declaration of XML 1.0')
    const encoding = match[3] ?? 'UTF-8'
    if (encoding.toUpperCase() !== 'UTF-8') throw new XmlError('unsupported-encoding', `${encoding} is not UTF-8`)
    this.#stage = 'header'
    return end
  }

  /** The index behind the token at `at`, -1 if it has not come whole; its size is checked. */
  #tokenEnd(at: number): number {
    const rest = this.#text.slice(at)
    const length = new TokenEnd(rest).search(rest)
    if (length < 0) return -1
    this.#checkSize(at + length)
    return at + length
  }
}

/** XML 1.0 §2.8; the third group is the encoding. */
const declaration =
  /^<\?xml[ \t\n]+version[ \t\n]*=[ \t\n]*(["'])1\.0\1(?:[ \t\n]+encoding[ \t\n]*=[ \t\n]*(["'])([A-Za-z][\w.-]*)\2)?(?:[ \t\n]+standalone[ \t\n]*=[ \t\n]*(["'])(?:yes|no)\4)?[ \t\n]*\?>$/

/** Of the header only what is needed to read what follows. */
function rootOf({ rawName, defaultNs, bindings }: OpenElement): OpenElement {
  const isAlike =
    lastRoot.rawName === rawName && lastRoot.defaultNs === defaultNs && areAlike(lastRoot.bindings, bindings)
  if (!isAlike) lastRoot = { ...nowhere, rawName, defaultNs, bindings }
  return lastRoot
}

function areAlike(a: Binding | undefined, b: Binding | undefined): boolean {
  return a === b || (a?.prefix === b?.prefix && a?.ns === b?.ns && areAlike(a?.outer, b?.outer))
}

function addText(children: Node[], text: string): void {
  const before = children.length === 0 ? undefined : children[children.length - 1]
  if (typeof before === 'string') children[children.length - 1] = before + text
  else if (text !== '') children.push(text)
}

/**
 * One element that stands alone, as in a frame of RFC 7395.
 *
 * @throws XmlError also when the text ends too early
 */
export function parse(text: string, limits?: ParserLimits): Element {
  const parser = new XmlParser(limits, true)
  parser.write(text)
  const element = parser.read()
  if (typeof element !== 'object' || parser.read() !== undefined || parser.buffered > 0)
    throw new XmlError('not-well-formed', 'the text ends within an element')
  return element
}
