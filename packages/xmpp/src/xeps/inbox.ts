import { StanzaError } from '../errors.ts'
import type { Jid } from '../jid.ts'
import { type Element, xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'
import { jidValue } from './jid-value.ts'
import { RsmRequest, RsmResult } from './rsm.ts'

/** XEP-0430. */
export const inboxNs = 'urn:xmpp:inbox:1'

/** XEP-0430 §3.1: which conversations are asked for. */
export interface InboxQuery {
  readonly isUnreadOnly?: boolean | undefined
  /** False: without their last messages. */
  readonly hasMessages?: boolean | undefined
  readonly set?: RsmRequest | undefined
}

/** XEP-0430 §3.1: a conversation. */
export interface InboxEntry {
  readonly jid: Jid
  /** How many messages have not been read. */
  readonly unread: number
  /** Of the last message in the archive that belongs to it. */
  readonly id: string
}

/** XEP-0430 §3.1: the end of a page. */
export interface InboxFin {
  /** How many conversations there are, and how many of them have unread messages. */
  readonly total: number
  readonly unread: number
  /** How many messages are unread in all of them. */
  readonly allUnread: number
  readonly set: RsmResult
}

/** `<inbox/>`. */
export const InboxQuery: Payload<InboxQuery> = {
  name: 'inbox',
  ns: inboxNs,
  read(element) {
    const set = element.child(RsmRequest.name, RsmRequest.ns)
    return {
      isUnreadOnly: flag(element, 'unread-only', false),
      hasMessages: flag(element, 'messages', true),
      set: set && RsmRequest.read(set),
    }
  },
  write: ({ isUnreadOnly, hasMessages, set }) =>
    xml(
      'inbox',
      inboxNs,
      { 'unread-only': isUnreadOnly ? 'true' : undefined, messages: hasMessages === false ? 'false' : undefined },
      set && RsmRequest.write(set),
    ),
}

/** `<entry/>`. */
export const InboxEntry: Payload<InboxEntry> = {
  name: 'entry',
  ns: inboxNs,
  read: (element) => ({
    jid: jidValue(required(element, 'jid')),
    unread: count(element, 'unread'),
    id: required(element, 'id'),
  }),
  write: ({ jid, unread, id }) => xml('entry', inboxNs, { unread: String(unread), jid: jid.toString(), id }),
}

/** `<fin/>`. */
export const InboxFin: Payload<InboxFin> = {
  name: 'fin',
  ns: inboxNs,
  read(element) {
    const set = element.child(RsmResult.name, RsmResult.ns)
    return {
      total: count(element, 'total'),
      unread: count(element, 'unread'),
      allUnread: count(element, 'all-unread'),
      set: set ? RsmResult.read(set) : {},
    }
  },
  write: ({ total, unread, allUnread, set }) =>
    xml(
      'fin',
      inboxNs,
      { total: String(total), unread: String(unread), 'all-unread': String(allUnread) },
      RsmResult.write(set),
    ),
}

function flag(element: Element, name: string, otherwise: boolean): boolean {
  const value = element.attr(name)
  if (value === undefined) return otherwise
  if (value === 'true' || value === '1') return true
  if (value === 'false' || value === '0') return false
  throw new StanzaError('bad-request', `${name} is true or false`)
}

function count(element: Element, name: string): number {
  const value = Number(required(element, name))
  if (!Number.isSafeInteger(value) || value < 0) throw new StanzaError('bad-request', `${name} is a number`)
  return value
}

function required(element: Element, name: string): string {
  const value = element.attr(name)
  if (value === undefined) throw new StanzaError('bad-request', `An ${element.name} needs the attribute ${name}`)
  return value
}
