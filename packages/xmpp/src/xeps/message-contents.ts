import { clientNs } from '../namespaces.ts'
import type { Message, Stanza } from '../stanza.ts'
import type { Element } from '../xml/element.ts'
import { carbonsNs } from './carbons.ts'
import { chatMarkersNs } from './chat-markers.ts'
import { chatStatesNs } from './chat-states.ts'
import { correctionNs } from './correction.ts'
import { encryptionNs, isEncrypted } from './encryption.ts'
import { hintsNs } from './hints.ts'
import { isMessage, messageType } from './message-type.ts'
import { directInvitationNs, mucUserNs } from './muc.ts'
import { reactionsNs } from './reactions.ts'
import { receiptsNs } from './receipts.ts'
import { retractionNs } from './retraction.ts'
import { stanzaIdNs } from './stanza-id.ts'

/**
 * What messages hold, as bits: everything that decides whether one is archived, copied, kept for somebody who is away, or worth waking a
 * sleeping client. This is the only list of it; what is not in it (a reply, a fallback, formatting) goes with the body that it belongs to.
 */
const body = 1
const encrypted = 1 << 1
const invitation = 1 << 2
const correction = 1 << 3
const retraction = 1 << 4
const reactions = 1 << 5
const displayed = 1 << 6
const received = 1 << 7
const chatState = 1 << 8
/** A request for a receipt or a marker. */
const request = 1 << 9
const mucUser = 1 << 10
/** What says something about the message and is nothing by itself: thread, ids, hints. */
const about = 1 << 11
const subject = 1 << 12
const other = 1 << 13
const noStore = 1 << 14
const noPermanentStore = 1 << 15
const noCopy = 1 << 16
const store = 1 << 17
const isPrivate = 1 << 18

/** XEP-0313 §6.1.1: what is kept though nobody asks for it. */
const worthArchiving = body | encrypted | invitation | correction | retraction | reactions | displayed | received
/** XEP-0280 §6.1: what people exchange, also in a message of type 'normal'. */
const worthCopying = worthArchiving | request | chatState
/** Of these, what a headline may hold without being news: news is not copied. */
const aboutMessages = worthCopying & ~(body | encrypted)
/** XEP-0352 §3.2: what the user would be told of. */
const worthWaking = body | encrypted | invitation | retraction | subject | other
/** What people say to one another; the rest is about what they have said. */
const worthReading = body | encrypted | invitation

/** What is said, and what changes it. */
const worthSupervising = worthReading | subject | correction | retraction | reactions

function contentsOf(message: Message): number {
  let contents = 0
  for (const child of message.children) if (typeof child !== 'string') contents |= contentOf(child)
  return contents
}

function contentOf(child: Element): number {
  const { name } = child
  switch (child.ns) {
    case clientNs:
      return name === 'body' ? body : name === 'subject' ? subject : name === 'thread' ? about : other
    case hintsNs:
      return about | (hints.get(name) ?? 0)
    case stanzaIdNs:
      return about
    case chatStatesNs:
      return chatState
    case receiptsNs:
      return name === 'received' ? received : request
    case chatMarkersNs:
      return name === 'markable' ? request : displayed
    case correctionNs:
      return correction
    case retractionNs:
      return name === 'retract' ? retraction : other
    case reactionsNs:
      return reactions
    case encryptionNs:
      return encrypted
    case directInvitationNs:
      return invitation
    case mucUserNs:
      return child.child('invite') || child.child('decline') ? mucUser | invitation : mucUser
    case carbonsNs:
      return name === 'private' ? about | isPrivate : other
    default:
      return isEncrypted(child) ? encrypted : other
  }
}

const hints = new Map([
  ['no-store', noStore],
  ['no-permanent-store', noPermanentStore],
  ['no-copy', noCopy],
  ['store', store],
])

/** XEP-0313 §6.1.1, XEP-0334 §4, XEP-0424 §5: whether an account's archive keeps the message. */
export function isArchived(message: Message): boolean {
  const type = messageType(message)
  if (type === 'error' || type === 'groupchat') return false
  const contents = contentsOf(message)
  if (contents & (noStore | noPermanentStore)) return false
  return (contents & (type === 'headline' ? store : store | worthArchiving)) !== 0
}

/** XEP-0313 §6.1.2: whether a room's archive keeps what is said in it. */
export function isArchivedByRoom(message: Message): boolean {
  const contents = contentsOf(message)
  if (contents & (noStore | noPermanentStore)) return false
  return (contents & (store | subject | (worthArchiving & ~(displayed | received)))) !== 0
}

/** XEP-0280 §6.1: whether copies are made of the message that goes out of, or comes in to, an account. */
export function isCopied(message: Message, direction: 'out' | 'in'): boolean {
  const type = messageType(message)
  if (type === 'groupchat') return false
  // It answers what a resource sent; whether that was eligible is not remembered, most is.
  if (type === 'error') return true
  const contents = contentsOf(message)
  if (contents & (isPrivate | noCopy)) return false
  if (contents & invitation) return true
  // A room sends private messages to every resource that is in it.
  if (contents & mucUser && direction === 'in' && !message.from!.isBare) return false
  if (type === 'chat') return true
  return (contents & (type === 'headline' ? aboutMessages : worthCopying)) !== 0
}

/** XEP-0160 §3, XEP-0334 §4.2, XEP-0085 §5.8: whether the message waits for an account of which nobody is there. */
export function isKeptForLater(message: Message): boolean {
  const type = messageType(message)
  if (type === 'error' || type === 'groupchat') return false
  const contents = contentsOf(message)
  if (contents & noStore || isOnlyState(contents)) return false
  return type !== 'headline' || (contents & store) !== 0
}

/** XEP-0085 §5.8: whether the message tells of a chat state and nothing else. */
export function isOnlyChatState(message: Message): boolean {
  return isOnlyState(contentsOf(message))
}

function isOnlyState(contents: number): boolean {
  return (contents & chatState) !== 0 && (contents & ((1 << 14) - 1) & ~(chatState | about)) === 0
}

/** XEP-0352 §3.2: whether a client that nobody looks at should be told at once. */
export function isUrgent(stanza: Stanza): boolean {
  if (!isMessage(stanza)) return stanza.name === 'iq' || (stanza.type !== undefined && stanza.type !== 'unavailable')
  const type = messageType(stanza)
  if (type === 'error') return true
  return type !== 'headline' && (contentsOf(stanza) & worthWaking) !== 0
}

/** XEP-0430 §3: whether the message is one that somebody reads: it has content of its own, and does not only change another. */
export function isInstantMessage(message: Message): boolean {
  const type = messageType(message)
  if (type === 'error' || type === 'headline') return false
  const contents = contentsOf(message)
  return (contents & worthReading) !== 0 && (contents & (correction | retraction | reactions)) === 0
}

/** Whether a host that supervises conversations keeps the message: it says something or changes what was said, whatever its hints ask for. */
export function isSupervised(message: Message): boolean {
  return messageType(message) !== 'error' && (contentsOf(message) & worthSupervising) !== 0
}
