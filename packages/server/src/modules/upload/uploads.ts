import { timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../world.ts'
import type { FileRecord, Ledger } from './ledger.ts'
import { isSameType, readMediaType } from './media-type.ts'
import { slotTime } from './slots.ts'
import { reply } from './responses.ts'
import type { Vault } from './vault.ts'

/** Milliseconds in which so many bytes must come at least: who only holds a connection open is cut. */
const patience = 30_000
const leastBytes = 30_000

interface UploadsOptions {
  readonly ledger: Ledger
  readonly vault: Vault
  readonly clock: Clock
  /** Resolves when all effects so far have been committed. */
  kept(): Promise<void>
  onBytes(count: number): void
}

/** What comes by PUT, and what goes. */
export class Uploads {
  readonly #options: UploadsOptions
  /** What is coming at present, by id. */
  readonly #coming = new Map<string, { readonly stop: AbortController; left: number; done: Promise<unknown> }>()
  readonly #closed = Promise.withResolvers<void>()
  #isClosed = false

  constructor(options: UploadsOptions) {
    this.#options = options
  }

  /** How many are coming. */
  get size(): number {
    return this.#coming.size
  }

  isComing(id: string): boolean {
    return this.#coming.has(id)
  }

  /** XEP-0363 §7. `record` is what is known by that id. */
  async put(
    id: string,
    record: FileRecord | undefined,
    request: Request,
    acceptBody: (most: number) => void,
  ): Promise<Response> {
    const { vault, clock } = this.#options
    if (!record || !mayWrite(record, request)) return reply(404)
    if (record.isUploaded || this.#coming.has(id)) return reply(409)
    if (clock.now() > record.at + slotTime) return reply(410)
    const { size } = record
    const length = request.headers.get('content-length')
    if (length === null) return reply(411)
    if (Number(length) !== size) return reply(Number(length) > size ? 413 : 400)
    const told = request.headers.get('content-type')
    const type = told === null ? (record.type ?? 'application/octet-stream') : readMediaType(told)
    if (type === undefined) return reply(415)
    if (record.type !== null && !isSameType(type, record.type)) return reply(415)
    if (this.#isClosed) return reply(503)
    const stop = new AbortController()
    const coming = { stop, left: size, done: Promise.resolve() as Promise<unknown> }
    this.#coming.set(id, coming)
    const left = () => stop.abort(new Error('the client has left'))
    request.signal.addEventListener('abort', left)
    try {
      const others = [...this.#coming.values()].reduce((sum, one) => sum + one.left, 0)
      if (!(await vault.hasRoom(others))) return reply(507)
      acceptBody(size)
      const done = this.#take(id, record.type ?? type, request.body!, stop, (count) => void (coming.left -= count))
      coming.done = done.catch(() => {})
      return await done
    } catch (error) {
      return this.#failure(error, stop.signal)
    } finally {
      request.signal.removeEventListener('abort', left)
      this.#coming.delete(id)
    }
  }

  /** Removes a file or gives up a slot. Resolves, with whether there was one, when that has been committed and the disk knows it. */
  async remove(id: string): Promise<boolean> {
    const { ledger, kept } = this.#options
    if (!(await ledger.remove(id))) return false
    await kept()
    await this.bury(id)
    return true
  }

  /** Removes from the disk what was removed from the ledger. */
  async bury(id: string): Promise<void> {
    const { ledger, vault } = this.#options
    const coming = this.#coming.get(id)
    coming?.stop.abort(new Error('the file was removed'))
    await coming?.done
    await vault.remove(id)
    ledger.buried(id)
  }

  /** What was not finished when the server ended: the only doubtful things on the disk. */
  async recover(): Promise<void> {
    const { ledger, vault } = this.#options
    for (const id of await vault.incoming()) {
      if ((await ledger.file(id))?.isUploaded) await vault.keep(id)
      else await vault.remove(id)
    }
    for (const id of [...(await ledger.doomed())]) await this.bury(id)
  }

  /** Ends what is coming; nothing is left of it. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#closed.resolve()
    const all = [...this.#coming.values()]
    for (const { stop } of all) stop.abort(new Error('the server stops'))
    await Promise.all(all.map(({ done }) => done))
  }

  async #take(
    id: string,
    type: string,
    body: ReadableStream<Uint8Array>,
    stop: AbortController,
    onBytes: (count: number) => void,
  ): Promise<Response> {
    const { ledger, vault, clock, kept } = this.#options
    let recent = 0
    let cancel = () => {}
    const watch = () => {
      cancel = clock.after(patience, () => {
        if (recent < leastBytes) return stop.abort(new TooSlowError('too little came'))
        recent = 0
        watch()
      })
    }
    watch()
    try {
      await vault.receive(id, body, stop.signal, (count) => {
        recent += count
        this.#options.onBytes(count)
        onBytes(count)
      })
    } finally {
      cancel()
    }
    if (!(await ledger.fill(id, type, clock.now()))) {
      await vault.remove(id)
      return reply(410)
    }
    // What is not known for sure yet stays where the next start finds it.
    await Promise.race([kept(), this.#closed.promise])
    if (this.#isClosed) return reply(503)
    await vault.keep(id)
    return reply(201)
  }

  #failure(error: unknown, signal: AbortSignal): Response {
    if (error instanceof TooSlowError) return reply(408)
    if (signal.aborted) return reply(503)
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOSPC' || code === 'EDQUOT') return reply(507)
    throw error
  }
}

class TooSlowError extends Error {}

/** Whether the URL was that of the slot. */
export function mayWrite({ token }: FileRecord, { url }: Request): boolean {
  const given = Buffer.from(new URL(url).search.slice(1))
  return given.length === token.length && timingSafeEqual(given, Buffer.from(token))
}
