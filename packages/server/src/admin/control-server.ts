import { chmodSync, mkdtempSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StringDecoder } from 'node:string_decoder'
import type { Json } from '../world.ts'
import { pointerFile, socketPath } from './control-path.ts'
import { run } from './commands.ts'
import type { Running } from './commands.ts'
import { CommandError, MAX_LINE_BYTES, requestSchema } from './requests.ts'
import type { Request, Response } from './requests.ts'

const MAX_CONNECTIONS = 16

export interface ControlOptions {
  /** The data folder, whose lock the caller holds: a socket that lies there is nobody's. */
  readonly data: string
  readonly server: Running
  /** Told of what is nobody's mistake but ours. */
  readonly onError: (error: unknown) => void
}

/**
 * Takes commands over a Unix socket in the data folder that only its owner can open. Returns what takes it away; a connection that
 * asked to stop stays open until the process has ended, which tells its client that it has.
 */
export async function listenForControl(options: ControlOptions): Promise<() => void> {
  const place = preparePlace(options.data)
  const connections = new Set<Socket>()
  const server = createServer((socket) => {
    connections.add(socket)
    socket.on('close', () => connections.delete(socket))
    socket.on('error', () => socket.destroy())
    socket.unref()
    serve(socket, options)
  })
  server.maxConnections = MAX_CONNECTIONS
  await place.listen((path) => listen(server, path))
  server.unref()
  return () => {
    server.close()
    for (const socket of connections) if (!stopping.has(socket)) socket.destroy()
    place.remove()
  }
}

/** Connections that wait for the end of the process. */
const stopping = new WeakSet<Socket>()

interface Place {
  listen(listenAt: (path: string) => Promise<void>): Promise<void>
  remove(): void
}

/** A socket is made with the mode that the umask leaves; so it is made in a folder of ours, and only then put where others see it. */
function preparePlace(data: string): Place {
  const path = socketPath(data)
  if (process.platform === 'win32') return { listen: (listenAt) => listenAt(path!), remove: () => undefined }
  const folder = mkdtempSync(path === undefined ? join(tmpdir(), 'jackdaw-') : join(data, 'c-'))
  const made = join(folder, 's')
  const listenClosed: Place['listen'] = async (listenAt) => {
    await listenAt(made)
    chmodSync(made, 0o600)
  }
  if (path === undefined) {
    const pointer = pointerFile(data)
    return {
      async listen(listenAt) {
        await listenClosed(listenAt)
        rmSync(pointer, { force: true })
        writeFileSync(pointer, `${made}\n`, { mode: 0o600 })
      },
      remove() {
        rmSync(pointer, { force: true })
        rmSync(folder, { recursive: true, force: true })
      },
    }
  }
  return {
    async listen(listenAt) {
      await listenClosed(listenAt)
      renameSync(made, path)
      rmdirSync(folder)
    },
    remove: () => rmSync(path, { force: true }),
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** One request after another; the next is read when the last is answered. */
function serve(socket: Socket, options: ControlOptions): void {
  const decoder = new StringDecoder('utf8')
  let held = ''
  socket.on('data', (bytes) => {
    held += decoder.write(bytes)
    socket.pause()
    void drain().then(
      () => socket.resume(),
      () => socket.destroy(),
    )
  })

  async function drain(): Promise<void> {
    for (let end = held.indexOf('\n'); end >= 0; end = held.indexOf('\n')) {
      const line = held.slice(0, end)
      held = held.slice(end + 1)
      await answer(socket, line, options)
    }
    if (held.length > MAX_LINE_BYTES) {
      await say(socket, { error: tooLong().message })
      socket.destroySoon()
    }
  }
}

async function answer(socket: Socket, line: string, { server, onError }: ControlOptions): Promise<void> {
  try {
    const request = parse(line)
    if (request.command === 'stop') stopping.add(socket)
    for await (const item of run(request, server)) await say(socket, { item })
    await say(socket, { end: true })
  } catch (error) {
    if (error instanceof GoneError) throw error
    if (!(error instanceof CommandError)) onError(error)
    await say(socket, {
      error: error instanceof CommandError ? error.message : `the server failed: ${(error as Error).message}`,
    })
  }
}

const tooLong = (): CommandError => new CommandError(`a request is one line of at most ${MAX_LINE_BYTES} bytes`)

function parse(line: string): Request {
  if (line.length > MAX_LINE_BYTES) throw tooLong()
  let json: unknown
  try {
    json = JSON.parse(line) as Json
  } catch (error) {
    throw new CommandError('a request is one line of JSON', { cause: error })
  }
  const request = requestSchema.safeParse(json)
  if (!request.success)
    throw new CommandError('unknown command, or not its fields: is this jackdaw of the same version as the server?')
  return request.data
}

/** Who asked does not wait for the answer. */
class GoneError extends Error {}

async function say(socket: Socket, response: Response): Promise<void> {
  if (socket.destroyed) throw new GoneError()
  if (socket.write(`${JSON.stringify(response)}\n`)) return
  await new Promise<void>((resolve, reject) => {
    const done = (act: () => void) => () => {
      socket.off('drain', drained)
      socket.off('close', closed)
      act()
    }
    const drained = done(resolve)
    const closed = done(() => reject(new GoneError()))
    socket.on('drain', drained)
    socket.on('close', closed)
  })
}
