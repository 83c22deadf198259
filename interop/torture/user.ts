import { setTimeout as delay } from 'node:timers/promises'
import { Client, type Connect } from '@jackdaw/testkit'
import {
  carbonsNs,
  clientNs,
  discoInfoNs,
  type Element,
  EnableCarbons,
  Jid,
  mamNs,
  type Message,
  message,
  presence,
  pubsubEventNs,
  type Stanza,
  StanzaError,
  xml,
} from '@jackdaw/xmpp'
import { ArchiveReader } from './archive-reader.ts'
import { capabilities, capabilitiesAsked } from './capabilities.ts'
import type { SessionNumber, Told } from './events.ts'
import { Line, type Transport, transports } from './line.ts'
import type { Seeded } from '@jackdaw/testkit'
import { within } from './waiting.ts'
import { entryOf, retraction } from './words.ts'

/** What the users of one run share. */
export interface World {
  readonly domain: string
  readonly password: string
  readonly chance: Seeded
  readonly connectors: Readonly<Record<Transport, Connect>>
  /** Which server process is the present one. */
  generation(): number
  tell(event: Told): void
  /** The number of the session with this full JID. */
  sessionOf(jid: string): SessionNumber | undefined
  /** Something came that is not from the users' domain, or from a node of one of them. */
  elsewhere(session: SessionNumber, stanza: Stanza): void
}

/** A message that can still be taken back. */
interface Sent {
  readonly address: Jid
  readonly id: string
  readonly to: readonly SessionNumber[]
  readonly copies: readonly SessionNumber[]
}

/** So many of its last messages a user may want to take back. */
const mostRegretted = 30

/** Longest that a client waits for a connection to be made and taken up, milliseconds. */
const patience = 20_000

/**
 * A user at a client: sends, hears, records both, and comes back when the connection is lost. What it should send while it is away is sent
 * when it is back.
 */
export class User {
  readonly number: SessionNumber
  readonly jid: Jid
  readonly #world: World
  readonly #client: Client
  /** The counted stanzas that the server has not acknowledged, in order: the id of a message, undefined for another. */
  readonly #unacknowledged: (string | undefined)[] = []
  readonly #waiting: (() => void)[] = []
  readonly #lines: Line[] = []
  /** The accounts that have approved a subscription. */
  readonly approvedBy = new Set<string>()
  #transport: Transport
  #line: Line | undefined
  #sent = 0
  #announced = 0
  readonly #archives = new ArchiveReader((type, payload, to) => this.ask(type, payload, to))
  readonly #last: Sent[] = []
  #isStopped = false
  #whenOnline: (() => void)[] = []
  isOnline = false
  /** What it is in would be left if it became unavailable. */
  stays = false
  /** Unavailable by its own wish. */
  isOut = false
  /** The server has asked what its client can do. */
  wasAsked = false

  constructor(number: SessionNumber, account: string, world: World) {
    this.number = number
    this.#world = world
    this.jid = Jid.of({ local: account, domain: world.domain, resource: `r${number}` })
    this.#transport = transports[number % transports.length]!
    this.#client = new Client({
      jid: this.jid.toString(),
      password: world.password,
      resume: true,
      connect: (events) => {
        this.#line = new Line(events, () => this.#noteAcknowledged())
        this.#lines.push(this.#line)
        return this.#line.open(world.connectors[this.#transport], this.#transport)
      },
      onStanza: (stanza) => this.#hear(stanza),
      onGone: () => this.#gone('lost'),
    })
  }

  /** Logs in for the first time and becomes available; asks for copies of what other sessions of its account say and hear. */
  async arrive(hasCopies: boolean): Promise<void> {
    await this.#connect()
    await this.roster()
    if (hasCopies) await this.ask('set', EnableCarbons.write())
    this.announce()
  }

  /** Resolves when it is connected. */
  async online(): Promise<void> {
    if (!this.isOnline) await new Promise<void>((resolve) => this.#whenOnline.push(resolve))
  }

  // What it does

  /** Sends a numbered message to a session or, with a bare JID, to an account. Who should get it, and who a copy, is noted. */
  message(address: Jid, to: readonly SessionNumber[], copies: readonly SessionNumber[], text: string): void {
    this.#whenHere(() => {
      const sent = { address, id: `s${this.number}-${++this.#sent}`, to, copies }
      const body = `${sent.id} ${text}`
      this.#message(sent, body, [xml('body', clientNs, {}, body)])
      this.#last.push(sent)
      if (this.#last.length > mostRegretted) this.#last.shift()
    })
  }

  /** Takes back one of its last messages (XEP-0424). */
  regret(chance: Seeded): void {
    if (this.#last.length === 0) return
    const [sent] = this.#last.splice(chance.whole(0, this.#last.length - 1), 1)
    this.#whenHere(() => {
      const id = `s${this.number}-${++this.#sent}`
      const body = `${id} takes back ${sent!.id}`
      this.#message({ ...sent!, id }, body, retraction(sent!.id, body), sent!.id)
    })
  }

  #message({ address, id, to, copies }: Sent, body: string, content: readonly Element[], retracts?: string): void {
    const isToAccount = address.isBare
    this.#world.tell({ kind: 'sent', session: this.number, id, body, retracts, to, copies, isToAccount })
    this.#unacknowledged.push(id)
    this.#client.send(message({ to: address, id, type: 'chat' }, ...content))
  }

  /** Sends what is for elsewhere, and tells that; once the server has handled it, that is told under the id. */
  send(stanza: Stanza, id?: string, ...events: readonly Told[]): void {
    this.#whenHere(() => {
      for (const event of events) this.#world.tell(event)
      this.#unacknowledged.push(id)
      this.#client.send(stanza)
    })
  }

  /** Broadcasts presence with a numbered status. */
  announce(): void {
    this.#whenHere(() => {
      const status = String(++this.#announced)
      this.#world.tell({ kind: 'announced', session: this.number, isAvailable: true, status })
      this.#unacknowledged.push(undefined)
      this.#client.send(presence({}, xml('status', clientNs, {}, status), this.stays ? capabilities : undefined))
    })
  }

  /** Becomes unavailable; the session goes on. */
  stepOut(): void {
    this.isOut = true
    this.#whenHere(() => {
      this.#world.tell({ kind: 'announced', session: this.number, isAvailable: false, status: '' })
      this.#unacknowledged.push(undefined)
      this.#client.send(presence({ type: 'unavailable' }))
    })
  }

  comeIn(): void {
    if (!this.isOut) return
    this.isOut = false
    this.announce()
  }

  subscribe(to: Jid): void {
    this.#unacknowledged.push(undefined)
    this.#client.send(presence({ type: 'subscribe', to }))
  }

  requestAcknowledgement(): void {
    if (this.isOnline) this.#client.requestAcknowledgement()
  }

  /** Loses the connection. */
  lose(): void {
    if (!this.isOnline) return
    const { chance } = this.#world
    if (chance.chance(0.3)) {
      this.#gone('silent')
      return this.#line!.abandon()
    }
    // In the middle of a stanza.
    if (this.#transport !== 'websocket' && chance.chance(0.5))
      this.#client.send("<message to='nobody@localhost' id='half")
    this.#gone('cut')
    this.#line!.cut()
  }

  /** Resolves when the server has handled all that was sent, and all that was on its way hither before has come. */
  async settle(): Promise<void> {
    while (this.#unacknowledged.length > 0 || this.#waiting.length > 0) {
      await this.online()
      this.requestAcknowledgement()
      await delay(20)
    }
  }

  /** Asks for the roster: when the answer is there, so is all that came before it. */
  async roster(): Promise<void> {
    await this.ask('get', xml('query', 'jabber:iq:roster'))
  }

  /** The messages of a whole archive, that of the account unless another is named; undefined when it could not be read. */
  readArchive(archive?: Jid): Promise<readonly Element[] | undefined> {
    return this.#archives.read(archive)
  }

  /** Asks as soon as it is connected. Errors are no answers, but as good for waiting. */
  async ask(type: 'get' | 'set', payload: Element, to?: Jid): Promise<Stanza | undefined> {
    while (!this.isOnline) await this.online()
    this.#unacknowledged.push(undefined)
    try {
      return await this.#client.ask(type, payload, to)
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error
      this.#world.tell({ kind: 'trouble', session: this.number, what: `${payload.name}: ${error.condition}` })
    }
  }

  /** Ends it without a word. */
  stop(): void {
    this.#isStopped = true
    for (const line of this.#lines) line.discard()
  }

  // What it hears

  #hear(stanza: Stanza): true {
    const { tell, sessionOf } = this.#world
    const { from, id } = stanza
    const result = stanza.child('result', mamNs)
    if (result) {
      this.#archives.hear(result)
      return true
    }
    if (stanza.name === 'iq' && (stanza.type === 'get' || stanza.type === 'set')) {
      this.#answer(stanza)
      return true
    }
    if (from && (from.domain !== this.#world.domain || stanza.child('event', pubsubEventNs))) {
      this.#world.elsewhere(this.number, stanza)
      return true
    }
    const sender = from && sessionOf(from.toString())
    if (stanza.type === 'error' && stanza.name !== 'presence')
      tell({ kind: 'refused', session: this.number, id: id ?? '' })
    else if (stanza.name === 'message') {
      if (sender === undefined && this.#client.account.equals(from)) this.#hearFromAccount(stanza as Message)
      else tell({ kind: 'received', session: this.number, from: sender ?? -1, ...entryOf(stanza) })
    } else if (stanza.name === 'presence' && from) {
      if (stanza.type === 'subscribe') {
        this.#unacknowledged.push(undefined)
        this.#client.send(presence({ type: 'subscribed', to: from.bare }))
      } else if (stanza.type === 'subscribed') this.approvedBy.add(from.bare.toString())
      else if (
        sender !== undefined &&
        sender !== this.number &&
        (stanza.type === undefined || stanza.type === 'unavailable')
      ) {
        const status = stanza.child('status')?.text ?? ''
        tell({ kind: 'presence', session: this.number, from: sender, isAvailable: stanza.type === undefined, status })
      }
    }
    return true
  }

  /** Copies (XEP-0280). */
  #hearFromAccount(stanza: Message): void {
    const [kind] = stanza.elements()
    const copy = kind?.ns === carbonsNs ? kind.first()?.child('message', clientNs) : undefined
    if (copy) this.#world.tell({ kind: 'copied', session: this.number, ...entryOf(copy) })
    else this.#world.tell({ kind: 'trouble', session: this.number, what: String(stanza) })
  }

  /** What the server asks for: what the client can do (XEP-0115 §5.4), and that it takes note of a change. */
  #answer(stanza: Stanza): void {
    const isAsked = stanza.child('query', discoInfoNs) !== undefined
    this.#unacknowledged.push(undefined)
    this.#client.send(isAsked ? stanza.reply('result', capabilitiesAsked()) : stanza.reply('result'))
    this.wasAsked ||= isAsked
  }

  /** The client drops from its own list what has been acknowledged: so many have gone from the front of ours. */
  #noteAcknowledged(): void {
    for (let count = this.#unacknowledged.length - this.#client.unacknowledged; count > 0; count--) {
      const id = this.#unacknowledged.shift()
      if (id !== undefined) this.#world.tell({ kind: 'acknowledged', session: this.number, id })
    }
  }

  // Coming and going

  #whenHere(act: () => void): void {
    if (this.isOnline) act()
    else this.#waiting.push(act)
  }

  #gone(why: 'lost' | 'cut' | 'silent'): void {
    if (!this.isOnline || this.#isStopped) return
    this.isOnline = false
    this.#world.tell({ kind: 'offline', session: this.number, why })
    void this.#comeBack()
  }

  async #comeBack(): Promise<void> {
    const { chance } = this.#world
    if (chance.chance(0.25)) this.#transport = chance.one(transports)
    for (let longest = 40; !this.#isStopped; longest = Math.min(longest * 1.5, 250)) {
      await delay(chance.whole(5, longest))
      try {
        return await this.#connect()
      } catch (error) {
        this.#line?.cut()
        if (!isAbsence(error)) this.#world.tell({ kind: 'trouble', session: this.number, what: String(error) })
      }
    }
  }

  async #connect(): Promise<void> {
    const { tell } = this.#world
    const generation = this.#world.generation()
    const how = await within(patience, this.#client.connect())
    // Beginning anew, the client has forgotten what was not acknowledged, and so must we.
    if (how === 'bound') this.#unacknowledged.length = 0
    this.#noteAcknowledged()
    this.isOnline = true
    tell({ kind: 'online', session: this.number, how, transport: this.#transport, generation })
    if (!this.#client.isConnected) return this.#gone('lost')
    if (how === 'bound' && this.#announced > 0) this.announce()
    for (const act of this.#waiting.splice(0)) act()
    for (const resolve of this.#whenOnline.splice(0)) resolve()
  }
}

/** Whether it says no more than that the server is not there, or went away. */
function isAbsence(error: unknown): boolean {
  const { code, condition, message: text } = error as { code?: string; condition?: string; message?: string }
  return (
    code === 'ECONNREFUSED' ||
    code === 'ECONNRESET' ||
    code === 'EPIPE' ||
    condition === 'reset' ||
    text === 'socket hang up' ||
    // The connection went between two steps of the login.
    text === "Cannot read properties of undefined (reading 'write')"
  )
}
