import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Moment } from './die-at-commit.ts'

export interface ServerOptions {
  /** Its data folder. */
  readonly data: string
  readonly ports: { readonly xmpp: number; readonly xmpps: number; readonly http: number }
  readonly domain: string
  /** The names of the accounts made at the first start. */
  readonly accounts: readonly string[]
  readonly password: string
  /** False: nothing outlives the process. */
  readonly journal: boolean
  /** Modules switched off (false) or set otherwise than by default. */
  readonly modules?: Readonly<Record<string, boolean | Readonly<Record<string, unknown>>>> | undefined
}

/** A Jackdaw in a process of its own, that can be killed and started again at the same place. */
export class KillableServer {
  readonly #options: ServerOptions
  #process: ChildProcess | undefined
  #ready: Promise<void> = Promise.resolve()
  /** How long each start took until it listened, milliseconds. */
  readonly starts: number[] = []
  /** How often it has been started. */
  generation = 0

  constructor(options: ServerOptions) {
    this.#options = options
  }

  /** Starts it without waiting for it. */
  start(): void {
    this.generation++
    const child = fork(
      new URL('./server-process.ts', import.meta.url),
      [JSON.stringify({ ...this.#options, isFirst: this.generation === 1 })],
      {
        execArgv: ['--conditions=source'],
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
        env: { ...process.env, NODE_COMPILE_CACHE: join(this.#options.data, 'compiled') },
      },
    )
    const began = performance.now()
    this.#process = child
    this.#ready = new Promise((resolve, reject) => {
      child.once('message', () => {
        this.starts.push(performance.now() - began)
        resolve()
      })
      child.once('exit', (code) => {
        // A kill has no code.
        if (code !== null) reject(new Error(`The server ended by itself with ${code}: see ${this.#log}`))
      })
    })
    this.#ready.catch(() => {})
  }

  /** Resolves when it listens; never, when it is killed before. Rejects when it ended by itself. */
  get ready(): Promise<void> {
    return this.#ready
  }

  /** Kills it with SIGKILL; resolves when it is dead. */
  async kill(): Promise<void> {
    const child = this.#process!
    if (child.exitCode !== null || child.signalCode !== null) return
    const dead = once(child, 'exit')
    child.kill('SIGKILL')
    await dead
  }

  /** Has it kill itself with SIGKILL at that moment of its next commit; `armed` is called when it will. Resolves when it is dead. */
  async killAtCommit(moment: Moment, armed = () => {}): Promise<void> {
    const child = this.#process!
    const dead = once(child, 'exit')
    child.once('message', armed)
    child.send(moment)
    const late = setTimeout(() => child.kill('SIGKILL'), 3000)
    await dead
    clearTimeout(late)
  }

  /** Processor time that it has taken, user and system, all threads; milliseconds, in steps of ten. */
  cpu(): number {
    const fields = readFileSync(`/proc/${this.#process!.pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
    return (Number(fields[11]) + Number(fields[12])) * 10
  }

  /** Resident memory, MiB. */
  memory(): number {
    return (Number(readFileSync(`/proc/${this.#process!.pid}/statm`, 'utf8').split(' ')[1]) * 4096) / 2 ** 20
  }

  /** What all the processes logged at this level (40: warn, 50: error) or above. */
  logged(level: number): string[] {
    const lines = readFileSync(this.#log, 'utf8').split('\n')
    return lines.filter((line) => line !== '' && (JSON.parse(line) as { level: number }).level >= level)
  }

  get #log(): string {
    return join(this.#options.data, 'server.log')
  }
}

/**
 * So many ports of 127.0.0.1 that are free at this moment. They lie below those that the kernel takes for outgoing connections: with a server away,
 * one of its clients could else be given the server's port, or even connect to itself.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = []
  for (let port = 20_000 + (process.pid % 10_000); ports.length < count; port++)
    if (await isFree(port)) ports.push(port)
  return ports
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
