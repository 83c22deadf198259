import { request as requestHttps } from 'node:https'
import * as z from 'zod'
import { request as requestHttp } from '../node-http.ts'
import type { Clock } from '../world.ts'
import type { AccountSource } from './source.ts'

const longestAnswer = 4096

interface HttpCheckOptions {
  readonly url: URL
  readonly domain: string
  readonly secret: string | undefined
  /** Certificates of authorities that are trusted instead of the usual ones, PEM. */
  readonly ca: string | undefined
  /** Milliseconds. */
  readonly timeout: number
  readonly clock: Clock
}

interface Answer {
  readonly status: number
  readonly body: string
}

const Verdict = z.object({ valid: z.boolean() })
const Finding = z.object({ exists: z.boolean() })

/** A service that says over HTTP whose password is right: docs/accounts.md. Only what it says in so many words counts; redirections are not followed. */
export class HttpCheck implements AccountSource {
  readonly #options: HttpCheckOptions

  constructor(options: HttpCheckOptions) {
    this.#options = options
  }

  get name(): string {
    return `the service ${this.#options.url.origin}`
  }

  async check(username: string, password: string): Promise<boolean> {
    const { domain, url } = this.#options
    const answer = await this.#ask('POST', url, JSON.stringify({ username, host: domain, password }))
    return answer.status === 401 ? false : this.#read(answer, Verdict).valid
  }

  async exists(username: string): Promise<boolean> {
    const { domain } = this.#options
    const url = new URL(this.#options.url)
    url.searchParams.set('username', username)
    url.searchParams.set('host', domain)
    return this.#read(await this.#ask('GET', url), Finding).exists
  }

  close(): void {}

  #read<T>({ status, body }: Answer, shape: z.ZodType<T>): T {
    if (status !== 200) throw new Error(`It answered with the status ${status}`)
    try {
      return shape.parse(JSON.parse(body))
    } catch {
      throw new Error('It answered something else than was asked for')
    }
  }

  #ask(method: 'GET' | 'POST', url: URL, body?: string): Promise<Answer> {
    const { ca, clock, secret, timeout } = this.#options
    return new Promise((resolve, reject) => {
      const headers = {
        accept: 'application/json',
        ...(body !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
        ...(secret !== undefined && { authorization: `Bearer ${secret}` }),
      }
      const send = url.protocol === 'https:' ? requestHttps : requestHttp
      const request = send(url, { method, headers, agent: false, ...(ca !== undefined && { ca }) })
      const cancel = clock.after(timeout, () => request.destroy(new Error('No answer in time')))
      const fail = (error: Error) => {
        cancel()
        reject(error)
      }
      request.on('error', fail)
      request.on('response', (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          text += chunk
          if (text.length <= longestAnswer) return
          fail(new Error('Its answer is too long'))
          request.destroy()
        })
        response.on('error', fail)
        response.on('end', () => {
          cancel()
          resolve({ status: response.statusCode ?? 0, body: text })
        })
      })
      request.end(body)
    })
  }
}
