import {
  Bookmark,
  bookmarksNs,
  isMentioned,
  type Jid,
  type Message,
  NotificationSettings,
  settingFor,
} from '@jackdaw/xmpp'
import { when } from '../../when.ts'
import type { Awaitable } from '../../world.ts'
import type { Audience } from '../muc/audience.ts'
import type { OwnNodes } from '../pubsub/own-nodes.ts'

/** What an account wants to be told of one chat. */
interface Setting {
  readonly level: 'always' | 'on-mention' | 'never' | undefined
  /** How it is called in that room. */
  readonly nick?: string | undefined
}

/** XEP-0492: kept with the bookmark of the chat. Those to whom notifications are pushed count as phones. */
export class Settings {
  readonly #nodes: OwnNodes

  constructor(nodes: OwnNodes) {
    this.#nodes = nodes
  }

  /** Whether the account wants to be told of a message that somebody sent to it alone. */
  wants(account: Jid, other: Jid): Awaitable<boolean> {
    return when(this.#of(account, other.bare), ({ level }) => level !== 'never')
  }

  /** Whether the account wants to be told of what was said in a room, of which nothing more is known when it is elsewhere. */
  wantsOfRoom(account: Jid, room: Jid, message: Message, audience: Audience | undefined): Awaitable<boolean> {
    return when(this.#of(account, room), (setting) => {
      // §3
      const level = setting.level ?? (audience?.isPrivate ? 'always' : 'on-mention')
      if (level !== 'on-mention') return level === 'always'
      const nick = audience?.nickOf(account) ?? setting.nick
      return isMentioned(message, { nick, jids: nick ? [account, room.withResource(nick)] : [account] })
    })
  }

  #of(account: Jid, chat: Jid): Awaitable<Setting> {
    return when(this.#nodes.item(account, bookmarksNs, chat.toString()), (item) => {
      const payload = item?.payload
      if (payload?.name !== Bookmark.name || payload.ns !== Bookmark.ns) return { level: undefined }
      const { nick, extensions } = Bookmark.read(payload)
      const notify = extensions.find(
        ({ name, ns }) => name === NotificationSettings.name && ns === NotificationSettings.ns,
      )
      return { level: notify && settingFor(NotificationSettings.read(notify), 'client', 'phone')?.level, nick }
    })
  }
}
