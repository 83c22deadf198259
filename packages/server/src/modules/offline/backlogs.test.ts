import { type Actor, type Scenario, scenario } from '@jackdaw/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { recordsOf } from '../../journal/journal.ts'
import { carbons } from '../carbons.ts'
import { mam } from '../mam.ts'
import { presence } from '../presence/presence.ts'
import { offline } from './offline.ts'

const numbers = (count: number, from = 1) => Array.from({ length: count }, (_, i) => String(from + i))

/** Romeo is there and has written `count` messages to Juliet, who is away. */
async function play({
  count = 350,
  length = 0,
  resume = false,
  limit = 1000,
}: { count?: number; length?: number; resume?: boolean; limit?: number } = {}) {
  const stage = await scenario({
    accounts: { romeo: ['phone'], juliet: [] },
    modules: [mam, carbons, offline, presence],
    resume,
    config: { hosts: { 'home.test': { modules: { offline: { limit } } } } },
  })
  onTestFinished(() => stage.stop())
  const { phone } = stage.clients
  for (const body of numbers(count)) say(phone!, body.padEnd(length))
  await phone!.sync()
  return { stage, phone: phone! }
}

function say(client: Actor, body: string, to = 'juliet@home.test'): void {
  client.says(`<message to='${to}' type='chat'><body>${body}</body></message>`)
}

/** The bodies heard, once all that goes on has ended. */
async function bodies(client: Actor): Promise<string[]> {
  let before = -1
  while (client.inbox.length > before) {
    before = client.inbox.length
    await client.sync()
    await client.sync()
  }
  const heard = client.inbox.flatMap((stanza) => stanza.child('body')?.text.trim() ?? [])
  client.clear()
  return heard
}

/** How many messages were handed over at once, each time. */
function portions({ journalStore }: Scenario): number[] {
  return [...journalStore.read(0)]
    .flatMap(([, batch]) => recordsOf(batch))
    .flatMap(([kind, , , ids]) => (kind === 'settle' ? [(ids as number[]).length] : []))
}

test.each([false, true])('a long backlog comes in portions, whole and in order (acknowledged: %s)', async (resume) => {
  const { stage } = await play({ resume })
  const balcony = await stage.login('juliet', 'balcony')
  balcony.comes()
  expect(await bodies(balcony)).toEqual(numbers(350))
  expect(portions(stage)).toEqual([100, 100, 100, 50])
})

test('long messages come in smaller portions', async () => {
  const { stage } = await play({ count: 5, length: 100_000 })
  const balcony = await stage.login('juliet', 'balcony')
  balcony.comes()
  expect(await bodies(balcony)).toEqual(numbers(5))
  expect(portions(stage)).toEqual([2, 2, 1])
})

test('a client that acknowledges nothing is not given more, and what waits goes to the next one', async () => {
  const { stage } = await play({ resume: true })
  const balcony = stage.client('juliet', 'balcony', { acknowledges: false })
  await balcony.connect()
  balcony.comes()
  expect(await bodies(balcony)).toEqual(numbers(100))
  balcony.acknowledge()
  expect(await bodies(balcony)).toEqual(numbers(100, 101))
  balcony.acknowledge()
  await balcony.sync()
  await balcony.cut()
  const chamber = await stage.login('juliet', 'chamber')
  chamber.comes()
  expect(await bodies(chamber)).toEqual(numbers(50, 301))
})

test('what comes meanwhile waits behind the backlog; another resource has it at once, and once only', async () => {
  const { stage, phone } = await play({ resume: true })
  const chamber = await stage.login('juliet', 'chamber')
  const balcony = stage.client('juliet', 'balcony', { acknowledges: false })
  await balcony.connect()
  balcony.comes()
  expect(await bodies(balcony)).toEqual(numbers(100))
  chamber.comes()
  await chamber.sync()
  say(phone, 'to all')
  say(phone, 'to the balcony', 'juliet@home.test/balcony')
  await phone.sync()
  expect(await bodies(chamber)).toEqual(['to all'])
  expect(await bodies(balcony)).toEqual([])
  for (const from of [101, 201]) {
    balcony.acknowledge()
    expect(await bodies(balcony)).toEqual(numbers(100, from))
  }
  await balcony.close()
  // What the balcony was given and has not acknowledged, what it was not given, but not what the chamber had.
  expect(await bodies(chamber)).toEqual([...numbers(100, 201), ...numbers(50, 301), 'to the balcony'])
  expect(phone.inbox).toEqual([])
})

test('who takes a backlog and hears no more of it when it is unavailable leaves the rest to others', async () => {
  const { stage } = await play({ resume: true })
  const balcony = stage.client('juliet', 'balcony', { acknowledges: false })
  const chamber = await stage.login('juliet', 'chamber')
  await balcony.connect()
  balcony.comes()
  expect(await bodies(balcony)).toEqual(numbers(100))
  chamber.comes()
  await chamber.sync()
  balcony.says("<presence type='unavailable'/>")
  await balcony.sync()
  expect(await bodies(chamber)).toEqual(numbers(250, 101))
  expect(await bodies(balcony)).toEqual([])
})

test('after kill -9 the rest comes to the resumed session, in order and once', async () => {
  const { stage, phone } = await play({ resume: true })
  const balcony = stage.client('juliet', 'balcony', { acknowledges: false })
  await balcony.connect()
  balcony.comes()
  expect(await bodies(balcony)).toEqual(numbers(100))
  say(phone, 'later')
  await phone.settled()
  stage.crash()
  await stage.start()
  expect(await balcony.connect()).toBe('resumed')
  const heard = []
  for (;;) {
    const more = await bodies(balcony)
    if (more.length === 0) break
    heard.push(...more)
    balcony.acknowledge()
  }
  expect(heard).toEqual([...numbers(250, 101), 'later'])
})

test('a session that lost its connection holds up nobody: the next one takes the rest', async () => {
  const { stage } = await play({ resume: true })
  const balcony = stage.client('juliet', 'balcony', { acknowledges: false })
  await balcony.connect()
  balcony.comes()
  expect(await bodies(balcony)).toEqual(numbers(100))
  await balcony.cut()
  const chamber = await stage.login('juliet', 'chamber')
  chamber.comes()
  expect(await bodies(chamber)).toEqual(numbers(250, 101))
  expect(await balcony.connect()).toBe('resumed')
  expect(await bodies(balcony)).toEqual([])
})

test('the limit holds for what comes meanwhile, too', async () => {
  const { stage, phone } = await play({ count: 150, resume: true, limit: 160 })
  const balcony = stage.client('juliet', 'balcony', { acknowledges: false })
  await balcony.connect()
  balcony.comes()
  expect(await bodies(balcony)).toHaveLength(100)
  for (const body of numbers(200)) say(phone, body)
  await phone.sync()
  expect(phone.inbox.length).toBeGreaterThanOrEqual(50)
  expect(phone.inbox.every(({ type }) => type === 'error')).toBe(true)
})
