import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'

/** The processors: the load has one of its own, the servers have the other. */
export const loadCore = 0
export const serverCore = 1

export interface Command {
  readonly file: string
  readonly args: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
}

/** A server bound to the servers' processor, and what it and the processes that it started have used. */
export class ServerProcess {
  readonly #child: ChildProcess
  /** Resolves when it has ended. */
  readonly ended: Promise<void>

  constructor({ file, args, environment }: Command) {
    this.#child = spawn('taskset', ['-c', String(serverCore), file, ...args], {
      stdio: ['ignore', 'ignore', process.env['VERBOSE'] ? 'inherit' : 'ignore'],
      env: { ...process.env, ...environment },
    })
    this.ended = new Promise((resolve) => {
      this.#child.once('exit', () => resolve()).once('error', () => resolve())
    })
    const kill = () => this.#child.kill('SIGKILL')
    process.once('exit', kill)
    void this.ended.then(() => process.off('exit', kill))
  }

  get exited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined
  }

  /** User and system time of the whole tree, in microseconds: threads, children, and children that have ended. */
  get cpu(): number {
    const clockTicks = 100
    let ticks = 0
    for (const { fields } of this.#tree()) for (const field of fields.slice(11, 15)) ticks += Number(field)
    return (ticks * 1e6) / clockTicks
  }

  /** Resident memory of the whole tree in bytes. */
  get memory(): number {
    let bytes = 0
    for (const { pid } of this.#tree()) {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8')
      bytes += Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024
    }
    return bytes
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }

  /** Lets it put its data in order. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM')
    const impatience = setTimeout(() => this.#child.kill('SIGKILL'), 20_000)
    await this.ended
    clearTimeout(impatience)
  }

  /** Fields of /proc/PID/stat from the third on, of the process and its descendants. */
  #tree(): { pid: number; fields: string[] }[] {
    const all = new Map<number, string[]>()
    for (const name of readdirSync('/proc')) {
      if (!/^\d+$/.test(name)) continue
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
        all.set(Number(name), stat.slice(stat.lastIndexOf(') ') + 2).split(' '))
      } catch {
        // It ended while we looked.
      }
    }
    const tree = [this.#child.pid!]
    for (const parent of tree) for (const [pid, fields] of all) if (Number(fields[1]) === parent) tree.push(pid)
    return tree.flatMap((pid) => (all.has(pid) ? [{ pid, fields: all.get(pid)! }] : []))
  }
}

/** Resolves when something listens on the port of this machine. */
export async function listening(port: number, server: ServerProcess): Promise<void> {
  const patience = performance.now() + 60_000
  while (performance.now() < patience) {
    if (server.exited) throw new Error('the server has ended; VERBOSE=1 shows what it said')
    if (await accepts(port)) return
    await pause(5)
  }
  throw new Error(`nobody listens on ${port}`)
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
