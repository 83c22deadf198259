import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { brief, scene } from './fixture.ts'
import { outside, type Outside } from './outside.ts'
import { published } from './published.ts'

const open: Server[] = []
afterEach(() => open.splice(0).forEach((server) => server.close()))

const meta = 'https://a.example/.well-known/host-meta.json'
const links = [
  { rel: 'urn:xmpp:alt-connections:websocket', href: 'wss://a.example:5281/xmpp' },
  { rel: 'urn:xmpp:alt-connections:xbosh', href: 'https://a.example:5281/bosh' },
]

/** What answers at which URL; nothing else does. */
const world = (answers: Readonly<Record<string, readonly [status: number, text?: string]>>): Outside => ({
  ...outside(),
  async ask(url) {
    const [status, text = ''] = answers[url] ?? [0]
    if (status === 0) throw new Error('nothing listens there')
    return { status, text }
  },
})
const well = {
  [meta]: [200, JSON.stringify({ links })],
  'https://a.example:5281/xmpp': [426],
  'https://a.example:5281/bosh': [204],
  'https://a.example:5281/upload/a.example/': [204],
} as const
const look = async (from: Outside, modules: object = {}) =>
  brief(
    await published(
      scene(
        '/nowhere',
        { hosts: { 'a.example': { modules } as never, localhost: {} } },
        { running: [], outside: from },
      ),
    ),
  )

test('XEP-0156 §2: all is where clients look for it', async () => {
  expect(await look(world(well))).toEqual([
    ['ok', 'https://a.example:5281/xmpp answers.'],
    ['ok', 'https://a.example:5281/bosh answers.'],
    ['ok', 'https://a.example:5281/upload/a.example/ answers.'],
  ])
})

test('nobody is asked while the server does not run, nor about what has no name in the DNS', async () => {
  expect(await published(scene('/nowhere', { hosts: { 'a.example': {} } }))).toEqual([])
  expect(await published(scene('/nowhere', {}, { running: [] }))).toEqual([])
})

test('host-meta is not found, is none, or lacks a way', async () => {
  const told = async (...answer: readonly [number, string?]) => (await look(world({ ...well, [meta]: answer })))[0]
  const warn = (text: string) => ['warn', expect.stringContaining(text)]
  expect(await told(0)).toEqual(warn('but nothing listens there: let whatever serves https://a.example pass'))
  expect(await told(404)).toEqual(warn('but it answers HTTP 404'))
  expect(await told(200, '<html>')).toEqual(warn('what stands there is no JSON'))
  expect(await told(200, '{}')).toEqual(warn(`${meta} does not name it`))
})

test('a port that is closed, and a proxy that passes nothing on, are found out', async () => {
  const { 'https://a.example:5281/xmpp': _, ...rest } = well
  expect((await look(world(rest)))[0]).toEqual([
    'fail',
    expect.stringContaining(
      'Clients are sent to https://a.example:5281/xmpp, but nothing listens there: open its port',
    ),
  ])
  expect((await look(world({ ...well, 'https://a.example:5281/bosh': [502] })))[1]).toEqual([
    'fail',
    expect.stringContaining('it answers HTTP 502, which is not Jackdaw'),
  ])
})

test('behind a proxy: its URLs are asked, and /metrics must not be among them', async () => {
  const proxy = createServer((request, response) => {
    const status = { OPTIONS: 204, GET: request.url === '/xmpp' ? 426 : 200 }[request.method!]!
    response.writeHead(status).end(request.url!.startsWith('/.well-known') ? JSON.stringify({ links }) : '')
  })
  open.push(proxy)
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const base = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  const through: Outside = {
    ...outside(),
    ask: (url, method) => outside().ask(url.replace(/^https:\/\/[^/]+/, base), method),
  }
  const findings = await look(through, { 'host-meta': { url: 'https://chat.a.example' } })
  expect(findings.map(([level]) => level)).toEqual(['ok', 'ok', 'ok', 'warn'])
  expect(findings[2]).toEqual(['ok', 'https://chat.a.example/upload/a.example/ answers.'])
  expect(findings[3]).toEqual(['warn', expect.stringContaining('Everybody may read it')])
})
