import {
  clientNs,
  EnableCarbons,
  type Forwarded,
  iq,
  type Jid,
  MamQuery,
  MamResult,
  ReceivedCarbon,
  rosterNs,
  RosterQuery,
  SentCarbon,
  type Element,
  type Presence,
  presence,
  type ScramCrypto,
  type Stanza,
  xml,
} from '@jackdaw/xmpp'
import { Client } from '../client.ts'
import { describeItem } from './model-contact.ts'
import { type ModelSession, note, type What } from './model-state.ts'
import type { FaultyNetwork, Link, Loss } from './network.ts'
import type { Seeded } from './seeded.ts'

/** Patience (ms) with a login of which nothing is heard. */
const patience = 40_000

export interface Heard {
  readonly what: What
  readonly id: string
  /** The sender's full JID; for an error the condition. */
  readonly of: string
}

/** What a device knows of one session of its own. */
export class Account {
  /** As the model has it; undefined until something of it is known. */
  model: ModelSession | undefined
  /** The ids of all stanzas sent, in order. */
  readonly sent: string[] = []
  readonly heard: Heard[] = []
  readonly seen = new Map<string, (string | undefined)[]>()
  readonly requests: string[] = []
  /** The roster as the server tells it; undefined until it has been asked for. */
  roster: Map<string, string> | undefined
  archive: string[] = []
  /** It can be resumed. */
  isManaged = false
  /** The client has ended it, or begun anew without it. */
  isLeft = false
  /** The ids of messages that the server said it had not been told of. */
  undelivered: readonly string[] = []
}

export interface DeviceWorld {
  readonly network: FaultyNetwork
  readonly chance: Seeded
  readonly password: string
  readonly crypto: ScramCrypto
  /** The model's session of that full JID. */
  session(jid: Jid): ModelSession | undefined
  complain(rule: string, what: string): void
  nextId(): string
}

/** A simulated user's client on one resource: connects, resumes, says what it is told to say, answers requests, keeps an account of all. */
export class Device {
  readonly jid: Jid
  readonly #world: DeviceWorld
  readonly #client: Client
  #link: Link | undefined
  /** The link that carried the session last. */
  #carrier: Link | undefined
  #began = 0
  /** The roster's version and items that are known from earlier sessions (RFC 6121 §2.6). */
  #cache: { readonly ver: string; readonly items: ReadonlyMap<string, string> } | undefined
  readonly #answers = new Map<string, (answer: Stanza) => void>()
  state: 'offline' | 'connecting' | 'online' = 'offline'
  account = new Account()
  /** Of all its sessions, the last one being the present one. */
  readonly accounts: Account[] = [this.account]
  /** Its session, as far as the client knows, is lost unless it is resumed now. */
  #isResuming = false
  /** Whether its last broadcast was an available presence with a priority that is not negative. */
  isWilling = false

  constructor(jid: Jid, world: DeviceWorld) {
    this.jid = jid
    this.#world = world
    this.#client = new Client({
      jid: jid.toString(),
      password: world.password,
      resume: true,
      crypto: world.crypto,
      connect: async (events) => (this.#link = await world.network.connect(events)),
      onStanza: (stanza) => this.#hear(stanza),
      onGone: () => this.#gone(),
    })
  }

  /** When the connection of its session was lost; undefined while it is there. */
  get lostAt(): number | undefined {
    return this.#carrier?.lostAt
  }

  get unacknowledged(): number {
    return this.#client.unacknowledged
  }

  // Coming and going

  /** Connects if it is offline; gives up a connection that is lost, or has been tried for too long. `isAnew`: it has forgotten its session. */
  connect(isAnew = false): void {
    const { clock } = this.#world.network
    if (this.state === 'connecting' && clock.now() - this.#began > patience) this.#link?.destroy()
    if (this.state === 'online' && this.#link?.lostAt !== undefined) this.#link.destroy()
    if (this.state !== 'offline') return
    this.state = 'connecting'
    this.#began = clock.now()
    if (isAnew) this.#client.resumption = undefined
    void this.#connect()
  }

  async #connect(): Promise<void> {
    this.#isResuming = this.#client.resumption !== undefined
    if (!this.#isResuming) this.#beginAccount()
    try {
      await this.#client.open()
      await this.#client.login()
      const how = await this.#client.resumeOrBind()
      if (how === 'bound') this.#beginAnew()
      this.#isResuming = false
      const { account } = this
      account.model ??= this.#world.session(this.jid)
      account.isManaged = true
      this.#carrier = this.#link
      if (!this.#client.isConnected) throw new Error('the connection is gone')
      this.state = 'online'
      if (how === 'bound') return this.#begin()
      const { acknowledged } = this.#client
      if (acknowledged !== account.model?.handled)
        this.#world.complain('XEP-0198 §5: h', `${this.jid} resumed at ${acknowledged}, not ${account.model?.handled}`)
    } catch {
      // The connection went, or nobody was there: how is of no interest.
      this.state = 'offline'
      this.#link?.destroy()
    }
  }

  /** Its session could not be resumed. */
  #beginAnew(): void {
    if (!this.#isResuming) return
    this.#isResuming = false
    const { model } = this.account
    if (model && !model.isEnded)
      this.#world.complain('XEP-0198 §5: resumption', `${this.jid} could not resume a session that lives`)
    this.#beginAccount()
  }

  #beginAccount(): void {
    this.account.isLeft = true
    this.account = new Account()
    this.accounts.push(this.account)
  }

  /** What a client does first. */
  #begin(): void {
    this.isWilling = false
    this.ask(
      'get',
      RosterQuery.write({ ...(this.#cache ? { ver: this.#cache.ver } : { ver: '' }), items: [] }),
      (answer) => this.#roster(answer),
    )
    if (this.#world.chance.chance(0.4)) this.ask('set', EnableCarbons.write())
    if (this.#world.chance.chance(0.9)) this.appear(0)
  }

  /** Ends the stream in an orderly way; the session ends with it. */
  close(): void {
    if (this.state !== 'online') return
    this.account.isLeft = true
    this.state = 'offline'
    void this.#client.close()
  }

  lose(loss: Loss): void {
    this.#link?.cut(loss)
  }

  #gone(): void {
    // A login that fails is looked after by who began it.
    if (this.state !== 'online') return
    const { model } = this.account
    if (model && this.#client.acknowledged > model.handled)
      this.#world.complain('XEP-0198 §4: kept before acknowledged', `${this.jid}: ${this.#client.acknowledged}`)
    this.state = 'offline'
  }

  // Saying

  send(stanza: Stanza): void {
    this.account.sent.push(stanza.id!)
    this.#client.send(stanza)
  }

  ask(type: 'get' | 'set', payload: Element, onAnswer?: (answer: Stanza) => void): void {
    const id = this.#world.nextId()
    if (onAnswer) this.#answers.set(id, onAnswer)
    this.send(iq({ type, id }, payload))
  }

  /** Broadcasts available presence, or directs it; the id is its status. */
  appear(priority: number, to?: Jid): void {
    const id = this.#world.nextId()
    if (!to) this.isWilling = priority >= 0
    const status = xml('status', clientNs, {}, id)
    this.send(presence({ id, to }, status, to ? undefined : xml('priority', clientNs, {}, String(priority))))
  }

  leave(to?: Jid): void {
    if (!to) this.isWilling = false
    this.send(presence({ id: this.#world.nextId(), type: 'unavailable', to }))
  }

  subscription(type: string, to: Jid): void {
    this.send(presence({ id: this.#world.nextId(), type, to }))
  }

  requestAcknowledgement(): void {
    this.#client.requestAcknowledgement()
  }

  /** Reads the whole archive into the account. */
  readArchive(after?: string): void {
    const { account } = this
    if (after === undefined) account.archive = []
    this.ask('set', MamQuery.write({ set: { max: 30, after } }), (answer) => {
      const fin = answer.first()
      const last = fin?.child('set', 'http://jabber.org/protocol/rsm')?.child('last')?.text
      if (fin?.attr('complete') !== 'true' && last !== undefined) this.readArchive(last)
    })
  }

  /** Asks for the whole roster. */
  readRoster(): void {
    this.ask('get', RosterQuery.write({ items: [] }), (answer) => this.#roster(answer))
  }

  // Hearing

  #hear(stanza: Stanza): true {
    if (!this.#client.resumption) this.#beginAnew()
    this.account.model ??= this.#world.session(this.jid)
    if (stanza.name === 'message') this.#message(stanza)
    else if (stanza.name === 'presence') this.#presence(stanza as Presence)
    else this.#iq(stanza)
    return true
  }

  #message(stanza: Stanza): void {
    const { heard, archive } = this.account
    const id = stanza.id ?? '?'
    if (stanza.type === 'error' && stanza.child('error'))
      return void heard.push({ what: 'error', id, of: stanza.child('error')!.first()!.name })
    if (!this.jid.bare.equals(stanza.from)) return void heard.push({ what: 'message', id, of: String(stanza.from) })
    const result = stanza.child(MamResult.name, MamResult.ns)
    if (result) return void archive.push(MamResult.read(result).forwarded.stanza.id!)
    for (const payload of [SentCarbon, ReceivedCarbon]) {
      const copy = stanza.child(payload.name, payload.ns)
      if (!copy) continue
      const { stanza: original }: Forwarded = payload.read(copy)
      // Whether errors are copied is left to the server (XEP-0280 §6.1).
      if (original.type === 'error') return
      heard.push({ what: payload.name as What, id: original.id!, of: String(original.from) })
    }
  }

  #presence(stanza: Presence): void {
    const { seen, requests } = this.account
    const from = stanza.from!
    switch (stanza.type) {
      case undefined:
        return note(seen, from.toString(), stanza.child('status')?.text)
      case 'unavailable':
        return note(seen, from.toString(), undefined)
      case 'subscribe':
        requests.push(`subscribe ${from.toString()}`)
        if (this.state === 'online' && this.#world.chance.chance(0.7))
          this.subscription(this.#world.chance.chance(0.8) ? 'subscribed' : 'unsubscribed', from)
        return
      case 'subscribed':
      case 'unsubscribe':
      case 'unsubscribed':
        return void requests.push(`${stanza.type} ${from.toString()}`)
    }
  }

  #iq(stanza: Stanza): void {
    const { roster } = this.account
    if (stanza.type === 'set' || stanza.type === 'get') {
      const payload = stanza.child('query', rosterNs)
      if (payload && roster) {
        const { items, ver } = RosterQuery.read(payload)
        const [item] = items
        if (item!.subscription === 'remove') roster.delete(item!.jid.toString())
        else roster.set(item!.jid.toString(), describeItem(item!))
        this.#cache = { ver: ver!, items: new Map(roster) }
      }
      if (this.state === 'online') this.send(iq({ type: 'result', id: stanza.id }))
      return
    }
    const answer = this.#answers.get(stanza.id!)
    this.#answers.delete(stanza.id!)
    answer?.(stanza)
  }

  #roster(answer: Stanza): void {
    const payload = answer.child('query', rosterNs)
    const { account } = this
    if (!payload) {
      account.roster = new Map(this.#cache?.items)
      return
    }
    const { items, ver } = RosterQuery.read(payload)
    account.roster = new Map(items.map((item) => [item.jid.toString(), describeItem(item)]))
    this.#cache = { ver: ver!, items: new Map(account.roster) }
  }
}
