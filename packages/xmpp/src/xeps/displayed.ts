import { StanzaError } from '../errors.ts'
import type { Message } from '../stanza.ts'
import { xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'
import { StanzaId } from './stanza-id.ts'

/** XEP-0490 §4.1: the node, and the namespace of its items. */
export const displayedNs = 'urn:xmpp:mds:displayed:0'
/** XEP-0490 §4.5.2: the server publishes what it finds in messages. */
export const displayedAssistNs = 'urn:xmpp:mds:server-assist:0'

/** `<displayed/>`: up to which message a conversation has been displayed. */
export const Displayed: Payload<StanzaId> = {
  name: 'displayed',
  ns: displayedNs,
  read(element) {
    const [id, ...more] = element.elements()
    if (id?.name !== StanzaId.name || id.ns !== StanzaId.ns || more.length > 0)
      throw new StanzaError('bad-request', 'What was displayed is told by exactly one stanza-id')
    return StanzaId.read(id)
  },
  write: (value) => xml('displayed', displayedNs, undefined, StanzaId.write(value)),
}

/** The message without what it tells its own server (§4.5.3); itself when there is no such thing. */
export function withoutDisplayed(message: Message): Message {
  if (!message.child(Displayed.name, Displayed.ns)) return message
  return message.containing(message.children.filter((child) => typeof child === 'string' || child.ns !== displayedNs))
}
