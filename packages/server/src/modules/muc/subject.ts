import {
  Delay,
  type Message,
  message,
  messageType,
  parse,
  Stanza,
  StanzaError,
  StanzaId,
  unlimited,
  xml,
  clientNs,
} from '@jackdaw/xmpp'
import { broadcast } from './broadcast.ts'
import type { Occupant } from './occupants.ts'
import type { Room } from './room.ts'

/** XEP-0045 §8.1: a subject, and nothing that makes it a message of its own. */
export function isSubjectChange(stanza: Message): boolean {
  return (
    messageType(stanza) === 'groupchat' &&
    stanza.child('subject') !== undefined &&
    stanza.child('body') === undefined &&
    stanza.child('thread') === undefined
  )
}

/** @param said the message as it goes to the occupants, but for the stanza-id */
export function setSubject(room: Room, occupant: Occupant, said: Message): void {
  const { config, host } = room
  if (occupant.role !== 'moderator' && !(config.maySetSubject && occupant.role === 'participant'))
    throw new StanzaError('forbidden', 'You may not change the subject')
  if (said.child('subject')!.text.length > host.config.subject)
    throw new StanzaError('not-acceptable', `A subject has ${host.config.subject} characters at the most`)
  room.subject = { message: said.toString(), at: host.clock.now() }
  const id = room.config.isLogged ? room.archive(said, occupant.account) : undefined
  broadcast(room, id === undefined ? said : said.append(StanzaId.write({ id, by: room.jid })))
}

/** §7.2.15: what who enters is told of the subject. */
export function subjectMessage({ jid, subject }: Room): Message {
  if (!subject) return message({ from: jid, type: 'groupchat' }, xml('subject', clientNs))
  const said = Stanza.from(parse(subject.message, unlimited)) as Message
  return said.append(Delay.write({ from: jid, stamp: subject.at }))
}
