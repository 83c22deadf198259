import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { pino } from 'pino'
import type { Clock } from '../world.ts'
import type { NetworkLimits } from './network.ts'
import { selfSigned } from './self-signed.ts'
import { SystemNetwork } from './system-network.ts'
import { secureContext, type SecureContexts } from './tls.ts'
import type { Transport } from './transport.ts'

/** What the tests of this room share. */
export const limits: NetworkLimits = {
  connections: 10_000,
  connectionsPerAddress: 10_000,
  handshakes: 10_000,
  handshakeTime: 10_000,
  webSocketMessage: 10_000,
  httpHeader: 8_192,
  httpBody: 1_000,
  httpBodies: 10_000,
  httpHeaderTime: 10_000,
  httpRequestTime: 20_000,
  httpReadTime: 10_000,
}

/** A clock that goes on only when it is told to. */
export class HandClock implements Clock {
  #now = Date.now()
  readonly #alarms = new Set<{ at: number; act: () => void }>()

  now(): number {
    return this.#now
  }

  after(ms: number, act: () => void): () => void {
    const alarm = { at: this.#now + ms, act }
    this.#alarms.add(alarm)
    return () => this.#alarms.delete(alarm)
  }

  soon(act: () => void): void {
    setImmediate(act)
  }

  get alarms(): number {
    return this.#alarms.size
  }

  advance(ms: number): void {
    this.#now += ms
    for (const alarm of this.#alarms) {
      if (alarm.at > this.#now) continue
      this.#alarms.delete(alarm)
      alarm.act()
    }
  }
}

/** A log whose lines are kept. */
export function keptLog() {
  const lines: { level: number; msg: string }[] = []
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  return { log, lines }
}

export function network(change: Partial<NetworkLimits> = {}) {
  const clock = new HandClock()
  const { log, lines } = keptLog()
  return { network: new SystemNetwork({ ...limits, ...change }, { clock, log }), clock, lines }
}

/** One self-signed certificate for each name; the first is the default. */
export async function contexts(...names: string[]): Promise<SecureContexts & { pem: Map<string, string> }> {
  const pem = new Map<string, string>()
  const ticketKeys = randomBytes(48)
  const found = new Map<string, ReturnType<typeof secureContext>>()
  for (const name of names) {
    const made = await selfSigned(name, Date.now())
    pem.set(name, made.certificate)
    found.set(name, secureContext(made, 'TLSv1.2', { ticketKeys }))
  }
  return { pem, find: (name) => found.get(name), fallback: found.get(names[0]!)!, hasChoice: names.length > 1 }
}

/** Opens a transport and keeps what it tells. */
export class Ear {
  readonly transport: Transport
  text = ''
  /** Each call of data(). */
  readonly chunks: (Uint8Array | string)[] = []
  drains = 0
  /** One entry for each call of gone(). */
  readonly ends: (Error | undefined)[] = []
  #wake: (() => void)[] = []

  constructor(transport: Transport) {
    this.transport = transport
    const wake = (): void => {
      for (const each of this.#wake.splice(0)) each()
    }
    transport.open({
      data: (chunk) => {
        this.chunks.push(typeof chunk === 'string' ? chunk : chunk.slice())
        this.text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString()
        wake()
      },
      drain: () => {
        this.drains++
        wake()
      },
      gone: (error) => {
        this.ends.push(error)
        wake()
      },
    })
  }

  async until(isSo: (ear: this) => boolean): Promise<void> {
    while (!isSo(this)) await new Promise<void>((resolve) => this.#wake.push(resolve))
  }

  hears(text: string): Promise<void> {
    return this.until((ear) => ear.text.includes(text))
  }

  async gone(): Promise<Error | undefined> {
    await this.until((ear) => ear.ends.length > 0)
    return this.ends[0]
  }
}

/** Transports in the order in which they are accepted. */
export class Doorway {
  readonly #waiting: ((ear: Ear) => void)[] = []
  readonly #come: Ear[] = []
  readonly all: Ear[] = []

  readonly accept = (transport: Transport): void => {
    const ear = new Ear(transport)
    this.all.push(ear)
    const next = this.#waiting.shift()
    if (next) next(ear)
    else this.#come.push(ear)
  }

  next(): Promise<Ear> {
    const ear = this.#come.shift()
    return ear ? Promise.resolve(ear) : new Promise((resolve) => this.#waiting.push(resolve))
  }
}

export async function dial(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** All that comes until the other side ends. */
export async function drainOf(socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
  if (!socket.closed) await once(socket, 'close')
  return text
}
