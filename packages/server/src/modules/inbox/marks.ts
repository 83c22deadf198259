import { isInstantMessage, type Jid } from '@jackdaw/xmpp'
import type { LogStore } from '../../storage/storage.ts'
import { messageOf } from '../archive.ts'
import type { Look, Unreads } from './unread.ts'

/** Where in a conversation a marker stands. */
export interface Mark {
  /** By which all know it: the id in the account's archive, or the one that a room gave. */
  readonly id: string
  /** Up to where in the archives of this host, whose ids are in one order, all has been read; undefined when there is nothing to be read. */
  readonly place: string | undefined
  /** The ids of a room elsewhere are in no order. */
  readonly room?: 'here' | 'elsewhere'
  /** How many unread messages come after it, and how many there were in all when it was found. */
  readonly left: number
  readonly before: number
}

/** How far back what a marker names is looked for. */
const reach = { max: 500, maxBytes: 4 * 1024 * 1024, fromEnd: true }

/** Finds what markers name (XEP-0333 §4), and reads conversations up to there. */
export class Marks {
  readonly #log: LogStore<string>
  readonly #unreads: Unreads

  constructor(log: LogStore<string>, unreads: Unreads) {
    this.#log = log
    this.#unreads = unreads
  }

  /** By the message's own id (§4.2), or by that in the account's archive; undefined when nothing there is unread. */
  find(account: Jid, other: Jid, id: string, isArchiveId = false): Promise<Mark | undefined> {
    return this.#unreads.look(account, other, async (look) => {
      const { before, owner } = look
      if (before === 0) return undefined
      let left = 0
      for (const entry of await this.#end(look)) {
        if (isArchiveId && entry.id === id) return { id, place: id, left, before }
        const message = messageOf(entry)
        if (message.from?.bare.toString() === owner) continue
        if (!isArchiveId && message.id === id) return { id: entry.id, place: entry.id, left, before }
        if (isInstantMessage(message) && look.isBefore(entry)) left++
      }
      return undefined
    })
  }

  /**
   * By the id that a room of this host gave (§4.3). What is said to all is in the room's own archive; what the account has of it are invitations
   * and private messages: those that came before are read as well.
   */
  findInRoom(account: Jid, room: Jid, id: string): Promise<Mark> {
    return this.#unreads.look(account, room, async (look) => {
      const { before, owner } = look
      const later = before === 0 ? [] : (await this.#end(look)).filter((entry) => entry.id > id && look.isBefore(entry))
      const messages = later.map(messageOf)
      const left = messages.filter((one) => isInstantMessage(one) && one.from?.bare.toString() !== owner).length
      return { id, place: id, room: 'here', left, before }
    })
  }

  /** By the id that a room elsewhere gave: what the room has said to the account alone until now is read. */
  findElsewhere(account: Jid, room: Jid, id: string): Promise<Mark> {
    return this.#unreads.look(account, room, async (look) => {
      const place = (await this.#end(look)).find((entry) => look.isBefore(entry))?.id
      return { id, place, room: 'elsewhere', left: 0, before: look.before }
    })
  }

  /** All up to the mark has been read. Returns whether that is new: a mark that stands before the last one says nothing. */
  read(account: Jid, other: Jid, { left, before, place, room }: Mark): boolean {
    let isNew = room === 'elsewhere'
    if (place === undefined) return isNew
    this.#unreads.change(account, other, (old) => {
      // Where nothing is counted, only the place in a room says something.
      if (old ? old.read !== undefined && old.read >= place : room !== 'here') return old
      isNew = true
      const count = old?.count ?? 0
      return { count: Math.min(count, left + Math.max(0, count - before)), read: place }
    })
    return isNew
  }

  /** The last one first. */
  async #end({ owner, key }: Look) {
    return (await this.#log.page(owner, { ...reach, with: key })).entries.toReversed()
  }
}
