import type { Element } from '@jackdaw/xmpp'

/** About how many characters an element has as XML, without writing it. */
export function sizeOf({ name, attrs, children }: Element): number {
  let size = 2 * name.length + 5
  for (const text of attrs) size += text.length + 2
  for (const child of children) size += typeof child === 'string' ? child.length : sizeOf(child)
  return size
}
