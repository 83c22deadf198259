import { StanzaError } from '../errors.ts'
import { clientNs } from '../namespaces.ts'
import { Stanza } from '../stanza.ts'
import { xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'
import { Delay } from './delay.ts'

export const forwardingNs = 'urn:xmpp:forward:0'

/** XEP-0297 §3: a stanza within another. */
export interface Forwarded {
  /** When the forwarder received it. */
  readonly delay?: Delay | undefined
  readonly stanza: Stanza
}

/** `<forwarded/>`. */
export const Forwarded: Payload<Forwarded> = {
  name: 'forwarded',
  ns: forwardingNs,
  read(element) {
    const stanza = element.elements().find((child) => child.ns === clientNs)
    if (!stanza) throw new StanzaError('bad-request', 'No stanza is forwarded')
    const held = element.child(Delay.name, Delay.ns)
    return { delay: held && Delay.read(held), stanza: Stanza.from(stanza) }
  },
  write: (value) => xml('forwarded', forwardingNs, undefined, value.delay && Delay.write(value.delay), value.stanza),
}
