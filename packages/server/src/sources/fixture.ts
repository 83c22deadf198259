import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'
import { selfSigned } from '../transport/self-signed.ts'

export interface Question {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A service with users of its own, as docs/accounts.md wants it. */
export async function userService({ isSecure = false }: { readonly isSecure?: boolean } = {}) {
  const users = new Map<string, string>()
  const asked: Question[] = []
  const { certificate, key } = await selfSigned('localhost', Date.now())
  const service = {
    users,
    asked,
    certificate,
    url: '',
    /** What it says in place of the answer. */
    answer: undefined as ((response: ServerResponse, question: Question) => void) | undefined,
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
    start: async () => {
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
    },
  }
  const listener: RequestListener = (request, response) =>
    void text(request).then((body) => {
      const question = { method: request.method!, path: request.url!, headers: request.headers, body }
      asked.push(question)
      if (service.answer) return service.answer(response, question)
      if (request.method === 'GET') {
        const name = new URL(request.url!, 'http://localhost').searchParams.get('username')!
        return response.end(JSON.stringify({ exists: users.has(name) }))
      }
      const { username, password } = JSON.parse(body) as { username: string; password: string }
      response.end(JSON.stringify({ valid: users.get(username) === password }))
    })
  const server = isSecure ? createSecureServer({ cert: certificate, key }, listener) : createServer(listener)
  let port = 0
  await service.start()
  port = (server.address() as AddressInfo).port
  service.url = `http${isSecure ? 's' : ''}://localhost:${port}/check`
  onTestFinished(async () => {
    if (server.listening) await service.stop()
  })
  return service
}
