import {
  commandError,
  type Field,
  fieldValues,
  type Form,
  formTypeField,
  type Hat,
  hatsCommands,
  hatsForm,
  type Jid,
  jidValue,
  StanzaError,
} from '@jackdaw/xmpp'
import type { AdHocCommand } from '../commands/ad-hoc.ts'
import { isAtLeast } from './affiliations.ts'
import { tell } from './owner.ts'
import { tellAll } from './presence.ts'
import type { Room } from './room.ts'
import { standingOf } from './standing.ts'

/** Most hats of one room, and of one user in it. */
const mostHats = 100
const mostWorn = 10
/** Most characters of a title or a URI. */
const longest = 1024

const titleVar = 'hats#title'
const uriVar = 'hats#uri'
const hueVar = 'hats#hue'
const jidVar = 'hats#jid'

/** XEP-0317 §4: the commands of a room, as they are for one user. Admins and owners decide about hats. */
export function hatCommands(room: Room, user: Jid): AdHocCommand[] {
  const { affiliation, occupant } = standingOf(room, user)
  const decides = isAtLeast(affiliation, 'admin')
  const isInside = occupant !== undefined || isAtLeast(affiliation, 'member')
  const seesJids = decides || (isInside && room.config.whois === 'anyone')
  const command = (
    node: string,
    name: string,
    isAllowed: boolean,
    carryOut: AdHocCommand['carryOut'],
    ...fields: Field[]
  ): AdHocCommand => {
    if (fields.length === 0) return { node, name, isAllowed, carryOut }
    return {
      node,
      name,
      isAllowed,
      carryOut,
      ask: () => ({ type: 'form', title: name, fields: [formTypeField(hatsForm), ...fields] }),
    }
  }
  const { create, destroy, list, assign, unassign, listAssigned } = hatsCommands
  const which: Field = {
    var: uriVar,
    type: 'list-single',
    label: 'Hat',
    isRequired: true,
    options: room.hats.all.map(({ uri, title }) => ({ label: title, value: uri })),
  }
  const whose: Field = { var: jidVar, type: 'jid-single', label: 'Address of the user', isRequired: true }
  return [
    command(
      create,
      'Make or change a hat',
      decides,
      (form) => make(room, form),
      { var: titleVar, type: 'text-single', label: 'Title', isRequired: true },
      { var: uriVar, type: 'text-single', label: 'URI', isRequired: true },
      { var: hueVar, type: 'text-single', label: 'Hue of its colour, in degrees' },
    ),
    command(destroy, 'Destroy a hat', decides, (form) => unmake(room, form), which),
    command(list, 'List the hats', isInside, () => ({
      form: table('Hats', [titleVar, uriVar, hueVar], room.hats.all.map(cells)),
    })),
    command(assign, 'Give somebody a hat', decides, (form) => give(room, form), whose, which),
    command(unassign, 'Take a hat from somebody', decides, (form) => take(room, form), whose, which),
    command(listAssigned, 'List who wears which hat', seesJids, () => {
      const rows = [...room.hats.assigned()].map(([jid, hat]) => ({ [jidVar]: jid.toString(), ...cells(hat) }))
      return { form: table('Assigned hats', [jidVar, uriVar, titleVar, hueVar], rows) }
    }),
  ]
}

/** §4.2 */
function make(room: Room, form: Form): void {
  const [uri, title] = [valueOf(form, uriVar), valueOf(form, titleVar)]
  const hue = fieldValues(form, hueVar)?.[0] || undefined
  const isUnfit = title.trim() === '' || title.length > longest || uri.length > longest || !URL.canParse(uri)
  if (isUnfit || (hue !== undefined && !isAngle(hue))) throw commandError('bad-request', 'bad-payload')
  if (!room.hats.has(uri) && room.hats.size >= mostHats)
    throw new StanzaError('resource-constraint', `A room has ${mostHats} hats at the most`)
  room.hats.put(uri, { title, ...(hue !== undefined && { hue }) })
  tell(room, [104])
  for (const user of room.hats.wearersOf(uri)) show(room, user)
}

/** §4.3 */
function unmake(room: Room, form: Form): void {
  const users = room.hats.destroy(known(room, form))
  tell(room, [104])
  for (const user of users) show(room, user)
}

/** §4.5 */
function give(room: Room, form: Form): void {
  const { hats, host } = room
  const uri = known(room, form)
  const user = jidValue(valueOf(form, jidVar)).bare
  if (user.local === undefined) throw commandError('bad-request', 'bad-payload')
  const worn = hats.of(user)
  if (worn.some((hat) => hat.uri === uri)) return
  if (worn.length >= mostWorn) throw new StanzaError('resource-constraint', `Nobody wears more than ${mostWorn} hats`)
  if (worn.length === 0 && hats.wearerCount >= host.config.affiliations)
    throw new StanzaError('resource-constraint', 'The room knows too many users')
  hats.putOn(user, uri)
  show(room, user)
}

/** §4.6 */
function take(room: Room, form: Form): void {
  const uri = known(room, form)
  const user = jidValue(valueOf(form, jidVar)).bare
  if (!room.hats.of(user).some((hat) => hat.uri === uri))
    throw new StanzaError('item-not-found', 'That user does not wear that hat')
  room.hats.takeOff(user, uri)
  show(room, user)
}

/** Everybody sees what a user wears now. */
function show(room: Room, user: Jid): void {
  for (const occupant of room.occupants.ofAccount(user)) tellAll(room, occupant)
}

function known({ hats }: Room, form: Form): string {
  const uri = valueOf(form, uriVar)
  if (!hats.has(uri)) throw new StanzaError('item-not-found', 'The room has no such hat')
  return uri
}

function valueOf(form: Form, name: string): string {
  return fieldValues(form, name)![0]!
}

/** XEP-0392 §4: of the HSLuv colour space, in degrees. */
function isAngle(hue: string): boolean {
  return /^\d{1,3}(\.\d{1,12})?$/.test(hue) && Number(hue) <= 360
}

function cells({ uri, title, hue }: Hat): Record<string, string> {
  return { [uriVar]: uri, [titleVar]: title, [hueVar]: hue ?? '' }
}

function table(title: string, names: readonly string[], rows: readonly Record<string, string>[]): Form {
  return {
    type: 'result',
    title,
    reported: names.map((name) => ({ var: name })),
    items: rows.map((row) => names.map((name) => ({ var: name, values: row[name] === '' ? [] : [row[name]!] }))),
  }
}
