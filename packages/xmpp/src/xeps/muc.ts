import { StanzaError } from '../errors.ts'
import { Jid } from '../jid.ts'
import { type Element, xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'
import { parseDateTime } from './date-time.ts'
import { jidValue } from './jid-value.ts'

/** XEP-0045: what an entity sends to enter a room. */
export const mucNs = 'http://jabber.org/protocol/muc'
/** XEP-0045: what rooms tell their occupants and those who are invited. */
export const mucUserNs = `${mucNs}#user`
/** §6.4: messages keep the id that their sender gave them. */
export const mucStableIdFeature = `${mucNs}#stable_id`
/** XEP-0410 §3.3: the room itself answers who pings itself. */
export const mucSelfPingFeature = `${mucNs}#self-ping-optimization`
/** §7.12: the node of a room whose name is the asker's reserved nickname. */
export const mucNickNode = 'x-roomuser-item'
/** §16.5: forms. */
/** XEP-0502 §3.1: the field that tells how many messages an hour come. */
export const mucActivityField = '{urn:xmpp:muc-activity}message-activity'

export const mucRoomInfoForm = `${mucNs}#roominfo`
export const mucRoomConfigForm = `${mucNs}#roomconfig`
export const mucRegisterForm = `${mucNs}#register`
export const mucRequestForm = `${mucNs}#request`

/** XEP-0249: an invitation to a room that does not pass through the room. */
export const directInvitationNs = 'jabber:x:conference'

/** §5.2, the lowest first. */
export const mucAffiliations = ['outcast', 'none', 'member', 'admin', 'owner'] as const
export type MucAffiliation = (typeof mucAffiliations)[number]

/** §5.1, the lowest first. */
export const mucRoles = ['none', 'visitor', 'participant', 'moderator'] as const
export type MucRole = (typeof mucRoles)[number]

/** §7.2.14: how much of the discussion an entering occupant asks for. */
export interface HistoryWish {
  readonly maxChars?: number | undefined
  readonly maxStanzas?: number | undefined
  readonly seconds?: number | undefined
  /** Milliseconds since the Unix epoch. */
  readonly since?: number | undefined
}

/** §7.2.1: `<x/>` in the presence of who enters. */
export interface MucEntry {
  readonly password?: string | undefined
  readonly history?: HistoryWish | undefined
}
export const MucEntry: Payload<MucEntry> = {
  name: 'x',
  ns: mucNs,
  read(element) {
    const history = element.child('history')
    return { password: element.child('password')?.text, history: history && readHistory(history) }
  },
  write: ({ password, history }) =>
    xml(
      'x',
      mucNs,
      undefined,
      password === undefined ? undefined : xml('password', mucNs, {}, password),
      history && writeHistory(history),
    ),
}

/** Of a user and a room: in presence, in lists, in requests to change them. */
export interface MucItem {
  readonly affiliation?: MucAffiliation | undefined
  readonly role?: MucRole | undefined
  readonly jid?: Jid | undefined
  readonly nick?: string | undefined
  /** Who did it. */
  readonly actor?: { readonly jid?: Jid | undefined; readonly nick?: string | undefined } | undefined
  readonly reason?: string | undefined
}

/** `<item/>`, as it stands in a payload of the namespace `ns`. Reading throws a StanzaError bad-request for words that are none. */
export function readMucItem(element: Element): MucItem {
  const actor = element.child('actor')
  return {
    affiliation: oneOf(mucAffiliations, element.attr('affiliation')),
    role: oneOf(mucRoles, element.attr('role')),
    jid: jidOf(element, 'jid'),
    nick: element.attr('nick'),
    actor: actor && { jid: jidOf(actor, 'jid'), nick: actor.attr('nick') },
    reason: element.child('reason')?.text,
  }
}

export function writeMucItem({ affiliation, role, jid, nick, actor, reason }: MucItem, ns: string): Element {
  return xml(
    'item',
    ns,
    { affiliation, role, jid: jid?.toString(), nick },
    actor && xml('actor', ns, { jid: actor.jid?.toString(), nick: actor.nick }),
    reasonElement(reason, ns),
  )
}

/** §10.9: that a room is destroyed. */
export interface Destruction {
  /** Where to go instead. */
  readonly alternate?: Jid | undefined
  readonly password?: string | undefined
  readonly reason?: string | undefined
}

export function readDestruction(element: Element): Destruction {
  return {
    alternate: jidOf(element, 'jid'),
    password: element.child('password')?.text,
    reason: element.child('reason')?.text,
  }
}

export function writeDestruction({ alternate, password, reason }: Destruction, ns: string): Element {
  return xml(
    'destroy',
    ns,
    { jid: alternate?.toString() },
    password === undefined ? undefined : xml('password', ns, {}, password),
    reasonElement(reason, ns),
  )
}

export function reasonElement(reason: string | undefined, ns: string): Element | undefined {
  return reason === undefined ? undefined : xml('reason', ns, undefined, reason)
}

export function jidOf(element: Element, name: string): Jid | undefined {
  const text = element.attr(name)
  return text === undefined ? undefined : jidValue(text)
}

function readHistory(element: Element): HistoryWish {
  const since = element.attr('since')
  return {
    maxChars: count(element, 'maxchars'),
    maxStanzas: count(element, 'maxstanzas'),
    seconds: count(element, 'seconds'),
    since: since === undefined ? undefined : parseDateTime(since),
  }
}

function writeHistory({ maxChars, maxStanzas, seconds, since }: HistoryWish): Element {
  return xml('history', mucNs, {
    maxchars: maxChars?.toString(),
    maxstanzas: maxStanzas?.toString(),
    seconds: seconds?.toString(),
    since: since === undefined ? undefined : new Date(since).toISOString(),
  })
}

function count(element: Element, name: string): number | undefined {
  const text = element.attr(name)
  if (text === undefined) return undefined
  if (!/^\d{1,10}$/.test(text)) throw new StanzaError('bad-request', `${name} is a number that is not negative`)
  return Number(text)
}

function oneOf<T extends string>(words: readonly T[], text: string | undefined): T | undefined {
  if (text === undefined) return undefined
  const word = words.find((one) => one === text)
  if (!word) throw new StanzaError('bad-request', `${text} is none of ${words.join(', ')}`)
  return word
}
