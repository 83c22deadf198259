import {
  displayedId,
  InboxEntry,
  InboxFin,
  inboxNs,
  InboxQuery,
  type Jid,
  MamResult,
  type Message,
  message,
  messageType,
  StanzaError,
  type StanzaId,
} from '@jackdaw/xmpp'
import * as z from 'zod'
import { size } from '../../config/fields.ts'
import { defineModule, map, type Passage } from '../../module.ts'
import { when } from '../../when.ts'
import type { Awaitable } from '../../world.ts'
import { archive } from '../archive.ts'
import { type Conversation, conversationsIn, lastMessage, merged, pageOf } from './conversations.ts'
import { type Mark, Marks } from './marks.ts'
import { type Unread, Unreads } from './unread.ts'

/** Tells of an account's conversations that are not in its own archive (rooms). */
export interface InboxSource {
  /** @param read up to which id one has been displayed */
  conversations(account: Jid, read: (conversation: Jid) => string | undefined): Awaitable<readonly Conversation[]>
  /** Whether a room has given that id to something that was said in it; undefined for rooms of which it does not tell. */
  has(room: Jid, id: string): Awaitable<boolean> | undefined
}

/** Up to where an account has read a conversation. */
export interface Read {
  readonly account: Jid
  readonly other: Jid
  readonly id: StanzaId
  /** The message of the account's that says so, where it is one. */
  readonly passage?: Passage<Message> | undefined
}

/** Of an id that a room elsewhere gave, in characters. */
const longestId = 256

/** The conversations of an account, the liveliest first, with what has not been read and the last message of each. */
export const inbox = defineModule({
  name: 'inbox',
  xeps: ['XEP-0430 0.2.0'],
  needs: [archive],
  features: { account: [inboxNs] },
  stores: { unread: map<Unread>(), stale: map<true>() },
  config: z.object({
    page: z.int().min(1).max(10_000).default(500).describe('Most conversations given in answer to one query.'),
    pageBytes: size({ min: '64 KiB', max: '64 MiB' })
      .prefault('1 MiB')
      .describe('Most bytes of last messages given in answer to one query; the first may be longer.'),
  }),
  start(host) {
    const { log, onLost } = host.use(archive)
    const unreads = new Unreads(log, host.stores.unread, host.stores.stale, host.clock, host.random)
    const marks = new Marks(log, unreads)
    const sources = new Set<InboxSource>()
    const readers = new Set<(read: Read) => void>()
    const marked = new WeakMap<Passage<Message>, Mark>()

    host.on('message:kept', (kept) => unreads.arrived(kept))
    host.onStop(() => unreads.stop())
    host.on('account:removed', ({ account }) => unreads.forget(account))
    host.onStop(onLost((account) => unreads.lost(account)))

    // §4: a marker reads all that came before it. It may have to be looked for: that comes before everything else.
    host.hook('message:out', 'check', (passage) => {
      const { stanza } = passage
      const id = displayedId(stanza)
      if (id === undefined || !stanza.to || messageType(stanza) === 'error') return
      const account = stanza.from!.bare
      // XEP-0333 §4.3: in a room it is the id that the room gave.
      const found =
        messageType(stanza) === 'groupchat' ? findInRoom(account, stanza.to, id) : marks.find(account, stanza.to, id)
      return when(found, (mark) => {
        if (mark) marked.set(passage, mark)
      })
    })

    host.hook('message:out', 'store', (passage) => {
      const mark = marked.get(passage)
      if (mark) read(passage.stanza.from!.bare, passage.stanza.to!, mark, passage)
    })

    host.answer('get', 'account', InboxQuery, async ({ iq, payload: query, to, sender, isOwn }) => {
      if (!sender || !isOwn) throw new StanzaError('forbidden', 'This is not your inbox')
      const all = await conversations(to)
      const unread = all.filter((one) => one.unread > 0)
      const page = pageOf(query.isUnreadOnly ? unread : all, query.set ?? {}, host.config.page)
      const entries: Message[] = []
      let bytes = 0
      for (const conversation of page.entries) {
        const last =
          query.hasMessages === false ? undefined : await (conversation.last?.() ?? lastMessage(log, to, conversation))
        bytes += last?.size ?? 0
        if (bytes > host.config.pageBytes && entries.length > 0) break
        const { jid, id } = conversation
        const forwarded = last && { delay: { stamp: last.at }, stanza: last.message }
        entries.push(
          message(
            { to: sender.jid, from: to },
            InboxEntry.write({ jid, unread: conversation.unread, id }),
            forwarded && MamResult.write({ queryId: iq.id, id: last.id, forwarded }),
          ),
        )
      }
      for (const entry of entries) sender.deliver(entry)
      return InboxFin.write({
        total: all.length,
        unread: unread.length,
        allUnread: unread.reduce((sum, one) => sum + one.unread, 0),
        set: {
          first: page.entries[0]?.id,
          index: page.index,
          last: page.entries[Math.max(0, entries.length - 1)]?.id,
          count: page.count,
        },
      })
    })

    function read(account: Jid, other: Jid, mark: Mark, passage?: Passage<Message>): void {
      if (!marks.read(account, other, mark)) return
      const by = mark.room ? other.bare : account
      for (const reader of readers) reader({ account, other, id: { id: mark.id, by }, passage })
    }

    /** Undefined when the room has given no such id. */
    function findInRoom(account: Jid, room: Jid, id: string): Awaitable<Mark | undefined> {
      for (const source of sources) {
        const has = source.has(room.bare, id)
        if (has !== undefined) return when(has, (is) => (is ? marks.findInRoom(account, room, id) : undefined))
      }
      return id.length > longestId ? undefined : marks.findElsewhere(account, room, id)
    }

    /** The liveliest first. */
    async function conversations(account: Jid): Promise<Conversation[]> {
      const counts = await unreads.of(account)
      const found = await conversationsIn(log, account, counts, host.clock)
      for (const source of sources)
        found.push(
          ...(await source.conversations(account, (conversation) => counts.get(conversation.toString())?.read)),
        )
      return merged(found).toSorted((a, b) => (a.id > b.id ? -1 : 1))
    }

    return {
      /** Lets a module tell of more conversations; returns what ends that. */
      addSource(source: InboxSource): () => void {
        sources.add(source)
        return () => void sources.delete(source)
      },
      /** Finds the place of an id of the account's archive in a conversation, to be read; undefined when nothing there is unread. */
      find: (account: Jid, other: Jid, id: string): Promise<Mark | undefined> => marks.find(account, other, id, true),
      /** Finds the place of an id that a room gave; undefined when it has not. */
      findInRoom,
      /** How many messages of the account's own archive are unread. */
      async unread(account: Jid): Promise<number> {
        let sum = 0
        for (const { count } of (await unreads.of(account)).values()) sum += count
        return sum
      },
      /** All up to the mark has been read. */
      read,
      /** A conversation is gone, for everybody. */
      forget: (conversation: Jid): Promise<void> => unreads.forgetAll(conversation),
      /** Is told, in the same tick, up to where an account has read a conversation; returns what ends that. */
      onRead(reader: (read: Read) => void): () => void {
        readers.add(reader)
        return () => void readers.delete(reader)
      },
    }
  },
})
