import type { Element } from '@jackdaw/xmpp'

/**
 * What of a pattern is missing in an element; undefined when it matches. All attributes and children of the pattern must be
 * there, in any order; others may be too. Text '…' stands for any, an attribute value '…' for any.
 */
export function mismatch(pattern: Element, element: Element): string | undefined {
  if (pattern.name !== element.name || pattern.ns !== element.ns)
    return `<${pattern.name} xmlns='${pattern.ns}'> is missing`
  for (let i = 0; i < pattern.attrs.length; i += 2) {
    const [name, value] = [pattern.attrs[i]!, pattern.attrs[i + 1]!]
    const found = element.attr(name)
    if (found === undefined || (value !== '…' && value !== found)) return `${name}='${value}' is missing`
  }
  const text = pattern.text.trim()
  if (text !== '' && text !== '…' && text !== element.text.trim()) return `the text '${text}' is missing`
  for (const wanted of pattern.elements()) {
    if (!element.elements().some((child) => mismatch(wanted, child) === undefined)) return `${wanted} is missing`
  }
  return undefined
}
