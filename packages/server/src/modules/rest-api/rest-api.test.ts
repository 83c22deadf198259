import { Validator } from '@seriousme/openapi-schema-validator'
import { expect, test } from 'vitest'
import { defineModule } from '../../module.ts'
import { stage } from './fixture.ts'
import { restApi } from './rest-api.ts'

const day = 86_400_000

test('while there is no token nothing is served; the first one needs no restart', async () => {
  const { s, api, http } = await stage()
  api().revokeToken('all')
  expect((await http('GET', '/accounts')).status).toBe(404)
  expect((await http('GET', '/openapi.json')).status).toBe(404)
  const token = api().addToken({ name: 'next', scopes: ['accounts:read'] })
  expect((await http('GET', '/accounts', { token })).status).toBe(200)
  expect(await s.server.metrics.registry.metrics()).toContain(
    'jackdaw_rest_requests_total{host="home.test",route="GET /accounts",status="200"} 1',
  )
})

test('a token is good for its scopes, until it expires or is revoked, through a crash', async () => {
  const { s, api, ask, token } = await stage()
  const reader = token('accounts:read')
  expect((await ask('GET', '/accounts', { token: reader })).status).toBe(200)
  const refused = await ask('DELETE', '/accounts/romeo@home.test', { token: reader })
  expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
    403,
    'Bearer realm="/api/v1", error="insufficient_scope", scope="accounts:write"',
  ])
  const brief = api().addToken({ name: 'brief', scopes: ['accounts:read'], lifetime: day })
  expect((await ask('GET', '/accounts', { token: brief })).status).toBe(200)
  await s.clock.advance(day)
  expect((await ask('GET', '/accounts', { token: brief })).status).toBe(401)
  await s.server.kept()
  s.crash()
  await s.start()
  expect((await ask('GET', '/accounts', { token: reader })).status).toBe(200)
  expect(api().tokens()).toMatchObject([
    { name: 'all' },
    { name: 'brief' },
    { name: 'of-accounts-read', used: s.clock.now() },
  ])
  expect([api().revokeToken('of-accounts-read'), api().revokeToken('of-accounts-read')]).toEqual([true, false])
  expect((await ask('GET', '/accounts', { token: reader })).status).toBe(401)
})

test('neither the database nor the journal has what a token is made of', async () => {
  const { s, all } = await stage()
  await s.server.kept()
  const journal = [...s.journalStore.read(1)].join('\n')
  expect(journal).toContain('"scopes"')
  expect(journal).not.toContain(all.slice('jackdaw_0123456789ab_'.length))
})

test('no two tokens have one name, and none a scope that there is not', async () => {
  const { api } = await stage()
  expect(() => api().addToken({ name: 'all', scopes: ['accounts:read'] })).toThrow('There is a token all already')
  expect(() => api().addToken({ name: 'x', scopes: ['accounts:eat'] })).toThrow(
    /^There is no scope accounts:eat: there are accounts:read, accounts:write, /,
  )
})

test('without a token that is one, nothing is told but the document; who guesses often must wait', async () => {
  const { s, ask, http, all } = await stage()
  const wrong = [
    '',
    'x',
    all.slice(0, -1),
    `${all.slice(0, -2)}${all.endsWith('AA') ? 'BB' : 'AA'}`,
    all.replace(/_.{12}_/, '_0123456789ab_'),
  ]
  for (const token of wrong)
    for (const path of ['/accounts', '/accounts/romeo@home.test', '/accounts/nobody@home.test', '/nothing', '/'])
      expect((await ask('GET', path, { token })).status, `${path} ${token}`).toBe(401)
  expect((await http('GET', '/openapi.json', { token: '' })).status).toBe(200)
  const guessed = async () => (await ask('GET', '/accounts', { token: 'x' })).status
  for (let i = 25; i < 60; i++) expect(await guessed()).toBe(401)
  expect(await guessed()).toBe(429)
  // Behind a reverse proxy all have one address.
  expect((await ask('GET', '/accounts')).status).toBe(200)
  s.network.address = '192.0.2.1'
  expect(await guessed()).toBe(401)
})

test('secrets do not pass a network in the clear', async () => {
  const { s, all } = await stage()
  const plain = () =>
    s.network.http(new Request('http://home.test/api/v1/accounts', { headers: { authorization: `Bearer ${all}` } }))
  expect((await plain()).status).toBe(200)
  s.network.address = '192.0.2.1'
  expect((await plain()).status).toBe(403)
})

test('OpenAPI: the document is one, and names every operation', async () => {
  const { openApi, s } = await stage()
  expect(await new Validator().validate(structuredClone(openApi) as never)).toEqual({ valid: true })
  const operations = Object.values(openApi.paths).flatMap((path) => Object.keys(path))
  expect(operations).toHaveLength(s.server.hosts.get('home.test')!.virtual.endpoints.length)
})

test('RFC 9110 §15.5.6: what is done in another way says so', async () => {
  const { ask } = await stage()
  const answer = await ask('PUT', '/accounts')
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, POST'])
  expect((await ask('GET', '/nothing')).status).toBe(404)
  expect((await ask('GET', '/accounts/romeo@home.test/')).status).toBe(404)
})

test('operations of a module come and go with it', async () => {
  const { s, ask } = await stage()
  const { modules } = s.server.hosts.get('home.test')!
  await modules.unload(restApi)
  expect(s.server.httpPaths).not.toContain('/api/v1/ home.test')
  await modules.load(restApi)
  expect((await ask('GET', '/accounts')).status).toBe(200)
})

test('RFC 9457: a request that does not fit is told where', async () => {
  const { ask } = await stage()
  const { status, json } = await ask('POST', '/accounts', { body: { address: 'home.test', more: 1 } })
  expect(status).toBe(400)
  expect(json.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual([
    'body/address',
    'body/password',
    'body',
  ])
  for (const body of ['{', '', '[]', 'null', '"x"', '{"address":"a@home.test"}'])
    expect((await ask('POST', '/accounts', { body })).status, body).toBe(400)
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  expect((await ask('POST', '/accounts', { body: '{}', headers: form })).status).toBe(415)
  for (const query of ['limit=0', 'limit=501', 'limit=x', 'cursor=!', 'more=1', 'limit=1&limit=2'])
    expect((await ask('GET', `/accounts?${query}`)).status, query).toBe(400)
})

test('the audit log is read by who may', async () => {
  const { ask, token } = await stage()
  await ask('POST', '/messages', { body: { to: 'romeo@home.test', body: 'hi' }, token: token('messages:send') })
  const { json } = await ask('GET', '/audit?limit=1')
  expect(json.items).toMatchObject([{ by: 'token of-messages-send', did: 'sent a message to', to: 'romeo@home.test' }])
})

test('an operation is of one module', async () => {
  const { s } = await stage()
  const thief = defineModule({
    name: 'thief',
    start(host) {
      host.endpoint({
        method: 'get',
        path: '/accounts',
        scope: 'x:read',
        summary: 'X',
        answer: { status: 204, description: 'X' },
        handle: () => {},
      })
    },
  })
  await expect(s.server.hosts.get('home.test')!.modules.load(thief)).rejects.toThrow(
    "get /accounts of the REST API is another module's",
  )
})
