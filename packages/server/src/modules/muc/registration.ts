import {
  booleanValue,
  fieldValues,
  Form,
  formType,
  formTypeField,
  type Jid,
  jidValue,
  message,
  mucRegisterForm,
  type Payload,
  registerNs,
  StanzaError,
  xml,
} from '@jackdaw/xmpp'
import { checkSize } from './admin.ts'
import { isAtLeast } from './affiliations.ts'
import type { Room } from './room.ts'
import { changeAffiliation, checkReservation } from './standing.ts'

const nickVar = 'muc#register_roomnick'
const allowVar = 'muc#register_allow'
/** Not of XEP-0045: whom an admin lets in, for the nickname alone does not tell. */
const jidVar = 'muc#jid'
/** Most whose requests wait, and how long (milliseconds) one does: then it can be made again. */
const mostApplicants = 100
const patience = 30 * 24 * 3_600_000

/** XEP-0045 §7.10, XEP-0077 §3: a user registers with a room. */
export interface RoomRegistration {
  readonly registeredNick?: string | undefined
  readonly isRegistered?: boolean
  readonly isRemoval?: boolean
  readonly form?: Form | undefined
}

export const RoomRegistration: Payload<RoomRegistration> = {
  name: 'query',
  ns: registerNs,
  read(element) {
    const form = element.child(Form.name, Form.ns)
    return { isRemoval: element.child('remove') !== undefined, form: form && Form.read(form) }
  },
  write: ({ isRegistered, registeredNick, form }) =>
    xml(
      'query',
      registerNs,
      undefined,
      isRegistered ? xml('registered', registerNs) : undefined,
      registeredNick === undefined ? undefined : xml('username', registerNs, undefined, registeredNick),
      form && Form.write(form),
    ),
}

export function requirements(room: Room, user: Jid): RoomRegistration {
  checkMay(room, user)
  const { affiliation, nick } = room.affiliations.get(user)
  if (isAtLeast(affiliation, 'member') && nick !== undefined) return { isRegistered: true, registeredNick: nick }
  return {
    form: {
      type: 'form',
      title: 'Registration with the room',
      instructions: ['Choose the nickname that is kept for you.'],
      fields: [
        formTypeField(mucRegisterForm),
        { var: nickVar, type: 'text-single', label: 'Nickname', isRequired: true, values: [] },
      ],
    },
  }
}

export function register(room: Room, user: Jid, { isRemoval, form }: RoomRegistration): void {
  checkMay(room, user)
  const { affiliation } = room.affiliations.get(user)
  if (isRemoval) return unregister(room, user)
  const nick = (form && fieldValues(form, nickVar)?.[0]) ?? ''
  if (form?.type !== 'submit' || formType(form) !== mucRegisterForm || nick.trim() === '')
    throw new StanzaError('bad-request', 'Submit the form with a nickname')
  checkReservation(room, user, nick)
  const other = room.occupants.withNick(nick)
  if (other && !other.account.equals(user.bare)) throw new StanzaError('conflict', 'Somebody here has that nickname')
  if (isAtLeast(affiliation, 'member')) return changeAffiliation(room, user.bare, affiliation, { nick })
  const { config, host } = room
  if (room.affiliations.size >= host.config.affiliations)
    throw new StanzaError('resource-constraint', 'The room has too many members')
  // Where members may do what others may not, an admin decides.
  if (!config.isMembersOnly && !config.isModerated) return changeAffiliation(room, user.bare, 'member', { nick })
  askAdmins(room, user, nick)
}

/** XEP-0077 §3.2. @throws StanzaError registration-required */
function unregister(room: Room, user: Jid): void {
  const { affiliation, nick } = room.affiliations.get(user)
  const hasAsked = room.applicants.delete(user)
  if (affiliation === 'member') return changeAffiliation(room, user.bare, 'none')
  // An admin keeps what it is and gives up the nickname.
  if (nick !== undefined) return changeAffiliation(room, user.bare, affiliation, { nick: '' })
  if (!hasAsked) throw new StanzaError('registration-required', 'You are not registered with this room')
}

/** §9.9 */
export function isApproval(form: Form): boolean {
  return formType(form) === mucRegisterForm && fieldValues(form, allowVar) !== undefined
}

export function approve(room: Room, admin: Jid, form: Form): void {
  if (!isAtLeast(room.affiliations.of(admin), 'admin')) throw new StanzaError('forbidden', 'Only admins do that')
  const user = jidValue(fieldValues(form, jidVar)?.[0] ?? '').bare
  if (form.type !== 'submit' || !room.applicants.get(user)) return
  const isAllowed = booleanValue(fieldValues(form, allowVar)?.[0] ?? '0')
  const nick = fieldValues(form, nickVar)?.[0] ?? ''
  // Until it can be done the application stays, to be answered otherwise.
  if (isAllowed) {
    if (nick !== '') checkReservation(room, user, nick)
    checkSize(room, [{ jid: user, affiliation: 'member' }])
  }
  room.applicants.delete(user)
  if (isAllowed && room.affiliations.of(user) === 'none') changeAffiliation(room, user, 'member', { nick })
}

function askAdmins(room: Room, user: Jid, nick: string): void {
  const { affiliations, applicants, host, jid } = room
  const now = host.clock.now()
  applicants.deleteIf(({ at }) => at <= now - patience)
  // Asked for once, however often somebody asks.
  if (applicants.get(user)) return
  if (applicants.size >= mostApplicants) throw new StanzaError('resource-constraint', 'Too many are waiting')
  applicants.add(user, { at: now })
  const question = Form.write({
    type: 'form',
    title: 'Request for registration',
    instructions: ['Somebody wants to be a member of this room.'],
    fields: [
      formTypeField(mucRegisterForm),
      { var: jidVar, type: 'jid-single', label: 'Address', values: [user.bare.toString()] },
      { var: nickVar, type: 'text-single', label: 'Nickname', values: [nick] },
      { var: allowVar, type: 'boolean', label: 'Let this person be a member?', values: ['0'] },
    ],
  })
  for (const affiliation of ['owner', 'admin'] as const)
    for (const [to] of affiliations.list(affiliation)) host.send(message({ from: jid, to }, question))
}

function checkMay(room: Room, user: Jid): void {
  if (room.affiliations.of(user) === 'outcast') throw new StanzaError('not-allowed', 'You are banned from this room')
}
