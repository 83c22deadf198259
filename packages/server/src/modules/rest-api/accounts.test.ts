import type { Actor } from '@jackdaw/testkit'
import { Jid } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { stage } from './fixture.ts'

test('accounts are made, read, given another password and removed; the audit log says by which token', async () => {
  const { s, ask } = await stage()
  const { accounts, audit } = s.server.hosts.get('home.test')!
  const body = { address: 'nurse@home.test', password: 'angelica of home' }
  expect(await ask('POST', '/accounts', { body })).toMatchObject({ status: 201, json: { address: 'nurse@home.test' } })
  expect(await ask('POST', '/accounts', { body })).toMatchObject({ status: 409, json: { condition: 'conflict' } })
  expect((await ask('GET', '/accounts/nurse@home.test')).json).toEqual({ address: 'nurse@home.test', sessions: 0 })
  const keys = () => accounts.scram('nurse', 'SHA-256')
  const before = await keys()
  const password = { password: 'peter of home' }
  expect((await ask('PUT', '/accounts/nurse@home.test/password', { body: password })).status).toBe(204)
  expect(await keys()).not.toEqual(before)
  expect((await ask('DELETE', '/accounts/nurse@home.test')).status).toBe(204)
  expect(await accounts.exists(Jid.parse('nurse@home.test'))).toBe(false)
  expect((await audit.last(9)).map(({ act }) => Object.values(act).join(' '))).toEqual([
    'token all made an account nurse@home.test',
    'token all set the password of nurse@home.test',
    'token all removed an account nurse@home.test',
  ])
})

test('what cannot be done is refused, and stands in no audit log', async () => {
  const { s, ask } = await stage()
  const post = async (address: string, password: string) =>
    (await ask('POST', '/accounts', { body: { address, password } })).status
  expect(await post('nurse@home.test', 'short')).toBe(422)
  expect(await post('nurse@elsewhere.test', 'angelica of home')).toBe(422)
  expect(await post('home.test', 'angelica of home')).toBe(400)
  for (const [method, path, body] of [
    ['GET', '/accounts/nobody@home.test'],
    ['GET', '/accounts/romeo@elsewhere.test'],
    ['DELETE', '/accounts/nobody@home.test'],
    ['PUT', '/accounts/nobody@home.test/password', { password: 'angelica of home' }],
    ['GET', '/accounts/nobody@home.test/sessions'],
    ['DELETE', '/accounts/nobody@home.test/sessions'],
    ['DELETE', '/accounts/romeo@home.test/sessions/nothing'],
  ] as const)
    expect((await ask(method, path, { body })).status, `${method} ${path}`).toBe(404)
  expect((await ask('GET', '/accounts/romeo')).status).toBe(400)
  expect(await s.server.hosts.get('home.test')!.audit.last(9)).toEqual([])
})

test('the list of accounts comes in pages', async () => {
  const { s, ask } = await stage()
  for (let i = 0; i < 5; i++) await s.register(`user${i}`)
  const seen: string[] = []
  let next: string | undefined = ''
  for (let pages = 0; next !== undefined; pages++) {
    expect(pages).toBeLessThan(4)
    const { json } = await ask('GET', `/accounts?limit=2${next && `&cursor=${next}`}`)
    seen.push(...json.items.map((item: { address: string }) => item.address))
    next = json.next
  }
  const users = Array.from({ length: 5 }, (_, i) => `user${i}@home.test`)
  expect(seen).toEqual(['juliet@home.test', 'romeo@home.test', ...users])
})

test('sessions are listed and ended', async () => {
  const { s, ask } = await stage({ accounts: { juliet: ['balcony', 'garden/1'] } })
  const [balcony, garden] = [s.clients['balcony'], s.clients['garden/1']] as Actor[]
  balcony!.comes(3)
  await balcony!.sync()
  const { json } = await ask('GET', '/accounts/juliet@home.test/sessions')
  const sessions = json.items.toSorted((a: any, b: any) => (a.resource < b.resource ? -1 : 1))
  expect(sessions).toMatchObject([
    { resource: 'balcony', isAvailable: true, priority: 3, isDetached: false },
    { resource: 'garden/1', isAvailable: false, priority: 0 },
  ])
  expect((await ask('DELETE', '/accounts/juliet%40home.test/sessions/garden%2F1')).status).toBe(204)
  await garden!.whenGone
  expect(balcony!.isConnected).toBe(true)
  expect((await ask('DELETE', '/accounts/juliet@home.test/sessions')).status).toBe(204)
  await balcony!.whenGone
})
