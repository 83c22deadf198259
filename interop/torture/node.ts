import { type Element, iq, type Jid, pubsubEventNs, pubsubNs, type Stanza, xml } from '@jackdaw/xmpp'
import type { Seeded } from '@jackdaw/testkit'
import type { Entry, SessionNumber, Told } from './events.ts'
import type { User } from './user.ts'
import { form, lastOf, paging } from './words.ts'

const lineNs = 'urn:torture'
/** So many of the last items are those that may be taken back. */
const mostRecent = 20

/** A node (XEP-0060) at which one session publishes, of the service or of its account (XEP-0163). */
export class Node {
  readonly name: string
  readonly service: Jid
  readonly owner: User
  /** The items that it keeps; undefined: all. */
  readonly most: number | undefined
  readonly channel: string
  readonly #tell: (event: Told) => void
  readonly #to: readonly SessionNumber[]
  readonly #recent: string[] = []
  /** By the item that is taken back, what that is known as. */
  readonly #retractions = new Map<string, string>()
  #sent = 0

  constructor(
    { name, service, owner, most }: { name: string; service: Jid; owner: User; most?: number | undefined },
    listeners: readonly User[],
    tell: (event: Told) => void,
  ) {
    this.name = name
    this.service = service
    this.owner = owner
    this.most = most
    this.channel = `${service} ${name}`
    this.#tell = tell
    this.#to = listeners.map(({ number }) => number)
  }

  /** §8.1, keeping all items. */
  async create(): Promise<void> {
    const configure = xml(
      'configure',
      pubsubNs,
      {},
      form('http://jabber.org/protocol/pubsub#node_config', { 'pubsub#max_items': 'max' }),
    )
    await this.#ask('set', xml('create', pubsubNs, { node: this.name }), configure)
  }

  /** §6.1 */
  async subscribe(user: User): Promise<void> {
    const subscribe = xml('subscribe', pubsubNs, { node: this.name, jid: `${user.jid}` })
    await user.ask('set', xml('pubsub', pubsubNs, {}, subscribe), this.service)
  }

  publish(text: string): void {
    const id = this.#newId()
    const body = `${id} ${text}`
    const item = xml('item', pubsubNs, { id }, xml('line', lineNs, {}, body))
    this.#request(id, xml('publish', pubsubNs, { node: this.name }, item), { body })
    if (this.most !== undefined) return
    this.#recent.push(id)
    if (this.#recent.length > mostRecent) this.#recent.shift()
  }

  /** §7.2: the owner takes back one of its last items. */
  retract(chance: Seeded): void {
    if (this.#recent.length === 0) return
    const [item] = this.#recent.splice(chance.whole(0, this.#recent.length - 1), 1)
    const id = this.#newId()
    this.#retractions.set(item!, id)
    const retract = xml('retract', pubsubNs, { node: this.name, notify: 'true' }, xml('item', pubsubNs, { id: item }))
    this.#request(id, retract, { body: '', retracts: item!, isPassing: true })
  }

  /** §7.1.2, §7.2.2 */
  hear(session: SessionNumber, stanza: Stanza): void {
    for (const item of stanza.child('event', pubsubEventNs)!.child('items')!.elements()) {
      const found = entryOf(item)
      const id = item.name === 'retract' ? (this.#retractions.get(found.id) ?? `a retraction of ${found.id}`) : found.id
      this.#tell({ kind: 'heard', session, channel: this.channel, id, body: found.body })
    }
  }

  /** §6.5: all its items; undefined when they could not be read. */
  async read(): Promise<readonly Entry[] | undefined> {
    const entries: Entry[] = []
    for (let after: string | undefined; ;) {
      const answer = await this.#ask('get', xml('items', pubsubNs, { node: this.name }), paging(after))
      const items = answer?.child('pubsub', pubsubNs)?.child('items')?.elements()
      if (!items) return undefined
      entries.push(...items.map(entryOf))
      after = lastOf(answer?.child('pubsub', pubsubNs))
      if (items.length === 0 || after === undefined) return entries
    }
  }

  #request(id: string, verb: Element, said: { body: string; retracts?: string; isPassing?: boolean }): void {
    const { owner, channel } = this
    const told: Told = { kind: 'said', session: owner.number, channel, id, to: this.#to, ...said }
    owner.send(iq({ type: 'set', id, to: this.service }, xml('pubsub', pubsubNs, {}, verb)), id, told)
  }

  #ask(type: 'get' | 'set', ...content: readonly Element[]): Promise<Stanza | undefined> {
    return this.owner.ask(type, xml('pubsub', pubsubNs, {}, ...content), this.service)
  }

  #newId(): string {
    return `${this.service.local ?? 'service'}-${this.name}-${++this.#sent}`
  }
}

function entryOf(item: Element): Entry {
  return { id: item.attr('id') ?? '', body: item.child('line', lineNs)?.text ?? '', isTombstone: false }
}
