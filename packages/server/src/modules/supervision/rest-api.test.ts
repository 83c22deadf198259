import type { Actor } from '@jackdaw/testkit'
import { expect, test } from 'vitest'
import { entered, room } from '../muc/fixture.ts'
import { stage } from '../rest-api/fixture.ts'
import { supervision } from './supervision.ts'

const romeo = 'romeo@home.test'

async function supervised(fields: Record<string, unknown>) {
  const play = await stage({
    accounts: { romeo: ['phone'], juliet: ['balcony'], 'mab@other.test': ['nutshell'] },
    config: { hosts: { 'home.test': { modules: { supervision: fields } }, 'other.test': {} } },
  })
  const { s, ask } = play
  await ask('POST', '/rooms', { body: { address: room, owner: romeo } })
  const actors = s.clients as Record<string, Actor>
  for (const [name, nick] of [
    ['phone', 'wolf'],
    ['balcony', 'jule'],
    ['nutshell', 'mab'],
  ] as const) {
    await entered(actors[name]!, nick)
    await actors[name]!.sync()
    actors[name]!.clear()
  }
  const kept = async () => {
    const found: string[] = []
    for await (const { from, body } of s.server.hosts
      .get('home.test')!
      .modules.api(supervision)!
      .read({ participants: [] }))
      if (!body?.startsWith('Conversations on')) found.push(`${from} ${body}`)
    return found
  }
  const say = async (text: string, from?: string) =>
    (await ask('POST', `/rooms/${room}/messages`, { body: { body: text, ...(from !== undefined && { from }) } })).status
  return { ...play, kept, say, balcony: actors['balcony']! }
}

test.each([
  ['itself', undefined],
  ['an account', romeo],
])('XEP-0045 §7.2.12, §10.2.1: who is in a room is told before a program says something as %s', async (_, from) => {
  const { balcony, say, kept } = await supervised({})
  expect([await say('one', from), await say('two', from)]).toEqual([201, 201])
  const heard: string[] = []
  while (heard.at(-1) !== 'two') {
    const body = (await balcony.stanza()).child('body')?.text
    if (body !== undefined) heard.push(body.slice(0, 16))
  }
  expect(heard).toEqual(['Conversations on', 'one', 'two'])
  const author = from === undefined ? room : `${romeo}/phone`
  expect(await kept()).toEqual([`${author} one`, `${author} two`])
})

test('what a program says in a room in the name of a supervised account is kept where rooms are not supervised', async () => {
  const { say, kept } = await supervised({ rooms: false })
  expect([await say('one', romeo), await say('two')]).toEqual([201, 201])
  expect(await kept()).toEqual([`${romeo}/phone one`])
})

test('a token does not speak for the accounts of another host', async () => {
  const { say, kept } = await supervised({})
  expect(await say('one', 'mab@other.test')).toBe(409)
  expect(await kept()).toEqual([])
})
