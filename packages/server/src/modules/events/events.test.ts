import { Jid } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { invitations } from '../invitations/invitations.ts'
import { stage as uploadStage } from '../upload/fixture.ts'
import { receiver, secret, stage } from './fixture.ts'
import { kinds } from './kinds.ts'

const room = 'garden@rooms.home.test'
const enter = `<presence to='${room}/rose'><x xmlns='http://jabber.org/protocol/muc'/></presence>`

test('what happens is told in its order, each as its schema says', async () => {
  const to = await receiver()
  const { client, accounts } = await stage(
    { webhooks: { crm: { url: to.url, secret } } },
    { romeo: ['desk'], juliet: ['phone'] },
  )
  await to.has(4)
  expect(to.received.map(({ event: { type, data } }) => [type, ...Object.values(data)])).toEqual([
    ['account.created', 'romeo@home.test'],
    ['session.begun', 'romeo@home.test/desk'],
    ['account.created', 'juliet@home.test'],
    ['session.begun', 'juliet@home.test/phone'],
  ])
  const desk = client('desk')
  desk.says(`<message to='juliet@home.test' type='chat'><body>hi</body></message>`)
  desk.says(enter)
  await desk.awaits(`<presence from='${room}/rose'/>`)
  await desk.asks(
    `<iq type='set' to='${room}'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>`,
  )
  desk.says(`<message to='${room}' type='groupchat'><body>what light</body></message>`)
  desk.says(`<presence to='${room}' type='unavailable'/>`)
  await desk.sync()
  await accounts().setPassword(Jid.parse('juliet@home.test'), 'a rose by any other')
  await accounts().remove(Jid.parse('romeo@home.test'))
  const all = await to.has(14)
  expect(all.slice(4).map(({ event: { type, data } }) => [type, data])).toEqual([
    [
      'message.kept',
      { account: 'romeo@home.test', with: 'juliet@home.test', direction: 'sent', id: expect.any(String), type: 'chat' },
    ],
    [
      'message.kept',
      {
        account: 'juliet@home.test',
        with: 'romeo@home.test',
        direction: 'received',
        id: expect.any(String),
        type: 'chat',
      },
    ],
    ['room.created', { room, by: 'romeo@home.test' }],
    ['room.entered', { room, user: 'romeo@home.test', nick: 'rose' }],
    ['message.kept_in_room', { room, author: 'romeo@home.test', nick: 'rose', id: expect.any(String) }],
    ['room.left', { room, user: 'romeo@home.test', nick: 'rose' }],
    ['room.destroyed', { room }],
    ['account.password_changed', { account: 'juliet@home.test' }],
    ['session.ended', { jid: 'romeo@home.test/desk' }],
    ['account.removed', { account: 'romeo@home.test' }],
  ])
  for (const { event, headers } of all) {
    expect(kinds[event.type as keyof typeof kinds].safeParse(event.data).success, event.type).toBe(true)
    expect(headers).toMatchObject({ 'webhook-id': event.id, 'content-type': 'application/json' })
    expect(event).toMatchObject({ host: 'home.test', timestamp: '2026-01-01T00:00:00.000Z' })
  }
  expect(all.map(({ event }) => event.id)).toEqual(all.map(({ event }) => event.id).toSorted())
})

test('with content, messages are told with their text and as a whole, but for very long ones', async () => {
  const to = await receiver()
  const { client } = await stage(
    { content: true, kinds: ['message'], webhooks: { crm: { url: to.url, secret } } },
    { romeo: ['desk'], juliet: [] },
  )
  const desk = client('desk')
  desk.says(`<message to='juliet@home.test' type='chat'><body>hi</body></message>`)
  desk.says(`<message to='juliet@home.test' type='chat'><body>${'x'.repeat(70_000)}</body></message>`)
  desk.says(enter)
  await desk.awaits(`<presence from='${room}/rose'/>`)
  await desk.asks(
    `<iq type='set' to='${room}'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>`,
  )
  desk.says(`<message to='${room}' type='groupchat'><body>what light</body></message>`)
  const [sent, , long, , said] = await to.has(5)
  expect(sent!.event.data).toMatchObject({ body: 'hi', stanza: expect.stringMatching(/^<message .*<body>hi<\/body>/) })
  expect(long!.event.data).toEqual({
    ...sent!.event.data,
    id: expect.any(String),
    body: 'x'.repeat(70_000),
    stanza: undefined,
  })
  expect(said!.event.data).toMatchObject({ body: 'what light', stanza: expect.stringContaining('what light') })
})

test('reports, invitations and administrative acts are told', async () => {
  const to = await receiver()
  const { client, s, audit } = await stage(
    { kinds: ['report', 'invitation', 'administration'], webhooks: { crm: { url: to.url, secret } } },
    { romeo: ['desk'], juliet: ['phone'] },
    { reporting: true },
  )
  await client('desk').asks(
    `<iq type='set'><block xmlns='urn:xmpp:blocking'><item jid='tybalt@home.test'><report xmlns='urn:xmpp:reporting:1' reason='urn:xmpp:reporting:spam'><text>too loud</text></report></item></block></iq>`,
  )
  const invited = s.server.hosts.get('home.test')!.modules.api(invitations)!
  const { uri } = await invited.make({ inviter: Jid.parse('romeo@home.test') })
  const token = /preauth=([a-z2-9]+)/.exec(uri!)![1]!
  const { id } = invited.list()[0]!
  client('phone').says(
    `<presence type='subscribe' to='romeo@home.test'><preauth xmlns='urn:xmpp:pars:0' token='${token}'/></presence>`,
  )
  await client('phone').sync()
  audit().record({ by: 'command line', did: 'made an account', to: 'paris@home.test' })
  const all = await to.has(3)
  expect(all.map(({ event: { type, data } }) => [type, data])).toEqual([
    [
      'report.made',
      {
        account: 'romeo@home.test',
        reported: 'tybalt@home.test',
        reason: 'urn:xmpp:reporting:spam',
        words: 'too loud',
      },
    ],
    ['invitation.used', { id, account: 'juliet@home.test', purpose: 'contact', inviter: 'romeo@home.test' }],
    ['administration.acted', { by: 'command line', did: 'made an account', to: 'paris@home.test' }],
  ])
  for (const { event } of all) expect(kinds[event.type as keyof typeof kinds].safeParse(event.data).success).toBe(true)
})

test('a file that has come is told of, and without content not how it is fetched', async () => {
  const to = await receiver()
  const told = { networks: ['loopback'], kinds: ['file'], webhooks: { crm: { url: to.url, secret } } }
  const config = (content: boolean) => ({
    hosts: {
      'home.test': {
        plaintext: true,
        modules: { upload: { url: 'https://files.home.test' }, events: { ...told, content } },
      },
    },
  })
  for (const content of [false, true]) {
    await using s = await uploadStage({}, config(content))
    const { put } = await s.slot(await s.login())
    expect((await s.http('PUT', put, { 'content-length': '5' }, 'hello')).status).toBe(201)
    const { event } = (await to.has(content ? 2 : 1)).at(-1)!
    const id = /[0-9a-f]{40}/.exec(put)![0]
    expect(event.data).toEqual({
      account: 'romeo@home.test',
      name: 'a.txt',
      size: 5,
      type: 'application/octet-stream',
      ...(content && { id }),
    })
  }
})

test('where nothing is configured nothing is kept', async () => {
  const { s, metric } = await stage({}, { romeo: ['desk'] })
  expect(await metric('events')).toBe(2)
  await s.server.reload({ hosts: { 'home.test': { plaintext: true } } })
  expect(await metric('events')).toBeUndefined()
})
