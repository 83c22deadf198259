import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer } from '@jackdaw/server'
import { ManualClock, turn } from '@jackdaw/testkit'
import { Jid } from '@jackdaw/xmpp'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { restApi } from '../rest-api/rest-api.ts'

const free = { port: 0, address: '127.0.0.1' }

interface ServerEvent {
  readonly id?: string
  readonly event?: string
  readonly data?: string
  readonly retry?: string
}

/** A server on real sockets whose time stands still, and a program that may follow its events. */
async function stage(fields: Record<string, unknown> = {}) {
  const data = await mkdtemp(join(tmpdir(), 'jackdaw-events-'))
  const clock = new ManualClock(Date.now())
  const lines: string[] = []
  const server = await createServer(
    {
      data,
      listen: { xmpp: false, xmpps: false, http: free, https: false },
      hosts: { 'home.test': { modules: { events: fields } } },
    },
    { clock, log: pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) }) },
  )
  const [listening] = await server.start()
  const host = server.hosts.get('home.test')!
  const api = host.modules.api(restApi)!
  onTestFinished(async () => {
    await server.stop()
    await rm(data, { recursive: true, force: true })
  })
  const token = api.addToken({ name: 'crm', scopes: ['events:read'] })
  const request = (path: string, headers: Record<string, string> = {}, signal?: AbortSignal) =>
    fetch(`http://127.0.0.1:${listening!.port}/api/v1/events${path}`, {
      headers: { authorization: `Bearer ${token}`, ...headers },
      ...(signal && { signal }),
    })
  return {
    server,
    clock,
    lines,
    api,
    token,
    port: listening!.port,
    request,
    act: (...did: string[]) => did.forEach((one) => host.audit.record({ by: 'me', did: one })),
    async follow(path = '', after?: string) {
      const left = new AbortController()
      onTestFinished(() => left.abort())
      const response = await request(path, after === undefined ? {} : { 'last-event-id': after }, left.signal)
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
      let text = ''
      /** The next event, or a comment (nothing in it); undefined at the end. HTML §9.2.6 */
      async function next(): Promise<ServerEvent | undefined> {
        while (!text.includes('\n\n')) {
          const { value, done } = await reader.read()
          if (done) return undefined
          text += value
        }
        const at = text.indexOf('\n\n')
        const fieldLines = text.slice(0, at).split('\n')
        text = text.slice(at + 2)
        return Object.fromEntries(
          fieldLines
            .filter((line) => !line.startsWith(':'))
            .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
        )
      }
      expect(await next()).toEqual({ retry: '3000' })
      return { next, leave: () => left.abort() }
    },
    openStreams: () => metric('jackdaw_event_streams'),
    kept: () => metric('jackdaw_events'),
  }

  async function metric(name: string): Promise<number> {
    const { values } = (await server.metrics.registry.getSingleMetric(name)!.get()) as { values: { value: number }[] }
    return values[0]!.value
  }
}

const did = (event: ServerEvent | undefined) => JSON.parse(event!.data!).data.did as string

test('HTML §9.2: events are told as they happen, with their ids and kinds', async () => {
  const s = await stage()
  s.act('before')
  const stream = await s.follow()
  s.act('one', 'two')
  const first = await stream.next()
  expect(first).toMatchObject({ event: 'administration.acted', id: expect.stringMatching(/^[0-9a-z]{21}$/) })
  expect(JSON.parse(first!.data!)).toMatchObject({
    id: first!.id,
    type: 'administration.acted',
    host: 'home.test',
    data: { by: 'me', did: 'one' },
  })
  expect(did(await stream.next())).toBe('two')
  await s.clock.advance(15_000)
  expect(await stream.next()).toEqual({})
  s.act('three')
  expect(did(await stream.next())).toBe('three')
})

test('HTML §9.2.3: who comes back with the last id goes on where it was, without a gap', async () => {
  const s = await stage()
  const stream = await s.follow()
  s.act('one', 'two', 'three')
  const { id } = (await stream.next())!
  stream.leave()
  while ((await s.openStreams()) > 0) await turn()
  s.act('four')
  const again = await s.follow('', id)
  expect([did(await again.next()), did(await again.next()), did(await again.next())]).toEqual(['two', 'three', 'four'])
  const all = await s.follow('?kinds=administration', id)
  s.act(...Array.from({ length: 300 }, (_, index) => String(index)))
  for (let i = 0; i < 3; i++) await all.next()
  for (let i = 0; i < 300; i++) expect(did(await all.next())).toBe(String(i))
})

test('only the kinds that are asked for are told', async () => {
  const s = await stage({ kinds: ['account', 'administration'] })
  const stream = await s.follow('?kinds=account.removed,account.created')
  s.act('one')
  await s.server.hosts.get('home.test')!.accounts.create(Jid.parse('romeo@home.test'), 'o brawling love')
  expect(await stream.next()).toMatchObject({ event: 'account.created' })
  expect((await s.request('?kinds=accounts')).status).toBe(400)
  const response = await s.request('?kinds=room')
  expect([response.status, ((await response.json()) as { detail: string }).detail]).toEqual([
    400,
    'room.created is not kept here',
  ])
})

test('410 where events behind the last id are no longer kept, or there was none; not where nothing is missing', async () => {
  const s = await stage({ keep: '1 h' })
  const stream = await s.follow()
  s.act('one', 'two')
  const [first, second] = [(await stream.next())!.id, (await stream.next())!.id]
  for (const known of [first, second]) (await s.follow('', known)).leave()
  await s.clock.advance(3_700_000)
  while ((await s.kept()) > 0) await turn()
  expect((await s.request('', { 'last-event-id': first! })).status).toBe(410)
  expect((await s.request('', { 'last-event-id': 'made up' })).status).toBe(410)
  const going = await s.follow('', second)
  s.act('three')
  expect(did(await going.next())).toBe('three')
})

test('a token without the scope, or none, follows nothing; what is revoked ends', async () => {
  const s = await stage()
  expect((await s.request('', { authorization: '' })).status).toBe(401)
  const other = s.api.addToken({ name: 'other', scopes: ['accounts:read'] })
  expect((await s.request('', { authorization: `Bearer ${other}` })).status).toBe(403)
  const stream = await s.follow()
  s.api.revokeToken('crm')
  expect(await stream.next()).toBeUndefined()
  expect(await s.openStreams()).toBe(0)
})

test('a stream ends when its token expires, and with the REST API', async () => {
  const s = await stage()
  const day = 86_400_000
  s.api.revokeToken('crm')
  const token = s.api.addToken({ name: 'short', scopes: ['events:read'], lifetime: 1.5 * day })
  const follow = async (authorization: string) => {
    const response = await s.request('', { authorization: `Bearer ${authorization}` })
    return response.body!.pipeThrough(new TextDecoderStream()).getReader()
  }
  const ended = async (reader: Awaited<ReturnType<typeof follow>>) => {
    for (;;) if ((await reader.read()).done) return
  }
  const expiring = await follow(token)
  await s.clock.advance(day)
  expect(await s.openStreams()).toBe(1)
  await s.clock.advance(0.5 * day)
  await ended(expiring)
  expect((await s.request('', { authorization: `Bearer ${token}` })).status).toBe(401)
  const going = await follow(s.api.addToken({ name: 'long', scopes: ['events:read'] }))
  await s.server.reload({ hosts: { 'home.test': { modules: { events: {}, 'rest-api': false } } } })
  await ended(going)
  expect(await s.openStreams()).toBe(0)
})

test('so many streams and no more', async () => {
  const s = await stage({ streams: 2 })
  const [one] = [await s.follow(), await s.follow()]
  const refused = await s.request('')
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '10'])
  one.leave()
  while ((await s.openStreams()) > 1) await turn()
  await s.follow()
})

test('streams end with the server, and with a new configuration, at once', async () => {
  const s = await stage()
  const stream = await s.follow()
  await s.server.reload({ hosts: { 'home.test': { modules: { events: { keep: '2 d' } } } } })
  expect(await stream.next()).toBeUndefined()
  const last = await s.follow()
  const stopped = s.server.stop()
  expect(await last.next()).toBeUndefined()
  await stopped
})

test('a reader that takes nothing is ended after a minute, is not read for, and holds back nobody', async () => {
  const s = await stage()
  const stuck = connect(s.port, '127.0.0.1')
  onTestFinished(() => void stuck.destroy())
  stuck.write(`GET /api/v1/events HTTP/1.1\r\nHost: home.test\r\nAuthorization: Bearer ${s.token}\r\n\r\n`)
  await once(stuck, 'data')
  stuck.pause()
  const good = await s.follow()
  const large = 'x'.repeat(100_000)
  // More than sockets hold.
  for (let i = 0; i < 150; i++) {
    s.act(`${i} ${large}`)
    expect(did(await good.next())).toHaveLength(large.length + String(i).length + 1)
  }
  expect(await s.openStreams()).toBe(2)
  await s.clock.advance(30_000)
  expect(await s.openStreams()).toBe(2)
  await good.next()
  await s.clock.advance(31_000)
  while ((await s.openStreams()) > 1) await turn()
  stuck.resume()
  await once(stuck, 'close')
  s.act('still here')
  for (;;) {
    const event = await good.next()
    if (event!.data && did(event) === 'still here') break
  }
})
