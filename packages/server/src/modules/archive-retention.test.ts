import { type Actor, scenario, turn } from '@jackdaw/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { query, say } from './archive-fixture.ts'
import { archiveRetention } from './archive-retention.ts'
import { mam } from './mam.ts'
import { offline } from './offline/offline.ts'
import { presence } from './presence/presence.ts'

const hour = 3_600_000

async function play(keep: string | undefined, limit = 1000) {
  const stage = await scenario({
    accounts: { romeo: ['phone'], juliet: ['balcony'] },
    modules: [mam, offline, presence, archiveRetention],
    config: {
      hosts: {
        'home.test': { modules: { 'archive-retention': keep === undefined ? {} : { keep }, offline: { limit } } },
      },
      keepalive: { idle: '10 d' },
    },
  })
  onTestFinished(() => stage.stop())
  const { phone, balcony } = stage.clients as Record<string, Actor>
  /** Time passes in small steps: each breath of the sweep is one. */
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= hour) {
      await stage.clock.advance(Math.min(left, hour))
      for (let i = 0; i < 30; i++) {
        await stage.clock.advance(50)
        await turn()
      }
    }
  }
  return { stage, phone: phone!, balcony: balcony!, pass }
}

test('XEP-0313 §3.2: what is older than it is kept goes, from every archive, and ids are not given again', async () => {
  const { phone, balcony, pass } = await play('2 d')
  say(phone, 'juliet@home.test', 'old')
  await phone.sync()
  const { ids } = await query(phone)
  await pass(24 * hour)
  say(phone, 'juliet@home.test', 'new')
  await phone.sync()
  expect((await query(balcony)).bodies).toEqual(['old', 'new'])
  await pass(25 * hour)
  for (const client of [phone, balcony]) expect((await query(client)).bodies).toEqual(['new'])
  await expect(query(phone, { afterId: ids[0]! })).rejects.toMatchObject({ condition: 'item-not-found' })
  await pass(25 * hour)
  for (const client of [phone, balcony]) expect((await query(client)).bodies).toEqual([])
})

test('a large archive goes in small pieces, and nobody waits for it', async () => {
  const { stage, phone } = await play('1 h')
  for (let i = 0; i < 900; i++) say(phone, 'nurse@home.test', String(i))
  await phone.sync()
  const left: number[] = []
  await stage.clock.advance(hour)
  do {
    left.push((await query(phone, { set: { max: 0 } })).fin.set.count!)
    await stage.clock.advance(50)
  } while (left.at(-1)! > 0)
  for (const [i, count] of left.entries()) expect((left[i - 1] ?? 900) - count).toBeLessThanOrEqual(500)
})

test('a message that waited too long is gone, and another may wait in its place', async () => {
  const { phone, balcony, pass } = await play('1 d', 1)
  await phone.sync()
  say(phone, 'juliet@home.test', 'old')
  await phone.sync()
  say(phone, 'juliet@home.test', 'one too many')
  await phone.sync()
  expect(phone.inbox).toHaveLength(1)
  phone.clear()
  await pass(26 * hour)
  say(phone, 'juliet@home.test', 'new')
  await phone.hearsNothing()
  balcony.comes()
  await balcony.sync()
  const heard = balcony.inbox.filter(({ name }) => name === 'message').map((stanza) => stanza.child('body')?.text)
  expect(heard).toEqual(['new'])
})

test('without a time messages are kept for ever', async () => {
  const { phone, pass } = await play(undefined)
  say(phone, 'juliet@home.test', 'old')
  await pass(48 * hour)
  expect((await query(phone)).bodies).toEqual(['old'])
})
