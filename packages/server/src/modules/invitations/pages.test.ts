import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { Jid } from '@jackdaw/xmpp'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createServer } from '../../index.ts'
import { type InvitationWish, invitations } from './invitations.ts'

const free = { port: 0, address: '127.0.0.1' }
const secret = 'what man art thou'
const filled = (username: string, password = secret, again = password) =>
  new URLSearchParams({ username, password, again }).toString()

/** A server on real sockets. */
async function run(config: { url?: string; modules?: Record<string, boolean> } = {}) {
  const data = await mkdtemp(join(tmpdir(), 'jackdaw-'))
  const modules = { 'host-meta': config.url === undefined ? {} : { url: config.url } }
  const server = await createServer(
    {
      data,
      hosts: { 'home.test': { modules }, 'away.test': {} },
      listen: { xmpp: false, xmpps: false, http: free, https: free },
    },
    { log: pino({ level: 'silent' }) },
  )
  const listening = await server.start()
  const port = (name: string): number => listening.find((one) => one.name === name)!.port
  const home = server.hosts.get('home.test')!
  const api = home.modules.api(invitations)!
  return {
    accounts: home.accounts,
    api,
    https: port('https'),
    metrics: () => server.metrics.registry.metrics(),
    /** Makes an invitation; gives the path of its page. */
    async invite(wish: InvitationWish = {}) {
      return new URL((await api.make(wish)).landingUrl!).pathname
    },
    exists: async (name: string) => home.accounts.exists(Jid.parse(`${name}@home.test`)),
    async ask(path: string, body?: string, headers: Record<string, string> = {}, scheme = 'https', method?: string) {
      const options = {
        host: '127.0.0.1',
        port: port(scheme),
        path,
        method: method ?? (body === undefined ? 'GET' : 'POST'),
        headers: {
          host: `home.test:${port(scheme)}`,
          ...(body !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
          ...headers,
        },
        agent: false,
      }
      const request =
        scheme === 'https' ? httpsRequest({ ...options, rejectUnauthorized: false }) : httpRequest(options)
      request.end(body)
      const [response] = (await once(request, 'response')) as [IncomingMessage]
      return { status: response.statusCode, headers: response.headers, body: await text(response) }
    },
    async [Symbol.asyncDispose]() {
      await server.stop()
      await rm(data, { recursive: true })
    },
  }
}

test('XEP-0401 §5.2: the page explains, lists apps, has a link and a code for them, and makes an account, once', async () => {
  await using s = await run()
  const { landingUrl, uri } = await s.api.make({})
  expect(landingUrl).toMatch(new RegExp(`^https://home\\.test:${s.https}/invite/[a-z2-9]{27}$`))
  const path = new URL(landingUrl!).pathname
  const page = await s.ask(path)
  expect(page.status).toBe(200)
  for (const part of [
    'You are invited to home.test',
    `href="${uri}"`,
    '<svg',
    'Conversations',
    'Gajim',
    'is for you alone',
  ])
    expect(page.body).toContain(part)
  expect(page.body).not.toMatch(/<script|src=/)
  expect(page.headers).toMatchObject({
    'cache-control': 'no-store',
    'referrer-policy': 'same-origin',
    'x-frame-options': 'DENY',
    'x-content-type-options': 'nosniff',
  })
  expect(page.headers['content-security-policy']).toContain("form-action 'self'; frame-ancestors 'none'")
  const done = await s.ask(path, filled('Juliet'), { 'sec-fetch-site': 'same-origin' })
  expect([done.status, done.body.includes('juliet@home.test')]).toEqual([200, true])
  expect(await s.exists('juliet')).toBe(true)
  expect((await s.ask(path)).status).toBe(404)
  expect((await s.ask(path, filled('nurse'))).status).toBe(404)
  expect(await s.exists('nurse')).toBe(false)
  expect(await s.metrics()).toMatch(/jackdaw_invitations_used_total\{host="home.test"\} 1/)
})

test('of many forms sent at once with one token, one makes an account', async () => {
  await using s = await run()
  const path = await s.invite()
  const names = Array.from({ length: 8 }, (_, i) => `juliet${i}`)
  const statuses = await Promise.all(names.map(async (name) => (await s.ask(path, filled(name))).status))
  expect(statuses.filter((status) => status === 200)).toHaveLength(1)
  const made = await Promise.all(names.map((name) => s.exists(name)))
  expect(made.filter(Boolean)).toHaveLength(1)
})

test.each([
  ['a short password', filled('juliet', 'x'), 400, 'at least 8 characters'],
  ['a common password', filled('juliet', 'Password123'), 400, 'many people use'],
  ['the name as password', filled('juliet.capulet', 'juliet.capulet'), 400, 'The password is the name'],
  ['passwords that differ', filled('juliet', secret, 'another man'), 400, 'differ'],
  ['no name', filled(''), 400, 'The name cannot be used'],
  ['an address as name', filled('juliet@away.test'), 400, 'The name cannot be used'],
  ['markup', filled('<script>alert(1)</script>'), 400, 'The name cannot be used'],
  ['a name that is taken', filled('romeo'), 409, 'exists already'],
  ['nothing', '', 400, 'The name cannot be used'],
  ['bytes that are no UTF-8', 'username=%ff%fe&password=%ff', 400, 'class="fault"'],
  ['a form that is long', filled('juliet', 'x'.repeat(20_000)), 400, 'too long'],
])('%s is refused in words, and the invitation stays', async (_, body, status, words) => {
  await using s = await run()
  await s.accounts.create(Jid.parse('romeo@home.test'), secret)
  const path = await s.invite()
  const answer = await s.ask(path, body)
  expect([answer.status, answer.body]).toEqual([status, expect.stringContaining(words)])
  expect(answer.body).not.toContain('<script')
  expect((await s.ask(path, filled('juliet'))).status).toBe(200)
})

test.each<Record<string, string>>([
  { 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'same-site' },
  { origin: 'https://evil.test' },
  { origin: 'null' },
])('what another page sends is refused: %o', async (headers) => {
  await using s = await run()
  const path = await s.invite()
  expect((await s.ask(path, filled('juliet'), headers)).status).toBe(403)
  expect(await s.exists('juliet')).toBe(false)
})

test('its own origin is accepted of a browser that says no more; another type of body is not', async () => {
  await using s = await run()
  const path = await s.invite()
  const origin = `https://home.test:${s.https}`
  const json = await s.ask(path, filled('juliet'), { 'content-type': 'text/plain' })
  expect(json.status).toBe(400)
  expect((await s.ask(path, filled('juliet'), { origin })).status).toBe(200)
})

test('a new password is set by a link of its own, once', async () => {
  await using s = await run()
  await s.accounts.create(Jid.parse('romeo@home.test'), secret)
  const keys = await s.accounts.scram('romeo', 'SHA-256')
  const path = await s.invite({ isReset: true, account: Jid.parse('romeo@home.test') })
  const page = await s.ask(path)
  expect(page.body).toContain('A new password for romeo@home.test')
  expect(page.body).not.toContain('xmpp:')
  expect((await s.ask(path, filled('juliet', 'xxxxxxxx'))).status).toBe(400)
  // The name in the form is nobody's choice.
  expect((await s.ask(path, filled('juliet', 'another man art thou'))).status).toBe(200)
  expect(await s.accounts.scram('romeo', 'SHA-256')).not.toEqual(keys)
  expect(await s.exists('juliet')).toBe(false)
  expect((await s.ask(path)).status).toBe(404)
})

test('XEP-0401 §5.4: a name that is reserved cannot be changed', async () => {
  await using s = await run()
  const path = await s.invite({ account: Jid.parse('juliet@home.test') })
  expect((await s.ask(path)).body).toContain('value="juliet" readonly')
  expect((await s.ask(path, filled('nurse'))).status).toBe(200)
  expect([await s.exists('nurse'), await s.exists('juliet')]).toEqual([false, true])
})

test('guesses are limited, methods named, and a host knows its own alone', async () => {
  await using s = await run()
  const path = await s.invite()
  expect((await s.ask(path, undefined, { host: 'away.test' })).status).toBe(404)
  const wrong = await s.ask(path, undefined, {}, 'https', 'DELETE')
  expect([wrong.status, wrong.headers.allow]).toEqual([405, 'GET, HEAD, POST'])
  const head = await s.ask(path, undefined, {}, 'https', 'HEAD')
  expect([head.status, head.body]).toEqual([200, ''])
  for (let i = 0; i < 60; i++) expect((await s.ask(`/invite/guess${i}`)).status).toBe(404)
  expect((await s.ask(path)).status).toBe(429)
})

test('behind a reverse proxy the link and the form are of the configured address', async () => {
  await using s = await run({ url: 'https://chat.home.test' })
  const { landingUrl } = await s.api.make({})
  expect(landingUrl).toMatch(/^https:\/\/chat\.home\.test\/invite\//)
  const path = new URL(landingUrl!).pathname
  expect((await s.ask(path, filled('juliet'), { origin: 'https://chat.home.test' }, 'http')).status).toBe(200)
})
