import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Jackdaw, Ports } from '../jackdaw.ts'

/** How a client reaches the server. */
export type Transport = 'starttls' | 'tls' | 'websocket' | 'bosh'

/** What a client program is started with: JSON, its one argument. */
export interface PeerOptions {
  readonly jid: string
  readonly password: string
  readonly transport: Transport
  readonly port: number
  /** The certificate to trust, a PEM file. */
  readonly certificate: string
  /** Whether it may log in by XEP-0388; else it does as RFC 6120 says. */
  readonly sasl2?: boolean
}

/** What a client program is told, a line of JSON each. */
export type Command =
  | { readonly do: 'connect' | 'close' }
  | { readonly do: 'presence'; readonly to?: string; readonly type?: string; readonly status?: string }
  | { readonly do: 'message'; readonly to: string; readonly body: string }
  | { readonly do: 'ask'; readonly what: Question; readonly number: number }

/** `carbons` switches them on. */
export type Question = 'roster' | 'ping' | 'disco' | 'version' | 'carbons' | 'archive'

/** What a client program tells, a line of JSON each. Bodies are unique: they stand for the message. */
export type Heard =
  | { readonly is: 'online'; readonly jid: string }
  | { readonly is: 'resumed' | 'offline' }
  | { readonly is: 'authenticating'; readonly mechanism: string }
  | { readonly is: 'message'; readonly from: string; readonly body: string; readonly delayed: boolean }
  | {
      readonly is: 'copy'
      readonly direction: 'sent' | 'received'
      readonly from: string
      readonly to: string
      readonly body: string
    }
  | { readonly is: 'presence'; readonly from: string; readonly type: string; readonly status: string }
  | { readonly is: 'push'; readonly jid: string; readonly subscription: string }
  /** The server has acknowledged the message. */
  | { readonly is: 'acked'; readonly body: string }
  /** The library said that it cannot send the message. */
  | { readonly is: 'unsent'; readonly body: string }
  | { readonly is: 'answer'; readonly number: number; readonly value: unknown }
  | { readonly is: 'refused'; readonly number: number; readonly why: string }

type Pattern = Partial<Record<string, unknown>> & { readonly is: Heard['is'] }

const programs = {
  slixmpp: ['/usr/bin/python3', '-u', at('slixmpp-client.py')],
  '@xmpp/client': [process.execPath, at('xmpp-client.ts')],
  stanza: [process.execPath, at('stanza-client.ts')],
  'strophe.js': [process.execPath, at('strophe-client.ts')],
} as const

export type Make = keyof typeof programs

/** Debian's Python and its slixmpp; whatever other Python stands first in the path does not count. */
export const hasSlixmpp =
  spawnSync('/usr/bin/python3', [
    '-c',
    'import sys, importlib.util; sys.exit(importlib.util.find_spec("slixmpp") is None)',
  ]).status === 0

const doors: Readonly<Record<Transport, keyof Ports>> = {
  starttls: 'xmpp',
  tls: 'xmpps',
  websocket: 'https',
  bosh: 'https',
}

/** The port of the server for the transport. */
export function portFor(jackdaw: Jackdaw, transport: Transport): number {
  return jackdaw.ports[doors[transport]]
}

/** A client program of another make, in a process of its own. */
export class Peer {
  readonly account: string
  readonly #process: ChildProcess
  /** All that it told, in order. */
  readonly heard: Heard[] = []
  readonly #taken = new Set<Heard>()
  readonly #waiting = new Set<() => void>()
  #complaints = ''
  #questions = 0

  constructor(make: Make, options: PeerOptions) {
    this.account = options.jid.split('/')[0]!
    const [program, ...words] = programs[make]
    this.#process = spawn(program, [...words, JSON.stringify(options)], {
      env: { ...process.env, NODE_EXTRA_CA_CERTS: options.certificate },
    })
    this.#process.stderr!.setEncoding('utf8').on('data', (text: string) => (this.#complaints += text))
    this.#process.stdin!.on('error', () => {})
    createInterface({ input: this.#process.stdout! }).on('line', (line) => {
      this.heard.push(JSON.parse(line) as Heard)
      for (const look of this.#waiting) look()
    })
  }

  do(command: Command): void {
    this.#process.stdin!.write(`${JSON.stringify(command)}\n`)
  }

  says(to: Peer, ...bodies: string[]): void {
    for (const body of bodies) this.do({ do: 'message', to: to.account, body })
  }

  /** Resolves with the answer; rejects with the error answered. */
  async ask(what: Question): Promise<unknown> {
    const number = ++this.#questions
    this.do({ do: 'ask', what, number })
    const answer = await this.#next(
      (event) => (event.is === 'answer' || event.is === 'refused') && event.number === number,
      `the answer to ${what}`,
    )
    if (answer.is === 'refused') throw new Error(`${what}: ${answer.why}`)
    return (answer as Heard & { is: 'answer' }).value
  }

  /** The first event like this that has not been taken yet; rejects after 30 s, with all that was heard. */
  hears(pattern: Pattern): Promise<Heard> {
    const isLike = (event: Heard): boolean =>
      Object.entries(pattern).every(([name, value]) => event[name as keyof Heard] === value)
    return this.#next(isLike, JSON.stringify(pattern))
  }

  /** The bodies of all messages received since so many events had been heard. */
  bodies(since = 0): string[] {
    return this.heard.slice(since).flatMap((event) => (event.is === 'message' ? [event.body] : []))
  }

  async end(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const dead = once(this.#process, 'close')
    this.#process.kill('SIGKILL')
    await dead
  }

  #next(isWanted: (event: Heard) => boolean, wanted: string): Promise<Heard> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = this.heard.find((event) => !this.#taken.has(event) && isWanted(event))
        if (!found) return
        this.#taken.add(found)
        settle()
        resolve(found)
      }
      const settle = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(look)
        this.#process.off('close', fail)
      }
      const fail = (): void => {
        settle()
        const all = this.heard.map((event) => JSON.stringify(event)).join('\n')
        reject(new Error(`${this.account} never heard ${wanted}, but:\n${all}\n${this.#complaints}`))
      }
      const timer = setTimeout(fail, 30_000)
      this.#waiting.add(look)
      this.#process.once('close', fail)
      look()
    })
  }
}

function at(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url))
}
