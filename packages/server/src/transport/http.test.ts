import { Registry, Gauge } from 'prom-client'
import { expect, test } from 'vitest'
import { HttpRoutes } from './http.ts'

function routes(troubles: string[] = []) {
  const registry = new Registry()
  new Gauge({ name: 'jackdaw_test', help: 'A number', registers: [registry] }).set(7)
  const site = new HttpRoutes({
    health: () => troubles,
    metrics: registry,
    mayWatch: (address) => address === '127.0.0.1',
  })
  const get = async (url: string, address = '127.0.0.1') =>
    site.serve(new Request(new URL(url, 'http://home.test')), { address, acceptBody: () => {} })
  return { site, get }
}

const accept = (): void => {}
const answer = (text: string) => (): Response => new Response(text)

test('/health is 200 while all is well, and 503 with the reasons when not', async () => {
  const well = await routes().get('/health')
  expect([well.status, await well.json()]).toEqual([200, { status: 'ok' }])
  const ill = await routes(['The disk is full.']).get('/health')
  expect([ill.status, await ill.json()]).toEqual([503, { status: 'failing', reasons: ['The disk is full.'] }])
})

test('/metrics is the registry’s text', async () => {
  const response = await routes().get('/metrics')
  expect(response.headers.get('content-type')).toContain('text/plain')
  expect(await response.text()).toContain('jackdaw_test 7')
})

test('/health and /metrics are for allowed addresses', async () => {
  const { get } = routes()
  expect((await get('/health', '192.0.2.1')).status).toBe(403)
  expect((await get('/metrics', '192.0.2.1')).status).toBe(403)
})

test('a proxy on this machine does not show /health and /metrics to the world', async () => {
  const { site } = routes()
  for (const path of ['/health', '/metrics'])
    for (const name of ['Forwarded', 'X-Forwarded-For', 'X-Real-IP', 'Via']) {
      const request = new Request(`http://home.test${path}`, { headers: { [name]: '192.0.2.1' } })
      expect((await site.serve(request, { address: '127.0.0.1', acceptBody: () => {} })).status).toBe(403)
    }
})

test('/health and /metrics are read, nothing else', async () => {
  const { site } = routes()
  for (const path of ['/health', '/metrics']) {
    const response = await site.serve(new Request(`http://home.test${path}`, { method: 'POST' }), {
      address: '127.0.0.1',
      acceptBody: () => {},
    })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  }
})

test('the longest path wins; what ends in / serves all below it', async () => {
  const { site, get } = routes()
  site.add('/', answer('root'))
  site.add('/upload/', answer('upload'))
  site.add('/upload/slot', answer('slot'))
  const text = async (path: string): Promise<string> => (await get(path)).text()
  expect(
    await Promise.all(['/', '/a', '/upload', '/upload/', '/upload/a/b', '/upload/slot', '/upload/slot/x'].map(text)),
  ).toEqual(['root', 'root', 'root', 'upload', 'upload', 'slot', 'upload'])
})

test('of several domains the request’s decides, or else the first', async () => {
  const { site, get } = routes()
  site.add('/bosh', answer('home'), 'home.test')
  const undo = site.add('/bosh', answer('away'), 'away.test')
  const text = async (domain: string): Promise<string> => (await get(`http://${domain}:5280/bosh`)).text()
  expect(await Promise.all(['home.test', 'away.test', 'localhost'].map(text))).toEqual(['home', 'away', 'home'])
  undo()
  expect(await text('away.test')).toBe('home')
  expect(() => site.add('/bosh', answer('twice'), 'home.test')).toThrow('/bosh is served already')
})

test('an international domain is found by its name in URLs', async () => {
  const { site, get } = routes()
  site.add('/', answer('home'), 'home.test')
  site.add('/', answer('away'), 'münchen.test')
  expect(await (await get('http://xn--mnchen-3ya.test/')).text()).toBe('away')
})

test('nothing is left of what is undone; unknown paths are 404', async () => {
  const { site, get } = routes()
  const undo = site.add('/once', answer('once'))
  expect((await get('/once')).status).toBe(200)
  undo()
  expect((await get('/once')).status).toBe(404)
  expect((await get('/')).status).toBe(404)
})

test('RFC 7395 §3.1: a WebSocket path answers plain HTTP with 426, and takes pages of any origin unless told otherwise', async () => {
  const { site, get } = routes()
  const undo = site.addWebSocket('/xmpp', accept)
  site.addWebSocket('/own', accept, (origin) => origin === 'https://home.test')
  expect((await get('/xmpp')).status).toBe(426)
  expect(site.webSocket('/xmpp', 'https://other.test')).toBe(accept)
  expect(site.webSocket('/own', 'https://other.test')).toBe(403)
  expect(site.webSocket('/own', 'https://home.test')).toBe(accept)
  expect(site.webSocket('/other', undefined)).toBe(404)
  undo()
  expect(site.webSocket('/xmpp', undefined)).toBe(404)
})
