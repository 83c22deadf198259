import type { Actor } from '@jackdaw/testkit'
import { Jid } from '@jackdaw/xmpp'
import { expect, test, vi } from 'vitest'
import { archive } from '../archive.ts'
import { stage } from './fixture.ts'

const juliet = 'juliet@home.test'

async function opened() {
  const play = await stage()
  const { audit } = play.s.server.hosts.get('home.test')!
  const archived = async (account: string) => {
    const { log } = play.s.server.hosts.get('home.test')!.modules.api(archive)!
    return (await log.page(account, {})).entries.map(({ value }) => value)
  }
  return {
    ...play,
    archived,
    audit,
    phone: play.s.clients['phone'] as Actor,
    balcony: play.s.clients['balcony'] as Actor,
  }
}

test('the host writes to an account: whoever is there gets it, it is archived, and waits for who is away', async () => {
  const { s, ask, balcony, archived, audit } = await opened()
  balcony.comes()
  await balcony.sync()
  balcony.clear()
  const sent = await ask('POST', '/messages', { body: { to: juliet, subject: 'News', body: 'a < b\u0000' } })
  expect(sent.status).toBe(201)
  await balcony.awaits(
    `<message from='home.test' type='chat' id='${sent.json.id}'><subject>News</subject><body>a &lt; b\ufffd</body></message>`,
  )
  expect(await archived(juliet)).toHaveLength(1)
  expect((await audit.last(1))[0]!.act).toEqual({ by: 'token all', did: 'sent a message to', to: juliet })
  expect((await ask('POST', '/messages', { body: { to: 'romeo@home.test', id: 'm1', body: 'hi' } })).json).toEqual({
    id: 'm1',
  })
  s.clients['phone']!.comes()
  await (s.clients['phone'] as Actor).awaits("<message from='home.test' id='m1'><body>hi</body></message>")
})

test('a message in the name of an account is archived, and copied to its devices, like its own', async () => {
  const { ask, token, phone, balcony, archived, audit } = await opened()
  await phone.asks("<iq type='set'><enable xmlns='urn:xmpp:carbons:2'/></iq>")
  balcony.comes()
  await balcony.sync()
  const body = { from: 'romeo@home.test', to: juliet, body: 'hi' }
  const refused = await ask('POST', '/messages', { body, token: token('messages:send') })
  expect([refused.status, refused.json.detail]).toEqual([403, 'The token has no scope messages:send-as'])
  expect((await ask('POST', '/messages', { body, token: token('messages:send', 'messages:send-as') })).status).toBe(201)
  await balcony.awaits("<message from='romeo@home.test'><body>hi</body></message>")
  await phone.awaits("<message><sent xmlns='urn:xmpp:carbons:2'>…</sent></message>")
  expect([(await archived(juliet)).length, (await archived('romeo@home.test')).length]).toEqual([1, 1])
  expect((await audit.last(1))[0]!.act.did).toBe('sent a message of romeo@home.test to')
})

test('what cannot be delivered is not acknowledged', async () => {
  const { s, ask, balcony, archived, audit } = await opened()
  const status = async (body: object) => (await ask('POST', '/messages', { body: { body: 'hi', ...body } })).status
  expect(await status({ to: 'nobody@home.test' })).toBe(404)
  expect(await status({ to: 'anybody@elsewhere.test' })).toBe(404)
  expect(await status({ to: 'anybody@elsewhere.test', from: 'romeo@home.test' })).toBe(422)
  expect(await status({ to: juliet, from: 'nobody@home.test' })).toBe(422)
  expect(await status({ to: juliet, from: 'anybody@elsewhere.test' })).toBe(422)
  expect(await status({ to: 'home.test' })).toBe(400)
  await s.register('nurse')
  const { accounts } = s.server.hosts.get('home.test')!
  await accounts.disable(Jid.parse('nurse@home.test'))
  expect(await status({ to: juliet, from: 'nurse@home.test' })).toBe(422)
  expect(await status({ to: juliet, body: '' })).toBe(400)
  expect(await status({ to: juliet, body: 'x'.repeat(65_537) })).toBe(400)
  await balcony.asks("<iq type='set'><block xmlns='urn:xmpp:blocking'><item jid='home.test'/></block></iq>")
  expect(await status({ to: juliet })).toBe(503)
  expect([await archived(juliet), await audit.last(9)]).toEqual([[], []])
})

test('what cannot reach a component is not acknowledged either', async () => {
  const { ask } = await stage({
    config: {
      hosts: {
        'home.test': {
          components: { 'irc.home.test': { secret: 'mercutio' } },
          roles: { pupil: { accounts: [juliet], may: [] } },
        },
      },
    },
  })
  const status = async (from: string) =>
    (await ask('POST', '/messages', { body: { from, to: 'nick@irc.home.test', body: 'hi' } })).status
  expect([await status('romeo@home.test'), await status(juliet)]).toEqual([504, 403])
})

test('with an Idempotency-Key a message is sent once, also when the server was killed in between', async () => {
  const { s, ask, token, archived } = await opened()
  const body = { to: juliet, body: 'hi' }
  const headers = { 'idempotency-key': 'order 7' }
  const [first, meanwhile] = await Promise.all([
    ask('POST', '/messages', { body, headers }),
    ask('POST', '/messages', { body, headers }),
  ])
  expect([first.status, meanwhile.status]).toEqual([201, 409])
  s.crash()
  await s.start()
  expect(await ask('POST', '/messages', { body, headers })).toMatchObject({ status: 201, json: first.json })
  expect(await archived(juliet)).toHaveLength(1)
  expect((await ask('POST', '/messages', { body: { ...body, body: 'ho' }, headers })).status).toBe(422)
  // Another program's keys are its own.
  expect((await ask('POST', '/messages', { body, headers, token: token('messages:send') })).status).toBe(201)
  expect(await archived(juliet)).toHaveLength(2)
  for (const key of ['', 'x'.repeat(256)])
    expect((await ask('POST', '/messages', { body, headers: { 'idempotency-key': key } })).status).toBe(400)
  await s.clock.advance(2 * 86_400_000)
  await s.server.kept()
  expect((await ask('POST', '/messages', { body, headers })).json).not.toEqual(first.json)
})

test('what was refused is done when it is asked for again', async () => {
  const { s, ask } = await opened()
  const request = { body: { to: 'nurse@home.test', body: 'hi' }, headers: { 'idempotency-key': 'a' } }
  expect((await ask('POST', '/messages', request)).status).toBe(404)
  await s.register('nurse')
  expect((await ask('POST', '/messages', request)).status).toBe(201)
})

test('while nothing can be kept nothing is acknowledged, and what comes then is refused', async () => {
  const { s, ask, archived } = await opened()
  const send = (body: string) => ask('POST', '/messages', { body: { to: juliet, body } })
  await s.server.kept()
  s.journalStore.failure = new Error('no space left on device')
  let isAnswered = false
  const first = send('one').then((answer) => {
    isAnswered = true
    return answer
  })
  await vi.waitFor(() => expect(s.server.trouble).toBeDefined())
  expect(await send('two')).toMatchObject({
    status: 503,
    json: { detail: 'Nothing is changed now: The journal cannot be written: no space left on device' },
  })
  expect(isAnswered).toBe(false)
  s.journalStore.failure = undefined
  await s.clock.advance(1000)
  expect((await first).status).toBe(201)
  expect(await archived(juliet)).toHaveLength(1)
})
