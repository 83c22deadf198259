import {
  answerUpgrade,
  type HashName,
  scramClient,
  sasl2Next,
  sasl2Tasks,
  upgrade,
  upgradesAmong,
  upgradeTask,
  bind2Ns,
  channelBindingNs,
  channelBindingTypes,
  chooseMechanism,
  type ClientMechanism,
  clientNs,
  closed,
  type Element,
  encodeBase64,
  type Framing,
  iq,
  Jid,
  SaslError,
  sasl2Ns,
  saslNs,
  type ScramClientKeys,
  type ScramCrypto,
  Stanza,
  StanzaError,
  StreamError,
  streamNs,
  TcpFraming,
  WebSocketFraming,
  write,
  xml,
} from '@jackdaw/xmpp'
import { scramCrypto } from './crypto.ts'
import type { Connect, Wire, WireEvents } from './wire.ts'

const tlsNs = 'urn:ietf:params:xml:ns:xmpp-tls'
const bindNs = 'urn:ietf:params:xml:ns:xmpp-bind'
const smNs = 'urn:xmpp:sm:3'
const limits = { stanzaBytes: 16_777_216, depth: 128, attributes: 256 }

const hashes: readonly HashName[] = ['SHA-1', 'SHA-256', 'SHA-512']

export interface ClientOptions {
  /** The account, or the full JID with the resource to be asked for. */
  readonly jid: string
  readonly password: string
  readonly connect: Connect
  readonly crypto?: ScramCrypto
  /** SCRAM with this hash, without channel binding, in place of the strongest mechanism. */
  readonly scram?: HashName
  /** XEP-0480: asks for all upgrades that are offered, and does what the server wants of them. */
  readonly upgrades?: boolean
  /** Of the stream (RFC 6120 §4.7.4). */
  readonly lang?: string
  /** Who the header says that it is (RFC 6120 §4.7.1). */
  readonly from?: string
  /** XEP-0198: counts stanzas, acknowledges them, and resumes when it connects again. */
  readonly resume?: boolean
  /** False: asked for by the server, `<a/>` is not sent. */
  readonly acknowledges?: boolean
  /** Each stanza as it comes, before it is put into `inbox`; true keeps it out of there. */
  readonly onStanza?: (stanza: Stanza) => boolean | void
  readonly onGone?: () => void
}

/** An XMPP client for tests and measurements: tells what it hears, in order, and never does anything by itself but acknowledge. */
export class Client implements WireEvents {
  readonly #options: ClientOptions
  readonly account: Jid
  #wire: Wire | undefined
  #framing!: Framing
  #waiting: { resolve(element: Element): void; reject(error: Error): void }[] = []
  #elements: Element[] = []
  #isBound = false
  #isResuming = false
  #keys: ScramClientKeys | undefined
  /** Full, once a resource is bound. */
  jid: Jid
  /** The stream features announced last. */
  features: Element = xml('features', streamNs)
  /** The stream error that ended the last stream. */
  streamError: StreamError | undefined
  resumption: { readonly id: string; readonly max: number } | undefined
  /** Stanzas received, and sent and acknowledged, in this session (XEP-0198). */
  handled = 0
  acknowledged = 0
  #unacknowledged: string[] = []
  #isManaged = false
  #whenAcknowledged: (() => void)[] = []
  #lastId = 0
  #gone: Promise<void> = Promise.resolve()
  #setGone: () => void = () => {}

  constructor(options: ClientOptions) {
    this.#options = options
    this.jid = Jid.parse(options.jid)
    this.account = this.jid.bare
  }

  get isConnected(): boolean {
    return this.#wire !== undefined
  }

  /** Sent, and not yet acknowledged by the server. */
  get unacknowledged(): number {
    return this.#unacknowledged.length
  }

  /** Resolves when the connection is gone. */
  get whenGone(): Promise<void> {
    return this.#gone
  }

  /** Connects, logs in, and resumes the session or binds a resource. Resolves with which of the two it was. */
  async connect(): Promise<'resumed' | 'bound'> {
    await this.open()
    await this.login()
    return this.resumeOrBind()
  }

  /** Connects and opens a stream; STARTTLS where it is offered. Over TLS, `early` goes with the header, before the features have come. */
  async open(...early: Element[]): Promise<void> {
    await this.cut()
    this.#elements = []
    this.#isBound = false
    this.#isResuming = false
    this.streamError = undefined
    this.#gone = new Promise((resolve) => (this.#setGone = resolve))
    const wire = await this.#options.connect(this)
    this.#wire = wire
    this.#framing = wire.framing === 'tcp' ? new TcpFraming(limits) : new WebSocketFraming(limits)
    await this.header(this.account.domain, ...(wire.isSecure ? early : []))
    if (!wire.isSecure && wire.startTls && this.features.child('starttls', tlsNs)) {
      this.send(xml('starttls', tlsNs))
      const answer = await this.next()
      if (answer.name !== 'proceed') throw new Error(`STARTTLS: ${answer}`)
      await wire.startTls()
      this.#framing.restart()
      await this.header()
    }
  }

  /** RFC 6120 §6 */
  async login(): Promise<void> {
    const mechanism = this.#mechanism(this.mechanisms)
    this.send(xml('auth', saslNs, { mechanism: mechanism.name }, encode(mechanism.initial())))
    for (;;) {
      const answer = await this.next()
      if (answer.name === 'challenge')
        this.send(xml('response', saslNs, {}, encode(await mechanism.step(Buffer.from(answer.text, 'base64')))))
      else if (answer.name === 'success') {
        mechanism.finish(answer.text === '' ? undefined : Buffer.from(answer.text, 'base64'))
        break
      } else throw SaslError.from(answer)
    }
    this.#keys = mechanism.keys
    await this.loggedIn()
  }

  /** XEP-0388: logs in by SCRAM, with what is asked for along with it; resolves with `<success/>` or `<continue/>`. */
  async authenticate(...requests: Element[]): Promise<Element> {
    const offered = this.features.child('authentication', sasl2Ns)?.elements() ?? []
    const mechanism = this.#mechanism(offered.flatMap(({ name, text }) => (name === 'mechanism' ? [text] : [])))
    const initial = xml('initial-response', sasl2Ns, {}, encodeBase64(mechanism.initial()))
    const tasks = this.#options.upgrades ? upgradesAmong(offered) : []
    const upgrades = tasks.map((task) => upgrade(task))
    this.send(xml('authenticate', sasl2Ns, { mechanism: mechanism.name }, initial, ...upgrades, ...requests))
    const asked = await this.next()
    if (asked.name === 'failure') throw SaslError.from(asked)
    this.send(xml('response', sasl2Ns, {}, encodeBase64(await mechanism.step(Buffer.from(asked.text, 'base64')))))
    let answer = await this.next()
    if (answer.name === 'failure') throw SaslError.from(answer)
    mechanism.finish(Buffer.from(answer.child('additional-data')!.text, 'base64'))
    this.#keys = mechanism.keys
    while (answer.name === 'continue' && tasks.length > 0) answer = await this.#upgrade(answer, tasks)
    if (answer.name === 'success' && !answer.child('resumed', smNs)) this.features = await this.next()
    return answer
  }

  /** XEP-0480 §3: does the task of a `<continue/>`; resolves with what follows it. */
  async #upgrade(asked: Element, wanted: readonly string[]): Promise<Element> {
    const [task = ''] = sasl2Tasks(asked)
    const hash = hashes.find((one) => upgradeTask(one) === task)
    if (!hash || !wanted.includes(task)) throw new SaslError('aborted', `the server wants ${task}`)
    this.send(sasl2Next(task))
    const { password, crypto = scramCrypto } = this.#options
    this.send(await answerUpgrade(await this.next(), hash, password, crypto))
    const answer = await this.next()
    if (answer.name === 'failure') throw SaslError.from(answer)
    return answer
  }

  #mechanism(offered: readonly string[]): ClientMechanism {
    const { password } = this.#options
    const types = this.features.child('sasl-channel-binding', channelBindingNs)
    const announced = types ? channelBindingTypes(types) : []
    const crypto = this.#options.crypto ?? scramCrypto
    const credentials = { username: this.account.local!, password, ...(this.#keys && { keys: this.#keys }) }
    const context = { tls: true, bindings: this.#wire!.bindings, certificate: false, offered, announced, crypto }
    const { scram } = this.#options
    const mechanism = scram ? scramClient(scram, false, credentials, context) : chooseMechanism(credentials, context)
    if (!mechanism) throw new SaslError('invalid-mechanism')
    return mechanism
  }

  /** RFC 6120 §6.4.6: opens the stream again after a login. */
  async loggedIn(): Promise<void> {
    this.#framing.restart()
    await this.header()
  }

  get mechanisms(): string[] {
    const offer = this.features.child('mechanisms', saslNs)
    return offer ? offer.elements().map(({ text }) => text) : []
  }

  /** After the login. */
  async resumeOrBind(): Promise<'resumed' | 'bound'> {
    if (this.resumption && (await this.#resume())) return 'resumed'
    await this.bind()
    if (this.#options.resume) await this.manage()
    return 'bound'
  }

  /** RFC 6120 §7 */
  async bind(resource = Jid.parse(this.#options.jid).resource): Promise<void> {
    const request = xml('bind', bindNs, {}, resource === undefined ? undefined : xml('resource', bindNs, {}, resource))
    this.send(iq({ type: 'set', id: 'bind' }, request))
    const answer = await this.next()
    const jid = answer.child('bind', bindNs)?.child('jid')
    if (!jid) throw StanzaError.from(answer)
    this.jid = Jid.parse(jid.text)
    this.#isBound = true
  }

  /** XEP-0198 §3 */
  async manage(max?: number): Promise<void> {
    this.send(xml('enable', smNs, { resume: 'true', max: max?.toString() }))
    this.#isManaged = true
    this.handled = 0
    this.acknowledged = 0
    this.#unacknowledged = []
    const answer = await this.next()
    if (answer.name !== 'enabled') throw new Error(`stream management: ${answer}`)
    const id = answer.attr('id')
    this.resumption = id === undefined ? undefined : { id, max: Number(answer.attr('max')) }
  }

  /** A stream header, and what goes with it; resolves when the server's and its features have come. */
  async header(to = this.account.domain, ...early: Element[]): Promise<Element> {
    const opening = this.#framing.open({ to, from: this.#options.from, version: '1.0', lang: this.#options.lang })
    this.#wire!.write([opening, ...early.map((element) => this.#framing.element(element))].join(''))
    const header = await this.next()
    this.features = await this.next()
    return header
  }

  // Sending

  /** Sends an element, or text as it is. Stanzas are counted once stream management is on. */
  send(element: Element | string): void {
    if (typeof element === 'string') return void this.#wire?.write(element)
    if (!isStanza(element)) return void this.#wire?.write(this.#framing.element(element))
    const text = write(element, clientNs)
    if (this.#isManaged && this.#isBound) this.#unacknowledged.push(text)
    this.#wire?.write(this.#framing.stanza(text))
  }

  /** Sends an IQ request and resolves with its result; rejects with the StanzaError answered. Other stanzas go to the inbox meanwhile. */
  async ask(type: 'get' | 'set', payload: Element, to?: Jid): Promise<Stanza> {
    const id = `ask-${++this.#lastId}`
    this.send(iq({ type, id, to }, payload))
    const answer = await this.#answer(id)
    if (answer.type === 'error') throw StanzaError.from(answer)
    return answer
  }

  /** Resolves when the server has acknowledged all that was sent (XEP-0198). */
  async settled(): Promise<void> {
    if (this.#unacknowledged.length === 0) return
    const acknowledged = new Promise<void>((resolve) => this.#whenAcknowledged.push(resolve))
    this.requestAcknowledgement()
    await acknowledged
  }

  requestAcknowledgement(): void {
    this.send(xml('r', smNs))
  }

  acknowledge(): void {
    this.send(xml('a', smNs, { h: String(this.handled) }))
  }

  /** Ends the stream; resolves when the connection is gone. */
  async close(): Promise<void> {
    if (!this.#wire) return
    this.resumption = undefined
    this.#wire.write(this.#framing.close)
    await this.#gone
  }

  /** Breaks the connection, as a lost network does. */
  async cut(): Promise<void> {
    if (!this.#wire) return
    this.#wire.destroy()
    await this.#gone
  }

  // Hearing

  readonly #inbox: Stanza[] = []
  #listeners: ((stanza: Stanza) => void)[] = []
  readonly #answers = new Map<string, (stanza: Stanza) => void>()

  /** The next stanza that nobody has taken yet. */
  async stanza(): Promise<Stanza> {
    return this.#inbox.shift() ?? new Promise((resolve) => this.#listeners.push(resolve))
  }

  /** What was heard and not taken yet. */
  get inbox(): readonly Stanza[] {
    return this.#inbox
  }

  clear(): void {
    this.#inbox.length = 0
  }

  /** During negotiation: the next element; rejects when the stream ends. */
  next(): Promise<Element> {
    const element = this.#elements.shift()
    if (element) return Promise.resolve(element)
    if (!this.#wire) return Promise.reject(this.streamError ?? new StreamError('reset', 'The connection is gone'))
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  data(chunk: Uint8Array | string): void {
    this.#framing.write(chunk)
    for (;;) {
      const element = this.#framing.read()
      if (element === undefined) return
      if (element === closed) return this.#wire?.end()
      this.#take(element)
    }
  }

  gone(): void {
    this.#wire = undefined
    const error = this.streamError ?? new StreamError('reset', 'The connection is gone')
    for (const { reject } of this.#waiting.splice(0)) reject(error)
    this.#setGone()
    this.#options.onGone?.()
  }

  #answer(id: string): Promise<Stanza> {
    return new Promise((resolve) => this.#answers.set(id, resolve))
  }

  #take(element: Element): void {
    if (element.ns === streamNs && element.name === 'error') {
      this.streamError = StreamError.from(element)
      return
    }
    if (this.#isBound && element.ns === smNs && (element.name === 'r' || element.name === 'a')) {
      if (element.name === 'a') this.#acknowledgedTo(Number(element.attr('h')))
      else if (this.#options.acknowledges !== false) this.acknowledge()
      return
    }
    // XEP-0198 §4: from here on, what comes is counted.
    if (element.ns === smNs && element.name === 'enabled') this.handled = 0
    if (element.ns === sasl2Ns && element.name === 'success') this.#succeeded(element)
    if (this.#isBound && isStanza(element)) return this.#hear(Stanza.from(element))
    if (this.#isResuming) {
      this.#isResuming = false
      if (element.name === 'resumed') this.#resumed(Number(element.attr('h')))
    }
    const waiting = this.#waiting.shift()
    if (waiting) waiting.resolve(element)
    else this.#elements.push(element)
  }

  /** XEP-0388 §2.6.1: what follows belongs to the session that it tells of. */
  #succeeded(success: Element): void {
    this.jid = Jid.parse(success.child('authorization-identifier')!.text)
    this.#isBound = !this.jid.isBare
    const resumed = success.child('resumed', smNs)
    if (resumed) {
      this.#acknowledgedTo(Number(resumed.attr('h')))
      for (const text of this.#unacknowledged) this.#wire!.write(this.#framing.stanza(text))
      return
    }
    const enabled = success.child('bound', bind2Ns)?.child('enabled', smNs)
    this.#isManaged = enabled !== undefined
    this.resumption = undefined
    if (!enabled) return
    this.handled = 0
    this.acknowledged = 0
    this.#unacknowledged = []
    const id = enabled.attr('id')
    if (id !== undefined) this.resumption = { id, max: Number(enabled.attr('max')) }
  }

  #hear(stanza: Stanza): void {
    if (this.#isManaged) this.handled = (this.handled + 1) >>> 0
    const answer = stanza.id === undefined ? undefined : this.#answers.get(stanza.id)
    if (answer && stanza.name === 'iq' && (stanza.type === 'result' || stanza.type === 'error')) {
      this.#answers.delete(stanza.id!)
      return answer(stanza)
    }
    if (this.#options.onStanza?.(stanza) === true) return
    const listener = this.#listeners.shift()
    if (listener) listener(stanza)
    else this.#inbox.push(stanza)
  }

  #acknowledgedTo(h: number): void {
    const count = (h - this.acknowledged) >>> 0
    this.#unacknowledged.splice(0, count)
    this.acknowledged = h
    if (this.#unacknowledged.length === 0) for (const resolve of this.#whenAcknowledged.splice(0)) resolve()
  }

  /** XEP-0198 §5: at once, before what comes behind it is heard and perhaps answered: an answer sent already would be sent twice. */
  #resumed(h: number): void {
    this.#isBound = true
    this.#acknowledgedTo(h)
    for (const text of this.#unacknowledged) this.#wire!.write(this.#framing.stanza(text))
  }

  async #resume(): Promise<boolean> {
    this.#isResuming = true
    this.send(xml('resume', smNs, { previd: this.resumption!.id, h: String(this.handled) }))
    const answer = await this.next()
    if (answer.name === 'resumed') return true
    this.resumption = undefined
    return false
  }
}

function isStanza(element: Element): boolean {
  return element.ns === clientNs && (element.name === 'message' || element.name === 'presence' || element.name === 'iq')
}

function encode(bytes: Uint8Array): string {
  return bytes.length === 0 ? '=' : Buffer.from(bytes).toString('base64')
}
