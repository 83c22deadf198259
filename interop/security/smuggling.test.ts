import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HostileServer } from '../hostile/hostile-server.ts'
import { apart, last, paths, refused } from './smuggling.ts'

let server: HostileServer

beforeAll(async () => {
  const apps = { shop: { secret: 'a secret of the shop', http: true } }
  server = await HostileServer.start([], { hosts: { localhost: { modules: { 'push-service': { apps } } } } })
})

afterAll(() => server.stop())

/** The status of each answer on a connection, which the last request ends, unless the server has ended it before. */
async function statuses(request: string): Promise<number[]> {
  const socket = connect(server.ports.http, '127.0.0.1')
  let heard = ''
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1'))).on('error', () => {})
  socket.write(request + last, 'latin1')
  await once(socket, 'close')
  return Array.from(heard.matchAll(/HTTP\/1\.1 (\d{3}) /g), ([, status]) => Number(status))
}

describe('a request that can be understood in two ways is refused, and what follows it is not looked at', () => {
  test.each(Object.entries(refused))('%s', async (_, shape) => {
    for (const path of paths) expect([path, await statuses(shape(path))]).toEqual([path, [400]])
  })

  test('RFC 9112 §6.1: a coding that is not undone here, before the chunks', async () => {
    const request = (path: string) =>
      `POST ${path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`
    for (const path of paths) expect([path, await statuses(request(path))]).toEqual([path, [501]])
  })
})

describe('a request ends where it says, and the next begins there', () => {
  test.each(Object.entries(apart))('%s', async (_, shape) => {
    for (const path of paths) {
      const [first, ...more] = await statuses(shape(path))
      // Whoever asks there without an upgrade has his connection closed.
      const expected = path === '/xmpp' ? [] : [204, 404]
      expect([path, first, more]).toEqual([path, expect.any(Number), expected])
      expect(first === 400 || first! >= 500).toBe(false)
    }
  })
})

test('the server has nothing to complain of', () => {
  expect(server.complaints()).toEqual([])
})
