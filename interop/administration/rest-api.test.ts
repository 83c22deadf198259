import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Jackdaw } from '../jackdaw.ts'

const hasCurl = spawnSync('curl', ['--version']).status === 0

let jackdaw: Jackdaw
let token: string
const juliet = 'juliet@localhost'

beforeAll(async () => {
  jackdaw = await Jackdaw.start()
  await jackdaw.addUser(juliet, 'the wine is red')
  const scopes = ['accounts:read', 'messages:send', 'rooms:write', 'archive:read', 'archive:erase']
  token = await jackdaw.token('interop', scopes)
})
afterAll(() => jackdaw.stop())

/** Asks with curl, over TLS; gives the status and the body. */
async function curl(path: string, ...options: readonly string[]) {
  const url = `https://localhost:${jackdaw.ports.https}/api/v1${path}`
  const own = ['--silent', '--cacert', jackdaw.certificate, '--header', `Authorization: Bearer ${token}`]
  const child = spawn('curl', [...own, '--write-out', '\n%{http_code} %{content_type}', ...options, url])
  const closed = once(child, 'close')
  const out = await text(child.stdout)
  await closed
  const at = out.lastIndexOf('\n')
  const [status, type] = out.slice(at + 1).split(' ')
  return { status: Number(status), type, body: out.slice(0, at) }
}

const send = (body: string, key: string) =>
  curl('/messages', '--json', JSON.stringify({ to: juliet, body }), '--header', `Idempotency-Key: ${key}`)

test.skipIf(!hasCurl)(
  'curl (Debian: curl): what was answered outlives kill -9, and is not done once more when it is asked for again',
  async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => send(`message ${i}`, `key ${i}`)))
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(201))
    await jackdaw.kill()
    await jackdaw.start()
    const again = await Promise.all(Array.from({ length: 20 }, (_, i) => send(`message ${i}`, `key ${i}`)))
    expect(again).toEqual(answers)
    const { body, type } = await curl(`/accounts/${juliet}/archive`)
    expect(type).toBe('application/x-ndjson')
    const bodies = body
      .trim()
      .split('\n')
      .map((line) => /<body>(.*)<\/body>/.exec(JSON.parse(line).xml)![1])
    expect(bodies).toHaveLength(20)
    expect(new Set(bodies)).toEqual(new Set(Array.from({ length: 20 }, (_, i) => `message ${i}`)))
    expect((await curl(`/accounts/${juliet}/archive`, '--request', 'DELETE')).body).toBe('{"erased":20}')
  },
)

test('a body that is too long is refused as a problem, and the next request is answered', async () => {
  const body = JSON.stringify({ to: juliet, body: 'x'.repeat(1_000_000) })
  const url = `http://127.0.0.1:${jackdaw.ports.http}/api/v1/messages`
  const authorization = `Bearer ${token}`
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body,
  })
  expect([response.status, response.headers.get('content-type')]).toEqual([413, 'application/problem+json'])
  expect((await fetch(url.replace('messages', 'accounts'), { headers: { authorization } })).status).toBe(200)
  expect(jackdaw.troubles).toEqual([])
})
