import { turn } from '@jackdaw/testkit'
import { expect, test } from 'vitest'
import { stage as restStage } from '../rest-api/fixture.ts'
import { receiver, secret } from './fixture.ts'

test('programs see how webhooks are, and have one tried that was given up', async () => {
  const to = await receiver()
  to.state.answer = (response) => void response.writeHead(410).end()
  const events = {
    kinds: ['administration'],
    networks: ['loopback'],
    webhooks: { crm: { url: `${to.url}?key=hidden`, secret } },
  }
  const { s, ask } = await restStage({ config: { hosts: { 'home.test': { modules: { events } } } } })
  const state = async () => (await ask('GET', '/webhooks')).json.items[0] as { state: string; position: string }
  const until = async (wanted: string) => {
    while ((await state()).state !== wanted) await turn()
    return state()
  }
  expect(await state()).toEqual({ name: 'crm', url: to.url, state: 'taking', position: '' })
  s.server.hosts.get('home.test')!.audit.record({ by: 'me', did: 'one' })
  expect(await until('paused')).toEqual({
    name: 'crm',
    url: to.url,
    state: 'paused',
    position: '',
    failingSince: '2026-01-01T00:00:00.000Z',
    attempts: 1,
    reason: 'HTTP 410',
  })
  to.state.answer = (response) => void response.writeHead(500).end()
  expect((await ask('POST', '/webhooks/crm/retry')).status).toBe(204)
  await until('failing')
  to.state.answer = (response) => void response.writeHead(204).end()
  expect((await ask('POST', '/webhooks/crm/retry')).status).toBe(204)
  await to.has(5)
  expect(to.received.map(({ event }) => event.data['did'])).toEqual([
    'one',
    'one',
    'one',
    'tried again the webhook',
    'tried again the webhook',
  ])
  while ((await state()).position !== to.received[4]!.event.id) await turn()
  expect((await ask('POST', '/webhooks/erp/retry')).status).toBe(404)
})
