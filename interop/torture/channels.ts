import { Jid, pubsubEventNs, type Stanza } from '@jackdaw/xmpp'
import type { Seeded } from '@jackdaw/testkit'
import { Blocklist } from './blocklist.ts'
import { moodNode } from './capabilities.ts'
import { Courts, type Until } from './courts.ts'
import type { SessionNumber, Told } from './events.ts'
import { Node } from './node.ts'
import { blockedBy, doorsOf, historyOf, itemsOf, membersOf, occupantsOf, roomsOf } from './readables.ts'
import { Readings } from './readings.ts'
import { Room } from './room.ts'
import type { User } from './user.ts'

const groupSize = 10
/** So many strangers become members of rooms, and so many destroyed rooms are made again in the end. */
const mostStrangers = 4
const mostMadeAgain = 5

/** Who shares a room (XEP-0045) and a node (XEP-0060); both belong to the first of them. Every second room is for members only. */
interface Group {
  readonly room: Room
  readonly node: Node
  readonly users: readonly User[]
  readonly owner: User
}

/** A user whose personal node (XEP-0163) these hear of. */
export interface Follower {
  readonly owner: User
  readonly listeners: readonly User[]
}

export interface ChannelsOptions {
  /** Those that never become unavailable: that would take them out of their room (RFC 6121 §4.6.3). */
  readonly users: readonly User[]
  /** None of whose account is ever in a room. */
  readonly strangers: readonly User[]
  readonly followers: readonly Follower[]
  readonly domain: string
  readonly readings: Readings
  readonly until: Until
  readonly tell: (event: Told) => void
}

/** What users do beside writing to each other: rooms, nodes, block lists. */
export class Channels {
  readonly #options: ChannelsOptions
  readonly #service: Jid
  readonly #strangers: readonly User[]
  readonly #groups: Group[] = []
  readonly #moods: Node[]
  readonly #blocklists: Blocklist[]
  readonly #courts: Courts
  readonly #rooms = new Map<string, Room>()
  readonly #nodes = new Map<string, Node>()

  constructor(options: ChannelsOptions) {
    this.#options = options
    const { users, strangers, followers, domain, readings, tell, until } = options
    this.#service = Jid.of({ domain: `rooms.${domain}` })
    this.#strangers = strangers.slice(0, mostStrangers)
    for (let i = 0; i + 1 < users.length; i += groupSize) {
      const name = `g${i / groupSize}`
      const owner = users[i]!
      const those = users.slice(i, i + groupSize)
      const jid = Jid.of({ local: name, domain: this.#service.domain })
      const room = new Room(jid, this.#groups.length % 2 === 1, tell)
      const node = new Node({ name, service: Jid.of({ domain: `pubsub.${domain}` }), owner }, those, tell)
      this.#rooms.set(`${jid}`, room)
      this.#groups.push({ room, node, users: those, owner })
    }
    // Of every second account the node keeps the last item only, as it does by default.
    this.#moods = followers.map(({ owner, listeners }, index) => {
      const most = index % 2 === 1 ? 1 : undefined
      return new Node({ name: moodNode, service: owner.jid.bare, owner, most }, listeners, tell)
    })
    for (const node of [...this.#groups.map((group) => group.node), ...this.#moods]) this.#nodes.set(node.channel, node)
    this.#blocklists = users.map((user) => new Blocklist(user))
    this.#courts = new Courts(this.#service.domain, tell, readings, until)
  }

  /** All have entered their rooms and hear of their nodes. */
  async open(): Promise<void> {
    const { until } = this.#options
    for (const { room, node, users, owner } of this.#groups) {
      const others = users.slice(1)
      room.enter(owner)
      const ids = [room.configure(owner)]
      if (room.isMembersOnly) ids.push(room.admit(owner, others))
      await until(() => ids.every((id) => room.hasAnswered(id)))
      for (const user of others) room.enter(user)
      await until(() => users.every(({ number }) => room.entered.has(number)))
      await node.create()
      for (const user of users) await node.subscribe(user)
    }
    for (const mood of this.#moods) if (mood.most === undefined) await mood.create()
    // The first who is asked what its client can do answers for all.
    const asked = () => this.#options.users.filter((user) => user.wasAsked)
    await until(() => asked().length > 0)
    for (const user of asked()) await user.roster()
    for (const mood of this.#moods) mood.publish('the first of all')
  }

  /** Somebody does something. */
  act(chance: Seeded, text: string): void {
    const { room, node, users, owner } = chance.one(this.#groups)
    const user = chance.one(users)
    const what = chance.weighted({
      talk: 50,
      rename: 5,
      retract: 4,
      moderate: 3,
      affiliate: 8,
      publish: 8,
      withdraw: 3,
      mood: 8,
      unmood: 2,
      court: 3,
      block: 6,
    })
    switch (what) {
      case 'talk':
        return room.say(user, text)
      case 'rename':
        return room.rename(user)
      case 'retract':
        return room.retract(user, chance)
      case 'moderate':
        return room.moderate(owner, chance)
      case 'affiliate': {
        if (this.#strangers.length === 0) return
        room.affiliate(owner, chance.one(this.#strangers), chance.chance(0.6))
        return
      }
      case 'publish':
        return node.publish(text)
      case 'withdraw':
        return node.retract(chance)
      case 'mood':
        return chance.one(this.#moods).publish(text)
      case 'unmood':
        return chance.one(this.#moods).retract(chance)
      case 'court': {
        const court = this.#courts.open(owner, chance.one(users.slice(1)), chance, text)
        this.#rooms.set(`${court.jid}`, court)
        return
      }
      case 'block':
        return chance.one(this.#blocklists).change(chance)
    }
  }

  /** What comes to a session from a room or a node. */
  hear(session: SessionNumber, stanza: Stanza): void {
    const from = stanza.from!.bare
    const event = stanza.child('event', pubsubEventNs)
    const node = event && this.#nodes.get(`${from} ${event.child('items')?.attr('node')}`)
    const { tell } = this.#options
    if (node) node.hear(session, stanza)
    else if (from.domain === this.#service.domain && from.local !== undefined)
      this.#rooms.get(`${from}`)?.hear(session, stanza)
    else if (stanza.type === 'error') tell({ kind: 'refused', session, id: stanza.id ?? '' })
  }

  /** Resolves when all that was begun has come to its end. */
  async settle(): Promise<void> {
    await this.#courts.settle()
  }

  /** Reads some of it while work goes on. */
  async look(chance: Seeded): Promise<void> {
    const { room, node, owner } = chance.one(this.#groups)
    const [mood, blocklist] = [chance.one(this.#moods), chance.one(this.#blocklists)]
    await this.#options.readings.read([
      membersOf(room, owner),
      occupantsOf(room, owner),
      historyOf(room, owner),
      itemsOf(node),
      itemsOf(mood),
      blockedBy(blocklist),
    ])
  }

  /** Reads all that is left in the end. */
  async read(): Promise<void> {
    const { readings } = this.#options
    const rooms = [...this.#groups, ...this.#courts.standing]
    await readings.read([
      ...rooms.flatMap(({ room, owner }) => [membersOf(room, owner), occupantsOf(room, owner), historyOf(room, owner)]),
      ...[...this.#nodes.values()].map((node) => itemsOf(node)),
      ...this.#blocklists.map((blocklist) => blockedBy(blocklist)),
      roomsOf(this.#service, this.#groups[0]!.owner),
      ...this.#groups.filter(({ room }) => room.isMembersOnly).map(({ room }) => doorsOf(room, this.#strangers)),
    ])
    await this.#makeAgain()
  }

  /** What was destroyed has left nothing to a room of the same name. */
  async #makeAgain(): Promise<void> {
    const { readings, until, tell } = this.#options
    for (const { jid, owner } of this.#courts.destroyed.slice(-mostMadeAgain)) {
      const room = new Room(jid, false, tell, `${jid.local}-again`)
      this.#rooms.set(`${jid}`, room)
      room.enter(owner)
      const id = room.configure(owner)
      await until(() => room.hasAnswered(id))
      await owner.settle()
      await readings.read([historyOf(room, owner, `${jid} made again`)])
    }
  }
}
