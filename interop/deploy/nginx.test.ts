import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { Client, webSocket } from '@jackdaw/testkit'
import { Jid, UploadRequest, UploadSlot } from '@jackdaw/xmpp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Jackdaw } from '../jackdaw.ts'
import { freePorts } from '../torture/killable-server.ts'
import { isOpen } from '../is-open.ts'

const hasNginx = spawnSync('nginx', ['-v']).error === undefined
const password = 'wherefore-art-thou'
const site = readFileSync(new URL('../../deploy/nginx.conf', import.meta.url), 'utf8')

describe.skipIf(!hasNginx)('nginx (Debian: nginx-light) with deploy/nginx.conf', () => {
  let server: Jackdaw
  let nginx: ChildProcess
  let port = 0
  let complaints = ''

  beforeAll(async () => {
    ;[port] = (await freePorts(1)) as [number]
    server = await Jackdaw.start({ localhost: { modules: { 'host-meta': { url: `https://localhost:${port}` } } } })
    await server.addUser('romeo@localhost', password)
    const folder = join(server.folder, 'nginx')
    mkdirSync(folder)
    const own = site
      .replace(/^ *listen \[::\].*\n/m, '')
      .replace('listen 443', `listen 127.0.0.1:${port}`)
      .replaceAll('example.org;', 'localhost;')
      .replace(/ssl_certificate .*;/, `ssl_certificate ${server.certificate};`)
      .replace(/ssl_certificate_key .*;/, `ssl_certificate_key ${server.certificate.replace(/crt$/, 'key')};`)
      .replaceAll('127.0.0.1:5281', `127.0.0.1:${server.ports.https}`)
    const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    const user = process.getuid?.() === 0 ? 'user root;' : ''
    writeFileSync(
      join(folder, 'nginx.conf'),
      `daemon off; ${user} pid ${folder}/pid; error_log stderr; events {}
      http { access_log off; ${places.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
      ${own} }`,
    )
    nginx = spawn('nginx', ['-c', join(folder, 'nginx.conf'), '-p', folder, '-e', 'stderr'])
    nginx.stderr!.setEncoding('utf8').on('data', (text: string) => (complaints += text))
    for (let i = 0; !(await isOpen(port)); i++) {
      if (i === 100 || nginx.exitCode !== null) throw new Error(`nginx does not listen: ${complaints}`)
      await delay(50)
    }
  }, 60_000)

  afterAll(async () => {
    if (nginx && nginx.exitCode === null) {
      const dead = once(nginx, 'close')
      nginx.kill('SIGTERM')
      await dead
    }
    await server?.stop()
  })

  async function ask(path: string, method = 'GET', body?: Buffer) {
    const asked = request({
      host: 'localhost',
      port,
      path,
      method,
      agent: false,
      ca: readFileSync(server.certificate),
      headers: body ? { 'content-length': body.length } : {},
    })
    asked.end(body)
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    return { status: response.statusCode, body: await buffer(response) }
  }

  test('XEP-0156 §2: host-meta names the way through it', async () => {
    const { links } = JSON.parse(String((await ask('/.well-known/host-meta.json')).body)) as {
      links: readonly { href: string }[]
    }
    expect(links.map(({ href }) => href)).toEqual([`wss://localhost:${port}/xmpp`, `https://localhost:${port}/bosh`])
    expect((await ask('/.well-known/host-meta')).status).toBe(200)
  })

  test('RFC 7395: a client logs in by WebSocket, and puts and gets a file that is larger than nginx takes by itself', async () => {
    const romeo = new Client({ jid: 'romeo@localhost/r', password, connect: webSocket(`wss://localhost:${port}/xmpp`) })
    await romeo.connect()
    const content = Buffer.alloc(5_000_000, 'x')
    const wish = UploadRequest.write({ filename: 'x.txt', size: content.length, purpose: 'message' })
    const slot = UploadSlot.read((await romeo.ask('get', wish, Jid.parse('upload.localhost'))).first()!)
    expect(slot.get).toContain(`https://localhost:${port}/upload/localhost/`)
    const pathOf = (url: string) => new URL(url).pathname + new URL(url).search
    expect((await ask(pathOf(slot.put), 'PUT', content)).status).toBe(201)
    expect((await ask(pathOf(slot.get))).body.equals(content)).toBe(true)
    await romeo.close()
  })

  test('XEP-0124 §7: a session over BOSH begins, and a login is offered', async () => {
    const body = `<body xmlns='http://jabber.org/protocol/httpbind' xmlns:xmpp='urn:xmpp:xbosh' rid='1' to='localhost' wait='5' hold='1' ver='1.11' xmpp:version='1.0'/>`
    const { status, body: answer } = await ask('/bosh', 'POST', Buffer.from(body))
    expect([status, String(answer)]).toEqual([200, expect.stringContaining('SCRAM-SHA-256')])
  })

  test('/metrics, /health and all that is not Jackdaw’s are not passed on', async () => {
    for (const path of ['/metrics', '/health', '/', '/xmppx', '/upload/../metrics', '/upload/%2e%2e/metrics'])
      expect([path, (await ask(path)).status]).toEqual([path, 404])
    // What jackdaw check looks for.
    expect((await ask('/xmpp')).status).toBe(426)
    for (const path of ['/bosh', '/upload/localhost/'])
      expect([path, (await ask(path, 'OPTIONS')).status]).toEqual([path, 204])
  })

  test('neither had anything to complain of', () => {
    expect(server.troubles).toEqual([])
    expect(complaints.split('\n').filter((line) => /\[(warn|error|crit|alert|emerg)\]/.test(line))).toEqual([])
  })
})
