import { Jid, StanzaError } from '@jackdaw/xmpp'
import { messageOf } from '../archive.ts'
import { when } from '../../when.ts'
import type { Awaitable } from '../../world.ts'
import { Affiliations } from './affiliations.ts'
import type { RoomArchives } from './archives.ts'
import { defaultConfig } from './config-form.ts'
import { Hats } from './hats.ts'
import { History, mostKept } from './history.ts'
import { leave } from './leaving.ts'
import { Occupants, type Visit } from './occupants.ts'
import { Pending } from './pending.ts'
import { type MucHost, Room, type RoomParts, type RoomRecord } from './room.ts'

/** Most rooms without occupants that stay in memory. */
const mostIdle = 200

/** The rooms of one service: in memory while somebody is there, read when they are asked for. */
export class Rooms {
  readonly #host: MucHost
  readonly #archives: RoomArchives
  readonly #here = new Map<string, Room>()
  readonly #loading = new Map<string, Promise<Room | undefined>>()
  /** Those without occupants, the one that was used last at the end. */
  readonly #idle = new Map<string, Room>()

  constructor(host: MucHost, archives: RoomArchives) {
    this.#host = host
    this.#archives = archives
  }

  /** Rooms in memory. */
  get size(): number {
    return this.#here.size
  }

  [Symbol.iterator](): Iterator<Room> {
    return this.#here.values()
  }

  /** One that is in memory. */
  here(jid: string): Room | undefined {
    return this.#here.get(jid)
  }

  find(jid: Jid): Awaitable<Room | undefined> {
    const key = jid.toString()
    const room = this.#here.get(key)
    if (room) return room
    const loading = this.#loading.get(key)
    if (loading) return loading
    return when(this.#host.stores.rooms.get(key, 'room'), (record) => {
      if (!record) return undefined
      const load = this.#load(jid, record).finally(() => this.#loading.delete(key))
      this.#loading.set(key, load)
      return load
    })
  }

  /** @throws StanzaError item-not-found */
  get(jid: Jid): Awaitable<Room> {
    return when(this.find(jid), (room) => {
      if (!room) throw noRoom()
      return room
    })
  }

  /** §10.1.1; nothing waits. */
  create(jid: Jid, creator: Jid): Room {
    const { stores, random, config } = this.#host
    const record: RoomRecord = {
      config: { ...defaultConfig, historyLength: Math.min(defaultConfig.historyLength, config.history) },
      isLocked: true,
      secret: Buffer.from(random.bytes(32)).toString('base64'),
      creator: creator.bare.toString(),
    }
    const none = new Map()
    const room = this.#add(jid, {
      record,
      subject: undefined,
      vcard: undefined,
      affiliations: new Affiliations(stores.affiliations, jid, none),
      hats: new Hats(stores, jid, none, none),
      occupants: this.#occupants(jid, none),
      history: new History(jid, config.history),
      invited: new Pending(stores.invited, jid, none),
      applicants: new Pending(stores.applicants, jid, none),
    })
    room.config = record.config
    room.affiliations.set(creator, { affiliation: 'owner', since: this.#host.clock.now() })
    void stores.created.edit(record.creator, jid.toString(), () => true)
    return room
  }

  /** Forgets a room and all that was kept of it. */
  drop(room: Room): void {
    const key = room.jid.toString()
    const { rooms, subjects, pictures, listed, created, inviters } = this.#host.stores
    room.isDestroyed = true
    for (const store of [rooms, subjects, pictures, listed]) void store.edit(key, 'room', () => undefined)
    void created.edit(room.creator, key, () => undefined)
    room.affiliations.drop()
    room.hats.drop()
    for (const { by } of room.invited.values) void inviters.edit(by, key, () => undefined)
    room.invited.deleteIf(() => true)
    room.applicants.deleteIf(() => true)
    this.#archives.drop(room.jid)
    this.#here.delete(key)
    this.#idle.delete(key)
  }

  async #load(jid: Jid, record: RoomRecord): Promise<Room | undefined> {
    const { stores, config } = this.#host
    const key = jid.toString()
    const [subject, vcard] = [await stores.subjects.get(key, 'room'), await stores.pictures.get(key, 'room')]
    const history = new History(jid, config.history)
    // Of a room that is no longer logged, what was said at last is lost: that is no reason to tell of what was said long before.
    if (record.config.isLogged) {
      const end = { max: config.history, maxBytes: mostKept, fromEnd: true }
      const { entries, isComplete } = await this.#archives.log.page(key, end)
      if (!isComplete) history.cut()
      for (const entry of entries) history.add(entry.id, entry.at, messageOf(entry))
    }
    const room = this.#add(jid, {
      record,
      subject,
      vcard,
      affiliations: new Affiliations(stores.affiliations, jid, await stores.affiliations.all(key)),
      hats: new Hats(stores, jid, await stores.hats.all(key), await stores.wearers.all(key)),
      occupants: this.#occupants(jid, await stores.occupants.all(key)),
      history,
      invited: new Pending(stores.invited, jid, await stores.invited.all(key)),
      applicants: new Pending(stores.applicants, jid, await stores.applicants.all(key)),
    })
    // Sessions that ended while the room could not be told. Whether somebody of another server is still here, its errors tell (§18.1.2).
    for (const session of [...room.occupants.sessions].map((text) => Jid.parse(text)))
      if (this.#host.isOfServer(session) && !this.#host.session(session)) leave(room, session)
    room.left()
    return room.isDestroyed ? undefined : room
  }

  #occupants(room: Jid, kept: ReadonlyMap<string, Visit>): Occupants {
    const host = this.#host
    return new Occupants(host.stores.occupants, room, kept, (fact, { account, nick }) =>
      host.tell(fact, { room, user: account, nick }),
    )
  }

  #add(jid: Jid, parts: RoomParts): Room {
    const room = new Room(this.#host, this.#archives, jid, parts, (empty) => this.#emptied(empty))
    this.#here.set(jid.toString(), room)
    return room
  }

  #emptied(room: Room): void {
    // §7.14, §10.1.3
    if (!room.config.isPersistent || room.isLocked) {
      this.drop(room)
      return this.#host.tell('room:destroyed', { room: room.jid })
    }
    const key = room.jid.toString()
    this.#idle.delete(key)
    this.#idle.set(key, room)
    for (const [other, idle] of this.#idle) {
      if (this.#idle.size <= mostIdle) break
      this.#idle.delete(other)
      if (idle.occupants.size === 0) this.#here.delete(other)
    }
  }
}

export function noRoom(): StanzaError {
  return new StanzaError('item-not-found', 'There is no such room')
}
