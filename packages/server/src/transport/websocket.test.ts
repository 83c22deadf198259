import { once } from 'node:events'
import type { Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { WebSocket, type ClientOptions } from 'ws'
import { contexts, dial, Doorway, drainOf, type Ear, network } from './fixture.ts'
import type { HttpOptions, NetworkLimits } from './network.ts'

const secure = await contexts('home.test')
const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
})

async function door(options: HttpOptions = {}, change: Partial<NetworkLimits> = {}) {
  const world = network(change)
  const doorway = new Doorway()
  const origins: (string | undefined)[] = []
  const listener = await world.network.listenHttp({ address: '127.0.0.1', port: 0 }, options, {
    serve: () => new Response('page'),
    webSocket(path, origin) {
      origins.push(origin)
      if (path !== '/xmpp') return 404
      return origin === 'https://evil.test' ? 403 : doorway.accept
    },
  })
  open.push({ close: () => doorway.all.forEach((ear) => ear.transport.destroy()) }, listener)
  const { port } = listener
  const enter = (protocols: string[] = ['xmpp'], more: ClientOptions = {}, path = '/xmpp'): WebSocket => {
    const scheme = options.secure ? 'wss' : 'ws'
    const client = new WebSocket(`${scheme}://127.0.0.1:${port}${path}`, protocols, {
      rejectUnauthorized: false,
      ...more,
    })
    client.on('error', () => {})
    open.push({ close: () => client.terminate() })
    return client
  }
  const raw = async (lines: readonly string[]): Promise<Socket> => {
    const socket = await dial(port)
    open.push({ close: () => socket.destroy() })
    socket.write(`${lines.join('\r\n')}\r\n\r\n`)
    return socket
  }
  return { ...world, doorway, listener, enter, raw, origins }
}

const upgrade = [
  'GET /xmpp HTTP/1.1',
  'Host: home.test',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
]

/** A WebSocket frame with a mask of zeros. */
function frame(opcode: number, payload: string | Buffer, isFinal = true): Buffer {
  const bytes = Buffer.from(payload)
  return Buffer.concat([Buffer.from([(isFinal ? 0x80 : 0) | opcode, 0x80 | bytes.length, 0, 0, 0, 0]), bytes])
}

async function entered(world: Awaited<ReturnType<typeof door>>): Promise<[WebSocket, Ear]> {
  const client = world.enter()
  await once(client, 'open')
  return [client, await world.doorway.next()]
}

async function connected(world: Awaited<ReturnType<typeof door>>) {
  const socket = await world.raw([...upgrade, 'Sec-WebSocket-Protocol: xmpp'])
  const [head] = await once(socket, 'data')
  expect(String(head)).toMatch(/^HTTP\/1.1 101 [^]*Sec-WebSocket-Protocol: xmpp\r\n/)
  return { socket, ear: await world.doorway.next() }
}

test('RFC 7395 §3.2: one message is one text, both ways', async () => {
  const { enter, doorway } = await door()
  const client = enter()
  await once(client, 'open')
  expect(client.protocol).toBe('xmpp')
  const ear = await doorway.next()
  client.send('<open/>')
  client.send('<message>ä</message>')
  await ear.hears('</message>')
  expect(ear.chunks).toEqual(['<open/>', '<message>ä</message>'])
  expect(ear.transport.write('<ü/>')).toBe(true)
  const [data, isBinary] = await once(client, 'message')
  expect([String(data), isBinary]).toEqual(['<ü/>', false])
  expect(ear.transport).toMatchObject({
    framing: 'websocket',
    address: '127.0.0.1',
    tls: undefined,
    canStartTls: false,
  })
  await expect(ear.transport.startTls('home.test')).rejects.toThrow('RFC 7395')
})

test('RFC 7395 §3.1: without the subprotocol xmpp the handshake is refused', async () => {
  const { enter, raw, doorway } = await door()
  for (const protocols of [[], ['mqtt']]) {
    const [, response] = await once(enter(protocols), 'unexpected-response')
    expect(response.statusCode).toBe(400)
  }
  expect(await drainOf(await raw([...upgrade, 'Sec-WebSocket-Protocol: xmpp2, mqtt']))).toMatch(/^HTTP\/1.1 400 /)
  const client = enter(['mqtt', 'xmpp'])
  await once(client, 'open')
  expect(client.protocol).toBe('xmpp')
  expect(doorway.all.length).toBe(1)
})

test('unknown paths and refused origins get their HTTP status', async () => {
  const { enter, origins } = await door()
  const [, missing] = await once(enter(['xmpp'], {}, '/other'), 'unexpected-response')
  expect(missing.statusCode).toBe(404)
  const [, evil] = await once(enter(['xmpp'], { origin: 'https://evil.test' }), 'unexpected-response')
  expect(evil.statusCode).toBe(403)
  await once(enter(['xmpp'], { origin: 'https://other.test' }), 'open')
  expect(origins).toEqual([undefined, 'https://evil.test', 'https://other.test'])
})

test('RFC 7395 §3.2: a binary message closes with 1003', async () => {
  const { enter, doorway } = await door()
  const client = enter()
  await once(client, 'open')
  const ear = await doorway.next()
  client.send(Buffer.from('<open/>'))
  expect((await once(client, 'close'))[0]).toBe(1003)
  expect(ear.chunks).toEqual([])
  await ear.gone()
  expect(ear.ends.length).toBe(1)
})

test('a message above the limit closes with 1009, and costs its own connection only', async () => {
  const world = await door({}, { webSocketMessage: 1_000 })
  const [client, ear] = await entered(world)
  const [friend, friendEar] = await entered(world)
  client.send('x'.repeat(1_001))
  expect((await once(client, 'close'))[0]).toBe(1009)
  expect(await ear.gone()).toBeInstanceOf(Error)
  expect([ear.chunks, ear.ends.length]).toEqual([[], 1])
  friend.send('y'.repeat(1_000))
  await friendEar.hears('y'.repeat(1_000))
})

test('RFC 6455 §5.4: a fragmented message is one text', async () => {
  const { socket, ear } = await connected(await door())
  const bytes = Buffer.from('<body>ä</body>')
  socket.write(frame(1, bytes.subarray(0, 7), false))
  socket.write(frame(9, 'ping'))
  expect((await once(socket, 'data'))[0]).toEqual(Buffer.from([0x8a, 4, ...Buffer.from('ping')]))
  socket.write(frame(0, bytes.subarray(7)))
  await ear.hears('</body>')
  expect(ear.chunks).toEqual(['<body>ä</body>'])
})

test.each([
  ['text that is not UTF-8', frame(1, Buffer.from([0xc3, 0x28])), 1007],
  ['an unmasked frame', Buffer.from([0x81, 1, 0x61]), 1002],
  ['a reserved opcode', frame(3, 'x'), 1002],
  ['a fragment of nothing', frame(0, 'x'), 1002],
  ['a compressed frame', frame(0x41, 'x'), 1002],
])('RFC 6455 §7.4.1: %s closes with the defined code', async (_, bytes, code) => {
  const { socket, ear } = await connected(await door())
  socket.write(bytes)
  const [chunk] = await once(socket, 'data')
  const answer = Buffer.from(chunk)
  expect([answer[0], answer.readUInt16BE(2)]).toEqual([0x88, code])
  socket.end()
  expect(await ear.gone()).toBeInstanceOf(Error)
  expect([ear.chunks, ear.ends.length]).toEqual([[], 1])
})

test('RFC 6455 §7.1: close handshakes from either side end in order', async () => {
  const { enter, doorway } = await door()
  const first = enter()
  await once(first, 'open')
  const ear = await doorway.next()
  ear.transport.write('last')
  ear.transport.close()
  const got: string[] = []
  first.on('message', (data: Buffer) => got.push(data.toString()))
  expect((await once(first, 'close'))[0]).toBe(1000)
  expect(got).toEqual(['last'])
  expect(await ear.gone()).toBeUndefined()

  const second = enter()
  await once(second, 'open')
  const other = await doorway.next()
  second.close(1001)
  expect(await other.gone()).toBeUndefined()
  expect([ear.ends.length, other.ends.length]).toEqual([1, 1])
})

test('a connection that breaks is gone with an error', async () => {
  const { socket, ear } = await connected(await door())
  socket.resetAndDestroy()
  expect(await ear.gone()).toBeInstanceOf(Error)
  ear.transport.write('too late')
  ear.transport.close()
})

test('write is false when the page does not read, and drain follows', async () => {
  const { socket, ear } = await connected(await door())
  socket.pause()
  const text = 'x'.repeat(6_000_000)
  expect(ear.transport.write(text)).toBe(false)
  expect(ear.transport.pendingBytes).toBeGreaterThan(0)
  expect(ear.drains).toBe(0)
  socket.on('data', () => {}).resume()
  await ear.until(({ drains }) => drains === 1)
  expect(ear.transport.pendingBytes).toBe(0)
})

test('a paused WebSocket hands over nothing', async () => {
  const world = await door()
  const [client, ear] = await entered(world)
  const [other, otherEar] = await entered(world)
  ear.transport.pause()
  client.send('late')
  other.send('x')
  await otherEar.hears('x')
  expect(ear.chunks).toEqual([])
  ear.transport.resume()
  await ear.hears('late')
})

test('over HTTPS the TLS facts are there, channel bindings included', async () => {
  const { enter, doorway } = await door({ secure })
  const client = enter()
  const [response] = await once(client, 'upgrade')
  const { tls } = (await doorway.next()).transport
  expect(tls?.protocol).toBe('TLSv1.3')
  const theirs = response.socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
  expect(tls?.bindings.get('tls-exporter')).toEqual(theirs)
})
