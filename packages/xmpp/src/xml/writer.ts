import { streamNs } from '../namespaces.ts'
import type { Element, Node, Rendered } from './element.ts'
import { xmlNs } from './scope.ts'

/**
 * The element as XML, its namespace declared only where it differs from what is in force.
 *
 * Text and attribute values may hold anything: what XML forbids (control characters, lone surrogates) becomes U+FFFD.
 * Names are written as they are: they come from the parser or from our own code.
 *
 * @param scope the default namespace in force where the text will stand
 * @param streamPrefix whether the prefix `stream:` is declared there already, as it is within a TCP stream
 */
export function write(element: Element, scope = '', streamPrefix = false): string {
  const { ns } = element
  let tag = element.name
  let text: string
  if (ns === streamNs) {
    tag = `stream:${tag}`
    text = streamPrefix ? `<${tag}` : `<${tag} xmlns:stream='${streamNs}'`
  } else if (ns === xmlNs) {
    // No other prefix, nor the lack of one, may stand for it (Namespaces in XML §3).
    tag = `xml:${tag}`
    text = `<${tag}`
  } else {
    text = ns === scope ? `<${tag}` : `<${tag} xmlns='${escapeAttribute(ns)}'`
  }
  text += attributesOf(element)
  const isEmpty = element.children.length === 0
  const open = isEmpty ? text : `${text}>${content(element, scope)}`
  const close = isEmpty ? '/>' : `</${tag}>`
  // What has copies is mostly kept, too, and V8 makes JSON of a string in half the time when it is in one piece, as `join` makes it.
  return element.rendered === undefined ? open + close : [open, close].join('')
}

/** Of the copy that was rendered last: one that was given more children has the same. One chunk, at most, is kept alive by it until the next. */
let lastAttrs: readonly string[] | undefined
let lastAttributes = ''

function attributesOf({ attrs, rendered }: Element): string {
  if (rendered === undefined) return attributes(attrs)
  if (attrs !== lastAttrs) {
    lastAttributes = attributes(attrs)
    lastAttrs = attrs
  }
  return lastAttributes
}

function attributes(attrs: readonly string[]): string {
  let text = ''
  // The end of a value and what comes before the next name are added as one: what a piece costs is that it is one.
  let before = ' '
  for (let i = 0; i < attrs.length; i += 2) {
    const name = attrs[i]!
    const value = escapeAttribute(attrs[i + 1]!)
    const isNamespaced = name.charCodeAt(0) === 0x7b // {
    text += `${before}${isNamespaced ? namespaced(name, i) : name}='${value}`
    before = "' "
  }
  return text === '' ? '' : `${text}'`
}

/** The children: their text depends on nothing but the element's namespace, so copies can share it. */
function content(element: Element, scope: string): string {
  const { children, ns, rendered } = element
  // With a prefix the default namespace stays what it was; such elements are few, and their text is not shared.
  if (ns === streamNs || ns === xmlNs) return contentWithin(children, scope)
  return rendered === undefined ? contentWithin(children, ns) : shared(rendered, children, ns)
}

function shared(rendered: Rendered, children: readonly Node[], ns: string): string {
  const { first, count } = rendered
  if (first === undefined) return (rendered.text ??= contentWithin(children, ns, 0, count))
  return (rendered.text ??= shared(first, children, ns) + contentWithin(children, ns, first.count, count))
}

function contentWithin(children: readonly Node[], scope: string, from = 0, end = children.length): string {
  let text = ''
  for (let i = from; i < end; i++) {
    const node = children[i]!
    text += typeof node === 'string' ? escapeText(node) : write(node, scope)
  }
  return text
}

/** The name with a prefix, which is declared before it. */
function namespaced(name: string, index: number): string {
  const end = name.lastIndexOf('}')
  const prefix = `n${index}`
  return `xmlns:${prefix}='${escapeAttribute(name.slice(1, end))}' ${prefix}:${name.slice(end + 1)}`
}

/* oxlint-disable no-control-regex -- they are what this looks for */
// Surrogates are among them so that the usual text needs one test; a proper pair costs the slower path only.
const inText = /[&<>\0-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]/
const inAttribute = /[&<'"\0-\x1f\ud800-\udfff\ufffe\uffff]/
const everyInText = /[&<>\0-\x08\x0b-\x1f\ufffe\uffff]/g
const everyInAttribute = /[&<'"\0-\x1f\ufffe\uffff]/g

const escapes: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  "'": '&apos;',
  '"': '&quot;',
  // The reader would normalise these away (XML 1.0 §2.11, §3.3.3).
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
}
const escape = (character: string) => escapes[character] ?? '\ufffd'

/** Text as it stands between tags. */
export function escapeText(text: string): string {
  return inText.test(text) ? text.toWellFormed().replace(everyInText, escape) : text
}

/** Text as it stands in an attribute value within either kind of quotes. */
export function escapeAttribute(text: string): string {
  return inAttribute.test(text) ? text.toWellFormed().replace(everyInAttribute, escape) : text
}
