import { connect, type Socket } from 'node:net'
import { connect as connectTls, TLSSocket } from 'node:tls'
import type { Element } from '@jackdaw/xmpp'
import { type Ear, HttpEar, StreamEar, TlsEar, WebSocketEar } from './ears.ts'
import { frame } from './frames.ts'
import { domain, password, type Ports } from './hostile-server.ts'

/** How the server is reached; 'raw tls' is the port of direct TLS without TLS. */
export type Way = 'tcp' | 'starttls' | 'tls' | 'websocket' | 'secure websocket' | 'http' | 'https' | 'raw tls'
/** How far an ordinary client has come before it turns hostile. */
export type Stage = 'raw' | 'header' | 'authenticated' | 'bound'

const doors: Readonly<Record<Way, keyof Ports>> = {
  tcp: 'xmpp',
  starttls: 'xmpp',
  tls: 'xmpps',
  'raw tls': 'xmpps',
  websocket: 'http',
  http: 'http',
  'secure websocket': 'https',
  https: 'https',
}

export const header = `<?xml version='1.0'?><stream:stream to='${domain}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`
export const open = `<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='${domain}' version='1.0'/>`
export const upgrade = `GET /xmpp HTTP/1.1\r\nHost: ${domain}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: xmpp\r\n\r\n`

let lastAddress = 0

/** Another address of the loopback each time: what one attacker does to itself (delays, caps) must not reach the next. */
export function nextAddress(): string {
  const number = ++lastAddress
  return `127.1.${number >> 8}.${number & 0xff}`
}

/** A client that sends whatever bytes it likes, and notes what it hears. */
export class Peer {
  readonly way: Way
  readonly ports: Ports
  readonly account: string
  /** What was heard since the last `forget`. */
  readonly heard: string[] = []
  jid = ''
  #socket: Socket
  /** The TCP connection itself. */
  readonly #below: Socket
  #ear: Ear
  #elements: (Element | undefined)[] = []
  #isGone = false
  #listeners = new Set<() => void>()

  private constructor(socket: Socket, below: Socket, way: Way, ports: Ports, account: string) {
    this.way = way
    this.ports = ports
    this.account = account
    this.#socket = socket
    this.#below = below
    const tell = (said: string, element?: Element) => {
      this.heard.push(said)
      this.#elements.push(element)
      // RFC 6455 §5.5.1
      if (said.startsWith('frame close')) this.write(frame(8))
    }
    this.#ear =
      way === 'raw tls'
        ? new TlsEar(tell)
        : way.endsWith('websocket')
          ? new WebSocketEar(tell)
          : way.startsWith('http')
            ? new HttpEar(tell)
            : new StreamEar(tell)
    this.#listen()
  }

  static async connect(way: Way, ports: Ports, account = '', localAddress = nextAddress()): Promise<Peer> {
    const place = { port: ports[doors[way]], host: '127.0.0.1', localAddress, noDelay: true }
    const isSecure = way === 'tls' || way === 'https' || way === 'secure websocket'
    const below = connect(place)
    const socket = isSecure ? connectTls({ socket: below, servername: domain, rejectUnauthorized: false }) : below
    await new Promise<void>((resolve, reject) => {
      socket.once(isSecure ? 'secureConnect' : 'connect', resolve).once('error', reject)
    })
    return new Peer(socket, below, way, ports, account)
  }

  get isWebSocket(): boolean {
    return this.way.endsWith('websocket')
  }

  get socket(): Socket {
    return this.#socket
  }

  /** Text is a WebSocket message where the stream is on a WebSocket; bytes go as they are. */
  write(data: string | Uint8Array): void {
    if (this.#socket.destroyed) return
    this.#socket.write(typeof data === 'string' && this.isWebSocket ? frame(1, data) : data)
  }

  /** Sends bytes below TLS. */
  raw(bytes: Uint8Array): void {
    this.#below.write(bytes)
  }

  /** Sends the end of the stream. */
  close(): void {
    this.write(this.isWebSocket ? `<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>` : '</stream:stream>')
  }

  /** Breaks the connection. */
  vanish(): void {
    if (this.#socket instanceof TLSSocket) this.#socket.destroy()
    else this.#socket.resetAndDestroy()
  }

  /** One more connection like this one, which somebody else may have made. */
  another(account: string): Promise<Peer> {
    return Peer.connect(this.way, this.ports, account)
  }

  forget(): void {
    this.heard.length = 0
    this.#elements.length = 0
  }

  /** Resolves with the first of what was heard (or will be) that begins so; rejects when the connection goes before. */
  async hears(what: string): Promise<Element | undefined> {
    for (;;) {
      const at = this.heard.findIndex((said) => said.startsWith(what))
      if (at >= 0) return this.#elements[at]
      if (this.#isGone) throw new Error(`Gone before '${what}' was heard; heard: ${this.heard.join(', ')}`)
      await new Promise<void>((resolve) => this.#listeners.add(resolve))
    }
  }

  /** Goes through the ordinary negotiation up to there. */
  async reach(stage: Stage): Promise<void> {
    if (this.isWebSocket) {
      this.#socket.write(upgrade)
      await this.hears('http 101')
      this.forget()
    }
    if (stage === 'raw') return
    await this.header()
    if (this.way === 'starttls') {
      this.write(`<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`)
      await this.hears('proceed')
      await this.secure()
      await this.header()
    }
    if (stage === 'header') return
    const initial = Buffer.from(`\0${this.account}\0${password}`).toString('base64')
    this.write(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${initial}</auth>`)
    await this.hears('success')
    await this.header()
    if (stage === 'authenticated') return
    await this.bind()
  }

  async header(): Promise<void> {
    this.forget()
    this.write(this.isWebSocket ? open : header)
    await this.hears('features')
    this.forget()
  }

  async bind(): Promise<void> {
    this.write(`<iq type='set' id='bind' xmlns='jabber:client'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>`)
    const result = await this.hears('iq result #bind')
    this.jid = result!.first()!.first()!.text
    this.forget()
  }

  /** The TLS handshake, after the server has said that it is ready for it. */
  async secure(): Promise<TLSSocket> {
    this.#socket.removeAllListeners('data').removeAllListeners('close')
    const secure = connectTls({ socket: this.#socket, servername: domain, rejectUnauthorized: false })
    await new Promise<void>((resolve, reject) => {
      secure.once('secureConnect', resolve).once('error', reject)
    })
    this.#socket = secure
    this.#listen()
    return secure
  }

  /** Resolves when the connection is gone. */
  async gone(): Promise<void> {
    while (!this.#isGone) await new Promise<void>((resolve) => this.#listeners.add(resolve))
  }

  #listen(): void {
    this.#socket
      .on('data', (chunk: Buffer) => {
        this.#ear.hear(chunk)
        this.#wake()
      })
      .on('error', () => {})
      .on('close', () => {
        this.#isGone = true
        this.heard.push('gone')
        this.#wake()
      })
  }

  #wake(): void {
    const listeners = [...this.#listeners]
    this.#listeners.clear()
    for (const listener of listeners) listener()
  }
}
