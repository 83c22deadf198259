import { createHash } from 'node:crypto'
import { type Element, type Jid, parse, type Payload, StanzaError, unlimited } from '@jackdaw/xmpp'
import { tell } from './owner.ts'
import type { Room } from './room.ts'

/** XEP-0054. */
export const vcardNs = 'vcard-temp'

/** `<vCard/>`, as it is. */
export const VCard: Payload<Element> = {
  name: 'vCard',
  ns: vcardNs,
  read: (element) => element,
  write: (element) => element,
}

/** XEP-0486 §3.2: an owner gives the room a picture, or with an empty vCard takes it away. */
export function setVcard(room: Room, user: Jid, vcard: Element): void {
  if (room.affiliations.of(user) !== 'owner')
    throw new StanzaError('forbidden', 'Only owners are allowed to set avatars')
  const text = vcard.toString()
  if (text.length > room.host.config.avatar)
    throw new StanzaError('not-acceptable', `A vCard has ${room.host.config.avatar} characters at the most`)
  room.vcard = vcard.elements().length === 0 ? undefined : text
  tell(room, [104])
}

/** XEP-0486 §3.4 */
export function getVcard({ vcard }: Room): Element {
  if (vcard === undefined) throw new StanzaError('item-not-found', 'The room has no picture')
  return parse(vcard, unlimited)
}

/** XEP-0153 §3.2: of the picture itself. */
export function avatarHash(vcard: string | undefined): string | undefined {
  const picture = vcard === undefined ? undefined : parse(vcard, unlimited).child('PHOTO')?.child('BINVAL')?.text
  return picture === undefined ? undefined : createHash('sha1').update(Buffer.from(picture, 'base64')).digest('hex')
}
