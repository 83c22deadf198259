import { type FileHandle, mkdir, open, readdir, rename, rm, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** So much of the disk is left to the rest of the server: without room for its journal it stands still. Bytes. */
export const leftFree = 256 * 1024 * 1024
const portion = 65_536

/**
 * Files on the disk, by id: hexadecimal digits that were made here, so that no name from outside ever becomes a path. What comes is written in
 * `incoming` and moved to `kept` when it is whole and known; so at a start only what lies in `incoming` is in doubt.
 */
export class Vault {
  readonly #incoming: string
  readonly #kept: string

  constructor(folder: string) {
    this.#incoming = join(folder, 'incoming')
    this.#kept = join(folder, 'kept')
  }

  async prepare(): Promise<void> {
    await mkdir(this.#incoming, { recursive: true, mode: 0o700 })
    await mkdir(this.#kept, { recursive: true, mode: 0o700 })
  }

  /** Whether so many bytes may still be written. */
  async hasRoom(bytes: number): Promise<boolean> {
    const { bavail, bsize } = await statfs(this.#incoming)
    return bavail * bsize - bytes >= leftFree
  }

  /** The ids of what came and was not moved. */
  incoming(): Promise<string[]> {
    return readdir(this.#incoming)
  }

  /** Writes what comes until it ends: it is then on the disk. Nothing is left of it when that fails, or `signal` aborts. */
  async receive(
    id: string,
    body: ReadableStream<Uint8Array>,
    signal: AbortSignal,
    onBytes: (count: number) => void,
  ): Promise<void> {
    const path = join(this.#incoming, id)
    const file = await open(path, 'wx', 0o600)
    const reader = body.getReader()
    // Whoever waits for the next portion then finds the end.
    const stop = () => void reader.cancel().catch(() => {})
    signal.addEventListener('abort', stop)
    try {
      for (;;) {
        signal.throwIfAborted()
        const { done, value } = await reader.read()
        if (done) break
        await writeAll(file, value)
        onBytes(value.length)
      }
      signal.throwIfAborted()
      await file.datasync()
      await file.close()
    } catch (error) {
      await file.close()
      await rm(path, { force: true })
      throw error
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  /** Moves what came to where it stays. */
  async keep(id: string): Promise<void> {
    const path = this.#pathOf(id)
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await rename(join(this.#incoming, id), path)
  }

  /** The bytes from `start` to `end`, `end` left out, read as they are taken; undefined when there is no such file. */
  async read(id: string, start: number, end: number): Promise<ReadableStream<Uint8Array> | undefined> {
    let file: FileHandle
    try {
      file = await open(this.#pathOf(id))
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
    let at = start
    return new ReadableStream(
      {
        async pull(controller) {
          try {
            const buffer = Buffer.allocUnsafeSlow(Math.min(portion, end - at))
            const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
            if (bytesRead === 0) throw new Error(`the file ${id} is shorter than it was`)
            at += bytesRead
            controller.enqueue(buffer.subarray(0, bytesRead))
          } catch (error) {
            await file.close()
            throw error
          }
          if (at < end) return
          await file.close()
          controller.close()
        },
        cancel: () => file.close(),
      },
      { highWaterMark: 0 },
    )
  }

  /** Removes it, wherever it is. */
  async remove(id: string): Promise<void> {
    await rm(this.#pathOf(id), { force: true })
    await rm(join(this.#incoming, id), { force: true })
  }

  #pathOf(id: string): string {
    return join(this.#kept, id.slice(0, 2), id)
  }
}

export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += (await file.write(bytes, at)).bytesWritten
}
