import { bookmarksNs, Jid } from '@jackdaw/xmpp'
import { defineModule } from '../module.ts'
import type { KeptInRoom } from './muc/archives.ts'
import { muc } from './muc/muc.ts'
import { pubsub } from './pubsub/pubsub.ts'
import { type Notice, noticeOf } from './push/notice.ts'
import { push } from './push/push.ts'
import { roomInbox } from './room-inbox/room-inbox.ts'

/** How often (milliseconds) it is looked who is to be told of what was said in a room. */
const pause = 1000
/** How many accounts are looked at in one tick. */
const stride = 200
/** What was said longer ago than so many messages is not looked at any more. */
const most = 50

/** Rooms are in the inboxes of those who are away: they are notified of what is said there. */
export const pushRooms = defineModule({
  name: 'push-rooms',
  needs: [push, roomInbox, muc, pubsub],
  start(host) {
    const { archives, audience } = host.use(muc)
    const { services, sessionOf, wantsOfRoom, notify, onRoom } = host.use(push)
    const nodes = host.use(pubsub)
    /** By room. */
    const said = new Map<string, KeptInRoom[]>()
    const resting = new Map<string, () => void>()

    host.onStop(onRoom(audience))
    host.onStop(() => {
      said.clear()
      for (const cancel of resting.values()) cancel()
    })
    host.onStop(
      archives.watch({
        kept(kept) {
          if (!noticeOf(kept.message)) return
          const { room } = kept
          const waiting = said.get(room)
          if (waiting) {
            waiting.push(kept)
            if (waiting.length > most) waiting.shift()
            return
          }
          said.set(room, [kept])
          if (!resting.has(room)) host.clock.soon(() => begin(room))
        },
        dropped: (room) => said.delete(room),
      }),
    )

    function begin(room: string): void {
      look(room)
        .catch((error: unknown) => host.log.error({ err: error }, 'who is away from a room was not notified'))
        .finally(() => {
          resting.set(
            room,
            host.clock.after(pause, () => {
              resting.delete(room)
              if (said.has(room)) begin(room)
            }),
          )
        })
    }

    /** Notifies those who are away and want to know of what was said since the last look. */
    async function look(room: string): Promise<void> {
      const of = audience(room)
      const messages = said.get(room) ?? []
      said.delete(room)
      if (!of) return
      const jid = Jid.parse(room)
      let seen = 0
      for (const account of new Set(await concerned(room, of.isPrivate ? of.members() : []))) {
        if (++seen % stride === 0) await new Promise<void>((resolve) => host.clock.soon(resolve))
        const user = Jid.parse(account)
        const enabled = await services.of(user)
        if (enabled.size === 0 || !of.mayRead(user)) continue
        let last: Notice | undefined
        for (const { author, message } of messages)
          if (author !== account && (await wantsOfRoom(user, jid, message, of))) last = noticeOf(message)
        if (!last) continue
        for (const one of enabled.keys()) {
          const session = sessionOf(user, one)
          // Who is in the room gets the message itself.
          if (!session || !of.has(session.jid)) notify(user, one, last)
        }
      }
    }

    /** The accounts of this host in whose inboxes the room is, as `tiesOf` finds them. */
    async function concerned(room: string, members: Iterable<Jid>): Promise<string[]> {
      const found: string[] = []
      for (const jid of members)
        if (jid.local !== undefined && jid.domain === host.domain.domain) found.push(jid.toString())
      for await (const jid of nodes.holders(bookmarksNs, room)) found.push(jid.toString())
      return found
    }
  },
})
