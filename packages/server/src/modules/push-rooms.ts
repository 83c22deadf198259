import { bookmarksNs, Jid } from '@jackdaw/xmpp'
import { defineModule, map } from '../module.ts'
import { messageOf } from './archive.ts'
import type { KeptInRoom } from './muc/archives.ts'
import { muc } from './muc/muc.ts'
import { pubsub } from './pubsub/pubsub.ts'
import { type Notice, noticeOf } from './push/notice.ts'
import { push } from './push/push.ts'
import { roomInbox } from './room-inbox/room-inbox.ts'

/** How often (milliseconds) it is looked who is to be told of what was said in a room. */
const pause = 1000
/** After so many looks at nothing new a room is quiet. */
const patience = 30
/** How many accounts are looked at in one tick. */
const stride = 200
/** What was said longer ago than so many messages is not looked at any more. */
const most = 50

/** A room in which something has been said lately. */
interface Lively {
  /** Id of the first message in this life of the server. */
  readonly since: string
  /** Not looked at yet. */
  messages: KeptInRoom[]
  isLooking: boolean
  quiet: number
  cancel?: () => void
}

/** Rooms are in the inboxes of those who are away: they are notified of what is said there. */
export const pushRooms = defineModule({
  name: 'push-rooms',
  needs: [push, roomInbox, muc, pubsub],
  /** Owned by the host: which rooms are lively, and since which message. After a kill it is looked again. */
  stores: { lively: map<string>() },
  async start(host) {
    const left = await host.stores.lively.all(host.domain.toString())
    const { archives, audience } = host.use(muc)
    const { services, sessionOf, wantsOfRoom, notify, onRoom } = host.use(push)
    const nodes = host.use(pubsub)
    const lively = new Map<string, Lively>()
    let isStopped = false

    host.onStop(onRoom(audience))
    host.onStop(
      archives.watch({
        kept(kept) {
          if (noticeOf(kept.message)) add(kept)
        },
        dropped(room) {
          if (lively.has(room)) end(room)
        },
      }),
    )
    host.onStop(() => {
      isStopped = true
      for (const [room, { messages, isLooking }] of lively) if (messages.length === 0 && !isLooking) end(room)
    })
    // When the services of this server are there.
    host.onStop(
      host.clock.after(pause, () => {
        recover().catch((error: unknown) => host.log.error({ err: error }, 'what was said in rooms could not be read'))
      }),
    )

    function add(kept: KeptInRoom): void {
      const { room } = kept
      const known = lively.get(room) ?? { since: kept.id, messages: [], isLooking: true, quiet: 0 }
      known.messages.push(kept)
      if (known.messages.length > most) known.messages.shift()
      if (lively.has(room)) return
      lively.set(room, known)
      note(room, kept.id)
      host.clock.soon(() => void round(room, known))
    }

    async function round(room: string, known: Lively): Promise<void> {
      const { messages } = known
      known.messages = []
      known.isLooking = true
      try {
        if (messages.length > 0) await look(room, messages)
      } catch (error) {
        host.log.error({ err: error }, 'who is away from a room was not notified')
      }
      known.isLooking = false
      if (isStopped || lively.get(room) !== known) return
      known.quiet = messages.length > 0 ? 0 : known.quiet + 1
      if (known.quiet > patience) return end(room)
      known.cancel = host.clock.after(pause, () => void round(room, known))
    }

    /** What was said before a kill: who had been notified already may be once more. */
    async function recover(): Promise<void> {
      for (const [room, first] of left) {
        const before = lively.get(room)?.since ?? '~'
        const { entries } = await archives.log.page(room, { max: most, fromEnd: true })
        for (const entry of entries)
          if (entry.id >= first && entry.id < before && noticeOf(messageOf(entry)))
            add({ room, id: entry.id, at: entry.at, author: entry.with ?? '', message: messageOf(entry) })
        if (!lively.has(room)) note(room, undefined)
      }
    }

    function end(room: string): void {
      lively.get(room)?.cancel?.()
      lively.delete(room)
      note(room, undefined)
    }

    function note(room: string, first: string | undefined): void {
      void host.stores.lively.edit(host.domain.toString(), room, (old) =>
        first === undefined ? undefined : (old ?? first),
      )
    }

    /** Notifies those who are away and want to know of it. */
    async function look(room: string, messages: readonly KeptInRoom[]): Promise<void> {
      const of = await audience(room)
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
