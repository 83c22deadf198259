import { readdirSync, statSync } from 'node:fs'
import { symlink } from 'node:fs/promises'
import { connect } from 'node:net'
import { once } from 'node:events'
import { join, relative } from 'node:path'
import { Jid, UploadRequest } from '@jackdaw/xmpp'
import { Client, tls } from '@jackdaw/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Jackdaw } from '../jackdaw.ts'

const password = 'wherefore-art-thou'
let server: Jackdaw
/** The path of a file that is there, `/upload/localhost/ID/NAME`. */
let path: string

beforeAll(async () => {
  server = await Jackdaw.start()
  await server.addUser('romeo@localhost', password)
  const client = new Client({ jid: 'romeo@localhost/r', password, connect: tls(server.ports.xmpps) })
  await client.connect()
  const request = UploadRequest.write({ filename: 'a.txt', size: 5, purpose: 'message' })
  const answer = await client.ask('get', request, Jid.parse('upload.localhost'))
  const { pathname, search } = new URL(answer.first()!.child('put')!.attr('url')!)
  await status(`PUT ${pathname}${search}`, 'Content-Length: 5\r\n', 'hello')
  path = pathname
  await client.close()
})

afterAll(() => server.stop())

test('all that the server keeps is for its own user alone', () => {
  const data = join(server.folder, 'data')
  const open = readdirSync(data, { recursive: true, withFileTypes: true })
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => (statSync(file).mode & 0o077) !== 0)
    .map((file) => relative(data, file))
  expect(statSync(data).mode & 0o077).toBe(0)
  // A certificate is public; it lies in a folder that is not.
  expect(open).toEqual(['certificates/localhost.crt'])
  expect(statSync(join(data, 'certificates')).mode & 0o077).toBe(0)
})

const climbs = [
  '..',
  '%2e%2e',
  '%252e%252e',
  '..%2f..%2f',
  '..%5c..%5c',
  '%c0%ae%c0%ae',
  '%c0%ae%c0%ae%c0%af',
  '%e0%80%ae%e0%80%ae',
  '%uff0e%uff0e',
  '....//',
  '..;',
  '.%00.',
  '\\..\\..',
  'C:',
  'CON',
  'a.txt::$DATA',
]

test.each(climbs)('no path below /upload/ climbs out of it: %s', async (climb) => {
  const [, upload, host, id] = path.split('/')
  for (const target of [
    `/${upload}/${host}/${climb}/${climb}/tokens.key`,
    `/${upload}/${host}/${id}/${climb}/${climb}/tokens.key`,
    `/${upload}/${climb}/${climb}/jackdaw.db`,
    `/${upload}/${host}/${climb}${id}`,
  ])
    for (const method of ['GET', 'PUT', 'DELETE'])
      expect([target, method, await status(`${method} ${target}`)]).toEqual([
        target,
        method,
        expect.toBeOneOf([400, 404]),
      ])
})

test('the name in a URL is of no account, but there must be one', async () => {
  const base = path.slice(0, path.lastIndexOf('/'))
  for (const name of ['a.txt', 'CON', 'C%3A%5Cx', '%00', '%c0%ae', 'a.txt::$DATA'])
    expect([name, await status(`GET ${base}/${name}`)]).toEqual([name, 200])
  expect(await status(`GET ${base}/`)).toBe(404)
  expect(await status(`GET ${base}`)).toBe(404)
  expect(await status(`GET ${base.toUpperCase()}/a.txt`)).toBe(404)
})

test('what lies in the folder of files and was not uploaded has no URL, be it there by a link', async () => {
  const kept = join(server.folder, 'data', 'files', 'localhost', 'upload', 'kept')
  const id = `${'0'.repeat(38)}aa`
  await symlink(kept, join(kept, '00'))
  expect(await status(`GET /upload/localhost/${id}/a.txt`)).toBe(404)
})

/** The status that a request line gets, sent as it is. */
async function status(line: string, fields = 'Content-Length: 0\r\n', body = ''): Promise<number> {
  const socket = connect(server.ports.http, '127.0.0.1')
  let heard = ''
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1'))).on('error', () => {})
  socket.write(`${line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${fields}\r\n${body}`)
  await once(socket, 'close')
  return Number(heard.split(' ', 2)[1])
}
