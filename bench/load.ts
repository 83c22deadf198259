import { randomUUID } from 'node:crypto'
import { Client, type ClientOptions, scramCrypto, type Wire, type WireEvents } from '@jackdaw/testkit'
import {
  bind2Ns,
  type Element,
  EnableCarbons,
  encodeBase64,
  fastNs,
  hashedTokenClient,
  RosterQuery,
  sasl2Ns,
  smNs,
  xml,
} from '@jackdaw/xmpp'
import { password } from './peers/accounts.ts'
import type { Peer } from './peers/peer.ts'
import { relay } from './peers/relay.ts'
import { pause } from './processes.ts'
import { Splitter } from './splitter.ts'
import { tcp, tls } from './wire.ts'

/** How clients are connected, and what they use. */
export interface Link {
  readonly isTls: boolean
  /** Stream management with each message acknowledged, and carbons. */
  readonly hasFeatures: boolean
  /** Logs in by SASL2, and later with a token (XEP-0484), its session resumed along with that. */
  readonly hasToken?: boolean
}

/** One that binds to no channel, as in a browser. */
const tokenMechanism = 'HT-SHA-256-NONE'
const header = `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>`

/** A client that, once it listens, hands over stanzas as text: the load must not cost more than what it measures. */
export class LoadClient extends Client {
  readonly #isManaged: boolean
  /** Its id, if it logs in with tokens, and the token that it was given last. */
  readonly #id: string | undefined
  #token: string | undefined
  #flight = ''
  readonly #connect: ClientOptions['connect']
  #splitter: Splitter | undefined
  #take: (stanza: string) => void = () => {}
  wire: Wire | undefined
  /** Stanzas sent in this session, and those of them that the server has acknowledged (XEP-0198). */
  sent = 0
  confirmed = 0

  constructor(options: ClientOptions, hasToken = false) {
    super(options)
    this.#connect = options.connect
    this.#isManaged = options.resume === true
    this.#id = hasToken ? randomUUID() : undefined
  }

  override async connect(): Promise<'resumed' | 'bound'> {
    if (this.#id === undefined) return super.connect()
    await this.open()
    const managed = xml('enable', smNs, { resume: 'true' })
    const request = xml('request-token', fastNs, { mechanism: tokenMechanism })
    const success = await this.authenticate(this.#agent, request, xml('bind', bind2Ns, {}, managed))
    this.#token = success.child('token', fastNs)!.attr('token')
    return 'bound'
  }

  /** Makes ready what it says when it comes back: a header, its token and its session (XEP-0484, XEP-0198 §9.2), without waiting for features. */
  async prepare(): Promise<void> {
    const bound = { bindings: new Map<string, Uint8Array>(), crypto: scramCrypto }
    const { initial } = await hashedTokenClient(tokenMechanism, this.account.local!, this.#token!, bound)
    const response = xml('initial-response', sasl2Ns, {}, encodeBase64(initial))
    const resume = xml('resume', smNs, { previd: this.resumption!.id, h: String(this.handled) })
    const attrs = { mechanism: tokenMechanism }
    const authenticate = xml('authenticate', sasl2Ns, attrs, response, this.#agent, xml('fast', fastNs), resume)
    this.#flight = header + String(authenticate)
  }

  /** Comes back; resolves when the server has its session, and has told that it has all that was sent. */
  async return(): Promise<void> {
    const resumed = Promise.withResolvers<void>()
    // The server may hang up before anybody awaits it.
    resumed.promise.catch(() => {})
    let text = ''
    const wire = await this.#connect({
      data: (chunk) => {
        if (this.#splitter) return this.data(chunk as Buffer)
        text += (chunk as Buffer).toString('latin1')
        const end = text.indexOf('</success>')
        if (end < 0) return
        const [told] = /<resumed [^>]*>/.exec(text) ?? ['no session']
        if (!told.includes(` h='${this.sent}'`)) resumed.reject(new Error(`${this.jid}: ${this.sent} sent, ${told}`))
        this.#splitter = new Splitter()
        this.data(Buffer.from(text.slice(end + '</success>'.length), 'latin1'))
        resumed.resolve()
      },
      gone: () => resumed.reject(new Error(`${this.jid} was turned away: ${text}`)),
    })
    this.wire = wire
    this.#take = () => {}
    this.#splitter = undefined
    wire.write(this.#flight)
    await resumed.promise
  }

  get #agent(): Element {
    return xml('user-agent', sasl2Ns, { id: this.#id })
  }

  override async open(...early: Element[]): Promise<void> {
    this.#splitter = undefined
    await super.open(...early)
  }

  /** From now on the stanzas that arrive are given to `take`. */
  listen(take: (stanza: string) => void): void {
    if (!this.#splitter) this.sent = this.acknowledged + this.unacknowledged
    this.#splitter ??= new Splitter()
    this.#take = take
  }

  /** Sends a stanza; with stream management, asks for its acknowledgement. */
  say(stanza: string): void {
    this.sent++
    this.wire!.write(this.#isManaged ? `${stanza}<r xmlns='urn:xmpp:sm:3'/>` : stanza)
  }

  /** Resolves when the server has acknowledged all that was sent. */
  async settle(): Promise<void> {
    const patience = performance.now() + 30_000
    while (this.#isManaged && this.confirmed !== this.sent) {
      if (performance.now() > patience) throw new Error(`${this.sent} sent, ${this.confirmed} acknowledged`)
      await pause(10)
    }
  }

  /** Ends the stream, and with it the session. */
  async leave(): Promise<void> {
    if (!this.isConnected) return this.wire?.destroy()
    this.listen(() => {})
    if (this.#isManaged) this.#confirm()
    await this.close()
  }

  override data(chunk: Buffer): void {
    if (this.#splitter) this.#splitter.write(chunk.toString('latin1'), this.#hear)
    else super.data(chunk)
  }

  readonly #hear = (stanza: string): void => {
    if (stanza.startsWith('</')) return this.wire!.destroy()
    if (this.#isManaged) {
      if (stanza.startsWith('<r ')) return this.#confirm()
      if (stanza.startsWith('<a ')) {
        this.confirmed = Number(/ h=['"](\d+)/.exec(stanza)![1])
        return
      }
      this.handled++
    }
    this.#take(stanza)
  }

  #confirm(): void {
    this.wire!.write(`<a xmlns='urn:xmpp:sm:3' h='${this.handled}'/>`)
  }
}

/** A client of account u{number}: connected, logged in, with its roster, present, having heard its own presence. */
export async function login(peer: Peer, number: number, link: Link): Promise<LoadClient> {
  if (peer.kind === relay) return join(peer, number, link)
  const client = await arrive(peer, number, link)
  const from = new RegExp(`^<presence[^>]* from=['"]${client.jid}['"]`)
  await new Promise<void>((resolve) => {
    client.listen((stanza) => {
      if (from.test(stanza)) resolve()
    })
    client.say('<presence/>')
  })
  return client
}

/** Who is only relayed: with the next number for an even one, with the last for an odd one. */
async function join(peer: Peer, number: number, { isTls }: Link): Promise<LoadClient> {
  const connect = isTls ? tls(peer.tlsPort) : tcp(peer.port)
  const client = new LoadClient({ jid: `u${number}@localhost/bench`, password, connect })
  client.wire = await connect(client)
  await new Promise<void>((resolve) => {
    client.listen(() => resolve())
    client.wire!.write(String(number >> 1))
  })
  return client
}

/** Before it is present nothing is sent to it unasked. */
async function arrive(peer: Peer, number: number, { isTls, hasFeatures, hasToken }: Link): Promise<LoadClient> {
  const connect = isTls ? tls(peer.tlsPort) : tcp(peer.port)
  const options = {
    jid: `u${number}@localhost/bench`,
    password,
    // All servers offer it.
    scram: 'SHA-1' as const,
    connect: async (events: WireEvents) => (client.wire = await connect(events)),
    resume: hasFeatures,
  }
  const client: LoadClient = new LoadClient(options, hasToken)
  await client.connect()
  await client.ask('get', RosterQuery.write({ items: [] }))
  if (hasFeatures) {
    if (!client.resumption) throw new Error('the server offers no resumption')
    await client.ask('set', EnableCarbons.write(undefined))
  }
  return client
}

/** Logs in accounts first … first + count - 1, some at a time. */
export async function loginMany(peer: Peer, first: number, count: number, link: Link): Promise<LoadClient[]> {
  const clients: LoadClient[] = []
  await crowd(count, 20, async (i) => {
    clients[i] = await login(peer, first + i, link)
  })
  return clients
}

/** Does something `count` times, at most `atOnce` of them at a time. */
export async function crowd(count: number, atOnce: number, act: (i: number) => Promise<void>): Promise<void> {
  let next = 0
  const one = async () => {
    while (next < count) await act(next++)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, one))
}

export async function leaveAll(clients: readonly LoadClient[]): Promise<void> {
  await crowd(clients.length, 100, (i) => clients[i]!.leave())
}
