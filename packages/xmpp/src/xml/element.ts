import { write } from './writer.ts'

/** What an element contains: elements and text. */
export type Node = Element | string

/** The rendered children, shared by all elements that have the same children in the same namespace. */
export interface Rendered {
  text: string | undefined
  /** How many children that is. */
  readonly count: number
  /** Those of the element to which the others were appended. */
  readonly first: Rendered | undefined
}

const none: readonly never[] = []

/**
 * An XML element; immutable, so that one tree can be delivered to many.
 *
 * Strings of a parsed element may be slices which keep the whole chunk they came in alive: what outlives the stanza
 * (a name in a table, an identifier in a set) is to be copied with `flatten` by whoever keeps it.
 */
export class Element {
  /** The local name, without prefix. */
  readonly name: string
  /** The namespace; '' for none. */
  readonly ns: string
  /** Flat: name, value, name, value … A name is `local`, `xml:local` for the xml namespace, or `{namespace}local`. */
  readonly attrs: readonly string[]
  readonly children: readonly Node[]
  /** For the writer alone. Absent until a copy shares these children, so what is rendered once caches nothing. */
  rendered: Rendered | undefined

  constructor(name: string, ns: string, attrs: readonly string[] = none, children: readonly Node[] = none) {
    this.name = name
    this.ns = ns
    this.attrs = attrs
    this.children = children
    this.rendered = undefined
  }

  attr(name: string): string | undefined {
    const { attrs } = this
    for (let i = 0; i < attrs.length; i += 2) if (attrs[i] === name) return attrs[i + 1]
    return undefined
  }

  /** The first child element of that name; its namespace is this element's own unless given. */
  child(name: string, ns: string = this.ns): Element | undefined {
    for (const node of this.children) if (typeof node !== 'string' && node.name === name && node.ns === ns) return node
    return undefined
  }

  /** The first child element, whatever its name: the payload of an IQ. */
  first(): Element | undefined {
    for (const node of this.children) if (typeof node !== 'string') return node
    return undefined
  }

  elements(): Element[] {
    return this.children.filter((node) => typeof node !== 'string')
  }

  /** The text directly within this element, without that of its children. */
  get text(): string {
    const { children } = this
    if (children.length === 1 && typeof children[0] === 'string') return children[0]
    let text = ''
    for (const node of children) if (typeof node === 'string') text += node
    return text
  }

  /** A copy with attributes set, or removed where the value is undefined; the children are shared. */
  with(attrs: Record<string, string | undefined>): Element {
    return this.share(new Element(this.name, this.ns, changed(this.attrs, attrs), this.children))
  }

  /** A copy with more children. */
  append(...children: Node[]): Element {
    return this.extend(new Element(this.name, this.ns, this.attrs, [...this.children, ...children]))
  }

  /** This element as XML that stands alone: every namespace is declared. */
  toString(): string {
    return write(this)
  }

  /** Lets `copy`, which has this element's namespace and children, be rendered from the same text. */
  share<E extends Element>(copy: E): E {
    copy.rendered = this.#shared()
    return copy
  }

  /** The same for one that has more children behind them. */
  protected extend<E extends Element>(copy: E): E {
    copy.rendered = { text: undefined, count: copy.children.length, first: this.#shared() }
    return copy
  }

  #shared(): Rendered {
    return (this.rendered ??= { text: undefined, count: this.children.length, first: undefined })
  }
}

/** An element; attributes and children that are undefined are left out. */
export function xml(
  name: string,
  ns: string,
  attrs?: Record<string, string | undefined>,
  ...children: (Node | undefined)[]
): Element {
  return new Element(
    name,
    ns,
    attrs ? changed(none, attrs) : none,
    children.length === 0 ? none : children.filter((node): node is Node => node !== undefined && node !== ''),
  )
}

/** The attribute list with some of them set, or removed where the value is undefined. */
export function changed(attrs: readonly string[], changes: Record<string, string | undefined>): string[] {
  const result: string[] = []
  for (let i = 0; i < attrs.length; i += 2) {
    const name = attrs[i]!
    if (Object.hasOwn(changes, name)) continue
    result.push(name, attrs[i + 1]!)
  }
  for (const name in changes) {
    const value = changes[name]
    if (value !== undefined) result.push(name, value)
  }
  return result
}
