import { expect, test } from 'vitest'
import { stage } from '../rest-api/fixture.ts'

test('invitations are made, listed and taken back', async () => {
  const { s, ask } = await stage()
  const made = await ask('POST', '/invitations', { body: { account: 'nurse@home.test', uses: 2, lifetime: 3600 } })
  expect(made).toMatchObject({
    status: 201,
    json: {
      uri: expect.stringMatching(/^xmpp:nurse@home\.test\?register;preauth=\w{27}$/),
      expires: new Date(s.clock.now() + 3_600_000).toISOString(),
    },
  })
  expect((await ask('POST', '/invitations', { body: {} })).status).toBe(201)
  const { json } = await ask('GET', '/invitations')
  expect(json.items).toHaveLength(2)
  expect(json.items).toContainEqual({
    id: made.json.id,
    isReset: false,
    account: 'nurse@home.test',
    uses: 2,
    used: 0,
    isFirst: false,
    made: new Date(s.clock.now()).toISOString(),
    expires: made.json.expires,
  })
  const [first] = (await ask('GET', '/invitations?limit=1')).json.items
  const { next } = (await ask('GET', '/invitations?limit=1')).json
  expect((await ask('GET', `/invitations?limit=1&cursor=${next}`)).json.items[0].id).not.toBe(first.id)
  expect((await ask('DELETE', `/invitations/${made.json.id}`)).status).toBe(204)
  expect((await ask('DELETE', `/invitations/${made.json.id}`)).status).toBe(404)
  expect((await ask('GET', '/invitations')).json.items).toHaveLength(1)
  expect((await s.server.hosts.get('home.test')!.audit.last(9)).map(({ act }) => `${act.did} ${act.to}`)).toEqual([
    'made an invitation nurse@home.test',
    'made an invitation home.test',
    `took back an invitation ${made.json.id}`,
  ])
})

test('who may only invite takes over no account', async () => {
  const roles = { admin: { accounts: ['boss@home.test'] } }
  const { ask, token } = await stage({ config: { hosts: { 'home.test': { roles } } } })
  const guest = token('invitations:write')
  const status = async (body: object) => (await ask('POST', '/invitations', { body, token: guest })).status
  expect(await status({ isReset: true, account: 'romeo@home.test' })).toBe(403)
  expect(await status({ account: 'boss@home.test' })).toBe(403)
  expect(await status({ account: 'nurse@home.test' })).toBe(201)
  expect(await status({})).toBe(201)
})

test('what cannot be invited is refused', async () => {
  const { ask } = await stage()
  const status = async (body: object) => (await ask('POST', '/invitations', { body })).status
  expect(await status({ account: 'romeo@home.test' })).toBe(409)
  expect(await status({ account: 'nurse@elsewhere.test' })).toBe(422)
  expect(await status({ isReset: true })).toBe(422)
  expect(await status({ isReset: true, account: 'romeo@home.test' })).toBe(422)
  expect(await status({ uses: 0 })).toBe(400)
  expect(await status({ lifetime: 1 })).toBe(400)
})
