import { type Actor, scenario } from '@jackdaw/testkit'
import { Erase, Erased, Jid, type MamFilter } from '@jackdaw/xmpp'
import { expect, onTestFinished, test } from 'vitest'
import { query, refusal, say } from './archive-fixture.ts'
import { archiveErasure } from './archive-erasure.ts'
import { mam } from './mam.ts'
import { offline } from './offline/offline.ts'

const start = Date.UTC(2026, 0, 1)

/** Six messages of Romeo's, a second apart, in turn to Juliet and to the nurse. */
async function play() {
  const stage = await scenario({
    accounts: { romeo: ['phone'], juliet: ['balcony'], nurse: ['kitchen'] },
    modules: [mam, offline, archiveErasure],
    resume: true,
  })
  onTestFinished(() => stage.stop())
  const { phone, balcony } = stage.clients as Record<string, Actor>
  for (let i = 1; i <= 6; i++) {
    say(phone!, `${i % 2 ? 'juliet' : 'nurse'}@home.test`, String(i))
    await phone!.sync()
    await stage.clock.advance(1000)
  }
  return { stage, phone: phone!, balcony: balcony! }
}

const erase = async (client: Actor, filter: MamFilter = {}) =>
  Erased.read((await client.ask('set', Erase.write(filter))).first()!).count

const bodies = async (client: Actor) => (await query(client)).bodies.map((body) => body ?? '-').join('')

test('everything, and only one’s own', async () => {
  const { phone, balcony } = await play()
  expect(await erase(phone)).toBe(6)
  expect((await query(phone)).fin).toMatchObject({ isComplete: true, set: { count: 0 } })
  expect(await bodies(balcony)).toBe('135')
  say(phone, 'juliet@home.test', 'new')
  expect(await bodies(phone)).toBe('new')
})

test('XEP-0313 §3.2: the oldest go without a trace', async () => {
  const { phone } = await play()
  const { ids } = await query(phone)
  expect(await erase(phone, { end: start + 1000 })).toBe(2)
  expect(await bodies(phone)).toBe('3456')
  expect(await erase(phone, { beforeId: ids[3]! })).toBe(1)
  expect(await bodies(phone)).toBe('456')
})

test.each<[string, string, (ids: string[]) => MamFilter]>([
  ['with somebody', '-2-4-6', () => ({ with: Jid.parse('juliet@home.test') })],
  ['from some time on', '123---', () => ({ start: start + 3000 })],
  ['after an id', '1234--', (ids) => ({ afterId: ids[3]! })],
  ['by ids', '1-34-6', (ids) => ({ ids: [ids[1]!, ids[4]!] })],
  ['between times', '1--456', () => ({ start: start + 1000, end: start + 2000 })],
])('XEP-0313 §3.2: in the middle ids, times and addresses stay: %s', async (_, expected, filter) => {
  const { phone } = await play()
  const before = await query(phone)
  expect(await erase(phone, filter(before.ids))).toBe(expected.split('-').length - 1)
  const after = await query(phone)
  expect(after.bodies.map((body) => body ?? '-').join('')).toBe(expected)
  expect(after.ids).toEqual(before.ids)
  for (const [i, { forwarded }] of after.results.entries()) {
    const { delay, stanza } = before.results[i]!.forwarded
    expect(forwarded.delay).toEqual(delay)
    expect(String(forwarded.stanza.to)).toBe(String(stanza.to))
  }
  // Once more: there is nothing left to erase.
  expect(await erase(phone, filter(before.ids))).toBe(0)
})

test('more than is emptied in one tick', async () => {
  const { phone } = await play()
  for (let i = 0; i < 600; i++) say(phone, 'juliet@home.test', 'x')
  expect(await erase(phone, { with: Jid.parse('juliet@home.test') })).toBe(603)
  const left = await query(phone, { with: Jid.parse('juliet@home.test') })
  expect(new Set(left.bodies)).toEqual(new Set([undefined]))
  expect(left.fin.set.count).toBe(603)
})

test('DESIGN 1: what was erased is gone after a crash', async () => {
  const { stage, phone } = await play()
  await erase(phone, { with: Jid.parse('nurse@home.test') })
  await erase(phone, { end: start })
  stage.crash()
  await stage.start()
  expect(await phone.connect()).toBe('resumed')
  expect(await bodies(phone)).toBe('-3-5-')
})

test('a message that is gone from the archive waits no more, and is not counted', async () => {
  const { balcony } = await play()
  expect(await erase(balcony)).toBe(3)
  balcony.comes()
  await balcony.sync()
  expect(balcony.inbox.filter(({ name }) => name === 'message')).toEqual([])
})

test('bad requests', async () => {
  const { phone, balcony } = await play()
  const { ids } = await query(balcony)
  for (const filter of [{ ids: [ids[0]!] }, { afterId: 'nonsense' }, { beforeId: ids[0]! }])
    await expect(erase(phone, filter)).rejects.toEqual(refusal('item-not-found'))
  await expect(erase(phone, { others: new Map([['{x}y', ['z']]]) })).rejects.toEqual(refusal('feature-not-implemented'))
  for (const account of ['juliet', 'nobody'])
    await expect(phone.ask('set', Erase.write({}), Jid.parse(`${account}@home.test`))).rejects.toEqual(
      refusal('forbidden'),
    )
  const form = "<x xmlns='jabber:x:data' type='submit'><field var='start'><value>yesterday</value></field></x>"
  await expect(phone.asks(`<iq type='set'><erase xmlns='urn:jackdaw:erasure:0'>${form}</erase></iq>`)).rejects.toEqual(
    refusal('bad-request'),
  )
  expect(await bodies(phone)).toBe('123456')
})
