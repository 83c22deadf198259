import { once } from 'node:events'
import { type IncomingMessage, request as httpRequest } from 'node:http'
import type { UploadSlot } from '@jackdaw/xmpp'
import type { Content } from './content.ts'

const portion = 262_144

/** A file that is put, found and removed over HTTP. */
export class UploadedFile {
  readonly slot: UploadSlot
  readonly size: number
  readonly #port: number
  readonly #content: Content
  readonly #start: number
  /** Where it is believed to be. `unknown`: the server died before it said. */
  state: 'slot' | 'there' | 'unknown' | 'gone' = 'slot'

  constructor(slot: UploadSlot, size: number, start: number, port: number, content: Content) {
    this.slot = slot
    this.size = size
    this.#start = start
    this.#port = port
    this.#content = content
  }

  /** Puts it, or breaks off behind so many bytes. Resolves with the status; undefined when the connection broke. */
  async put(onBytes: (count: number) => void, breaksAt = Infinity): Promise<number | undefined> {
    const request = this.#request('PUT', this.slot.put, { 'content-length': this.size })
    const come = { isOver: false, status: undefined as number | undefined }
    const over = new Promise<void>((resolve) => {
      const end = () => {
        come.isOver = true
        resolve()
      }
      request.once('close', end).once('error', end)
      request.once('response', (response: IncomingMessage) => {
        come.status = response.statusCode
        response.on('error', () => {}).resume()
        end()
      })
    })
    for (let at = 0; at < this.size && !come.isOver;) {
      if (at >= breaksAt) {
        request.destroy()
        return undefined
      }
      const bytes = this.#content.part(this.#start, at, Math.min(portion, this.size - at, breaksAt - at))
      at += bytes.length
      onBytes(bytes.length)
      if (!request.write(bytes)) await Promise.race([new Promise((resolve) => request.once('drain', resolve)), over])
    }
    if (!come.isOver) request.end()
    await over
    const { status } = come
    if (status === 201) this.state = 'there'
    return status
  }

  /** Reads it, from its byte `at` on, and compares each. */
  async isWhole(at = 0): Promise<boolean> {
    const request = this.#request('GET', this.slot.get, { range: `bytes=${at}-` })
    request.end()
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    let read = at
    let isSame = response.statusCode === 206
    for await (const bytes of response as AsyncIterable<Buffer>) {
      isSame &&= this.#content.has(this.#start, read, bytes)
      read += bytes.length
    }
    return isSame && read === this.size
  }

  async status(): Promise<number> {
    const request = this.#request('HEAD', this.slot.get)
    request.end()
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    response.resume()
    return response.statusCode!
  }

  /** Resolves with the status; undefined when the connection broke. */
  async remove(): Promise<number | undefined> {
    const request = this.#request('DELETE', this.slot.put)
    request.end()
    try {
      const [response] = (await once(request, 'response')) as [IncomingMessage]
      response.on('error', () => {}).resume()
      this.state = 'gone'
      return response.statusCode
    } catch {
      return undefined
    }
  }

  #request(method: string, url: string, headers: Record<string, string | number> = {}) {
    const { pathname, search } = new URL(url)
    const path = pathname + search
    return httpRequest({ host: '127.0.0.1', port: this.#port, path, method, headers, agent: false }).on(
      'error',
      () => {},
    )
  }
}
