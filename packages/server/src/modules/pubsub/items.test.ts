import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { at, create, items, opened, publish } from './stage.fixture.ts'
import { ask, refusal } from './words.fixture.ts'

test('XEP-0060 §6.5: all items, the newest, certain ones, pages', async () => {
  const { elsinore, barracks } = await opened({
    config: { hosts: { 'home.test': { modules: { pubsub: { page: 3 } } } } },
  })
  await create(elsinore, 'musings')
  for (const id of ['a', 'b', 'c']) await publish(elsinore, 'musings', id)
  expect(await items(barracks, 'musings')).toEqual(['a', 'b', 'c'])
  await publish(elsinore, 'musings', 'd')
  // §6.5.4, §6.5.7, §6.5.8, §6.5.9.12
  expect(await items(barracks, 'musings')).toEqual(['b', 'c', 'd'])
  expect(await items(barracks, 'musings', " max_items='2'")).toEqual(['c', 'd'])
  expect(await items(barracks, 'musings', '', "<item id='a'/><item id='d'/><item id='x'/>")).toEqual(['a', 'd'])
  const page = async (set: string) => {
    const answer = await ask(
      barracks,
      'get',
      at,
      `<items node='musings'/><set xmlns='http://jabber.org/protocol/rsm'>${set}</set>`,
    )
    const ids = answer!
      .child('items')!
      .elements()
      .map((item) => item.attr('id'))
      .join('')
    return `${ids} ${answer!.child('set', 'http://jabber.org/protocol/rsm')}`
  }
  const rsm = (first: string, index: number, last: string) =>
    `<set xmlns='http://jabber.org/protocol/rsm'><first index='${index}'>${first}</first><last>${last}</last><count>4</count></set>`
  expect(await page('<max>2</max>')).toBe(`ab ${rsm('a', 0, 'b')}`)
  expect(await page('<max>2</max><after>b</after>')).toBe(`cd ${rsm('c', 2, 'd')}`)
  expect(await page('<max>1</max><before/>')).toBe(`d ${rsm('d', 3, 'd')}`)
  expect(await page('<max>1</max><before>c</before>')).toBe(`b ${rsm('b', 1, 'b')}`)
  expect(await page('<max>1</max><index>1</index>')).toBe(`b ${rsm('b', 1, 'b')}`)
  expect(await page('<max>0</max>')).toBe(" <set xmlns='http://jabber.org/protocol/rsm'><count>4</count></set>")
  await expect(page('<after>x</after>')).rejects.toEqual(refusal('item-not-found'))
})

test.each([
  ['§6.5.9.4', { persist_items: 'false' }, 'feature-not-implemented', 'unsupported'],
  ['§6.5.9.6', { access_model: 'presence' }, 'not-authorized', 'presence-subscription-required'],
  ['§6.5.9.7', { access_model: 'roster' }, 'not-authorized', 'not-in-roster-group'],
  ['§6.5.9.8', { access_model: 'whitelist' }, 'not-allowed', 'closed-node'],
  ['§6.5.9.3', { access_model: 'authorize' }, 'not-authorized', 'not-subscribed'],
])('XEP-0060 %s: %o refuses a reader with %s, %s', async (_, config, condition, application) => {
  const { elsinore, barracks } = await opened()
  await create(elsinore, 'musings', config)
  await expect(items(barracks, 'musings')).rejects.toEqual(refusal(condition, application))
})

test('XEP-0060 §6.5.9.11, §6.5.9.12: no node, no item', async () => {
  const { elsinore, barracks } = await opened()
  await expect(items(barracks, 'musings')).rejects.toEqual(refusal('item-not-found'))
  await expect(ask(barracks, 'get', at, '<items/>')).rejects.toEqual(refusal('bad-request', 'nodeid-required'))
  await create(elsinore, 'musings')
  expect(await items(barracks, 'musings')).toEqual([])
})

test('XEP-0060 §6.5.9.11: who asks for nodes with names that none can have leaves nothing behind', async () => {
  const { barracks } = await opened({ config: { limits: { inboundBurstBytes: '1 GiB', stanzasBurst: 1000 } } })
  const flood = async (place: number) => {
    for (let i = place; i < place + 50; i++)
      // `rejects` would keep the error, and the name in it, for as long as the test takes.
      await items(barracks, `${i}${'x'.repeat(100_000)}`).catch(({ condition }) =>
        expect(condition).toBe('item-not-found'),
      )
  }
  await flood(100)
  const before = heap()
  await flood(200)
  // 5 MB were asked for.
  expect(heap() - before).toBeLessThan(2_500_000)
})

function heap(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}
