import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import type { Json } from '../world.ts'
import { findSocket } from './control-path.ts'
import { CommandError } from './requests.ts'
import type { Request, Response } from './requests.ts'

/** The running server of a data folder. */
export interface Control {
  /** Yields what the server shows. @throws {CommandError} what the server refused. */
  ask(request: Request): AsyncGenerator<Json>
  /** Stops the server; resolves when its process has ended. */
  stop(): Promise<void>
  close(): void
}

/** Reaches the server that runs on a data folder; undefined when none does. @throws {CommandError} */
export async function reachServer(data: string): Promise<Control | undefined> {
  const path = findSocket(data)
  if (path === undefined) return undefined
  const socket = connect(path)
  try {
    await once(socket, 'connect')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTDIR') return undefined
    if (code === 'EACCES' || code === 'EPERM')
      throw new CommandError(
        `the control socket ${path} belongs to another user: run this command as the user who runs Jackdaw`,
        { cause: error },
      )
    throw new CommandError(`the control socket ${path} cannot be reached: ${(error as Error).message}`, {
      cause: error,
    })
  }
  return new SocketControl(socket)
}

class SocketControl implements Control {
  readonly #socket: Socket
  readonly #lines: AsyncIterator<string>
  readonly #closed: Promise<void>

  constructor(socket: Socket) {
    this.#socket = socket
    this.#closed = new Promise((resolve) => void socket.on('close', () => resolve()))
    socket.on('error', () => socket.destroy())
    this.#lines = createInterface({ input: socket, crlfDelay: Infinity })[Symbol.asyncIterator]()
  }

  async *ask(request: Request): AsyncGenerator<Json> {
    this.#socket.write(`${JSON.stringify(request)}\n`)
    for (;;) {
      const line = await this.#lines.next().catch(() => undefined)
      if (line?.done !== false) throw new CommandError('the server ended before it answered: look into its log')
      const response = JSON.parse(line.value) as Response
      if ('error' in response) throw new CommandError(response.error)
      if ('end' in response) return
      yield response.item
    }
  }

  async stop(): Promise<void> {
    let pid = 0
    for await (const item of this.ask({ command: 'stop' })) pid = (item as { pid: number }).pid
    await this.#closed
    // The kernel closes the socket a moment before the process is gone, with its locks and ports.
    while (pid !== process.pid && isAlive(pid)) await wait(10)
  }

  close(): void {
    this.#socket.destroy()
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
