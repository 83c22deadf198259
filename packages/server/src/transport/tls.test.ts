import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import { contexts, dial, Doorway, network } from './fixture.ts'
import type { TcpOptions } from './network.ts'
import { serverEndPoint } from './tls.ts'

const secure = await contexts('home.test', 'away.test')
const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
})

async function door(options: TcpOptions = { secure }) {
  const world = network()
  const doorway = new Doorway()
  const listener = await world.network.listenTcp({ address: '127.0.0.1', port: 0 }, options, doorway.accept)
  open.push(listener, { close: () => doorway.all.forEach((ear) => ear.transport.destroy()) })
  const enter = async (): Promise<Socket> => {
    const client = await dial(listener.port)
    open.push({ close: () => client.destroy() })
    return client
  }
  return { ...world, doorway, enter }
}

const direct: TcpOptions = { secure, isDirectTls: true, alpn: 'xmpp-client' }

async function shake(socket: Socket, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const client = connect({ socket, rejectUnauthorized: false, ...options })
  await once(client, 'secureConnect')
  return client.on('error', () => {})
}

const nameOf = (client: TLSSocket): string | undefined => client.getPeerX509Certificate()?.subject.split('\n')[0]

/** Client and server of one STARTTLS, up to the point where the handshake may begin. */
async function proceed(world: Awaited<ReturnType<typeof door>>) {
  const client = await world.enter()
  const ear = await world.doorway.next()
  client.write('<starttls/>')
  await ear.hears('<starttls/>')
  ear.transport.write('<proceed/>')
  return { client, ear }
}

async function upgraded(
  world: Awaited<ReturnType<typeof door>>,
  options: ConnectionOptions = {},
  domain = 'home.test',
) {
  const { client, ear } = await proceed(world)
  const started = ear.transport.startTls(domain)
  await once(client, 'data')
  client.removeAllListeners('data')
  const over = await shake(client, options)
  await started
  return { client: over, ear }
}

test('RFC 6120 §5.4.3: STARTTLS turns the connection into a TLS one', async () => {
  const world = await door()
  const { client, ear } = await upgraded(world)
  expect(ear.transport.canStartTls).toBe(false)
  expect(ear.transport.tls).toMatchObject({ protocol: 'TLSv1.3', identities: [] })
  client.write('over TLS')
  await ear.hears('over TLS')
  ear.transport.write('and back')
  expect(String((await once(client, 'data'))[0])).toBe('and back')
  await expect(ear.transport.startTls('home.test')).rejects.toThrow('cannot be started')
  client.end()
  expect(await ear.gone()).toBeUndefined()
  expect(world.clock.alarms).toBe(0)
})

test('RFC 6120 §5.4.3.3: clear text injected after <starttls/> is never handed over', async () => {
  const world = await door()
  const { client, ear } = await proceed(world)
  ear.transport.pause()
  client.write("<iq type='set' id='evil'/>")
  // They have come when those of a later connection have.
  const later = await world.enter()
  later.write('x')
  await (await world.doorway.next()).hears('x')
  await expect(ear.transport.startTls('home.test')).rejects.toThrow(/ssl|tls|packet/i)
  expect(ear.text).toBe('<starttls/>')
  expect(await ear.gone()).toBeInstanceOf(Error)
  expect(ear.ends.length).toBe(1)
})

test('RFC 6120 §5.4.3.3: clear text in place of the handshake costs its own connection only', async () => {
  const world = await door()
  const { client, ear } = await proceed(world)
  const { ear: other, client: friend } = await upgraded(world)
  const started = ear.transport.startTls('home.test')
  client.write('<message/>')
  await expect(started).rejects.toThrow(/ssl|tls|packet/i)
  expect(ear.text).toBe('<starttls/>')
  friend.write('unharmed')
  await other.hears('unharmed')
})

test('RFC 6120 §5.4.3: what was written leaves before the handshake', async () => {
  const { client, ear } = await proceed(await door())
  client.pause()
  const before = '.'.repeat(8_000_000)
  expect(ear.transport.write(before)).toBe(false)
  expect(ear.transport.pendingBytes).toBeGreaterThan(0)
  const started = ear.transport.startTls('home.test')
  let length = 0
  while (length < '<proceed/>'.length + before.length) {
    const [chunk] = await once(client.resume(), 'data')
    length += Buffer.from(chunk).length
  }
  expect(length).toBe('<proceed/>'.length + before.length)
  await shake(client)
  await started
})

test('RFC 6120 §13.7: SNI chooses the certificate; without it the stream’s domain does; unknown names get the default', async () => {
  const world = await door()
  expect(nameOf((await upgraded(world, { servername: 'away.test' })).client)).toBe('CN=away.test')
  expect(nameOf((await upgraded(world, {}, 'away.test')).client)).toBe('CN=away.test')
  expect(nameOf((await upgraded(world, { servername: 'nobody.test' }, 'nobody.test')).client)).toBe('CN=home.test')
  const straight = await door(direct)
  const names = ['away.test', 'nobody.test', undefined].map(async (servername) =>
    nameOf(await shake(await straight.enter(), servername === undefined ? {} : { servername })),
  )
  expect(await Promise.all(names)).toEqual(['CN=away.test', 'CN=home.test', 'CN=home.test'])
})

test('XEP-0368 §2: direct TLS takes the ALPN protocol xmpp-client, and clients without ALPN', async () => {
  const { doorway, enter } = await door(direct)
  const client = await shake(await enter(), { ALPNProtocols: ['h2', 'xmpp-client'] })
  expect(client.alpnProtocol).toBe('xmpp-client')
  const ear = await doorway.next()
  expect(ear.transport.canStartTls).toBe(false)
  client.write('first')
  await ear.hears('first')
  const plain = await shake(await enter())
  expect(plain.alpnProtocol).toBe(false)
  plain.write('second')
  await (await doorway.next()).hears('second')
})

test('XEP-0368 §2: direct TLS refuses a client that offers other ALPN protocols alone', async () => {
  const { doorway, enter } = await door(direct)
  await expect(shake(await enter(), { ALPNProtocols: ['xmpp-server', 'h2'] })).rejects.toThrow(
    /no application protocol/i,
  )
  expect(doorway.all).toEqual([])
})

test('RFC 7590 §3.1: TLS below 1.2 is refused', async () => {
  const { enter } = await door(direct)
  const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
  await expect(shake(await enter(), old)).rejects.toThrow(/protocol version/i)
})

test('RFC 9266: tls-exporter is the same on both sides, over STARTTLS and direct TLS', async () => {
  const label = 'EXPORTER-Channel-Binding'
  const first = await upgraded(await door())
  const theirs = first.client.exportKeyingMaterial(32, label, Buffer.alloc(0))
  expect(first.ear.transport.tls?.bindings.get('tls-exporter')).toEqual(theirs)
  const world = await door(direct)
  const client = await shake(await world.enter())
  const ear = await world.doorway.next()
  expect(ear.transport.tls?.bindings.get('tls-exporter')).toEqual(
    client.exportKeyingMaterial(32, label, Buffer.alloc(0)),
  )
})

test('RFC 5929 §4: tls-server-end-point is the hash of the certificate that the client sees, on TLS 1.2 too', async () => {
  const world = await door()
  const { client, ear } = await upgraded(world, { servername: 'away.test', maxVersion: 'TLSv1.2' })
  expect(ear.transport.tls?.protocol).toBe('TLSv1.2')
  const hash = createHash('sha256').update(client.getPeerX509Certificate()!.raw).digest()
  const bindings = ear.transport.tls!.bindings
  expect(bindings.get('tls-server-end-point')).toEqual(hash)
  expect(bindings.get('tls-exporter')).toBeUndefined()
  expect(bindings.size).toBe(1)
})

test('RFC 5929 §4.1: SHA-256 stands for MD5 and SHA-1; Ed25519 has no hash of its own', () => {
  const raw = Buffer.from('certificate')
  const of = (signatureAlgorithmOid: string): Uint8Array | undefined => serverEndPoint({ raw, signatureAlgorithmOid })
  const sha256 = createHash('sha256').update(raw).digest()
  expect(of('1.2.840.113549.1.1.4')).toEqual(sha256)
  expect(of('1.2.840.113549.1.1.5')).toEqual(sha256)
  expect(of('1.2.840.10045.4.3.3')).toEqual(createHash('sha384').update(raw).digest())
  expect(of('1.3.101.112')).toBeUndefined()
})

test('a session is resumed by its ticket', async () => {
  const { enter, doorway } = await door(direct)
  const first = await shake(await enter(), { servername: 'home.test' })
  const [session] = (
    await Promise.all([once(first, 'session'), doorway.next().then((ear) => ear.transport.write('.'))])
  )[0]
  const second = await shake(await enter(), { servername: 'home.test', session })
  expect(second.isSessionReused()).toBe(true)
})

test('garbage, truncated and absent TLS cost their own connection only', async () => {
  const { enter, doorway, clock, network: system } = await door(direct)
  const friend = await shake(await enter())
  const ear = await doorway.next()
  const garbage = await enter()
  garbage.write(Buffer.from(Array.from({ length: 300 }, (_, i) => (i * 7) % 256)))
  const truncated = await enter()
  truncated.end(Buffer.from('1603010200010001fc0303', 'hex'))
  const silent = await enter()
  await Promise.all([once(garbage.resume(), 'close'), once(truncated.resume(), 'close')])
  clock.advance(10_000)
  await once(silent.resume(), 'close')
  friend.write('unharmed')
  await ear.hears('unharmed')
  expect(doorway.all.length).toBe(1)
  expect(clock.alarms).toBe(0)
  expect(system.admission.count).toBe(1)
})

test('a handshake that stops half-way ends at its deadline', async () => {
  const { enter, doorway, clock } = await door(direct)
  const slow = await enter()
  slow.write(Buffer.from('1603010200010001fc0303', 'hex'))
  const friend = await shake(await enter())
  const friendEar = await doorway.next()
  clock.advance(9_999)
  expect(slow.destroyed).toBe(false)
  clock.advance(1)
  await once(slow.resume(), 'close')
  friend.write('x')
  await friendEar.hears('x')

  const world = await door()
  const { ear } = await proceed(world)
  const started = ear.transport.startTls('home.test')
  world.clock.advance(10_000)
  await expect(started).rejects.toThrow('took too long')
  expect((await ear.gone())?.message).toMatch('took too long')
})

test('a garbled record after the handshake ends the connection with an error', async () => {
  const { enter, doorway } = await door(direct)
  const raw = await enter()
  await shake(raw)
  const ear = await doorway.next()
  raw.write(Buffer.from('1703030020' + '00'.repeat(32), 'hex'))
  expect(await ear.gone()).toBeInstanceOf(Error)
  expect(ear.ends.length).toBe(1)
})

test('write is false when the other side does not read, and drain follows, over TLS', async () => {
  const { client, ear } = await upgraded(await door())
  client.pause()
  const text = 'x'.repeat(6_000_000)
  expect(ear.transport.write(text)).toBe(false)
  expect(ear.drains).toBe(0)
  let length = 0
  client.on('data', (chunk: Buffer) => (length += chunk.length)).resume()
  await ear.until(({ drains }) => drains === 1)
  ear.transport.close()
  await once(client, 'close')
  expect(length).toBe(text.length)
})

test('a client that ends while it is written to costs its own connection only, over TLS', async () => {
  const world = await door()
  const { client: friend, ear: friendEar } = await upgraded(world)
  for (let size = 10; size <= 10_000_000; size *= 10) {
    const { client, ear } = await upgraded(world)
    client.on('data', () => {}).end('bye')
    await ear.hears('bye')
    for (let piece = 0; piece < 3; piece++) ear.transport.write('x'.repeat(size))
    await ear.gone()
    expect(ear.ends.length).toBe(1)
  }
  friend.write('unharmed')
  await friendEar.hears('unharmed')
})

test('a client that vanishes during the handshake is told to the stream once', async () => {
  const { client, ear } = await proceed(await door())
  const started = ear.transport.startTls('home.test')
  client.destroy()
  await expect(started).rejects.toThrow(/went away|ECONNRESET/)
  await ear.gone()
  expect(ear.ends.length).toBe(1)
})
