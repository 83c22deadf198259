import type { Jid } from '../jid.ts'
import { type Element, xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'
import {
  type Destruction,
  jidOf,
  type MucItem,
  mucUserNs,
  readDestruction,
  readMucItem,
  reasonElement,
  writeDestruction,
  writeMucItem,
} from './muc.ts'

/** XEP-0045 §7.8.2: an invitation through the room, or that one is declined. A client gives `to`, the room gives `from`. */
export interface MucInvitation {
  readonly from?: Jid | undefined
  readonly to?: Jid | undefined
  readonly reason?: string | undefined
  /** §7.9: a chat goes on in the room. */
  readonly continues?: { readonly thread?: string | undefined } | undefined
}

/** `<x/>` of muc#user. */
export interface MucUser {
  readonly items?: readonly MucItem[]
  /** §15.6.2, ascending. */
  readonly statuses?: readonly number[]
  readonly invitations?: readonly MucInvitation[]
  readonly declined?: MucInvitation | undefined
  readonly destroyed?: Destruction | undefined
  readonly password?: string | undefined
}

export const MucUser: Payload<MucUser> = {
  name: 'x',
  ns: mucUserNs,
  read(element) {
    const declined = element.child('decline')
    const destroyed = element.child('destroy')
    return {
      items: children(element, 'item').map(readMucItem),
      statuses: children(element, 'status').map((status) => Number(status.attr('code'))),
      invitations: children(element, 'invite').map(readInvitation),
      declined: declined && readInvitation(declined),
      destroyed: destroyed && readDestruction(destroyed),
      password: element.child('password')?.text,
    }
  },
  write: ({ items = [], statuses = [], invitations = [], declined, destroyed, password }) =>
    xml(
      'x',
      mucUserNs,
      undefined,
      ...items.map((item) => writeMucItem(item, mucUserNs)),
      ...statuses.map((code) => xml('status', mucUserNs, { code: String(code) })),
      ...invitations.map((invitation) => writeInvitation('invite', invitation)),
      declined && writeInvitation('decline', declined),
      destroyed && writeDestruction(destroyed, mucUserNs),
      password === undefined ? undefined : xml('password', mucUserNs, undefined, password),
    ),
}

function readInvitation(element: Element): MucInvitation {
  const continues = element.child('continue')
  return {
    from: jidOf(element, 'from'),
    to: jidOf(element, 'to'),
    reason: element.child('reason')?.text,
    continues: continues && { thread: continues.attr('thread') },
  }
}

function writeInvitation(name: string, { from, to, reason, continues }: MucInvitation): Element {
  return xml(
    name,
    mucUserNs,
    { from: from?.toString(), to: to?.toString() },
    reasonElement(reason, mucUserNs),
    continues && xml('continue', mucUserNs, { thread: continues.thread }),
  )
}

function children(element: Element, name: string): Element[] {
  return element.elements().filter((child) => child.name === name && child.ns === mucUserNs)
}
