import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { ManualClock } from '@jackdaw/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { openLdapSocket } from './ldap-socket.ts'

const clock = new ManualClock()
/** RFC 4511 §4.14.2: an extended response to message 1. */
const response = (code: number, id = 1) => Buffer.from([0x30, 12, 2, 1, id, 0x78, 7, 10, 1, code, 4, 0, 4, 0])

/** What becomes of a connection to who says this when StartTLS is asked for. */
async function opening(say: (socket: Socket, request: Buffer) => void): Promise<unknown> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', (request: Buffer) => say(socket, request))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const address = { url: new URL(`ldap://127.0.0.1:${port}`), startTls: true, ca: undefined }
  return openLdapSocket(address, 5000, clock).catch((error: Error) => error.message)
}

test('RFC 4511 §4.14.1: StartTLS is asked for by its name', async () => {
  let asked: Buffer = Buffer.alloc(0)
  await opening((socket, request) => {
    asked = request
    socket.end(response(52))
  })
  expect(asked.subarray(0, 9)).toEqual(Buffer.from([0x30, 29, 2, 1, 1, 0x77, 24, 0x80, 22]))
  expect(asked.subarray(9).toString()).toBe('1.3.6.1.4.1.1466.20037')
})

test.each<[string, Buffer, string]>([
  ['a refusal', response(52), 'StartTLS was refused with the code 52'],
  // It would count as said within TLS, by whoever is in between.
  ['more than an answer', Buffer.concat([response(0), response(0, 2)]), 'The answer to StartTLS is none'],
  [
    'the answer, and the beginning of another',
    Buffer.concat([response(0), Buffer.from([0x30, 12])]),
    'The answer to StartTLS is none',
  ],
  ['the answer to something else', response(0, 2), 'Expected 0xa: got 0x78'],
  ['something else', Buffer.from('220 mail.example ESMTP\r\n'), 'Expected 0x30: got 0x32'],
  [
    'something endless',
    Buffer.concat([Buffer.from([0x30, 0x84, 0, 1, 0, 0]), Buffer.alloc(5000)]),
    'The answer to StartTLS is too long',
  ],
])('RFC 4511 §4.14.2: with %s there is no connection', async (_, said, outcome) => {
  expect(await opening((socket) => void socket.write(said))).toBe(outcome)
})

test('RFC 4511 §4.14.2: an answer may come in pieces, and its lengths be long ones; then TLS begins', async () => {
  const long = Buffer.from([0x30, 0x84, 0, 0, 0, 16, 2, 1, 1, 0x78, 0x84, 0, 0, 0, 7, 10, 1, 0, 4, 0, 4, 0])
  const hello = Promise.withResolvers<Buffer>()
  const outcome = opening((socket) => {
    socket.write(long.subarray(0, 9), () => socket.write(long.subarray(9)))
    socket.once('data', (data: Buffer) => {
      hello.resolve(data)
      socket.destroy()
    })
  })
  // A TLS handshake (RFC 8446 §5.1).
  expect((await hello.promise)[0]).toBe(22)
  expect(await outcome).toMatch(/disconnected|closed|reset/i)
})

test('who says nothing is not waited for', async () => {
  let heard: (() => void) | undefined
  const asked = new Promise<void>((resolve) => (heard = resolve))
  const outcome = opening(() => heard!())
  await asked
  await clock.advance(5000)
  expect(await outcome).toBe('No connection in time')
})
