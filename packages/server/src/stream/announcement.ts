import { type Element, type Framing, streamNs, xml } from '@jackdaw/xmpp'
import type { Transport } from '../transport/transport.ts'

interface Announcement {
  readonly offers: readonly Element[]
  readonly text: string
}

/** Those that were made last, by the first of their offers. */
const made = { tcp: kept(), websocket: kept(), bosh: kept() }

/** `<stream:features/>` as text: rendered once for all streams to which a host makes the same offers, for most of them are the same objects. */
export function announcement(offers: readonly Element[], kind: Transport['framing'], framing: Framing): string {
  const [first] = offers
  const before = first && made[kind].get(first)
  if (before?.offers.length === offers.length && before.offers.every((offer, at) => offer === offers[at]))
    return before.text
  const text = framing.element(xml('features', streamNs, {}, ...offers))
  if (first) made[kind].set(first, { offers, text })
  return text
}

function kept(): WeakMap<Element, Announcement> {
  return new WeakMap()
}
