import { scenario, turn } from '@jackdaw/testkit'
import { expect, test } from 'vitest'
import { defineModule, type Target } from '../module.ts'

/** A module that ends sessions and fails when they have gone. */
const unkind = defineModule({
  name: 'unkind',
  start(host) {
    host.hook('message:out', 'check', ({ stanza, sender }) => {
      if (stanza.id === 'end me') sender!.end()
    })
    host.on('session:gone', () => {
      throw new Error('a listener fails')
    })
  },
})

test('a stanza that was let in is read again after a restart, whatever the limits are then', async () => {
  await using s = await scenario({
    accounts: { romeo: ['phone'], juliet: ['balcony', 'kitchen'] },
    resume: true,
    config: { resumption: { time: '1 min' } },
  })
  await s.kitchen.asks(`<iq type='set'><enable xmlns='urn:xmpp:carbons:2'/></iq>`)
  for (const client of [s.balcony, s.kitchen]) {
    client.comes()
    await client.sync()
    await client.cut()
  }
  const depth = 60
  s.phone.says(
    `<message to='juliet@home.test/balcony' type='chat'><body>${'<x>'.repeat(depth)}${'</x>'.repeat(depth)}</body></message>`,
  )
  await s.phone.settled()
  s.crash()
  await s.start()
  await s.clock.advance(61_000)
  expect([...s.server.sessions].filter(({ account }) => account.local === 'juliet')).toEqual([])
})

test('sessions of a host that is not served at present wait until it is, with what was sent to them', async () => {
  await using s = await scenario({ accounts: { romeo: ['phone'], 'nurse@other.test': ['street'] }, resume: true })
  await s.street.cut()
  s.phone.says(`<message to='nurse@other.test/street' type='chat' id='1'><body>hi</body></message>`)
  await s.phone.settled()
  s.crash()
  s.domains.delete('other.test')
  await s.start()
  await s.clock.advance(1_000_000)
  await s.server.stop()
  s.domains.add('other.test')
  await s.start()
  expect(await s.street.connect()).toBe('resumed')
  await s.street.hears(`<message id='1'/>`)
})

test('XEP-0198: what waited for a client may all come at once, and is acknowledged then', async () => {
  await using s = await scenario({
    accounts: { romeo: ['phone'] },
    resume: true,
    config: { resumption: { queue: 20 }, limits: { stanzasBurst: 10_000 } },
  })
  await s.register('juliet')
  for (let i = 0; i < 100; i++)
    s.phone.says(`<message to='juliet@home.test' type='chat' id='${i}'><body>hi</body></message>`)
  await s.phone.settled()
  const balcony = await s.login('juliet', 'balcony')
  balcony.comes()
  for (let i = 0; i < 100; i++) await balcony.awaits(`<message id='${i}'/>`)
  await balcony.sync()
  expect(balcony.isConnected).toBe(true)
})

test('RFC 6120 §7.6.2.1: a client that lost its connections again and again still gets in', async () => {
  await using s = await scenario({ modules: [], resume: true, config: { limits: { resourcesPerAccount: 3 } } })
  await s.register('romeo')
  for (let i = 0; i < 6; i++) {
    const client = await s.login('romeo', `r${i}`)
    await client.cut()
    await s.clock.advance(1000)
  }
  expect([...s.server.sessions].map(({ jid }) => jid.resource)).toEqual(['r3', 'r4', 'r5'])
})

test('a session that a module ends has a client that knows, and a listener that fails disturbs nobody', async () => {
  await using s = await scenario({ accounts: { romeo: ['phone', 'laptop'] }, modules: [unkind] })
  s.phone.says(`<message to='romeo@home.test' id='end me'/>`)
  await s.phone.whenGone
  expect(s.phone.streamError?.condition).toBe('reset')
  await s.laptop.hearsNothing()
  const left: Target[] = [...s.server.sessions]
  expect(left.map(({ jid }) => jid.resource)).toEqual(['laptop'])
  s.crash()
  await s.start()
  expect(s.server.sessions.size).toBe(0)
})

test('the journal stays small when the sessions alone fill more than a part of it', async () => {
  await using s = await scenario({
    accounts: { romeo: Array.from({ length: 20 }, (_, i) => `r${i}`) },
    modules: [],
    resume: true,
    partBatches: 1,
  })
  await s.clock.advance(100_000)
  const before = s.journalStore.last
  for (let i = 0; i < 200; i++) await s.clock.advance(1_000)
  expect(s.journalStore.last - before).toBeLessThan(5)
})

test('DESIGN 4: what the journal may forget is written anew before, also when the disk is full in that moment', async () => {
  await using s = await scenario({ accounts: { romeo: ['phone'] }, modules: [], resume: true, partBatches: 2 })
  const { journalStore, server } = s
  const check = () => {
    const kept = [...journalStore.read(server.sessions.keptFrom)].map(([, batch]) => batch)
    expect(kept.some((batch) => batch.includes('["session",1,'))).toBe(true)
  }
  for (let i = 0; i < 8; i++) {
    s.phone.says(`<message to='nobody@home.test' type='chat'><body>${i}</body></message>`)
    await s.phone.sync()
    journalStore.failure = new Error('The disk is full')
    for (let j = 0; j < 3; j++) await turn()
    check()
    journalStore.failure = undefined
    await s.clock.advance(1000)
    await s.phone.sync()
    check()
  }
  expect(server.sessions.keptFrom).toBeGreaterThan(1)
})
