import { type Actor, type Scenario, scenario } from '@jackdaw/testkit'
import { Jid, xml } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'

const sm = 'urn:xmpp:sm:3'
const play = (options = {}) =>
  scenario({ accounts: { romeo: ['phone'], juliet: ['balcony'] }, modules: [], resume: true, ...options })

/** Kills the server as `kill -9` does: nothing is said, nothing is flushed; and starts another on what the journal holds. */
async function kill(s: Scenario): Promise<void> {
  s.crash()
  await s.start()
}

async function answer(client: Actor, element: ReturnType<typeof xml>): Promise<string> {
  client.send(element)
  return String(await client.next())
}

test('XEP-0198 §3: management is offered after login and enabled after binding', async () => {
  await using s = await scenario({ modules: [] })
  await s.register('romeo')
  const romeo = s.client('romeo', 'phone')
  await romeo.open()
  expect(romeo.features.child('sm', sm)).toBeUndefined()
  expect(await answer(romeo, xml('enable', sm))).toContain('<unexpected-request')
  expect(await answer(romeo, xml('resume', sm, { previd: 'x', h: '0' }))).toContain('<unexpected-request')
  await romeo.login()
  expect(romeo.features.child('sm', sm)).toBeDefined()
  expect(await answer(romeo, xml('enable', sm))).toContain('<unexpected-request')
  await romeo.bind()
  await romeo.manage(60)
  expect(romeo.resumption).toEqual({ id: expect.stringMatching(/^[\w-]{24}$/), max: 60 })
})

test('XEP-0198 §3: resumption time is the shorter of what both want', async () => {
  await using s = await scenario({
    accounts: { romeo: ['phone'] },
    modules: [],
    config: { resumption: { time: '2 min' } },
  })
  await s.phone.manage(100_000)
  expect(s.phone.resumption?.max).toBe(120)
})

test('XEP-0198 §3: the server says where to come back to', async () => {
  const location = '[2001:db8::1]:9222'
  await using s = await scenario({ accounts: { romeo: ['phone'] }, modules: [], config: { resumption: { location } } })
  expect(await answer(s.phone, xml('enable', sm, { resume: 'true' }))).toContain(` location='${location}'`)
})

test('XEP-0198 §3: a second enable ends the stream', async () => {
  await using s = await play()
  s.phone.send(xml('enable', sm))
  await s.phone.whenGone
  expect(s.phone.streamError?.condition).toBe('policy-violation')
})

test.each([
  ['a resume of something unknown', xml('resume', sm, { previd: 'unknown', h: '0' }), 'item-not-found'],
  ['a resume without a count', xml('resume', sm, { previd: 'unknown' }), 'bad-request'],
  ['a resume with a count that is none', xml('resume', sm, { previd: 'unknown', h: '-1' }), 'bad-request'],
  ['a request before management is on', xml('r', sm), 'unexpected-request'],
  ['an answer before management is on', xml('a', sm, { h: '0' }), 'unexpected-request'],
  ['something unknown', xml('unknown', sm), 'feature-not-implemented'],
])('XEP-0198 §8: %s fails, and the stream goes on', async (_, element, condition) => {
  await using s = await scenario({ modules: [] })
  await s.register('romeo')
  const romeo = s.client('romeo', 'phone')
  await romeo.open()
  await romeo.login()
  expect(await answer(romeo, element)).toBe(
    `<failed xmlns='${sm}'><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>`,
  )
  await romeo.bind()
  expect(romeo.jid.resource).toBe('phone')
})

test('XEP-0198 §4: each handled stanza is counted, and errors answered are too', async () => {
  await using s = await play()
  s.phone.says(`<message to='juliet@home.test/balcony'/>`)
  s.phone.says(`<message to='a@b@c'/>`)
  s.phone.says(`<iq type='get' id='1'><unknown xmlns='urn:unknown'/></iq>`)
  await s.phone.settled()
  expect(s.phone.acknowledged).toBe(3)
})

test('XEP-0198 §4: who acknowledges more than was sent is cut off', async () => {
  await using s = await play()
  s.phone.send(xml('a', sm, { h: '7' }))
  await s.phone.whenGone
  expect(s.phone.streamError?.condition).toBe('undefined-condition')
  expect(s.phone.streamError?.application?.toString()).toBe(
    `<handled-count-too-high xmlns='${sm}' h='7' send-count='0'/>`,
  )
})

test('XEP-0198 §5: a broken stream is resumed, and what was under way arrives once', async () => {
  await using s = await play()
  await s.balcony.cut()
  for (let i = 0; i < 3; i++) s.phone.says(`<message to='juliet@home.test/balcony' id='${i}'/>`)
  await s.phone.settled()
  expect(await s.balcony.connect()).toBe('resumed')
  for (let i = 0; i < 3; i++) await s.balcony.hears(`<message id='${i}'/>`)
  await s.balcony.hearsNothing()
})

test('XEP-0198 §5: the stream that is still open when another resumes it ends with conflict', async () => {
  await using s = await play()
  const other = s.client('juliet', 'balcony')
  await other.open()
  await other.login()
  other.send(xml('resume', sm, { previd: s.balcony.resumption!.id, h: String(s.balcony.handled) }))
  expect((await other.next()).name).toBe('resumed')
  await s.balcony.whenGone
  expect(s.balcony.streamError?.condition).toBe('conflict')
})

test('XEP-0198 §5: nobody resumes the session of another account', async () => {
  await using s = await play()
  await s.balcony.cut()
  const thief = s.client('romeo', 'thief')
  await thief.open()
  await thief.login()
  expect(await answer(thief, xml('resume', sm, { previd: s.balcony.resumption!.id, h: '0' }))).toContain(
    'item-not-found',
  )
  expect(await s.balcony.connect()).toBe('resumed')
})

test('XEP-0198 §5: a session that is not resumed in time is gone', async () => {
  await using s = await play({ config: { resumption: { time: '1 min' } } })
  await s.balcony.cut()
  await s.clock.advance(59_000)
  expect(await s.balcony.connect()).toBe('resumed')
  await s.balcony.cut()
  await s.clock.advance(61_000)
  expect(await s.balcony.connect()).toBe('bound')
})

test('XEP-0198 §5: a session whose client closed its stream cannot be resumed', async () => {
  await using s = await play()
  const { id } = s.balcony.resumption!
  await s.balcony.close()
  await s.balcony.open()
  await s.balcony.login()
  expect(await answer(s.balcony, xml('resume', sm, { previd: id, h: '0' }))).toContain('item-not-found')
})

test('XEP-0198 §5: after kill -9 the same stream goes on: nothing lost, nothing twice', async () => {
  await using s = await play()
  for (let i = 0; i < 3; i++) s.phone.says(`<message to='juliet@home.test/balcony' id='${i}'/>`)
  await s.phone.settled()
  await kill(s)
  s.phone.says(`<message to='juliet@home.test/balcony' id='3'/>`)
  expect(await s.phone.connect()).toBe('resumed')
  expect(await s.balcony.connect()).toBe('resumed')
  await s.phone.settled()
  for (let i = 0; i < 4; i++) await s.balcony.hears(`<message id='${i}'/>`)
  await s.balcony.hearsNothing()
})

test('XEP-0198 §5: after a graceful restart the same stream goes on', async () => {
  await using s = await play()
  s.phone.says(`<message to='juliet@home.test/balcony' id='1'/>`)
  await s.balcony.hears(`<message id='1'/>`)
  await s.server.stop()
  expect(s.phone.streamError?.condition).toBe('system-shutdown')
  await s.start()
  expect(await s.phone.connect()).toBe('resumed')
  expect(await s.balcony.connect()).toBe('resumed')
  await s.balcony.hearsNothing()
})

test('XEP-0198 §5: killed again and again, the counts stay right', async () => {
  await using s = await play()
  for (let i = 0; i < 20; i++) {
    s.phone.says(`<message to='juliet@home.test/balcony' id='${i}'/>`)
    await kill(s)
    expect(await s.balcony.connect()).toBe('resumed')
    expect(await s.phone.connect()).toBe('resumed')
  }
  await s.phone.settled()
  for (let i = 0; i < 20; i++) await s.balcony.hears(`<message id='${i}'/>`)
  await s.balcony.hearsNothing()
})

test('XEP-0198 §4: a session that never acknowledges ends when too much waits', async () => {
  await using s = await play({ config: { resumption: { queue: 10 } } })
  await s.balcony.cut()
  for (let i = 0; i < 11; i++) s.phone.says(`<message to='juliet@home.test/balcony' type='headline' id='${i}'/>`)
  await s.phone.settled()
  expect(await s.balcony.connect()).toBe('bound')
})

test('XEP-0198 §4: a request that was never acknowledged is answered when its session ends', async () => {
  await using s = await play({ config: { resumption: { time: '1 min' } } })
  await s.balcony.cut()
  s.phone.says(`<iq type='get' id='q' to='juliet@home.test/balcony'><time xmlns='urn:xmpp:time'/></iq>`)
  await s.phone.settled()
  await s.clock.advance(61_000)
  await s.phone.hears(`<iq type='error' id='q' from='juliet@home.test/balcony'>
    <error><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`)
})

test('XEP-0198 §4: a message and many other stanzas are asked for at once, few within a second', async () => {
  await using s = await play()
  const balcony = s.server.sessions.get(Jid.parse('juliet@home.test/balcony'))!
  const sends = async (count: number, what = 'presence') => {
    for (let i = 0; i < count; i++) s.phone.says(`<${what} to='juliet@home.test/balcony' id='${i}'/>`)
    for (let i = 0; i < count; i++) await s.balcony.hears(`<${what} id='${i}'/>`)
  }
  await sends(8)
  await s.balcony.sync()
  const answers = 1
  expect(balcony.unacknowledged).toBe(answers)
  await sends(3)
  await s.balcony.sync()
  expect(balcony.unacknowledged).toBe(3 + 2 * answers)
  await s.clock.advance(1000)
  await s.balcony.sync()
  expect(balcony.unacknowledged).toBe(answers)
  await sends(1, 'message')
  await s.balcony.sync()
  expect(balcony.unacknowledged).toBe(answers)
})
