import { xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'

export const pingNs = 'urn:xmpp:ping'

/** `<ping/>` (XEP-0199 §3): an empty result is the answer. */
export const Ping: Payload<void> = { name: 'ping', ns: pingNs, read: () => undefined, write: () => xml('ping', pingNs) }
