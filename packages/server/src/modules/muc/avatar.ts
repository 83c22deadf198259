import { createHash } from 'node:crypto'
import { type Element, type Jid, parse, photosOf, StanzaError, unlimited } from '@jackdaw/xmpp'
import { tell } from './owner.ts'
import type { Room } from './room.ts'

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
export function getVcard({ vcard }: Pick<Room, 'vcard'>): Element {
  if (vcard === undefined) throw new StanzaError('item-not-found', 'The room has no picture')
  return parse(vcard, unlimited)
}

/** XEP-0486 §5: of the picture itself, in each of its formats. */
export function avatarHashes({ vcard }: Room): string[] {
  const photos = vcard === undefined ? [] : photosOf(getVcard({ vcard }))
  return photos.map(({ data }) => createHash('sha1').update(Buffer.from(data, 'base64')).digest('hex'))
}
