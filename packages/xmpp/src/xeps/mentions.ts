import type { Jid } from '../jid.ts'
import type { Message } from '../stanza.ts'

/** XEP-0461 */
const replyNs = 'urn:xmpp:reply:0'
/** XEP-0372 */
const referenceNs = 'urn:xmpp:reference:0'

/** Somebody in a room: `jids` are the addresses under which others may name it. */
export interface Mentioned {
  readonly nick?: string | undefined
  readonly jids: readonly Jid[]
}

/** XEP-0492 §3: whether a message in a room is about somebody: it answers or refers to them, or says their nickname. */
export function isMentioned(message: Message, { nick, jids }: Mentioned): boolean {
  const addresses = new Set(jids.map(String))
  const replied = message.child('reply', replyNs)?.attr('to')
  if (replied !== undefined && addresses.has(replied)) return true
  for (const child of message.elements()) {
    if (child.name !== 'reference' || child.ns !== referenceNs || child.attr('type') !== 'mention') continue
    const uri = child.attr('uri')
    if (uri?.startsWith('xmpp:') && addresses.has(decoded(uri.slice(5).split(/[?#]/, 1)[0]!))) return true
  }
  return nick !== undefined && says(message.child('body')?.text ?? '', nick)
}

/** RFC 5122: what is percent-encoded in a URI. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Whether the text has the nickname as a word of its own, in whatever case. */
function says(text: string, nick: string): boolean {
  const [where, what] = [text.normalize('NFKC').toLowerCase(), nick.normalize('NFKC').toLowerCase()]
  if (what === '') return false
  for (let at = where.indexOf(what); at >= 0; at = where.indexOf(what, at + 1)) {
    if (!isLetter(where[at - 1]) && !isLetter(where[at + what.length])) return true
  }
  return false
}

function isLetter(character: string | undefined): boolean {
  return character !== undefined && /[\p{L}\p{N}_]/u.test(character)
}
