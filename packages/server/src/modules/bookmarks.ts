import {
  Bookmark,
  bookmarkedRoom,
  bookmarksNs,
  type Element,
  type Jid,
  LegacyBookmarks,
  legacyBookmarksNs,
  StanzaError,
} from '@jackdaw/xmpp'
import { defineModule } from '../module.ts'
import { when, whenAll } from '../when.ts'
import type { Awaitable } from '../world.ts'
import { privateStorage } from './private.ts'
import type { OwnItem } from './pubsub/own-nodes.ts'
import { pubsub } from './pubsub/pubsub.ts'

/** XEP-0402 §5.2, XEP-0223 §3: for nobody else, whatever the number. */
const config = {
  access_model: 'whitelist',
  persist_items: true,
  max_items: 'max',
  send_last_published_item: 'never',
} as const
const legacyConfig = { ...config, max_items: 1, send_last_published_item: 'on_sub_and_presence' } as const

/** XEP-0048 §3.1 */
const legacyItem = 'current'

/** A bookmark, with the id of its item: the room's address as a client has written it. */
type Kept = Bookmark & { readonly id: string }

/** Rooms that people want to find again are the same for all their clients, whichever of three ways each of them knows. */
export const bookmarks = defineModule({
  name: 'bookmarks',
  xeps: ['XEP-0402 1.2.0', 'XEP-0048 1.2', 'XEP-0492 0.2.0'],
  needs: [pubsub, privateStorage],
  features: { account: [`${bookmarksNs}#compat`, `${bookmarksNs}#compat-pep`] },
  start(host) {
    const nodes = host.use(pubsub)
    /** Accounts whose bookmarks are being changed one after the other: when that is done they are collated once. */
    const busy = new Set<string>()

    // XEP-0402 §7.2: what one of them changes, the others are made to say, too. What they say already ends it.
    host.onStop(
      nodes.watch({
        published: ({ service, node, payload }) => changed(service, node, payload),
        retracted: (service, node) => changed(service, node),
      }),
    )

    host.onStop(
      host.use(privateStorage).convert(LegacyBookmarks.name, LegacyBookmarks.ns, {
        given: (account, kept) =>
          when(current(account), (rooms) =>
            rooms ? LegacyBookmarks.write({ rooms, others: kept ? LegacyBookmarks.read(kept).others : [] }) : kept,
          ),
        taken: (account, given) => replace(account, LegacyBookmarks.read(given).rooms),
      }),
    )

    function changed(account: Jid, node: string, payload?: string): Awaitable<void> {
      if (account.local === undefined) return
      if (node === bookmarksNs && !busy.has(account.toString())) return collate(account)
      if (node === legacyBookmarksNs && payload !== undefined) return adopt(account)
    }

    /** The bookmarks of the newer kind; undefined when there are none, or others may read them. */
    function current(account: Jid): Awaitable<ReadonlyMap<string, Kept> | undefined> {
      return when(nodes.config(account, bookmarksNs), (found) => {
        if (found?.access_model !== 'whitelist') return undefined
        return when(nodes.items(account, bookmarksNs), roomsOf)
      })
    }

    /** §7.2.1: all in one item, as XEP-0048 has them. */
    function collate(account: Jid): Awaitable<void> {
      return when(current(account), (rooms) =>
        when(nodes.last(account, legacyBookmarksNs), (last) => {
          const old = last?.payload && legacyOf(last.payload)
          if (!rooms || (old && isSame(rooms, old.rooms))) return
          return when(nodes.config(account, legacyBookmarksNs), (found) => {
            if (found && found.access_model !== 'whitelist') return
            const payload = LegacyBookmarks.write({ rooms, others: old?.others ?? [] })
            return publish(account, legacyBookmarksNs, legacyItem, payload, legacyConfig)
          })
        }),
      )
    }

    /** §7.2.2: each in an item of its own; those that are as they were are left alone. */
    function adopt(account: Jid): Awaitable<void> {
      return when(nodes.config(account, legacyBookmarksNs), (found) => {
        if (found?.access_model !== 'whitelist') return
        return when(nodes.last(account, legacyBookmarksNs), (last) => {
          const given = last?.payload && legacyOf(last.payload)
          if (given) return replace(account, given.rooms)
        })
      })
    }

    function replace(account: Jid, given: ReadonlyMap<string, Bookmark>): Awaitable<void> {
      return when(nodes.config(account, bookmarksNs), (found) => {
        if (found && found.access_model !== 'whitelist') return
        return when(nodes.items(account, bookmarksNs), (items) => {
          busy.add(account.toString())
          return when(change(account, roomsOf(items), given), () => {
            busy.delete(account.toString())
            return collate(account)
          })
        })
      })
    }

    function change(
      account: Jid,
      old: ReadonlyMap<string, Kept>,
      given: ReadonlyMap<string, Bookmark>,
    ): Awaitable<void> {
      const changes: Awaitable<void>[] = []
      for (const [room, { id }] of old) if (!given.has(room)) changes.push(nodes.retract(account, bookmarksNs, id))
      for (const [room, bookmark] of given) {
        const before = old.get(room)
        if (before && isAlike(before, bookmark)) continue
        const payload = Bookmark.write({ ...bookmark, extensions: before?.extensions ?? [] })
        changes.push(publish(account, bookmarksNs, before?.id ?? room, payload, config))
      }
      return whenAll(changes, () => undefined)
    }

    /** What is too long to be kept, the client that put it where it knew would not be told of anyway. */
    function publish(
      account: Jid,
      node: string,
      id: string,
      payload: Element,
      options: typeof config | typeof legacyConfig,
    ): Awaitable<void> {
      const excuse = (error: unknown) => {
        if (!(error instanceof StanzaError)) throw error
      }
      try {
        const wait = nodes.publish(account, node, { id, payload }, options)
        return wait instanceof Promise ? wait.catch(excuse) : wait
      } catch (error) {
        excuse(error)
      }
    }
  },
})

/** By the rooms' addresses. What has none for its id the older forms cannot say: it is left alone. */
function roomsOf(items: readonly OwnItem[]): ReadonlyMap<string, Kept> {
  const rooms = new Map<string, Kept>()
  for (const { id, payload } of items) {
    if (payload?.name !== Bookmark.name || payload.ns !== Bookmark.ns) continue
    const room = bookmarkedRoom(id)
    if (room) rooms.set(room.toString(), { ...Bookmark.read(payload), id })
  }
  return rooms
}

function legacyOf(payload: Element): LegacyBookmarks | undefined {
  const isLegacy = payload.name === LegacyBookmarks.name && payload.ns === LegacyBookmarks.ns
  return isLegacy ? LegacyBookmarks.read(payload) : undefined
}

function isSame(these: ReadonlyMap<string, Bookmark>, those: ReadonlyMap<string, Bookmark>): boolean {
  if (these.size !== those.size) return false
  for (const [room, bookmark] of these) {
    const other = those.get(room)
    if (!other || !isAlike(bookmark, other)) return false
  }
  return true
}

/** But for what the older form does not have. */
function isAlike(a: Bookmark, b: Bookmark): boolean {
  return a.name === b.name && a.isAutojoined === b.isAutojoined && a.nick === b.nick && a.password === b.password
}
