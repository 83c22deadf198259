import { hasHint, isMessage, type Jid, type Message, messageType, parse, Stanza, unlimited } from '@jackdaw/xmpp'
import { defineModule, log, type Passage } from '../module.ts'
import type { LogStore } from '../storage/storage.ts'

/** The one log of an account's messages: its archive, and what waits for it. */
export interface Archive {
  /** Owned by bare JIDs; the values are stanzas as XML. An entry that has no `with` only waits, it is no part of the archive. */
  readonly log: LogStore<string>
  /** Keeps the message that passes in the archive of an account of this host; `other` is who the account talks with. Returns its id. */
  readonly keep: (passage: Passage<Message>, account: Jid, other: Jid) => string
  /** The id under which the message that passes has just been kept. */
  readonly idOf: (passage: Passage<Message>) => string | undefined
}

/** Keeps the log that `mam` lets accounts read and on which `offline` lets messages wait: either works without the other. */
export const archive = defineModule({
  name: 'archive',
  stores: { messages: log<string>() },
  start(host): Archive {
    const { messages } = host.stores
    // The copies of a message are made right after it was kept: to remember one is enough.
    let last: Passage<Message> | undefined
    let lastId = ''
    return {
      log: messages,
      keep(passage, account, other) {
        last = passage
        lastId = messages.append(account.toString(), {
          value: passage.stanza.toString(),
          at: host.clock.now(),
          with: other.bare.toString(),
        })
        return lastId
      },
      idOf: (passage) => (passage === last ? lastId : undefined),
    }
  },
})

/** The message that an entry holds. */
export function messageOf(entry: { readonly value: string }): Message {
  const stanza = Stanza.from(parse(entry.value, unlimited))
  if (!isMessage(stanza)) throw new TypeError(`an archive holds a ${stanza.name}`)
  return stanza
}

/**
 * RFC 6121 §8.5, XEP-0160 §3: whether an account takes the message though none of its resources does. One for a resource that is
 * not there is refused unless it is part of a chat, and then the account is meant.
 */
export function isForAccount(stanza: Message): boolean {
  switch (messageType(stanza)) {
    case 'chat':
      return true
    case 'normal':
      return isToAccount(stanza)
    case 'headline':
      return isToAccount(stanza) && hasHint(stanza, 'store')
    default:
      return false
  }
}

function isToAccount({ to }: Message): boolean {
  return to === undefined || to.isBare
}
