import type { Actor, Scenario } from '@jackdaw/testkit'
import { Command, fastNs, fieldValues, formatDateTime, StanzaError, xml } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { opened, secure, userAgent } from '../stream/sasl2-fixture.ts'

const phone = 'd4565fa7-4d72-4749-b3d3-740edbf87770'
const tablet = '00000000-0000-4000-8000-000000000001'
const laptop = '00000000-0000-4000-8000-000000000002'
const node = 'urn:jackdaw:devices:0'
const bind = xml('bind', 'urn:xmpp:bind:0')

/** A client that has a token; `id` and what it is called are its own. */
async function device(s: Scenario, id: string, software: string, name = 'romeo'): Promise<Actor> {
  const client = await opened(s, name)
  const token = xml('request-token', fastNs, { mechanism: 'HT-SHA-256-NONE' })
  await client.authenticate(userAgent(id, software, 'a desk'), token, bind)
  return client
}

async function execute(client: Actor, command: string, chosen?: string, to = 'home.test'): Promise<Command> {
  const form =
    chosen === undefined
      ? ''
      : `<x xmlns='jabber:x:data' type='submit'><field var='device'><value>${chosen}</value></field></x>`
  const answer = await client.asks(
    `<iq type='set' to='${to}'><command xmlns='http://jabber.org/protocol/commands' node='${node}#${command}'>${form}</command></iq>`,
  )
  return Command.read(answer.first()!)
}

const listed = async (client: Actor) =>
  (await execute(client, 'list')).form!.items!.map((cells) => cells.map(({ values }) => values!.join()))
const offered = async (client: Actor) =>
  (await execute(client, 'sign-out')).form!.fields![0]!.options!.map(({ value, label }) => [value, label])
const refused = (client: Actor, chosen: string) =>
  execute(client, 'sign-out', chosen).then(
    () => 'done',
    (error: StanzaError) => error.condition,
  )

test('one sees the devices and sessions of one’s own account, and which of them one has in hand', async () => {
  await using s = await secure({})
  const desk = await device(s, phone, 'Gajim')
  const plain = await s.login('romeo', 'kitchen')
  await s.login('juliet', 'balcony')
  const at = formatDateTime(s.clock.now())
  expect(await listed(desk)).toEqual([
    ['Gajim on a desk', desk.jid.resource, at, 'yes'],
    ['kitchen', 'kitchen', at, ''],
  ])
  expect(await listed(plain)).toEqual([
    ['Gajim on a desk', desk.jid.resource, at, ''],
    ['kitchen', 'kitchen', at, 'yes'],
  ])
  await desk.close()
  expect((await listed(plain))[0]).toEqual(['Gajim on a desk', '', at, ''])
})

test('XEP-0484: a device is signed out with its sessions and its token, whether it is here or not', async () => {
  await using s = await secure({})
  const [desk, lost, away] = [
    await device(s, phone, 'Gajim'),
    await device(s, tablet, 'Conversations'),
    await device(s, laptop, 'Dino'),
  ]
  await away.close()
  expect((await offered(desk)).toSorted(([a], [b]) => (a! < b! ? -1 : 1))).toEqual([
    [`device:${tablet}`, 'Conversations on a desk'],
    [`device:${laptop}`, 'Dino on a desk'],
  ])
  for (const id of [`device:${tablet}`, `device:${laptop}`]) expect(await refused(desk, id)).toBe('done')
  await lost.whenGone
  expect(lost.streamError?.condition).toBe('not-authorized')
  const { tokens } = s.server.hosts.get('home.test')!.accounts
  expect((await tokens.holders('romeo@home.test')).map(({ id }) => id)).toEqual([phone])
  expect(await listed(desk)).toHaveLength(1)
})

test('a session of a client without a token is ended alone', async () => {
  await using s = await secure({})
  const [desk, kitchen] = [await device(s, phone, 'Gajim'), await s.login('romeo', 'kitchen')]
  expect(await offered(desk)).toEqual([['session:kitchen', 'kitchen']])
  expect(await refused(desk, 'session:kitchen')).toBe('done')
  await kitchen.whenGone
  await desk.sync()
})

test('what is not there, is in hand, or is somebody else’s is refused, and nothing happens', async () => {
  await using s = await secure({})
  const desk = await device(s, phone, 'Gajim')
  const juliet = await device(s, tablet, 'Dino', 'juliet')
  for (const id of [`device:${tablet}`, `session:${juliet.jid.resource}`, 'device:', phone, 'x'])
    expect(await refused(desk, id), id).toBe('item-not-found')
  expect(await refused(desk, `device:${phone}`)).toBe('not-allowed')
  expect(await refused(desk, '')).toBe('bad-request')
  expect(fieldValues((await execute(juliet, 'sign-out')).form!, 'device')).toEqual([])
  await juliet.sync()
})

test('XEP-0050 §2.2: users of other hosts, and those without an account, do not find the commands', async () => {
  await using s = await secure({
    accounts: { romeo: [], 'paris@away.test': [] },
    config: { hosts: { 'home.test': { anonymous: true } } },
  })
  const paris = await s.login('paris@away.test', 'horse')
  const guest = await opened(s)
  guest.send(xml('authenticate', 'urn:xmpp:sasl:2', { mechanism: 'ANONYMOUS' }, bind))
  await guest.next()
  await guest.next()
  for (const client of [paris, guest])
    for (const command of ['list', 'sign-out'])
      await expect(execute(client, command)).rejects.toMatchObject({ condition: 'forbidden' })
})
