import { bookmarksNs, Jid } from '@jackdaw/xmpp'
import { defineModule } from '../../module.ts'
import { UnknownIdError } from '../../storage/storage.ts'
import { messageOf } from '../archive.ts'
import type { Conversation, LastMessage } from '../inbox/conversations.ts'
import { inbox } from '../inbox/inbox.ts'
import { muc } from '../muc/muc.ts'
import { pubsub } from '../pubsub/pubsub.ts'
import { type Discussion, Discussions } from './discussions.ts'

/** Rooms of this host are conversations in the inboxes of its accounts: those of which they are members, in which they are, or which they have bookmarked. */
export const roomInbox = defineModule({
  name: 'room-inbox',
  xeps: ['XEP-0430 0.2.0'],
  needs: [muc, inbox, pubsub],
  start(host) {
    const { archives, domain, tiesOf } = host.use(muc)
    const conversations = host.use(inbox)
    const nodes = host.use(pubsub)
    const discussions = new Discussions(archives.log, host.clock)

    host.onStop(
      archives.watch({
        kept: (kept) => discussions.kept(kept),
        lost: (room) => discussions.forget(room),
        dropped(room) {
          discussions.forget(room)
          conversations
            .forget(Jid.parse(room))
            .catch((error: unknown) => host.log.error({ err: error }, 'what was read of a room could not be forgotten'))
        },
      }),
    )

    host.onStop(
      conversations.addSource({
        async conversations(account, read) {
          const found: Conversation[] = []
          for (const [room, since] of await tiesOf(account, await bookmarked(account))) {
            const jid = Jid.parse(room)
            const discussion = await discussions.of(room)
            if (discussion.lastId === '') continue
            found.push({
              jid,
              id: discussion.lastId,
              unread: discussion.unread(account.toString(), read(jid), since),
              last: () => lastOf(room, discussion),
            })
          }
          return found
        },
        has: (room, id) => (room.domain === domain.domain ? has(room.bare.toString(), id) : undefined),
      }),
    )

    host.metrics.gauge(
      'jackdaw_room_inbox_discussions',
      'Rooms whose last messages are remembered for inboxes',
      () => discussions.size,
    )

    /** XEP-0402: since when. */
    async function bookmarked(account: Jid): Promise<ReadonlyMap<string, number>> {
      const items = await nodes.items(account, bookmarksNs)
      return new Map(items.filter(({ id }) => id.endsWith(`@${domain}`)).map(({ id, at }) => [id, at]))
    }

    async function has(room: string, id: string): Promise<boolean> {
      return (await find(room, id)) !== undefined
    }

    async function lastOf(room: string, { lastLine }: Discussion): Promise<LastMessage | undefined> {
      const entry = lastLine && (await find(room, lastLine.id))
      return entry && { id: entry.id, at: entry.at, message: messageOf(entry), size: Buffer.byteLength(entry.value) }
    }

    async function find(room: string, id: string) {
      try {
        return (await archives.log.page(room, { ids: [id] })).entries[0]
      } catch (error) {
        if (error instanceof UnknownIdError) return undefined
        throw error
      }
    }
  },
})
