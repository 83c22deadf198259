import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { type ConfigInput, createServer } from '../index.ts'

const free = { port: 0, address: '127.0.0.1' }
const linksAt = (authority: string) => [
  { rel: 'urn:xmpp:alt-connections:websocket', href: `wss://${authority}/xmpp` },
  { rel: 'urn:xmpp:alt-connections:xbosh', href: `https://${authority}/bosh` },
]
const json = '/.well-known/host-meta.json'

/** A server on real sockets with the hosts home.test and münchen.test. */
async function run(fields: Record<string, unknown> = {}) {
  const data = await mkdtemp(join(tmpdir(), 'jackdaw-'))
  const modules = { 'host-meta': fields }
  const hosts = { 'home.test': { modules }, 'münchen.test': {} } as ConfigInput['hosts']
  const listen = { xmpp: false, xmpps: false, http: free, https: free } as const
  const server = await createServer({ data, hosts, listen }, { log: pino({ level: 'silent' }) })
  const listening = await server.start()
  const port = (name: string): number => listening.find((one) => one.name === name)!.port
  return {
    https: port('https'),
    /** Asks over HTTPS; `name` is that of the Host field. */
    async ask(path: string, name = 'home.test', method = 'GET') {
      const headers = { host: `${name}:${port('https')}` }
      const options = { port: port('https'), host: '127.0.0.1', path, method, headers }
      const request = httpsRequest({ ...options, rejectUnauthorized: false, agent: false }).end()
      const [response] = (await once(request, 'response')) as [IncomingMessage]
      return { status: response.statusCode, headers: response.headers, body: await text(response) }
    },
    plain: (path: string) => fetch(`http://127.0.0.1:${port('http')}${path}`),
    async [Symbol.asyncDispose]() {
      await server.stop()
      await rm(data, { recursive: true })
    },
  }
}

test('XEP-0156 §2.3: host-meta names WebSocket and BOSH, as XRD and as JRD', async () => {
  await using running = await run()
  const links = linksAt(`home.test:${running.https}`)
  const elements = links.map(({ rel, href }) => `<Link rel='${rel}' href='${href}'/>`)
  const xrd = await running.ask('/.well-known/host-meta')
  expect([xrd.status, xrd.headers['content-type']]).toEqual([200, 'application/xrd+xml'])
  expect(xrd.body).toBe(
    `<?xml version='1.0' encoding='utf-8'?>\n<XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'>${elements.join('')}</XRD>\n`,
  )
  const jrd = await running.ask(json)
  expect([jrd.status, jrd.headers['content-type']]).toEqual([200, 'application/json'])
  expect(JSON.parse(jrd.body)).toEqual({ links })
})

test('XEP-0156 §2: each host has its own, an international name too', async () => {
  await using running = await run({ url: 'https://chat.home.test' })
  const { body } = await running.ask(json, 'xn--mnchen-3ya.test')
  expect(JSON.parse(body).links[0].href).toBe(`wss://xn--mnchen-3ya.test:${running.https}/xmpp`)
})

test('XEP-0156 §2.2: over plain HTTP, and under a name that is no host’s, nothing is told', async () => {
  await using running = await run()
  expect((await running.plain(json)).status).toBe(404)
  const strange = await running.ask(json, 'evil.test')
  expect([strange.status, strange.body.includes('evil.test')]).toEqual([404, false])
})

test('XEP-0156 §2.2: behind a reverse proxy the configured address is told, whatever the proxy asks by', async () => {
  await using running = await run({ url: 'https://chat.home.test:8443' })
  const links = linksAt('chat.home.test:8443')
  expect(await (await running.plain(json)).json()).toEqual({ links })
  expect(JSON.parse((await running.ask(json)).body)).toEqual({ links })
})

test.each([
  'http://chat.home.test',
  'https://chat.home.test/xmpp',
  'https://me:secret@chat.home.test',
  'chat.home.test',
])('XEP-0156 §2.2: %s is no address of the configuration', async (url) => {
  await expect(run({ url })).rejects.toThrow("expected 'https://'")
})

test('XEP-0156 §3: pages of any origin may read it, without credentials; nobody may write', async () => {
  await using running = await run()
  const head = await running.ask(json, 'home.test', 'HEAD')
  expect([head.status, head.headers['access-control-allow-origin'], head.body]).toEqual([200, '*', ''])
  expect(head.headers['access-control-allow-credentials']).toBeUndefined()
  const post = await running.ask(json, 'home.test', 'POST')
  expect([post.status, post.headers.allow]).toEqual([405, 'GET, HEAD'])
})
