import { type Actor, scenario } from '@jackdaw/testkit'
import { DiscoInfo, discoInfoNs, Jid, retractionNs } from '@jackdaw/xmpp'
import { expect, onTestFinished, test } from 'vitest'
import { defineModule, type Module } from '../module.ts'
import { archive } from './archive.ts'
import { query, withoutNs } from './archive-fixture.ts'
import { carbons } from './carbons.ts'
import { disco } from './disco.ts'
import { mam } from './mam.ts'
import { muc } from './muc/muc.ts'
import { offline } from './offline/offline.ts'
import { presence } from './presence/presence.ts'
import { retraction } from './retraction.ts'

const juliet = 'juliet@home.test'
const romeo = 'romeo@home.test'

async function play(reach = 1000, more: readonly Module[] = []) {
  const stage = await scenario({
    accounts: { romeo: ['phone', 'laptop'], juliet: ['balcony'], nurse: ['kitchen'] },
    modules: [...more, mam, carbons, retraction, offline, presence],
    resume: true,
    config: { hosts: { 'home.test': { modules: { retraction: { reach } } } } },
  })
  onTestFinished(() => stage.stop())
  const { phone, laptop, balcony, kitchen } = stage.clients as Record<string, Actor>
  balcony!.comes()
  await balcony!.sync()
  return { stage, phone: phone!, laptop: laptop!, balcony: balcony!, kitchen: kitchen! }
}

const says = async (client: Actor, to: string, id: string, children: string, type = 'chat') => {
  client.says(`<message to='${to}' type='${type}' id='${id}'>${children}</message>`)
  await client.sync()
}
const body = (text: string) => `<body>${text}</body><x xmlns='urn:x'>secret</x>`
const retract = (id: string) => `<retract xmlns='${retractionNs}' id='${id}'/><body>/me retracted a message</body>`

/** What an archive holds: id and text of each message, '†' and the id of the retraction for a tombstone. */
async function archived(client: Actor): Promise<string> {
  const { results } = await query(client)
  const described = results.map(({ forwarded: { stanza } }) => {
    const stone = stanza.child('retracted', retractionNs)
    return `${stanza.attr('id')}:${stone ? `†${stone.attr('id')}` : stanza.child('body')?.text.replace(/^.me.*/, '–')}`
  })
  return described.join(' ')
}

test('XEP-0424 §3, §4: a tombstone in both archives, with the retraction behind it', async () => {
  const { stage, phone, balcony } = await play()
  await says(phone, juliet, 'm1', body('one'))
  await says(phone, juliet, 'm2', body('two'))
  const before = { phone: await query(phone), balcony: await query(balcony) }
  await stage.clock.advance(60_000)
  await says(phone, `${juliet}/balcony`, 'r1', retract('m1'))
  for (const [client, { ids, results }] of [
    [phone, before.phone],
    [balcony, before.balcony],
  ] as const) {
    expect(await archived(client)).toBe('m1:†r1 m2:two r1:–')
    const after = await query(client)
    expect(after.ids.slice(0, 2)).toEqual(ids)
    const [{ forwarded }] = after.results as [(typeof after.results)[0]]
    expect(forwarded.delay).toEqual(results[0]!.forwarded.delay)
    expect(withoutNs(forwarded.stanza)).toBe(
      "<message to='juliet@home.test' from='romeo@home.test/phone' id='m1' type='chat'>" +
        "<retracted xmlns='urn:xmpp:message-retract:1' id='r1' stamp='2026-01-01T00:01:00Z'/></message>",
    )
  }
  await balcony.sync()
})

test('XEP-0424 §2, §4: what is advertised', async () => {
  await using stage = await scenario({ accounts: { romeo: ['phone'] }, modules: [retraction, disco] })
  const features = async (to: string) => {
    const answer = await stage['phone'].asks(`<iq type='get' to='${to}'><query xmlns='${discoInfoNs}'/></iq>`)
    const all = DiscoInfo.read(answer.first()!).features
    return all.filter((name) => name.startsWith(retractionNs))
  }
  expect(await features('home.test')).toEqual([retractionNs])
  expect(await features(romeo)).toEqual([retractionNs, `${retractionNs}#tombstone`])
})

test('XEP-0424 §5: another resource of the author may retract', async () => {
  const { phone, laptop, balcony } = await play()
  await says(phone, juliet, 'm1', body('one'))
  await says(laptop, juliet, 'r1', retract('m1'))
  for (const client of [phone, balcony]) expect(await archived(client)).toBe('m1:†r1 r1:–')
})

test('XEP-0424 §5: nobody retracts what another one said', async () => {
  const { phone, balcony, kitchen } = await play()
  await says(phone, juliet, 'm1', body('one'))
  await says(balcony, romeo, 'r1', retract('m1'))
  await says(kitchen, juliet, 'r2', retract('m1'))
  await says(phone, 'nurse@home.test', 'r3', retract('m1'))
  expect(await archived(phone)).toBe('m1:one r1:– r3:–')
  expect(await archived(balcony)).toBe('m1:one r1:– r2:–')
})

test('XEP-0424 §5: an occupant of a room retracts only its own private messages', async () => {
  const stage = await scenario({
    accounts: { romeo: ['phone'], 'coven@rooms.test': ['hecate', 'witch'] },
    modules: [mam, retraction, presence],
  })
  onTestFinished(() => stage.stop())
  const { phone, hecate, witch } = stage.clients as Record<string, Actor>
  const x = "<x xmlns='http://jabber.org/protocol/muc#user'/>"
  await says(hecate!, 'romeo@home.test/phone', 'm1', `<body>one</body>${x}`)
  await says(witch!, 'romeo@home.test/phone', 'r1', retract('m1') + x)
  expect(await archived(phone!)).toBe('m1:one r1:–')
  await says(hecate!, 'romeo@home.test/phone', 'r2', retract('m1') + x)
  expect(await archived(phone!)).toBe('m1:†r2 r1:– r2:–')
})

test('XEP-0308 §3: the corrections of a message go with it', async () => {
  const { phone, balcony } = await play()
  await says(phone, juliet, 'm1', body('wrong'))
  await says(phone, juliet, 'm2', `${body('right')}<replace xmlns='urn:xmpp:message-correct:0' id='m1'/>`)
  await says(phone, juliet, 'r1', retract('m1'))
  for (const client of [phone, balcony]) expect(await archived(client)).toBe('m1:†r1 m2:†r1 r1:–')
})

test('XEP-0424 §5: what waits is not handed over once it is retracted, the retraction is', async () => {
  const { phone, kitchen } = await play()
  await says(phone, 'nurse@home.test', 'm1', body('one'))
  await says(phone, 'nurse@home.test', 'm2', body('two'))
  await says(phone, 'nurse@home.test', 'r1', retract('m1'))
  kitchen.comes()
  await kitchen.sync()
  expect(kitchen.inbox.filter(({ name }) => name === 'message').map(({ id }) => id)).toEqual(['m2', 'r1'])
})

test('a note to oneself', async () => {
  const { phone } = await play()
  await says(phone, romeo, 'm1', body('one'))
  await says(phone, romeo, 'r1', retract('m1'))
  expect(await archived(phone)).toBe('m1:†r1 r1:–')
})

test.each([
  ['XEP-0424 §4: without an id', `<message to='${juliet}' type='chat'>${retract('m1')}</message>`],
  [
    'XEP-0334 §4.2: not kept',
    `<message to='${juliet}' id='r' type='chat'>${retract('m1')}<no-store xmlns='urn:xmpp:hints'/></message>`,
  ],
  ['XEP-0424 §5: of a room', `<message to='${juliet}/balcony' id='r' type='groupchat'>${retract('m1')}</message>`],
  ['of nothing', `<message to='${juliet}' id='r' type='chat'><retract xmlns='${retractionNs}'/></message>`],
  ['of what is not there', `<message to='${juliet}' id='r' type='chat'>${retract('m9')}</message>`],
])('a retraction %s leaves no tombstone', async (_, text) => {
  const { phone, balcony } = await play()
  await says(phone, juliet, 'm1', body('one'))
  phone.says(text)
  await phone.sync()
  for (const client of [phone, balcony]) expect(await archived(client)).toMatch(/^m1:one/)
})

test.each(["a'b", 'a&b', 'a<b', '"', 'ü✓'])('an id is found however it is written: %s', async (id) => {
  const { phone, balcony } = await play()
  const written = id.replaceAll('&', '&amp;').replaceAll("'", '&#39;').replaceAll('<', '&lt;')
  await says(phone, juliet, written, body('one'))
  await says(phone, juliet, 'r1', retract(written))
  for (const client of [phone, balcony]) expect(await archived(client)).toBe(`${id}:†r1 r1:–`)
})

test('what lies further back than the reach stays', async () => {
  const { phone } = await play(3)
  for (const i of [1, 2, 3, 4]) await says(phone, juliet, `m${i}`, body(String(i)))
  await says(phone, 'nurse@home.test', 'm5', body('5'))
  await says(phone, juliet, 'r1', retract('m1'))
  await says(phone, juliet, 'r2', retract('m3'))
  expect(await archived(phone)).toBe('m1:1 m2:2 m3:†r2 m4:4 m5:5 r1:– r2:–')
})

test('DESIGN 3: tombstones are kept with the retraction, its delivery and its count, also right after the message', async () => {
  const { stage, phone, balcony, kitchen } = await play()
  await says(phone, juliet, 'm1', body('one'))
  // In the same tick her archive gets another one: it has to be waited for before anything is done.
  kitchen.says(`<message to='${juliet}' type='chat' id='k1'>${body('dinner')}</message>`)
  phone.says(`<message to='${juliet}' type='chat' id='r1'>${retract('m1')}</message>`)
  await phone.sync()
  const batches = [...stage.journalStore.read(1)].map(([, batch]) => batch)
  const [one, ...others] = batches.filter((batch) => batch.includes('["replace"'))
  expect(others).toEqual([])
  expect(one!.match(/\["(replace|log|out|count)"/g)?.toSorted()).toEqual(
    expect.arrayContaining(['["count"', '["log"', '["log"', '["out"', '["replace"', '["replace"']),
  )
  stage.crash()
  await stage.start()
  for (const client of [phone, balcony]) {
    expect(await client.connect()).toBe('resumed')
    expect(await archived(client)).toMatch(/^m1:†r1 (k1:dinner )?r1:–$/)
  }
  expect((await query(balcony, { with: Jid.parse(romeo) })).ids).toHaveLength(2)
})

/** Has the database be behind, so that whoever reads an archive waits, and much is committed meanwhile. */
const behind = defineModule({
  name: 'behind',
  needs: [archive],
  start(host) {
    const { log } = host.use(archive)
    const page = log.page.bind(log)
    log.page = async (owner, asked) => {
      for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
      return page(owner, asked)
    }
  },
})

test('DESIGN 3: the tombstones of both archives are one commit, also when the database is behind', async () => {
  const { stage, phone } = await play(1000, [behind])
  await says(phone, juliet, 'm1', body('one'))
  await says(phone, juliet, 'r1', retract('m1'))
  const counts = [...stage.journalStore.read(1)].map(([, batch]) => batch.match(/\["replace"/g)?.length ?? 0)
  expect(counts.filter((count) => count > 0)).toEqual([2])
})

test('DESIGN 3, XEP-0045 §7.5: a private retraction in a room is acknowledged when it has had its effect, also when the database is behind', async () => {
  const { stage, phone, balcony } = await play(1000, [behind, muc])
  const room = 'coven@rooms.home.test'
  const enter = async (client: Actor, nick: string) => {
    client.says(`<presence to='${room}/${nick}'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
    await client.awaits(`<message from='${room}' type='groupchat'><subject/></message>`)
  }
  await enter(phone, 'first')
  await phone.asks(
    `<iq to='${room}' type='set'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>`,
  )
  await enter(balcony, 'second')
  await says(phone, `${room}/second`, 'm1', body('one'))
  phone.says(`<message to='${room}/second' type='chat' id='r1'>${retract('m1')}</message>`)
  await phone.settled()
  stage.crash()
  await stage.start()
  expect(await balcony.connect()).toBe('resumed')
  expect(await archived(balcony)).toBe('m1:†r1 r1:–')
})
