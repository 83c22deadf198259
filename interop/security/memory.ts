// npm run security:memory: what connections that do not log in cost the server.
import { crowd } from '../hostile/floods.ts'
import { HostileServer } from '../hostile/hostile-server.ts'
import { frame } from '../hostile/frames.ts'
import { header, open, upgrade, type Way } from '../hostile/peer.ts'

const count = 2_000
/** Half an element, as long as one may be before login. */
const half = `<message xmlns='jabber:client'><body>${'x'.repeat(16_000)}`

const attacks: readonly (readonly [what: string, way: Way, ...said: (string | Uint8Array)[]])[] = [
  ['TCP, silent', 'tcp'],
  ['TCP, header and half an element of 16 KiB', 'tcp', header, half],
  ['direct TLS, header and half an element', 'tls', header, half],
  ['HTTP, half a header of 16 KiB', 'http', `GET / HTTP/1.1\r\nX: ${'x'.repeat(16_000)}`],
  [
    'HTTP, half a body of 256 KiB',
    'http',
    `POST /bosh HTTP/1.1\r\nHost: localhost\r\nContent-Length: 262144\r\n\r\n`,
    'x'.repeat(131_072),
  ],
  ['WebSocket, half an element', 'websocket', Buffer.from(upgrade), open, frame(1, half, { length: 200_000 })],
]

console.log(`| ${count} connections | each, KiB | afterwards, MiB more |`)
console.log('| --- | --- | --- |')
for (const [what, way, ...said] of attacks) {
  const server = await HostileServer.start([])
  await server.size()
  const before = await server.size()
  const peers = await crowd(server, way, count, 500)
  for (const text of said) peers.write(text)
  // Until all that was sent has been read and what was garbage has gone.
  let { rss } = await server.size()
  for (let last = 0; Math.abs(rss - last) > 2;) {
    last = rss
    ;({ rss } = await server.size())
  }
  await peers.vanish()
  await server.until('jackdaw_connections', (value) => value === 0)
  const after = await server.size()
  console.log(
    `| ${what} | ${(((rss - before.rss) * 1024) / count).toFixed(0)} | ${(after.rss - before.rss).toFixed(0)} |`,
  )
  await server.stop()
}
