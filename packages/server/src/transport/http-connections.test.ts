import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, expect, test } from 'vitest'
import { contexts, dial, drainOf, network } from './fixture.ts'
import type { HttpOptions, HttpSite, NetworkLimits } from './network.ts'

const secure = await contexts('home.test')
const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
})

async function door(serve: HttpSite['serve'], change: Partial<NetworkLimits> = {}, options: HttpOptions = {}) {
  const world = network(change)
  const site: HttpSite = { serve, webSocket: () => 404 }
  const listener = await world.network.listenHttp({ address: '127.0.0.1', port: 0 }, options, site)
  open.push(listener)
  const base = `${options.secure ? 'https' : 'http'}://127.0.0.1:${listener.port}`
  const raw = async (bytes: string): Promise<Socket> => {
    const socket = await dial(listener.port)
    open.unshift({ close: () => socket.destroy() })
    socket.write(bytes)
    return socket
  }
  return { ...world, listener, base, raw }
}

test('a request becomes a Request, and the Response goes back', async () => {
  let address = ''
  const { base } = await door(async (request, facts) => {
    ;({ address } = facts)
    const words = `${request.method} ${new URL(request.url).pathname} ${request.headers.get('x-a')} ${await request.text()}`
    return new Response(words, {
      status: 201,
      headers: [
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2'],
      ],
    })
  })
  const response = await fetch(`${base}/path?q`, {
    method: 'POST',
    body: 'body',
    headers: { 'x-a': 'b', 'x-forwarded-for': '192.0.2.7', connection: 'close' },
  })
  expect([response.status, await response.text()]).toEqual([201, 'POST /path b body'])
  expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
  expect(address).toBe('127.0.0.1')
})

test('HTTPS is served, and its requests say so', async () => {
  const { base } = await door((request) => new Response(request.url), {}, { secure })
  const request = httpsRequest(`${base}/x`, { rejectUnauthorized: false, agent: false }).end()
  const [response] = await once(request, 'response')
  expect(await text(response)).toBe(`${base}/x`)
})

test('clear text on the HTTPS port costs its own connection only', async () => {
  const { base, raw } = await door(() => new Response('ok'), {}, { secure })
  expect(await drainOf(await raw('GET / HTTP/1.1\r\nHost: x\r\n\r\n'))).not.toContain('HTTP')
  const [response] = await once(httpsRequest(base, { rejectUnauthorized: false, agent: false }).end(), 'response')
  expect(response.statusCode).toBe(200)
  response.resume()
})

test('a handler that fails is a 500 and a line in the log, and the server lives on', async () => {
  const { base, lines } = await door((request) => {
    if (new URL(request.url).pathname === '/bad/secret') throw new Error('oops')
    return new Response('ok')
  })
  const response = await fetch(`${base}/bad/secret?password=secret`, { headers: { connection: 'close' } })
  expect(response.status).toBe(500)
  expect(await response.text()).not.toContain('oops')
  expect(lines).toMatchObject([{ level: 50, path: '/bad', err: { message: 'oops' } }])
  expect(JSON.stringify(lines)).not.toContain('secret')
  expect((await fetch(base, { headers: { connection: 'close' } })).status).toBe(200)
})

test('a body above the limit is a 413, whether its length was told or not', async () => {
  const { base, lines } = await door(async (request) => new Response(await request.text()))
  for (const length of [1_001, undefined]) {
    const request = httpRequest(base, { method: 'POST', agent: false })
    request.on('error', () => {})
    if (length !== undefined) request.setHeader('content-length', length)
    request.write('x'.repeat(600))
    request.end('x'.repeat(401))
    const [response] = await once(request, 'response')
    expect(response.statusCode).toBe(413)
    response.resume()
  }
  const response = await fetch(base, { method: 'POST', body: 'x'.repeat(1_000), headers: { connection: 'close' } })
  expect((await response.text()).length).toBe(1_000)
  expect(lines).toEqual([])
})

test.each([
  ['no HTTP at all', '<stream:stream>\r\n\r\n', 400],
  ['a header above the limit', `GET / HTTP/1.1\r\nHost: x\r\nA: ${'x'.repeat(9_000)}\r\n\r\n`, 431],
  ['a Host that is none', 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n', 400],
  ['a Host with a path', 'GET / HTTP/1.1\r\nHost: x/metrics?\r\n\r\n', 400],
  ['a Host with a user', 'GET / HTTP/1.1\r\nHost: a@x\r\n\r\n', 400],
  ['an empty Host', 'GET /metrics/ HTTP/1.1\r\nHost:\r\n\r\n', 400],
  ['a path with dot segments', 'GET /x/../metrics HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ['the same, encoded', 'GET /x/%2e%2E/metrics HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ['a path with backslashes', 'GET /x\\..\\metrics HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ['a fragment', 'GET /metrics#/../x HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  [
    'a coding that nobody undoes (RFC 9112 §6.1)',
    'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    501,
  ],
  ['two Hosts (RFC 9112 §3.2)', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
  ['chunks of another kind', 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n', 400],
  ['two lengths', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc', 400],
  ['no path', 'OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 400],
  [
    'both length and chunks',
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n',
    400,
  ],
])('%s is refused', async (_, bytes, status) => {
  const { raw } = await door(() => new Response('ok'))
  expect(await drainOf(await raw(bytes))).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
})

test('of too many bodies that come at once, the one that has been on its way longest is cut', async () => {
  const { raw } = await door(async (request) => new Response(await request.text()), { httpBodies: 2 })
  const begun = async () => {
    const socket = await raw(
      'POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n',
    )
    const heard = drainOf(socket)
    await once(socket, 'data')
    return { socket, heard }
  }
  const [first, second, third] = [await begun(), await begun(), await begun()]
  expect(await first.heard).toContain('HTTP/1.1 408 ')
  for (const { socket, heard } of [second, third]) {
    socket.write('hello')
    expect(await heard).toContain('hello')
  }
})

test('who does not read an answer is cut, and its source is told; a source that is silent costs nobody his connection', async () => {
  const told = Promise.withResolvers<void>()
  const endless = () =>
    new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
      cancel: () => told.resolve(),
    })
  const source = Promise.withResolvers<ReadableStreamDefaultController>()
  const silent = () => new ReadableStream({ start: source.resolve })
  const { raw } = await door(({ url }) => new Response(url.endsWith('/endless') ? endless() : silent()), {
    httpReadTime: 100,
  })
  const patient = await raw('GET /silent HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  const controller = await source.promise
  controller.enqueue(Buffer.from('first'))
  await once(patient, 'data')
  const lazy = await raw('GET /endless HTTP/1.1\r\nHost: x\r\n\r\n')
  lazy.pause()
  // It began later, so that the time of the other is over as well.
  await told.promise
  controller.enqueue(Buffer.from('second'))
  controller.close()
  expect(await drainOf(patient)).toContain('second')
})

test('//other.test/ is a path, not a host', async () => {
  const { raw } = await door((request) => new Response(new URL(request.url).hostname))
  expect(
    await drainOf(await raw('GET //other.test/ HTTP/1.1\r\nHost: home.test\r\nConnection: close\r\n\r\n')),
  ).toContain('home.test')
})

test('a header that does not end in time is a 408', async () => {
  const { raw } = await door(() => new Response('ok'), { httpHeaderTime: 100, httpRequestTime: 200 })
  expect(await drainOf(await raw('GET / HTTP/1.1\r\nHost: x\r\nA: '))).toMatch(/^HTTP\/1.1 408 /)
})

test('an answer is streamed, and a client that leaves is told to the handler', async () => {
  const left = Promise.withResolvers<void>()
  const { base } = await door((request) => {
    request.signal.addEventListener('abort', () => left.resolve())
    const body = new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode('first')) })
    return new Response(body)
  })
  const request = httpRequest(base, { agent: false }).end()
  const [response] = await once(request, 'response')
  expect(String((await once(response, 'data'))[0])).toBe('first')
  response.on('error', () => {})
  request.destroy()
  await left.promise
})

test('an upgrade to something else than a WebSocket is an ordinary request', async () => {
  const { raw } = await door(() => new Response('plain'))
  const lines = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n'
  expect(await drainOf(await raw(lines))).toContain('plain')
})

test('connections above the cap are closed', async () => {
  const { raw, network: system } = await door(() => new Response('ok'), { connections: 1 })
  const first = await raw('')
  expect(await drainOf(await raw('GET / HTTP/1.1\r\n'))).toBe('')
  expect(system.admission.refused).toBe(1)
  first.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  expect(await drainOf(first)).toContain('200 OK')
})

test('close waits for running requests, 5 s at most', async () => {
  const come = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const may = Promise.withResolvers<void>()
  const { base, listener, clock } = await door(async (request) => {
    const isSlow = request.url.endsWith('/slow')
    come[isSlow ? 0 : 1]!.resolve()
    await (isSlow ? may.promise : new Promise(() => {}))
    return new Response('done')
  })
  const slow = httpRequest(`${base}/slow`, { agent: false }).end()
  const stuck = httpRequest(`${base}/stuck`, { agent: false }).end()
  const failed = once(stuck, 'error')
  await Promise.all(come.map(({ promise }) => promise))
  const closed = listener.close()
  may.resolve()
  const [response] = await once(slow, 'response')
  expect(await text(response)).toBe('done')
  clock.advance(5_000)
  await closed
  expect((await failed)[0]).toMatchObject({ code: 'ECONNRESET' })
  expect(clock.alarms).toBe(0)
})

test('RFC 9110 §10.1.1: who waits for 100 Continue is told before his body is read, and else has only the answer', async () => {
  const { base } = await door(async (request) => {
    if (request.url.endsWith('/no')) return new Response(null, { status: 403 })
    return new Response(await request.text())
  })
  const ask = (path: string) =>
    httpRequest(`${base}${path}`, {
      method: 'PUT',
      agent: false,
      headers: { expect: '100-continue', 'content-length': 4 },
    })
  const taken = ask('/yes')
  taken.flushHeaders()
  await once(taken, 'continue')
  taken.end('body')
  expect(await text((await once(taken, 'response'))[0])).toBe('body')
  const refused = ask('/no')
  refused.on('continue', () => expect.unreachable())
  refused.flushHeaders()
  expect((await once(refused, 'response'))[0].statusCode).toBe(403)
  refused.destroy()
})

test('a body that does not come in time is a 408, unless it was accepted for any time and length', async () => {
  const come = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const { raw, clock } = await door(async (request, { acceptBody }) => {
    const isPatient = request.url.endsWith('/patient')
    if (isPatient) acceptBody(2_000)
    come[isPatient ? 1 : 0]!.resolve()
    return new Response(String((await request.text()).length))
  })
  const head = (path: string, length: number) =>
    `PUT /${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n`
  const slow = await raw(head('slow', 10))
  const patient = await raw(head('patient', 1_500))
  await Promise.all(come.map(({ promise }) => promise))
  clock.advance(20_000)
  expect(await drainOf(slow)).toMatch(/^HTTP\/1.1 408 /)
  patient.write('x'.repeat(1_500))
  expect(await drainOf(patient)).toMatch(/1500/)
  expect(clock.alarms).toBe(0)
})

test('RFC 9112 §9.6: an answer before the end of the body arrives, and what goes on coming is cut after 5 s', async () => {
  const { raw, clock } = await door(() => new Response('early'))
  const socket = await raw('PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\nx')
  const [answer] = await once(socket, 'data')
  expect(String(answer)).toContain('early')
  expect(clock.alarms).toBe(1)
  const closed = once(socket, 'close')
  clock.advance(5_000)
  await closed
  expect(clock.alarms).toBe(0)
})

test('a handler that gives a body up costs its own connection only', async () => {
  const given = Promise.withResolvers<void>()
  const { base, clock } = await door(
    async (request) => {
      // Leaving the loop destroys what is read.
      for await (const _ of request.body ?? []) break
      await new Promise((resolve) => setImmediate(resolve))
      given.resolve()
      return new Response('enough')
    },
    {},
    { secure },
  )
  const request = httpsRequest(base, { method: 'POST', rejectUnauthorized: false }).on('error', () => {})
  const course = { isOver: false }
  request.on('response', (response) => response.resume()).on('close', () => (course.isOver = true))
  request.write('x'.repeat(1000))
  await given.promise
  // Whether the answer still arrives is chance; that all ends at the latest with its time, is not.
  while (!course.isOver) {
    clock.advance(5_000)
    await new Promise((resolve) => setImmediate(resolve))
  }
  clock.advance(5_000)
  expect(clock.alarms).toBe(0)
})
