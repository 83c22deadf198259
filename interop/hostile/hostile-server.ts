import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ConfigInput, Listening } from '@jackdaw/server'

export const domain = 'localhost'
export const password = 'correct horse'

/** What the child process is told at its start. */
export interface Orders {
  readonly config: ConfigInput
  readonly domain: string
  readonly password: string
  readonly accounts: readonly string[]
  /** The file of its log. */
  readonly log: string
}

/** What the process holds after a full garbage collection; sizes in MiB. */
export interface Size {
  readonly rss: number
  /** On V8's heap, and the buffers that hang on it. */
  readonly heap: number
  /** Open TCP connections. */
  readonly sockets: number
  readonly sessions: number
}

export type Ports = Readonly<Record<Listening['name'], number>>

/** A server in a process of its own, to be attacked. */
export class HostileServer {
  readonly #process: ChildProcess
  readonly #folder: string
  #stderr = ''
  ports!: Ports

  private constructor(child: ChildProcess, folder: string) {
    this.#process = child
    this.#folder = folder
    child.stderr!.on('data', (text: Buffer) => (this.#stderr += text))
  }

  /** `limits` and what else differs from the defaults; ports are free ones of the loopback. */
  static async start(accounts: readonly string[], config: ConfigInput = {}): Promise<HostileServer> {
    const folder = mkdtempSync(join(tmpdir(), 'jackdaw-hostile-'))
    const anyPort = { port: 0, address: '127.0.0.1' }
    const orders: Orders = {
      config: {
        data: folder,
        hosts: { [domain]: { plaintext: 'loopback' } },
        listen: { xmpp: anyPort, xmpps: anyPort, http: anyPort, https: anyPort },
        ...config,
      },
      domain,
      password,
      accounts,
      log: join(folder, 'server.log'),
    }
    const child = fork(new URL('./server-process.ts', import.meta.url), [JSON.stringify(orders)], {
      execArgv: ['--conditions=source', '--expose-gc'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    const server = new HostileServer(child, folder)
    const listening = (await server.#answer()) as Listening[]
    server.ports = Object.fromEntries(listening.map(({ name, port }) => [name, port])) as Ports
    return server
  }

  async size(): Promise<Size> {
    this.#process.send('size')
    return (await this.#answer()) as Size
  }

  /** A figure that /metrics shows. */
  async metric(name: string): Promise<number> {
    const response = await fetch(`http://127.0.0.1:${this.ports.http}/metrics`, { headers: { connection: 'close' } })
    const line = (await response.text()).split('\n').find((each) => each.startsWith(`${name} `))
    return Number(line?.split(' ')[1])
  }

  /** Resolves with the figure once it is as it should be; rejects when that takes too long. */
  async until(name: string, isRight: (value: number) => boolean): Promise<number> {
    for (let tries = 0; tries < 400; tries++) {
      const value = await this.metric(name)
      if (isRight(value)) return value
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new Error(`${name} stays at ${await this.metric(name)}`)
  }

  /** What it should never have to say: lines of its log at level 'error' and above, and all that Node wrote to stderr. */
  complaints(): string[] {
    const lines = this.log.split('\n')
    const errors = lines.filter((line) => line !== '' && (JSON.parse(line) as { level: number }).level >= 50)
    return [...errors, ...this.#stderr.split('\n').filter((line) => line !== '')]
  }

  /** All that it has logged. */
  get log(): string {
    return readFileSync(join(this.#folder, 'server.log'), 'utf8')
  }

  /** Ends it in an orderly way. */
  async stop(): Promise<void> {
    const ended = once(this.#process, 'exit')
    this.#process.send('stop')
    await ended
    rmSync(this.#folder, { recursive: true })
  }

  #answer(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const ended = () => reject(new Error(`The server ended by itself: ${this.#stderr}`))
      this.#process.once('exit', ended).once('message', (message) => {
        this.#process.off('exit', ended)
        resolve(message)
      })
    })
  }
}
