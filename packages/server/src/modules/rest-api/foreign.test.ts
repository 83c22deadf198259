import { Jid } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { userService } from '../../sources/fixture.ts'
import { stage } from './fixture.ts'

const romeo = Jid.parse('romeo@home.test')

/** Another system keeps the accounts; Romeo has been here. */
async function elsewhere() {
  const service = await userService()
  service.users.set('romeo', 'the wine is red').set('juliet', 'the wine is red')
  const play = await stage({
    accounts: {},
    config: { hosts: { 'home.test': { accounts: { http: { url: service.url } } } } },
  })
  await (await play.s.login('romeo', 'phone')).close()
  return { ...play, service }
}

test('accounts and passwords that another system keeps are not made or changed; nobody is said not to exist while it is silent', async () => {
  const { ask, service } = await elsewhere()
  const body = { address: 'nurse@home.test', password: 'angelica of home' }
  expect(await ask('POST', '/accounts', { body })).toMatchObject({ status: 403, json: { condition: 'not-allowed' } })
  const password = { body: { password: 'peter of home' } }
  expect((await ask('PUT', '/accounts/romeo@home.test/password', password)).status).toBe(403)
  expect((await ask('POST', '/messages', { body: { to: 'juliet@home.test', body: 'hi' } })).status).toBe(201)
  await service.stop()
  for (const [method, path, content] of [
    ['GET', '/accounts/benvolio@home.test'],
    ['POST', '/messages', { to: 'benvolio@home.test', body: 'hi' }],
  ] as const)
    expect(await ask(method, path, { body: content })).toMatchObject({
      status: 504,
      json: { condition: 'remote-server-timeout' },
    })
})

test('what is kept for who is no more elsewhere is read, exported and removed', async () => {
  const { s, ask, service } = await elsewhere()
  const { accounts } = s.server.hosts.get('home.test')!
  await ask('POST', '/messages', { body: { to: 'romeo@home.test', body: 'hi' } })
  service.users.delete('romeo')
  await s.clock.advance(600_000)
  expect(await accounts.exists(romeo)).toBe(false)
  expect((await ask('GET', '/accounts')).json.items).toEqual([{ address: 'romeo@home.test' }])
  expect((await ask('GET', '/accounts/romeo@home.test')).json).toEqual({ address: 'romeo@home.test', sessions: 0 })
  expect((await ask('GET', '/accounts/romeo@home.test/archive')).lines).toHaveLength(1)
  await accounts.disable(romeo)
  await accounts.enable(romeo)
  expect((await ask('DELETE', '/accounts/romeo@home.test')).status).toBe(204)
  expect((await ask('GET', '/accounts')).json.items).toEqual([])
  expect((await ask('GET', '/accounts/romeo@home.test')).status).toBe(404)
})
