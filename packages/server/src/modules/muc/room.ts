import { createHmac } from 'node:crypto'
import type { Jid, Message } from '@jackdaw/xmpp'
import type { Host } from '../../module.ts'
import type { Affiliations } from './affiliations.ts'
import type { RoomArchives } from './archives.ts'
import { Changes } from './changes.ts'
import type { RoomConfig } from './config-form.ts'
import type { mucFields, mucStores } from './fields.ts'
import type { Hats } from './hats.ts'
import type { History } from './history.ts'
import type { Occupants } from './occupants.ts'
import type { Applied, Invited, Pending } from './pending.ts'

export type MucHost = Host<typeof mucFields, typeof mucStores>

/** What is kept of a room beside its lists. */
export type RoomRecord = {
  readonly config: RoomConfig
  /** §10.1.1: until its creator has configured it nobody else enters. */
  readonly isLocked: boolean
  /** Of the occupant-ids. */
  readonly secret: string
  /** Bare JID of who made it. */
  readonly creator: string
}

/** §8.1: the message that set it, as it is told to who enters. */
export type Subject = {
  readonly message: string
  readonly at: number
}

/** The lists of a room, as they were read. */
export interface RoomParts {
  readonly record: RoomRecord
  readonly subject: Subject | undefined
  readonly vcard: string | undefined
  readonly affiliations: Affiliations
  readonly hats: Hats
  readonly occupants: Occupants
  readonly history: History
  readonly invited: Pending<Invited>
  readonly applicants: Pending<Applied>
}

/** Most occupant-ids that are remembered. */
const mostIds = 10_000

/** A room in memory. Every change is written to its stores at once, so that a kill loses nothing. */
export class Room {
  readonly host: MucHost
  readonly jid: Jid
  readonly archives: RoomArchives
  readonly affiliations: Affiliations
  readonly hats: Hats
  readonly occupants: Occupants
  readonly history: History
  readonly invited: Pending<Invited>
  readonly applicants: Pending<Applied>
  readonly changes = new Changes()
  isDestroyed = false
  readonly #leave: (room: Room) => void
  readonly #ids = new Map<string, string>()
  #record: RoomRecord
  #subject: Subject | undefined
  #vcard: string | undefined

  /** @param left called when the last occupant has gone */
  constructor(host: MucHost, archives: RoomArchives, jid: Jid, parts: RoomParts, left: (room: Room) => void) {
    this.host = host
    this.archives = archives
    this.jid = jid
    this.affiliations = parts.affiliations
    this.hats = parts.hats
    this.occupants = parts.occupants
    this.history = parts.history
    this.invited = parts.invited
    this.applicants = parts.applicants
    this.#record = parts.record
    this.#subject = parts.subject
    this.#vcard = parts.vcard
    this.#leave = left
  }

  get config(): RoomConfig {
    return this.#record.config
  }

  set config(config: RoomConfig) {
    this.#keep({ ...this.#record, config })
    const { listed } = this.host.stores
    void listed.edit(this.jid.toString(), 'room', () => (config.isPublic && !this.isLocked ? config.name : undefined))
  }

  get isLocked(): boolean {
    return this.#record.isLocked
  }

  get creator(): string {
    return this.#record.creator
  }

  unlock(): void {
    this.#keep({ ...this.#record, isLocked: false })
  }

  get subject(): Subject | undefined {
    return this.#subject
  }

  set subject(subject: Subject) {
    this.#subject = subject
    void this.host.stores.subjects.edit(this.jid.toString(), 'room', () => subject)
  }

  /** XEP-0486: as XML. */
  get vcard(): string | undefined {
    return this.#vcard
  }

  set vcard(vcard: string | undefined) {
    this.#vcard = vcard
    void this.host.stores.pictures.edit(this.jid.toString(), 'room', () => vcard)
  }

  /** XEP-0421 §4.1: one for each user, another in each room, from which nobody finds the user. */
  occupantId(account: Jid): string {
    const user = account.toString()
    let id = this.#ids.get(user)
    if (id === undefined) {
      id = createHmac('sha256', this.#record.secret).update(user).digest('base64url')
      if (this.#ids.size >= mostIds) this.#ids.clear()
      this.#ids.set(user, id)
    }
    return id
  }

  /** To be called when somebody has left. */
  left(): void {
    if (this.occupants.size === 0 && !this.isDestroyed) this.#leave(this)
  }

  /** Keeps a message in the room's archive; returns its id. */
  archive(message: Message, author: Jid): string {
    return this.archives.keep(this.jid, author, message, this.host.clock.now())
  }

  #keep(record: RoomRecord): void {
    this.#record = record
    void this.host.stores.rooms.edit(this.jid.toString(), 'room', () => record)
  }
}
