import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, expect, test } from 'vitest'
import { dial, Doorway, drainOf, Ear, network } from './fixture.ts'
import type { Listener, NetworkLimits } from './network.ts'
import type { Transport } from './transport.ts'

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
})

async function door(change: Partial<NetworkLimits> = {}, refusal?: string) {
  const world = network(change)
  const doorway = new Doorway()
  const listener = await world.network.listenTcp(
    { address: '127.0.0.1', port: 0 },
    refusal === undefined ? {} : { refusal },
    doorway.accept,
  )
  open.push({ close: () => closeAll(listener, doorway) })
  const enter = async (): Promise<Socket> => {
    const client = await dial(listener.port)
    open.push({ close: () => client.destroy() })
    return client
  }
  return { ...world, doorway, listener, enter }
}

async function closeAll(listener: Listener, doorway: Doorway): Promise<void> {
  await listener.close()
  for (const ear of doorway.all) ear.transport.destroy()
}

test('bytes go both ways', async () => {
  const { doorway, enter } = await door()
  const client = await enter()
  const ear = await doorway.next()
  client.write('<stream>ä')
  await ear.hears('ä')
  expect(ear.chunks[0]).toBeInstanceOf(Uint8Array)
  expect(ear.transport.write('<ü/>')).toBe(true)
  const [answer] = await once(client, 'data')
  expect(String(answer)).toBe('<ü/>')
  expect(ear.transport).toMatchObject({ framing: 'tcp', address: '127.0.0.1', tls: undefined, canStartTls: false })
})

test('write is false when the other side does not read, and drain follows', async () => {
  const { doorway, enter } = await door()
  const client = await enter()
  const ear = await doorway.next()
  client.pause()
  const text = 'x'.repeat(1_000_000)
  let sent = 0
  do sent += text.length
  while (ear.transport.write(text) || ear.transport.pendingBytes === 0)
  expect(ear.transport.pendingBytes).toBeGreaterThan(0)
  expect(ear.drains).toBe(0)
  let received = 0
  client.on('data', (chunk: Buffer) => (received += chunk.length)).resume()
  await ear.until(({ drains }) => drains === 1)
  expect(ear.transport.pendingBytes).toBe(0)
  ear.transport.close()
  await once(client, 'close')
  expect(received).toBe(sent)
})

test('all read into one buffer: what is handed over is copied by whoever keeps it', async () => {
  const { doorway, enter } = await door()
  const buffers = new Set<ArrayBufferLike>()
  for (const word of ['one', 'other']) {
    const client = await enter()
    const { transport } = await doorway.next()
    const read = Promise.withResolvers<string>()
    transport.open({
      data(chunk) {
        buffers.add((chunk as Uint8Array).buffer)
        read.resolve(Buffer.from(chunk as Uint8Array).toString())
      },
      drain() {},
      gone() {},
    })
    client.write(word)
    expect(await read.promise).toBe(word)
  }
  expect(buffers.size).toBe(1)
})

test('what has come before a connection is opened is handed over, and what comes then behind it', async () => {
  const accepted: Transport[] = []
  const listener = await network().network.listenTcp({ address: '127.0.0.1', port: 0 }, {}, (transport) => {
    accepted.push(transport)
  })
  open.push(listener, { close: () => accepted.forEach((transport) => transport.destroy()) })
  const [early, other] = [await dial(listener.port), await dial(listener.port)]
  open.push({ close: () => [early, other].forEach((client) => client.destroy()) })
  early.write('before ')
  other.write('read')
  // Then what was written before it has been read, too.
  await new Ear(accepted[1]!).hears('read')
  const ear = new Ear(accepted[0]!)
  early.write('after')
  await ear.hears('after')
  expect(ear.text).toBe('before after')
})

test('what is written while something leaves follows it, and drain comes once, after all', async () => {
  const { doorway, enter } = await door()
  const client = await enter()
  const ear = await doorway.next()
  client.pause()
  const pieces = Array.from({ length: 200 }, (_, number) => `${number}é`.repeat(20_000))
  const flowing = pieces.map((piece) => ear.transport.write(piece))
  expect(flowing.at(-1)).toBe(false)
  const all = pieces.join('')
  let received = ''
  client
    .setEncoding('utf8')
    .on('data', (text: string) => (received += text))
    .resume()
  await ear.until(({ drains }) => drains > 0)
  expect(ear.transport.pendingBytes).toBe(0)
  expect(ear.transport.write('last')).toBe(true)
  ear.transport.close()
  await once(client, 'close')
  expect(received === `${all}last`).toBe(true)
  expect(ear.drains).toBe(1)
})

test('close lets everything leave that was held', async () => {
  const { doorway, enter } = await door()
  const client = await enter()
  const ear = await doorway.next()
  for (let number = 0; number < 10; number++) ear.transport.write(String(number).repeat(1_000_000))
  ear.transport.close()
  ear.transport.write('too late')
  const received = await drainOf(client)
  expect([received.length, received.endsWith('9')]).toEqual([10_000_000, true])
  expect(await ear.gone()).toBeUndefined()
})

test('what cannot be written any more ends the connection with an error, once', async () => {
  const { doorway, enter } = await door()
  const client = await enter()
  const ear = await doorway.next()
  client.pause()
  ear.transport.write('x'.repeat(30_000_000))
  ear.transport.write('held')
  client.resetAndDestroy()
  expect(await ear.gone()).toBeInstanceOf(Error)
  expect([ear.ends.length, ear.drains]).toEqual([1, 0])
})

test('a paused connection hands over nothing', async () => {
  const { doorway, enter } = await door()
  const client = await enter()
  const ear = await doorway.next()
  ear.transport.pause()
  client.write('late')
  const other = await enter()
  const otherEar = await doorway.next()
  other.write('x')
  await otherEar.hears('x')
  expect(ear.text).toBe('')
  ear.transport.resume()
  await ear.hears('late')
})

test('gone is told once: without an error at an orderly end, with one at a reset', async () => {
  const { doorway, enter } = await door()
  const orderly = await enter()
  const first = await doorway.next()
  orderly.end('bye')
  expect(await first.gone()).toBeUndefined()
  expect(first.text).toBe('bye')

  const reset = await enter()
  const second = await doorway.next()
  reset.resetAndDestroy()
  expect(await second.gone()).toMatchObject({ code: 'ECONNRESET' })
  second.transport.write('too late')
  second.transport.close()
  second.transport.destroy()
  await enter()
  await doorway.next()
  expect([first.ends.length, second.ends.length]).toEqual([1, 1])
})

test('close lets what was written leave first', async () => {
  const { doorway, enter } = await door()
  const client = await enter()
  const ear = await doorway.next()
  ear.transport.write('y'.repeat(3_000_000))
  ear.transport.close()
  expect((await drainOf(client)).length).toBe(3_000_000)
  expect(await ear.gone()).toBeUndefined()
})

test('close is by force when the other side holds the connection', async () => {
  const { doorway, enter, clock } = await door()
  const client = await enter()
  const ear = await doorway.next()
  client.pause()
  ear.transport.write('z'.repeat(30_000_000))
  ear.transport.close()
  clock.advance(4_999)
  expect(ear.ends).toEqual([])
  clock.advance(1)
  expect(await ear.gone()).toBeInstanceOf(Error)
  expect(clock.alarms).toBe(0)
})

test('a taken port is told in one sentence', async () => {
  const { listener, network: system } = await door()
  const { port } = listener
  await expect(system.listenTcp({ address: '127.0.0.1', port }, {}, () => {})).rejects.toMatchObject({
    name: 'ListenError',
    code: 'EADDRINUSE',
    message: `Port ${port} is taken by another program: stop that program, or set another port in the configuration.`,
  })
  await expect(system.listenTcp({ address: '192.0.2.1', port: 0 }, {}, () => {})).rejects.toThrow(
    'This machine has no address 192.0.2.1',
  )
})

test("a closed listener's port is free, and what it accepted lives on", async () => {
  const { listener, network: system, doorway, enter } = await door()
  const client = await enter()
  const ear = await doorway.next()
  await listener.close()
  const again = await system.listenTcp({ address: '127.0.0.1', port: listener.port }, {}, () => {})
  client.write('still here')
  await ear.hears('still here')
  expect(again.port).toBe(listener.port)
  await again.close()
})

test("'::' takes IPv4 clients too, under their own address", async () => {
  const { network: system } = network()
  const doorway = new Doorway()
  const listener = await system.listenTcp({ address: '::', port: 0 }, {}, doorway.accept)
  open.push(listener)
  const client = await dial(listener.port)
  open.push({ close: () => client.destroy() })
  expect((await doorway.next()).transport.address).toBe('127.0.0.1')
})

test('a connection above the cap of its address is told why and closed; when another ends there is room again', async () => {
  const { enter, doorway, network: system, lines } = await door({ connectionsPerAddress: 2 }, '<policy-violation/>')
  await enter()
  const second = await enter()
  expect(await drainOf(await enter())).toBe('<policy-violation/>')
  expect([system.admission.count, system.admission.refused]).toEqual([2, 1])
  expect(lines.map(({ msg }) => msg)).toEqual(['connections are refused: the cap is reached'])
  await doorway.next()
  const ear = await doorway.next()
  second.destroy()
  await ear.gone()
  await enter()
  await doorway.next()
  expect(system.admission.count).toBe(2)
})

test('500 half-open connections leave nothing behind', async () => {
  const { enter, doorway, network: system, clock } = await door()
  const flood = async (): Promise<void> => {
    const clients: Socket[] = []
    for (let i = 0; i < 5; i++) {
      clients.push(...(await Promise.all(Array.from({ length: 100 }, enter))))
      for (let j = 0; j < 100; j++) await doorway.next()
    }
    expect(system.admission.count).toBe(500)
    for (const client of clients) client.destroy()
    await Promise.all(doorway.all.map((ear) => ear.gone()))
    doorway.all.length = 0
    open.length = 1
  }
  await flood()
  const before = heap()
  await flood()
  expect(system.admission.count).toBe(0)
  expect(clock.alarms).toBe(0)
  expect(heap() - before).toBeLessThan(500_000)
}, 60_000)

function heap(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}
