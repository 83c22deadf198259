import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'

/** A server process bound to one core, and what it has used. */
export class Measured {
  readonly #child: ChildProcess

  /** @param core the processor it may use */
  constructor(
    core: number,
    command: string,
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ) {
    this.#child = spawn('taskset', ['-c', String(core), command, ...args], {
      stdio: ['ignore', 'ignore', process.env['VERBOSE'] ? 'inherit' : 'ignore'],
      env: { ...process.env, ...environment },
    })
  }

  get exited(): boolean {
    return this.#child.exitCode !== null
  }

  /** User and system time of the whole process, all threads, in microseconds. */
  get cpu(): number {
    const fields = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
    const clockTicks = 100
    return ((Number(fields[11]) + Number(fields[12])) * 1e6) / clockTicks
  }

  /** Resident memory in bytes. */
  get memory(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) * 1024
  }

  async stop(): Promise<void> {
    if (this.exited) return
    const gone = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.kill('SIGKILL')
    await gone
  }
}

/** Resolves when something listens on the port of this machine. */
export async function listening(port: number, server: Measured): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    if (server.exited) throw new Error('the server has ended')
    if (await accepts(port)) return
    await new Promise((resolve) => setTimeout(resolve, 100))
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
