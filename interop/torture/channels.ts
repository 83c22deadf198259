import type { Seeded } from '@jackdaw/testkit'
import {
  clientNs,
  discoItemsNs,
  type Element,
  iq,
  Jid,
  mamNs,
  message,
  mucAdminNs,
  mucNs,
  mucOwnerNs,
  mucUserNs,
  presence,
  pubsubEventNs,
  pubsubNs,
  rsmNs,
  type Stanza,
  xml,
} from '@jackdaw/xmpp'
import type { SessionNumber, Told } from './events.ts'
import type { User } from './user.ts'

const groupSize = 10
const formNs = 'jabber:x:data'
/** Whose membership the owners of rooms change. */
const guests = ['mercutio', 'benvolio', 'tybalt', 'paris']

/** Who shares a room (XEP-0045) and a node (XEP-0060); both belong to the first of them. */
interface Group {
  readonly name: string
  readonly room: Jid
  readonly users: readonly User[]
}

/** What many hear: rooms in which users talk and are made members, nodes at which items are published. */
export class Channels {
  readonly #groups: Group[] = []
  readonly #pubsub: Jid
  readonly #tell: (event: Told) => void
  readonly #entered = new Set<string>()
  /** By the session that was told, the occupants that it knows. */
  readonly #seen = new Set<string>()
  readonly #pages = new Map<string, string[]>()
  #sent = 0

  /** @param users those that never become unavailable: that would take them out of their room (RFC 6121 §4.6.3) */
  constructor(users: readonly User[], domain: string, tell: (event: Told) => void) {
    this.#tell = tell
    this.#pubsub = Jid.of({ domain: `pubsub.${domain}` })
    for (let i = 0; i + 1 < users.length; i += groupSize) {
      const name = `g${i / groupSize}`
      const room = Jid.of({ local: name, domain: `rooms.${domain}` })
      this.#groups.push({ name, room, users: users.slice(i, i + groupSize) })
    }
  }

  /** All have entered their rooms and subscribed to their nodes. */
  async open(until: (isSo: () => boolean) => Promise<void>): Promise<void> {
    for (const { name, room, users } of this.#groups) {
      const owner = users[0]!
      const enter = (user: User) =>
        user.send(presence({ to: nickIn(room, user) }, xml('x', mucNs, {}, xml('history', mucNs, { maxstanzas: '0' }))))
      enter(owner)
      await until(() => this.#entered.has(`${owner.number}`))
      await owner.ask(
        'set',
        xml('query', mucOwnerNs, {}, form(`${mucNs}#roomconfig`, { 'muc#roomconfig_persistentroom': '1' })),
        room,
      )
      for (const user of users.slice(1)) enter(user)
      await until(() => users.every(({ number }) => this.#entered.has(`${number}`)))
      await owner.ask('set', xml('pubsub', pubsubNs, {}, xml('create', pubsubNs, { node: name })), this.#pubsub)
      for (const user of users)
        await user.ask(
          'set',
          xml('pubsub', pubsubNs, {}, xml('subscribe', pubsubNs, { node: name, jid: `${user.jid}` })),
          this.#pubsub,
        )
    }
  }

  /** Somebody talks in a room, or an owner publishes an item or changes a membership. */
  act(chance: Seeded, text: string): void {
    const { name, room, users } = chance.one(this.#groups)
    const owner = users[0]!
    const id = `c${++this.#sent}`
    const to = users.map(({ number }) => number)
    const dice = chance.next()
    if (dice < 0.75) {
      const user = chance.one(users)
      const said: Told = { kind: 'said', session: user.number, channel: `${room}`, id, to }
      user.send(message({ to: room, id, type: 'groupchat' }, xml('body', clientNs, {}, text)), id, said)
    } else if (dice < 0.9) {
      const said: Told = { kind: 'said', session: owner.number, channel: name, id, to }
      const item = xml('item', pubsubNs, { id }, xml('line', 'urn:torture', {}, text))
      const publish = xml('publish', pubsubNs, { node: name }, item)
      owner.send(iq({ type: 'set', id, to: this.#pubsub }, xml('pubsub', pubsubNs, {}, publish)), id, said)
    } else {
      const jid = Jid.of({ local: chance.one(guests), domain: owner.jid.domain }).toString()
      const affiliation = chance.chance(0.6) ? 'member' : 'none'
      const item = xml('item', mucAdminNs, { jid, affiliation })
      const granted: Told = { kind: 'granted', session: owner.number, channel: `${room}`, id, jid, affiliation }
      owner.send(iq({ type: 'set', id, to: room }, xml('query', mucAdminNs, {}, item)), id, granted)
    }
  }

  /** What comes to a session from a room or a node. */
  hear(session: SessionNumber, stanza: Stanza): void {
    const from = stanza.from!
    if (stanza.type === 'error') this.#tell({ kind: 'refused', session, id: stanza.id ?? '' })
    else if (stanza.name === 'presence') {
      const told = `${session} ${from}`
      // Nobody leaves, so nobody comes twice.
      if (stanza.type === 'unavailable' || this.#seen.has(told))
        this.#tell({ kind: 'stirred', session, channel: `${from.bare}`, nick: from.resource! })
      this.#seen.add(told)
      const statuses = stanza.child('x', mucUserNs)?.elements() ?? []
      if (statuses.some((status) => status.attr('code') === '110')) this.#entered.add(`${session}`)
    } else if (stanza.name === 'message') {
      const page = stanza.child('result', mamNs)?.first()?.child('message', clientNs)
      if (page) return void this.#pages.get(`${from}`)?.push(page.attr('id') ?? '')
      const items = stanza.child('event', pubsubEventNs)?.child('items')
      if (items)
        for (const item of items.elements())
          this.#tell({ kind: 'heard', session, channel: items.attr('node') ?? '', id: item.attr('id') ?? '' })
      else if (stanza.child('body'))
        this.#tell({ kind: 'heard', session, channel: `${from.bare}`, id: stanza.id ?? '' })
    }
  }

  /** Tells what rooms and nodes have kept. */
  async read(): Promise<void> {
    for (const { name, room } of this.#groups)
      for (const reading of [`kept ${room}`, `kept ${name}`, `room ${room}`]) this.#tell({ kind: 'due', reading })
    for (const { name, room, users } of this.#groups) {
      const owner = users[0]!
      this.#tell({ kind: 'kept', channel: `${room}`, ids: await this.#readArchive(owner, room) })
      this.#tell({ kind: 'kept', channel: name, ids: await this.#readItems(owner, name) })
      const list = await owner.ask(
        'get',
        xml('query', mucAdminNs, {}, xml('item', mucAdminNs, { affiliation: 'member' })),
        room,
      )
      const members =
        list
          ?.child('query', mucAdminNs)
          ?.elements()
          .map((item) => item.attr('jid')!) ?? []
      const here = await owner.ask('get', xml('query', discoItemsNs), room)
      const occupants =
        here
          ?.child('query', discoItemsNs)
          ?.elements()
          .map((item) => Jid.parse(item.attr('jid')!).resource!) ?? []
      this.#tell({ kind: 'room', channel: `${room}`, members, occupants, inside: users.map(nickOf) })
    }
  }

  async #readArchive(owner: User, room: Jid): Promise<readonly string[]> {
    const ids: string[] = []
    this.#pages.set(`${room}`, ids)
    for (let after: string | undefined; ;) {
      const answer = await owner.ask('set', xml('query', mamNs, {}, paging(after)), room)
      const fin = answer?.child('fin', mamNs)
      after = fin?.child('set', rsmNs)?.child('last')?.text
      if (!fin || fin.attr('complete') === 'true') return ids
    }
  }

  async #readItems(owner: User, node: string): Promise<readonly string[]> {
    const ids: string[] = []
    for (let after: string | undefined; ;) {
      const answer = await owner.ask(
        'get',
        xml('pubsub', pubsubNs, {}, xml('items', pubsubNs, { node }), paging(after)),
        this.#pubsub,
      )
      const result = answer?.child('pubsub', pubsubNs)
      const items = result?.child('items')?.elements() ?? []
      ids.push(...items.map((item) => item.attr('id')!))
      after = result?.child('set', rsmNs)?.child('last')?.text
      if (items.length === 0 || after === undefined) return ids
    }
  }
}

function nickIn(room: Jid, user: User): Jid {
  return room.withResource(nickOf(user))
}

function nickOf({ number }: User): string {
  return `n${number}`
}

function paging(after: string | undefined): Element {
  const place = after === undefined ? undefined : xml('after', rsmNs, {}, after)
  return xml('set', rsmNs, {}, xml('max', rsmNs, {}, '100'), place)
}

function form(type: string, fields: Readonly<Record<string, string>>): Element {
  const all = Object.entries({ FORM_TYPE: type, ...fields }).map(([name, value]) =>
    xml('field', formNs, { var: name }, xml('value', formNs, {}, value)),
  )
  return xml('x', formNs, { type: 'submit' }, ...all)
}
