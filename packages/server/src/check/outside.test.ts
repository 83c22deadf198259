import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer as createHttp, type RequestListener } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { selfSigned } from '../transport/self-signed.ts'
import { outside } from './outside.ts'

const open: Server[] = []
afterEach(() => open.splice(0).forEach((server) => server.close()))

async function listening(server: Server): Promise<number> {
  open.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function secure(name: string, serve: RequestListener): Promise<{ port: number; ca: string }> {
  const { certificate, key } = await selfSigned(name, Date.now())
  return { port: await listening(createHttps({ cert: certificate, key }, serve)), ca: certificate }
}

test('it asks over HTTP and HTTPS, and follows redirections, but not for ever', async () => {
  const port = await listening(
    createHttp((request, response) => {
      if (request.url === '/loop') response.writeHead(302, { location: '/loop' })
      else if (request.url === '/there') response.writeHead(302, { location: '/here' })
      response.end(`${request.method} ${request.url}`)
    }),
  )
  const base = `http://127.0.0.1:${port}`
  expect(await outside().ask(`${base}/there`)).toEqual({ status: 200, text: 'GET /here' })
  expect(await outside().ask(`${base}/x`, 'OPTIONS')).toEqual({ status: 200, text: 'OPTIONS /x' })
  await expect(outside().ask(`${base}/loop`)).rejects.toThrow('it redirects again and again')
  const tls = await secure('localhost', (_, response) => void response.end('secret'))
  expect(await outside(tls.ca).ask(`https://localhost:${tls.port}/`)).toEqual({ status: 200, text: 'secret' })
})

test('an answer without an end is cut', async () => {
  const port = await listening(createHttp((_, response) => void response.end('x'.repeat(1_000_000))))
  await expect(outside().ask(`http://127.0.0.1:${port}/`)).rejects.toThrow('its answer is too long')
})

test('a server is reached over TCP and TLS, and it is said why not', async () => {
  const { port, ca } = await secure('localhost', () => {})
  const host = 'localhost'
  await outside(ca).reach({ host, port, isTls: true })
  await outside().reach({ host, port, isTls: false })
  await expect(outside().reach({ host, port, isTls: true })).rejects.toThrow('its certificate is self-made')
  const other = await secure('a.example', () => {})
  await expect(outside(other.ca).reach({ host, port: other.port, isTls: true })).rejects.toThrow('names somebody else')
  const silent = createServer()
  const free = await listening(silent)
  silent.close()
  await once(silent, 'close')
  await expect(outside().reach({ host: '127.0.0.1', port: free, isTls: false })).rejects.toThrow(
    'nothing listens there',
  )
})

test('RFC 8489 §5: a STUN server answers with the cookie and the id of the request', async () => {
  const server = createSocket('udp4')
  try {
    server.on('message', (request, { port, address }) => {
      const strange = Buffer.alloc(20)
      server.send(strange, port, address)
      const answer = Buffer.from(request)
      answer.writeUInt16BE(0x0101)
      server.send(answer, port, address)
    })
    server.bind(0, '127.0.0.1')
    await once(server, 'listening')
    await outside().stun('127.0.0.1', server.address().port)
  } finally {
    server.close()
  }
  await expect(outside().stun('127.0.0.1', 9)).rejects.toThrow('nothing listens there')
})

test('an address is its own, and localhost has some', async () => {
  expect(await outside().lookup('192.0.2.1')).toEqual(['192.0.2.1'])
  expect(await outside().lookup('localhost')).toContainEqual(expect.stringMatching(/^(127\.0\.0\.1|::1)$/))
})
