import { type Message, messageType } from '@jackdaw/xmpp'
import type { Facts, Host } from '../../module.ts'
import type { EventLog } from './event-log.ts'
import type { DataOf, Kind } from './kinds.ts'

/** Of a longer message there is only the text. */
const longest = 65_536

interface Choice {
  readonly kinds: ReadonlySet<Kind>
  /** Whether what people say is told, too. */
  readonly hasContent: boolean
}

/** Keeps what happens on the host, in the commits in which it happens. What is not chosen costs nothing. */
export function listen(host: Pick<Host, 'on'>, log: EventLog, { kinds, hasContent }: Choice): void {
  function on<F extends keyof Facts, K extends Kind>(fact: F, kind: K, tell: (about: Facts[F]) => DataOf<K>): void {
    if (kinds.has(kind)) host.on(fact, (about) => log.add(kind, tell(about)))
  }
  const contentOf = (message: Message) => (hasContent ? contents(message) : {})

  on('account:created', 'account.created', ({ account }) => ({ account: String(account) }))
  on('account:dropped', 'account.removed', ({ account }) => ({ account: String(account) }))
  on('password:changed', 'account.password_changed', ({ account }) => ({ account: String(account) }))
  on('session:bound', 'session.begun', ({ session }) => ({ jid: String(session.jid) }))
  on('session:ended', 'session.ended', ({ session }) => ({ jid: String(session.jid) }))
  on('message:kept', 'message.kept', ({ account, other, id, message }) => ({
    account: String(account),
    with: String(other.bare),
    direction: message.from?.bare.equals(account) ? 'sent' : 'received',
    id,
    type: messageType(message),
    ...contentOf(message),
  }))
  on('room-message:kept', 'message.kept_in_room', ({ room, author, id, message }) => ({
    room,
    author,
    nick: message.from?.resource ?? '',
    id,
    ...contentOf(message),
  }))
  on('room:created', 'room.created', ({ room, by }) => ({ room: String(room), by: String(by) }))
  on('room:destroyed', 'room.destroyed', ({ room }) => ({ room: String(room) }))
  on('room:entered', 'room.entered', visit)
  on('room:left', 'room.left', visit)
  on('file:uploaded', 'file.uploaded', ({ id, account, name, size, type }) => ({
    account,
    name,
    size,
    type,
    ...(hasContent && { id }),
  }))
  on('invitation:used', 'invitation.used', ({ account, inviter, ...used }) => ({
    ...used,
    account: String(account),
    ...(inviter !== undefined && { inviter }),
  }))
  on('report:made', 'report.made', ({ account, reported, ...report }) => ({
    account: String(account),
    reported: String(reported),
    ...report,
  }))
  on('act:recorded', 'administration.acted', (act) => act)
}

function visit({ room, user, nick }: Facts['room:entered']): DataOf<'room.entered'> {
  return { room: String(room), user: String(user), nick }
}

function contents(message: Message): { body?: string; stanza?: string } {
  const body = message.child('body')?.text
  const stanza = message.toString()
  return { ...(body !== undefined && { body }), ...(stanza.length <= longest && { stanza }) }
}
