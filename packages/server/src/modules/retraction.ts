import {
  correctedId,
  escapeAttribute,
  type Jid,
  type Message,
  messageType,
  mucUserNs,
  retractedId,
  retractionNs,
  tombstone,
} from '@jackdaw/xmpp'
import * as z from 'zod'
import { defineModule, type Passage, type Target } from '../module.ts'
import { archive, messageOf } from './archive.ts'

/** What is looked through at most, in one tick. */
const mostBytes = 4 * 1024 * 1024

interface Found {
  readonly id: string
  readonly message: Message
}

interface Ahead {
  /** Of the retraction. */
  readonly id: string
  readonly other: Jid
  readonly matching: readonly Found[]
}

/** Puts tombstones in the place of messages that their authors retract, in the archives of both sides. */
export const retraction = defineModule({
  name: 'retraction',
  xeps: ['XEP-0424 0.4.2'],
  needs: [archive],
  features: { server: [retractionNs], account: [retractionNs, `${retractionNs}#tombstone`] },
  config: z.object({
    reach: z
      .int()
      .min(1)
      .max(10_000)
      .default(1000)
      .describe('How many messages back in a conversation one that is retracted is looked for.'),
  }),
  start(host) {
    const { log, idOf, lost } = host.use(archive)
    const found = new WeakMap<Passage<Message>, readonly Found[]>()
    /** By the session whose retraction is under way, what it finds in the archive of who gets it. */
    const ahead = new WeakMap<Target, Ahead>()

    // Wait first, for both archives: nothing that follows waits, and all of it is one commit. Were the sender's kept before the other is read,
    // a kill between the two would have the client send it once more.
    host.hook('message:out', 'check', (passage) => {
      const { stanza } = passage
      if (!isRetraction(stanza)) return
      const { sender } = passage
      const account = stanza.from!.bare
      const other = stanza.to?.bare ?? account
      return find(stanza, account, other).then(async (own) => {
        found.set(passage, own)
        if (sender && other.domain === host.domain.domain)
          ahead.set(sender, { id: stanza.id!, other, matching: await find(stanza, other, account) })
      })
    })

    host.hook('message:in', 'check', (passage) => {
      const { stanza, sender } = passage
      if (!isRetraction(stanza)) return
      const account = (stanza.to ?? stanza.from!).bare
      const read = sender && ahead.get(sender)
      if (sender) ahead.delete(sender)
      if (read?.id === stanza.id && read?.other.equals(account)) return void found.set(passage, read.matching)
      return find(stanza, account, stanza.from!.bare).then((matching) => void found.set(passage, matching))
    })

    host.hook('message:out', 'store', (passage) => bury(passage, passage.stanza.from!.bare))
    host.hook('message:in', 'store', (passage) => bury(passage, (passage.stanza.to ?? passage.stanza.from!).bare))

    /** The message, and its corrections (XEP-0308 §3), which say the same once more. */
    async function find(stanza: Message, account: Jid, other: Jid): Promise<readonly Found[]> {
      const id = retractedId(stanza)!
      const { entries } = await log.page(account.toString(), {
        with: other.toString(),
        max: host.config.reach,
        maxBytes: mostBytes,
        fromEnd: true,
      })
      const written = escapeAttribute(id)
      const matching: Found[] = []
      for (const entry of entries) {
        if (!entry.value.includes(written)) continue
        const message = messageOf(entry)
        if ((message.id === id || correctedId(message) === id) && isSameAuthor(message, stanza))
          matching.push({ id: entry.id, message })
      }
      return matching
    }

    /** §5: only where the retraction itself is kept. */
    function bury(passage: Passage<Message>, account: Jid): void {
      if (!isRetraction(passage.stanza)) return
      const matching = found.get(passage)
      if (!matching || matching.length === 0 || idOf(passage) === undefined) return
      const why = { id: passage.stanza.id!, stamp: host.clock.now() }
      for (const { id, message } of matching) log.replace(account.toString(), id, tombstone(message, why).toString())
      lost(account.toString())
    }
  },
})

/** §4: a tombstone names the retraction, so one without an id leaves none. In a room it is the room's affair. */
function isRetraction(stanza: Message): boolean {
  if (retractedId(stanza) === undefined || stanza.id === undefined) return false
  const type = messageType(stanza)
  return type !== 'groupchat' && type !== 'error'
}

/** §5: the same account; where it speaks through a room, the same occupant. */
function isSameAuthor(message: Message, stanza: Message): boolean {
  const isThroughRoom = message.child('x', mucUserNs) !== undefined || stanza.child('x', mucUserNs) !== undefined
  return isThroughRoom ? stanza.from!.equals(message.from) : stanza.from!.bare.equals(message.from?.bare)
}
