import { beginsName, continuesName, isSpace, resolved } from './characters.ts'
import { Element, type Node } from './element.ts'
import { type Binding, lookup, misbound } from './scope.ts'
import { named } from './names.ts'
import { Next } from './next.ts'
import { XmlError } from './xml-error.ts'

/** An element whose start tag was read. */
export interface OpenElement {
  readonly element: Element
  /** The name with its prefix, as the end tag must repeat it. */
  readonly rawName: string
  /** The element's children, to be added to until its end tag. */
  readonly children: Node[]
  readonly defaultNs: string
  readonly bindings: Binding | undefined
  readonly outer: OpenElement | undefined
  readonly depth: number
}

const COLON = 0x3a
const EQUALS = 0x3d
const GT = 0x3e
const SLASH = 0x2f
const QUOTE = 0x22
const APOSTROPHE = 0x27

const none: readonly never[] = []

/** The surroundings of an element that stands alone. */
export const nowhere: OpenElement = {
  element: new Element('', ''),
  rawName: '',
  children: [],
  defaultNs: '',
  bindings: undefined,
  outer: undefined,
  depth: 0,
}

/** Reads one start tag at a time; what it found stands in its fields until the next. Who reads a text has it for as long as nobody else does. */
export class TagReader {
  element: Element = nowhere.element
  /** Whether the tag was the whole element: `<a/>`. */
  ended = false
  /** If it was not: the element as one to be filled. */
  opened: OpenElement = nowhere
  /** The default namespace within it. */
  defaultNs = ''
  /** What is wrong with the tag. If the tag is incomplete, this means nothing. */
  fault: XmlError | undefined

  #reader: object | undefined
  #text = ''
  /** Where the colon of the name just read is, or -1. */
  #colon = -1
  #bindings: Binding | undefined
  #attributes: string[] | undefined
  /** Where the next `<` is, which no tag may hold, or the text ends. */
  #bound = 0
  readonly #ampersand = new Next('&')
  readonly #tab = new Next('\t')
  readonly #newline = new Next('\n')
  /** Whether there are attributes with a prefix other than xml. */
  #prefixed = false

  /**
   * @param at of the `<`
   * @param outer the element around this one within the stanza
   * @param scope whose namespaces are in force: `outer`, or the stream
   * @returns the index behind the `>`; -1 if there is a fault, or if the text ends too early
   */
  read(
    at: number,
    outer: OpenElement | undefined,
    scope: OpenElement,
    limits: { readonly depth: number; readonly attributes: number },
  ): number {
    const text = this.#text
    const bound = text.indexOf('<', at + 1)
    this.#bound = bound < 0 ? text.length : bound
    this.fault = undefined
    this.defaultNs = scope.defaultNs
    this.#bindings = scope.bindings
    this.#attributes = undefined
    this.#prefixed = false
    let i = this.#name(at + 1)
    if (i < 0) return -1
    const rawName = named(text, at + 1, i)
    const colon = this.#colon - at - 1
    i = this.#attributesFrom(i, scope, limits.attributes)
    if (i < 0) return -1
    this.ended = text.charCodeAt(i) === SLASH
    const depth = outer === undefined ? 1 : outer.depth + 1
    if (depth > limits.depth) return this.#refuse('policy-violation', `more than ${limits.depth} levels of elements`)
    let name = rawName
    let ns: string | undefined = this.defaultNs
    if (colon > 0) {
      name = rawName.slice(colon + 1)
      ns = lookup(rawName.slice(0, colon), this.#bindings)
      if (ns === undefined) return this.#refuse('not-well-formed', `the prefix of ${rawName} is not declared`)
    }
    if (this.#prefixed && !this.#expand()) return -1
    const attributes = this.#attributes ?? none
    if (this.ended) {
      this.element = new Element(name, ns, attributes)
      return i + 2
    }
    const children: Node[] = []
    this.element = new Element(name, ns, attributes, children)
    this.opened = {
      element: this.element,
      rawName,
      children,
      defaultNs: this.defaultNs,
      bindings: this.#bindings,
      outer,
      depth,
    }
    return i + 1
  }

  /** To be told of each text before its first tag is read, and when another reader may have come in between. */
  begin(reader: object, text: string): void {
    if (this.#reader === reader) return
    this.#reader = reader
    this.#text = text
    this.#ampersand.begin()
    this.#tab.begin()
    this.#newline.begin()
  }

  /** The reader has another text. Nothing of what was read is kept. */
  end(reader: object): void {
    if (this.#reader !== reader) return
    this.#reader = undefined
    this.#text = ''
    this.#attributes = undefined
    this.#bindings = undefined
    this.opened = nowhere
    this.element = nowhere.element
    this.fault = undefined
  }

  /** Reads up to the end of the tag: the index of its `/>` or `>`, or -1. */
  #attributesFrom(from: number, scope: OpenElement, most: number): number {
    const text = this.#text
    let count = 0
    let hasDefault = false
    for (let i = from; ;) {
      const behind = i
      let code = text.charCodeAt(i)
      while (isSpace(code)) code = text.charCodeAt(++i)
      if (code === GT) return i
      if (code === SLASH) return text.charCodeAt(i + 1) === GT ? i : this.#unexpected(i + 1)
      if (i === behind) return this.#unexpected(i)

      const start = i
      if ((i = this.#name(i)) < 0) return -1
      const name = named(text, start, i)
      const colon = this.#colon - start
      code = text.charCodeAt(i)
      while (isSpace(code)) code = text.charCodeAt(++i)
      if (code !== EQUALS) return this.#unexpected(i)
      code = text.charCodeAt(++i)
      while (isSpace(code)) code = text.charCodeAt(++i)
      if (code !== APOSTROPHE && code !== QUOTE) return this.#unexpected(i)
      const valueStart = ++i
      i = text.indexOf(code === QUOTE ? '"' : "'", i)
      if (i < 0 || i > this.#bound) return this.#unexpected(this.#bound)
      const value = this.#value(valueStart, i)
      if (value === undefined) return -1
      i++

      if (++count > most) return this.#refuse('policy-violation', `more than ${most} attributes`)
      if (colon < 0) {
        if (name !== 'xmlns') {
          if (!this.#add(name, value)) return -1
          continue
        }
        if (hasDefault) return this.#repeated(name)
        hasDefault = true
        this.defaultNs = named(value, 0, value.length)
        if (value !== '' && !this.#bindable('', value)) return -1
      } else if (name.startsWith('xmlns:')) {
        if (!this.#bind(name.slice(6), named(value, 0, value.length), scope.bindings)) return -1
      } else {
        if (!name.startsWith('xml:')) this.#prefixed = true
        if (!this.#add(name, value)) return -1
      }
    }
  }

  /** The index behind a name with at most one colon, or -1. */
  #name(from: number): number {
    const text = this.#text
    let i = from
    this.#colon = -1
    if (!beginsName(text.charCodeAt(i))) return this.#unexpected(i)
    do i++
    while (continuesName(text.charCodeAt(i)))
    if (text.charCodeAt(i) !== COLON) return i
    this.#colon = i++
    if (!beginsName(text.charCodeAt(i))) return this.#unexpected(i)
    do i++
    while (continuesName(text.charCodeAt(i)))
    return i
  }

  /** The value with references resolved and white space normalised (XML 1.0 §3.3.3); undefined for a fault. */
  #value(start: number, end: number): string | undefined {
    const text = this.#text
    const value = text.slice(start, end)
    const hasSpace = this.#tab.isWithin(text, start, end) || this.#newline.isWithin(text, start, end)
    if (!this.#ampersand.isWithin(text, start, end)) return hasSpace ? value.replace(/[\t\n]/g, ' ') : value
    try {
      return resolved(value.replace(/[\t\n]/g, ' '))
    } catch (error) {
      if (!(error instanceof XmlError)) throw error
      this.fault = error
      return undefined
    }
  }

  #add(name: string, value: string): boolean {
    const attributes = (this.#attributes ??= [])
    for (let i = 0; i < attributes.length; i += 2)
      if (attributes[i] === name) {
        this.#repeated(name)
        return false
      }
    attributes.push(name, value)
    return true
  }

  #bind(prefix: string, ns: string, outer: Binding | undefined): boolean {
    for (let binding = this.#bindings; binding !== outer; binding = binding!.outer)
      if (binding!.prefix === prefix) {
        this.#repeated(`xmlns:${prefix}`)
        return false
      }
    if (!this.#bindable(prefix, ns)) return false
    this.#bindings = { prefix, ns, outer: this.#bindings }
    return true
  }

  #bindable(prefix: string, ns: string): boolean {
    const reason = misbound(prefix, ns)
    if (reason !== undefined) this.#refuse('not-well-formed', reason)
    return reason === undefined
  }

  /** Gives attributes with a prefix their full names, among which none may be twice (Namespaces in XML §6.3). */
  #expand(): boolean {
    const attributes = this.#attributes!
    this.#attributes = undefined
    for (let i = 0; i < attributes.length; i += 2) {
      let name = attributes[i]!
      const colon = name.indexOf(':')
      if (colon > 0 && !name.startsWith('xml:')) {
        const ns = lookup(name.slice(0, colon), this.#bindings)
        if (ns === undefined) {
          this.#refuse('not-well-formed', `the prefix of ${name} is not declared`)
          return false
        }
        name = `{${ns}}${name.slice(colon + 1)}`
      }
      if (!this.#add(name, attributes[i + 1]!)) return false
    }
    return true
  }

  #repeated(name: string): -1 {
    return this.#refuse('not-well-formed', `the attribute ${name} is given twice`)
  }

  #unexpected(at: number): -1 {
    // The text ends here: it need not be wrong.
    if (at >= this.#text.length) return -1
    return this.#refuse(
      'not-well-formed',
      `"${String.fromCodePoint(this.#text.codePointAt(at)!)}" is out of place in a tag`,
    )
  }

  #refuse(condition: XmlError['condition'], reason: string): -1 {
    this.fault = new XmlError(condition, reason)
    return -1
  }
}
