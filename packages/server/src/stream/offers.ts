import type { Element } from '@jackdaw/xmpp'

/** What a feature offers, by the names that it lists: the same element for the same names, of which there are few choices, so that it is rendered once (announcement.ts). */
export function offers(make: (names: readonly string[]) => Element): (names: readonly string[]) => Element {
  const made = new Map<string, Element>()
  return (names) => {
    const key = names.join(' ')
    const offer = made.get(key) ?? make(names)
    made.set(key, offer)
    return offer
  }
}
