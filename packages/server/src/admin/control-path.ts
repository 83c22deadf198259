import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Some systems take 104 bytes for the path of a socket, with its end mark. */
export const MAX_PATH_BYTES = 100

/** Where the socket is when `socketPath` was too long: a file in the data folder with the path in it. */
export function pointerFile(data: string): string {
  return join(data, 'control')
}

/** The control socket of a data folder; undefined when its path would be too long for a socket. */
export function socketPath(data: string): string | undefined {
  if (process.platform === 'win32')
    return `\\\\.\\pipe\\jackdaw-${createHash('sha256').update(data).digest('hex').slice(0, 32)}`
  const path = join(data, 'jackdaw.sock')
  return Buffer.byteLength(path) <= MAX_PATH_BYTES ? path : undefined
}

/** Where a running server listens, if one runs; undefined when none has left word. */
export function findSocket(data: string): string | undefined {
  const path = socketPath(data)
  if (path !== undefined) return path
  try {
    return readFileSync(pointerFile(data), 'utf8').trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
