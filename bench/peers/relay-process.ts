// node relay-process.ts OPTIONS, where OPTIONS is JSON: joins each two connections that begin with the same line; on the other port the same over TLS.
import { readFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'

const { port, tlsPort, key, cert } = JSON.parse(process.argv[2]!)
const waiting = new Map<string, Socket>()
const ignore = () => {}

function join(socket: Socket): void {
  socket.on('error', ignore).once('data', (line) => {
    const name = line.toString()
    const other = waiting.get(name)
    if (!other) return void waiting.set(name, socket)
    waiting.delete(name)
    socket.on('data', (chunk) => other.write(chunk))
    other.on('data', (chunk) => socket.write(chunk))
    socket.write('<joined/>')
    other.write('<joined/>')
  })
}

createServer({ noDelay: true }, join).listen(port, '127.0.0.1', 4096)
const tls = { key: readFileSync(key), cert: readFileSync(cert), minVersion: 'TLSv1.3', noDelay: true } as const
createTlsServer(tls, join).listen(tlsPort, '127.0.0.1', 4096)
