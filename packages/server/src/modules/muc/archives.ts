import type { Jid, Message } from '@jackdaw/xmpp'
import type { LogQuery, LogStore } from '../../storage/storage.ts'
import type { RoomSupervisor } from './supervisor.ts'

/** A message that is in a room's archive now. */
export interface KeptInRoom {
  /** Bare JID. */
  readonly room: string
  readonly id: string
  readonly at: number
  /** Bare JID. */
  readonly author: string
  readonly message: Message
}

/** Is told in the same tick what happens to the archives of rooms, by the rooms' bare JIDs. */
export interface ArchiveWatcher {
  kept?(kept: KeptInRoom): void
  /** Messages have gone, or were replaced by what is empty. `until`: all up to then, milliseconds. */
  lost?(room: string, until?: number): void
  /** The room was destroyed. */
  dropped?(room: string): void
}

/** What is said in the rooms of a service (XEP-0313 §6.1.2), by their bare JIDs: messages as XML, `with` their authors' bare JIDs. */
export class RoomArchives {
  readonly log: LogStore<string>
  /** Whether messages are found by their words. */
  readonly isSearchable: boolean
  readonly #watchers = new Set<ArchiveWatcher>()
  /** Keeps what is said beside the archives. */
  supervisor: RoomSupervisor | undefined

  constructor(log: LogStore<string>, isSearchable: boolean) {
    this.log = log
    this.isSearchable = isSearchable
  }

  /** Returns the id. */
  keep(room: Jid, author: Jid, message: Message, at: number): string {
    const { isSearchable } = this
    const kept = { room: room.toString(), author: author.bare.toString(), message, at }
    const id = this.log.append(kept.room, { value: message.toString(), at, with: kept.author, isSearchable })
    for (const watcher of this.#watchers) watcher.kept?.({ ...kept, id })
    return id
  }

  replace(room: Jid, id: string, message: Message): void {
    this.log.replace(room.toString(), id, message.toString())
    for (const watcher of this.#watchers) watcher.lost?.(room.toString())
  }

  /** Removes what is older than it is to be kept. Returns how much it was. */
  async trim(room: string, query: LogQuery): Promise<number> {
    const count = await this.log.trim(room, query)
    if (count > 0) for (const watcher of this.#watchers) watcher.lost?.(room, query.end)
    return count
  }

  drop(room: Jid): void {
    void this.log.trim(room.toString(), {})
    for (const watcher of this.#watchers) watcher.dropped?.(room.toString())
  }

  /** Returns what ends the watching. */
  watch(watcher: ArchiveWatcher): () => void {
    this.#watchers.add(watcher)
    return () => void this.#watchers.delete(watcher)
  }
}
