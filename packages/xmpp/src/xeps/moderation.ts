import { StanzaError } from '../errors.ts'
import { type Element, xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'
import { formatDateTime } from './date-time.ts'
import { OccupantId } from './occupant-id.ts'
import { retractionNs } from './retraction.ts'

export const moderationNs = 'urn:xmpp:message-moderate:1'

/** XEP-0425 §3: a moderator asks the room to retract a message. */
export interface Moderation {
  /** The stanza-id that the room gave to the message. */
  readonly id: string
  readonly reason?: string | undefined
}

/** `<moderate/>`. */
export const Moderation: Payload<Moderation> = {
  name: 'moderate',
  ns: moderationNs,
  read(element) {
    const id = element.attr('id')
    if (id === undefined) throw new StanzaError('bad-request', 'The id of the message is missing')
    // §3: other kinds of moderation may come.
    if (!element.child('retract', retractionNs))
      throw new StanzaError('feature-not-implemented', 'Messages can be retracted, nothing else')
    return { id, reason: element.child('reason')?.text }
  },
  write: ({ id, reason }) =>
    xml(
      'moderate',
      moderationNs,
      { id },
      xml('retract', retractionNs),
      reason === undefined ? undefined : xml('reason', moderationNs, {}, reason),
    ),
}

/** Who retracted a message, when and why. */
export interface Moderated {
  /** The occupant's JID, and its occupant-id. */
  readonly by: string
  readonly occupantId: string
  readonly reason?: string | undefined
}

/** `<retract/>`: what the room tells its occupants (§3.1). */
export function moderatedRetraction(id: string, moderated: Moderated): Element {
  return xml('retract', retractionNs, { id }, ...content(moderated))
}

/** `<retracted/>`: what stays of the message (§4); `stamp` in milliseconds since the Unix epoch. */
export function moderatedTombstone(stamp: number, moderated: Moderated): Element {
  return xml('retracted', retractionNs, { stamp: formatDateTime(stamp) }, ...content(moderated))
}

function content({ by, occupantId, reason }: Moderated): (Element | undefined)[] {
  return [
    xml('moderated', moderationNs, { by }, OccupantId.write(occupantId)),
    reason === undefined ? undefined : xml('reason', retractionNs, undefined, reason),
  ]
}
