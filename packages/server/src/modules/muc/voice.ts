import {
  booleanValue,
  fieldValues,
  Form,
  formTypeField,
  jidValue,
  type Message,
  message,
  mucRequestForm,
  StanzaError,
} from '@jackdaw/xmpp'
import { send } from './broadcast.ts'
import { take } from './messages.ts'
import type { Occupant } from './occupants.ts'
import { checkRole } from './roles.ts'
import type { Room } from './room.ts'
import { changeRole, standingOf } from './standing.ts'

/** XEP-0045 §7.13 and §8.6: a visitor asks for voice, a moderator answers with the same form. */
export function voiceForm(room: Room, occupant: Occupant, stanza: Message, form: Form): void {
  if (fieldValues(form, 'muc#request_allow')) return approve(room, occupant, form)
  if (fieldValues(form, 'muc#role')?.[0] !== 'participant')
    throw new StanzaError('bad-request', 'Ask for the role participant')
  if (occupant.role !== 'visitor') throw new StanzaError('not-allowed', 'You have voice')
  take(room, occupant)
  const question = message({ from: room.jid, id: stanza.id }, Form.write(questionAbout(occupant)))
  for (const other of room.occupants) if (other.role === 'moderator') send(room, question, other)
}

function approve(room: Room, moderator: Occupant, form: Form): void {
  const actor = standingOf(room, moderator.account)
  if (actor.role !== 'moderator') throw new StanzaError('forbidden', 'Only moderators give voice')
  const isAllowed = booleanValue(fieldValues(form, 'muc#request_allow')?.[0] ?? '0')
  if (form.type !== 'submit' || !isAllowed) return
  const visitor = room.occupants.withNick(fieldValues(form, 'muc#roomnick')?.[0] ?? '')
  const [asker] = fieldValues(form, 'muc#jid') ?? []
  // Meanwhile somebody else may have that nickname.
  if (!visitor || (asker && !jidValue(asker).bare.equals(visitor.account)))
    throw new StanzaError('item-not-found', 'Who asked is no longer here')
  if (visitor.role !== 'visitor') return
  checkRole(actor, { role: visitor.role, affiliation: room.affiliations.of(visitor.account) }, 'participant')
  changeRole(room, visitor, 'participant', {})
}

function questionAbout({ nick, shown }: Occupant): Form {
  return {
    type: 'form',
    title: 'Request for voice',
    instructions: ['Somebody wants to speak in this room.'],
    fields: [
      formTypeField(mucRequestForm),
      {
        var: 'muc#role',
        type: 'list-single',
        label: 'Requested role',
        values: ['participant'],
        options: [{ value: 'participant' }],
      },
      { var: 'muc#jid', type: 'jid-single', label: 'Address', values: [shown.jid.toString()] },
      { var: 'muc#roomnick', type: 'text-single', label: 'Nickname', values: [nick] },
      { var: 'muc#request_allow', type: 'boolean', label: 'Give voice?', values: ['0'] },
    ],
  }
}
