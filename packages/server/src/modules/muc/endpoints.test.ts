import type { Actor } from '@jackdaw/testkit'
import { expect, test } from 'vitest'
import { stage } from '../rest-api/fixture.ts'
import { entered, enters, room, says } from './fixture.ts'

const path = `/rooms/${room}`

async function opened() {
  const play = await stage()
  const [phone, balcony] = [play.s.clients['phone'], play.s.clients['balcony']] as [Actor, Actor]
  const made = await play.ask('POST', '/rooms', {
    body: { address: room, owner: 'romeo@home.test', config: { name: 'Coven', isModerated: true } },
  })
  expect(made.status).toBe(201)
  const acts = async () =>
    (await play.s.server.hosts.get('home.test')!.audit.last(99)).map(({ act }) => `${act.did} ${act.to}`)
  return { ...play, phone, balcony, made, acts }
}

test('a room is made, is open at once, and outlives a crash though nobody was in it', async () => {
  const { s, ask, made, balcony } = await opened()
  expect(made.json).toMatchObject({
    address: room,
    creator: 'romeo@home.test',
    occupants: 0,
    config: { name: 'Coven', isModerated: true, isPersistent: true, isPublic: true, hasPassword: false },
  })
  expect((await ask('POST', '/rooms', { body: { address: room, owner: 'juliet@home.test' } })).status).toBe(409)
  await entered(balcony, 'jule')
  balcony.says(`<presence to='${room}/jule' type='unavailable'/>`)
  await balcony.sync()
  s.crash()
  await s.start()
  expect((await ask('GET', path)).json).toEqual(made.json)
  expect((await ask('GET', '/rooms')).json).toEqual({ items: [{ address: room, name: 'Coven', isPublic: true }] })
})

test('of two who make the same room at once one gets it', async () => {
  const { ask } = await stage()
  const make = () => ask('POST', '/rooms', { body: { address: room, owner: 'romeo@home.test' } })
  expect((await Promise.all([make(), make()])).map(({ status }) => status)).toEqual([201, 409])
})

test('a room is configured: what is not named stays, and who is in it is told', async () => {
  const { ask, made, balcony, acts } = await opened()
  await entered(balcony, 'jule')
  const changed = await ask('PATCH', path, { body: { description: 'Of witches', password: 'cauldron', maxUsers: 9 } })
  expect(changed.json.config).toEqual({
    ...made.json.config,
    description: 'Of witches',
    hasPassword: true,
    maxUsers: 9,
  })
  await balcony.awaits(
    `<message from='${room}' type='groupchat'><x xmlns='http://jabber.org/protocol/muc#user'><status code='104'/></x></message>`,
  )
  expect((await ask('PATCH', path, { body: { maxUsers: 1_000_000 } })).status).toBe(422)
  expect((await ask('PATCH', path, { body: { whois: 'nobody' } })).status).toBe(400)
  expect((await ask('PATCH', path, { body: { password: '' } })).json.config.hasPassword).toBe(false)
  expect(await acts()).toEqual([`made the room ${room}`, `configured the room ${room}`, `configured the room ${room}`])
})

test('a room that is not to stay goes when it is empty', async () => {
  const { ask } = await opened()
  expect((await ask('PATCH', path, { body: { isPersistent: false } })).json.config.isPersistent).toBe(false)
  expect((await ask('GET', path)).status).toBe(404)
})

test('affiliations are given, listed and taken away; an outcast leaves, and a room keeps an owner', async () => {
  const { ask, balcony, acts } = await opened()
  await entered(balcony, 'jule')
  const give = async (user: string, body: object) => (await ask('PUT', `${path}/affiliations/${user}`, { body })).status
  expect(await give('nurse@home.test', { affiliation: 'member', nick: 'nurse' })).toBe(204)
  expect(await give('tybalt@home.test', { affiliation: 'admin' })).toBe(204)
  expect(await give('mercutio@home.test', { affiliation: 'admin', nick: 'Nurse' })).toBe(409)
  expect(await give('romeo@home.test', { affiliation: 'none' })).toBe(409)
  expect(await give('juliet@home.test', { affiliation: 'outcast', reason: 'Poison' })).toBe(204)
  await balcony.awaits(`<presence from='${room}/jule' type='unavailable'/>`)
  const listed = async (query = '') => (await ask('GET', `${path}/affiliations${query}`)).json
  const juliet = { address: 'juliet@home.test', affiliation: 'outcast', reason: 'Poison' }
  const first = await listed('?limit=2')
  expect(first.items).toEqual([juliet, { address: 'nurse@home.test', affiliation: 'member', nick: 'nurse' }])
  expect(await listed(`?limit=2&cursor=${first.next}`)).toEqual({
    items: [
      { address: 'romeo@home.test', affiliation: 'owner' },
      { address: 'tybalt@home.test', affiliation: 'admin' },
    ],
  })
  expect((await listed('?affiliation=outcast')).items).toEqual([juliet])
  expect(await give('tybalt@home.test', { affiliation: 'none' })).toBe(204)
  expect((await listed('?affiliation=admin')).items).toEqual([])
  expect((await acts()).slice(1)).toEqual([
    `made nurse@home.test member of ${room}`,
    `made tybalt@home.test admin of ${room}`,
    `made juliet@home.test outcast of ${room}`,
    `made tybalt@home.test none of ${room}`,
  ])
})

test('occupants are listed and kicked', async () => {
  const { ask, phone, balcony } = await opened()
  await entered(phone, 'the wolf')
  await entered(balcony, 'jule')
  expect((await ask('GET', `${path}/occupants`)).json.items).toEqual([
    { nick: 'jule', role: 'visitor', affiliation: 'none', sessions: ['juliet@home.test/balcony'] },
    { nick: 'the wolf', role: 'moderator', affiliation: 'owner', sessions: ['romeo@home.test/phone'] },
  ])
  expect((await ask('DELETE', `${path}/occupants/the%20wolf?reason=Howling`)).status).toBe(204)
  await phone.awaits(
    `<presence from='${room}/the wolf' type='unavailable'><x xmlns='http://jabber.org/protocol/muc#user'><item role='none'><reason>Howling</reason></item><status code='307'/></x></presence>`,
  )
  expect((await ask('DELETE', `${path}/occupants/the%20wolf`)).status).toBe(404)
})

test('the room speaks for itself, and for an account that is in it and may speak', async () => {
  const { ask, phone, balcony, token } = await opened()
  await entered(phone, 'wolf')
  await entered(balcony, 'jule')
  const say = async (body: object, as?: string) => ask('POST', `${path}/messages`, { body, ...(as && { token: as }) })
  expect((await say({ body: 'At nine', id: 'm1' })).json).toEqual({ id: 'm1' })
  await balcony.awaits(`<message from='${room}' type='groupchat' id='m1'><body>At nine</body></message>`)
  expect((await say({ from: 'romeo@home.test', body: 'Here' })).status).toBe(201)
  await balcony.awaits(`<message from='${room}/wolf' type='groupchat'><body>Here</body></message>`)
  expect((await say({ from: 'juliet@home.test', body: 'Here' })).status).toBe(403)
  expect((await say({ from: 'nurse@home.test', body: 'Here' })).status).toBe(409)
  expect((await say({ from: 'romeo@home.test', body: 'Here' }, token('messages:send'))).status).toBe(403)
  const { lines } = await ask('GET', `${path}/archive`)
  expect(lines.map((line: any) => [line.with, /<body>(.*)<\/body>/.exec(line.xml)![1]])).toEqual([
    [room, 'At nine'],
    ['romeo@home.test', 'Here'],
  ])
})

test('what was said in a room is erased: who enters is not told of it, and what is said later stays', async () => {
  const { s, ask, phone, balcony, acts } = await opened()
  await entered(phone, 'wolf')
  says(phone, 'one')
  await phone.sync()
  const end = new Date(s.clock.now()).toISOString()
  await s.clock.advance(60_000)
  says(phone, 'two')
  await phone.sync()
  expect((await ask('DELETE', `${path}/archive?end=${end}`)).json).toEqual({ erased: 1 })
  expect((await ask('GET', `${path}/archive`)).lines).toMatchObject([{ xml: expect.stringContaining('two') }])
  expect((await ask('DELETE', `${path}/archive?start=${end}`)).status).toBe(400)
  expect((await ask('DELETE', `${path}/archive`)).json).toEqual({ erased: 1 })
  expect((await ask('GET', `${path}/archive`)).lines).toEqual([])
  enters(balcony, 'jule')
  for (let stanza = await balcony.stanza(); !stanza.child('subject'); stanza = await balcony.stanza())
    expect(stanza.child('body')).toBeUndefined()
  expect((await acts()).filter((act) => act === `erased from the archive of ${room}`)).toHaveLength(2)
})

test('a room is destroyed, with its archive; who was in it is told why', async () => {
  const { ask, phone } = await opened()
  await entered(phone, 'wolf')
  says(phone, 'Hear')
  await phone.sync()
  expect((await ask('DELETE', `${path}?reason=Macbeth`)).status).toBe(204)
  await phone.awaits(
    `<presence from='${room}/wolf' type='unavailable'><x xmlns='http://jabber.org/protocol/muc#user'><destroy><reason>Macbeth</reason></destroy></x></presence>`,
  )
  for (const [method, rest] of [
    ['GET', ''],
    ['DELETE', ''],
    ['GET', '/occupants'],
    ['GET', '/affiliations'],
    ['GET', '/archive'],
  ] as const)
    expect((await ask(method, path + rest)).status, rest).toBe(404)
  expect((await ask('POST', '/rooms', { body: { address: 'a@home.test', owner: 'romeo@home.test' } })).status).toBe(422)
})
