import { StanzaError } from '../errors.ts'
import { Jid } from '../jid.ts'
import type { Message } from '../stanza.ts'
import { type Element, type Node, xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'
import { jidValue } from './jid-value.ts'

export const stanzaIdNs = 'urn:xmpp:sid:0'

/** XEP-0359 §2.1: the id that an entity gave to a stanza, unique and stable within that entity. */
export interface StanzaId {
  readonly id: string
  readonly by: Jid
}

/** `<stanza-id/>`. */
export const StanzaId: Payload<StanzaId> = {
  name: 'stanza-id',
  ns: stanzaIdNs,
  read(element) {
    const by = element.attr('by')
    if (by === undefined) throw new StanzaError('bad-request', 'A stanza-id needs a by')
    return { id: idOf(element), by: jidValue(by) }
  },
  write: ({ id, by }) => xml('stanza-id', stanzaIdNs, { id, by: by.toString() }),
}

/** `<origin-id/>` (§2.2): the id that its author gave to a stanza. */
export const OriginId: Payload<string> = {
  name: 'origin-id',
  ns: stanzaIdNs,
  read: idOf,
  write: (id) => xml('origin-id', stanzaIdNs, { id }),
}

/** The id that `by` gave to the message. */
export function stanzaIdBy(message: Message, by: Jid): string | undefined {
  for (const node of message.children) if (isStanzaIdBy(node, by)) return node.attr('id')
  return undefined
}

/** The message without what claims to be an id given by `by` (§3 rule 2); itself when there is no such thing. */
export function withoutStanzaId(message: Message, by: Jid): Message {
  for (const node of message.children)
    if (isStanzaIdBy(node, by)) return message.containing(message.children.filter((one) => !isStanzaIdBy(one, by)))
  return message
}

/** Addresses are compared in their canonical form, as those do who trust the id (§3 rule 7). */
function isStanzaIdBy(node: Node, by: Jid): node is Element {
  if (typeof node === 'string' || node.name !== 'stanza-id' || node.ns !== stanzaIdNs) return false
  try {
    return by.equals(Jid.parse(node.attr('by') ?? ''))
  } catch {
    return false
  }
}

function idOf(element: Element): string {
  const id = element.attr('id')
  if (id === undefined) throw new StanzaError('bad-request', `A ${element.name} needs an id`)
  return id
}
