import { StanzaError } from '../errors.ts'
import { type Message, Stanza } from '../stanza.ts'
import { xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'
import { formatDateTime, parseDateTime } from './date-time.ts'

/** XEP-0424. */
export const retractionNs = 'urn:xmpp:message-retract:1'

/** XEP-0424 §4: what is left of a message that was retracted. */
export interface Retracted {
  /** The id of the message that retracted it. */
  readonly id: string
  /** When that was, milliseconds since the Unix epoch. */
  readonly stamp?: number | undefined
}

/** `<retracted/>`. */
export const Retracted: Payload<Retracted> = {
  name: 'retracted',
  ns: retractionNs,
  read(element) {
    const id = element.attr('id')
    if (id === undefined) throw new StanzaError('bad-request', 'A tombstone needs the id of the retraction')
    const stamp = element.attr('stamp')
    return { id, stamp: stamp === undefined ? undefined : parseDateTime(stamp) }
  },
  write: ({ id, stamp }) =>
    xml('retracted', retractionNs, { id, stamp: stamp === undefined ? undefined : formatDateTime(stamp) }),
}

/** The id of the message that this one retracts (XEP-0424 §3). */
export function retractedId(message: Message): string | undefined {
  return message.child('retract', retractionNs)?.attr('id')
}

/** What an archive keeps in place of a message (XEP-0424 §4): its addresses, its id and its type, and that it was retracted. */
export function tombstone(of: Message, why: Retracted): Message {
  return emptied(of).containing([Retracted.write(why)])
}

/** What an archive keeps in place of a message that its owner erased (XEP-0313 §3.2). */
export function emptied({ to, from, id, type }: Message): Message {
  return Stanza.of('message', { to, from, id, type }, [])
}
