import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { connect, type ConnectionOptions } from 'node:tls'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Jackdaw } from '../jackdaw.ts'
import { paths } from './smuggling.ts'

const evil = 'https://evil.example'
const form = { 'content-type': 'application/x-www-form-urlencoded' }
let server: Jackdaw

beforeAll(async () => {
  server = await Jackdaw.start()
})

afterAll(() => server.stop())

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

async function ask(method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<Answer> {
  const asked = request({
    host: '127.0.0.1',
    port: server.ports.https,
    path,
    method,
    headers: { host: `localhost:${server.ports.https}`, ...headers },
    agent: false,
    rejectUnauthorized: false,
  })
  asked.end(body)
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  return { status: response.statusCode!, headers: response.headers, body: await text(response) }
}

test('nothing sets a cookie or lets a page of another origin use what a browser knows of its user', async () => {
  for (const path of paths)
    for (const method of ['GET', 'POST', 'OPTIONS']) {
      const { headers } = await ask(method, path, { origin: evil, 'access-control-request-method': 'POST' })
      expect([path, headers['set-cookie'], headers['access-control-allow-credentials']]).toEqual([
        path,
        undefined,
        undefined,
      ])
      expect([undefined, '*']).toContain(headers['access-control-allow-origin'])
    }
})

test('pages of other origins read neither /health and /metrics nor invitations, and cannot send their form', async () => {
  const { pathname } = new URL(server.invitation!)
  for (const path of ['/health', '/metrics', pathname])
    expect((await ask('GET', path, { origin: evil })).headers['access-control-allow-origin']).toBeUndefined()
  const filled = 'username=mallory&password=wherefore-art-thou&again=wherefore-art-thou'
  for (const headers of [{ origin: evil }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }])
    expect((await ask('POST', pathname, { ...form, ...headers }, filled)).status).toBe(403)
})

test('the page of an invitation runs nothing, is in no frame, is not kept, and tells nobody of its address', async () => {
  for (const path of [new URL(server.invitation!).pathname, '/invite/none']) {
    const { headers } = await ask('GET', path)
    expect(headers).toMatchObject({
      'content-security-policy': expect.stringMatching(
        /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/,
      ),
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'referrer-policy': 'same-origin',
    })
  }
})

test('RFC 9110 §7.2: a host that is not ours is in no answer', async () => {
  for (const path of [...paths, new URL(server.invitation!).pathname]) {
    const { headers, body } = await ask('GET', path, { host: 'evil.example' })
    expect([path, JSON.stringify(headers).includes('evil'), body.includes('evil')]).toEqual([path, false, false])
  }
})

/** What becomes of a handshake: the protocol that was agreed upon, or the error. */
async function handshake(port: number, options: ConnectionOptions): Promise<string | false> {
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', rejectUnauthorized: false, ...options })
  try {
    await once(socket, 'secureConnect')
    return socket.alpnProtocol ?? ''
  } catch (error) {
    return (error as NodeJS.ErrnoException).code!
  } finally {
    socket.destroy()
  }
}

test('RFC 7301 §3.2: a client of one protocol is not let in at the port of another (ALPACA)', async () => {
  const { xmpps, https } = server.ports
  const refused = 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL'
  for (const name of ['http/1.1', 'h2', 'smtp', 'ftp', 'imap', 'xmpp-server'])
    expect([name, await handshake(xmpps, { ALPNProtocols: [name] })]).toEqual([name, refused])
  for (const name of ['xmpp-client', 'h2', 'smtp', 'ftp'])
    expect([name, await handshake(https, { ALPNProtocols: [name] })]).toEqual([name, refused])
  expect(await handshake(xmpps, { ALPNProtocols: ['xmpp-client'] })).toBe('xmpp-client')
  expect(await handshake(https, { ALPNProtocols: ['h2', 'http/1.1'] })).toBe('http/1.1')
})

test('RFC 7457 §2.10: a client cannot renegotiate', async () => {
  for (const port of [server.ports.xmpps, server.ports.https]) {
    const options = { host: '127.0.0.1', port, servername: 'localhost', rejectUnauthorized: false }
    const socket = connect({ ...options, maxVersion: 'TLSv1.2' })
    socket.on('error', () => {})
    await once(socket, 'secureConnect')
    const closed = once(socket, 'close')
    const done = Promise.withResolvers<Error | null>()
    socket.renegotiate({ rejectUnauthorized: false }, done.resolve)
    await Promise.race([closed, done.promise.then((error) => expect(error).not.toBeNull())])
    socket.destroy()
  }
  expect(server.troubles).toEqual([])
})
