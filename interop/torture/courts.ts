import { Jid } from '@jackdaw/xmpp'
import type { Seeded } from '@jackdaw/testkit'
import type { Told } from './events.ts'
import type { Readings } from './readings.ts'
import { Room } from './room.ts'
import type { User } from './user.ts'

/** Waits until something is so; throws when that takes too long. */
export type Until = (isSo: () => boolean) => Promise<void>

/** Rooms for two that are made, filled, and in the end given up, left to one of them, or kept. */
export class Courts {
  readonly #domain: string
  readonly #tell: (event: Told) => void
  readonly #readings: Readings
  readonly #until: Until
  readonly rooms: Room[] = []
  /** Those that have been destroyed, with who owned them. */
  readonly destroyed: { readonly jid: Jid; readonly owner: User }[] = []
  /** Those that stand, likewise. */
  readonly standing: { readonly room: Room; readonly owner: User }[] = []
  readonly #affairs: Promise<void>[] = []

  constructor(domain: string, tell: (event: Told) => void, readings: Readings, until: Until) {
    this.#domain = domain
    this.#tell = tell
    this.#readings = readings
    this.#until = until
  }

  /** Another one is made. */
  open(owner: User, guest: User, chance: Seeded, text: string): Room {
    const room = new Room(Jid.of({ local: `court${this.rooms.length}`, domain: this.#domain }), true, this.#tell)
    this.rooms.push(room)
    const end = chance.weighted({ destroyed: 5, deserted: 3, standing: 2 })
    const reading = this.#readings.due(`the affairs of ${room.jid}`)
    const affair = this.#hold(room, owner, guest, text, end).then(
      () => this.#tell({ kind: 'done', reading }),
      // It is missed as what was not read.
      () => {},
    )
    this.#affairs.push(affair)
    return room
  }

  /** Resolves when nothing more is to happen. */
  async settle(): Promise<void> {
    await Promise.all(this.#affairs)
  }

  async #hold(
    room: Room,
    owner: User,
    guest: User,
    text: string,
    end: 'destroyed' | 'deserted' | 'standing',
  ): Promise<void> {
    room.enter(owner)
    room.configure(owner)
    const isMember = room.admit(owner, [guest])
    await this.#until(() => room.hasAnswered(isMember))
    room.enter(guest)
    await this.#until(() => room.entered.has(guest.number))
    for (let i = 0; i < 3; i++) room.say(owner, text)
    if (end === 'destroyed') {
      room.destroy(owner)
      await this.#until(() => room.gone.has(owner.number) && room.gone.has(guest.number))
      this.destroyed.push({ jid: room.jid, owner })
      return
    }
    if (end === 'deserted') {
      room.expel(owner, guest)
      await this.#until(() => room.gone.has(guest.number))
    }
    this.standing.push({ room, owner })
  }
}
