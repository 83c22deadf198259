import { type Actor, scenario, type ScenarioOptions } from '@jackdaw/testkit'
import { InboxEntry, InboxFin, InboxQuery, Jid, MamResult, message, xml } from '@jackdaw/xmpp'
import { expect, onTestFinished, test } from 'vitest'
import { defineModule } from '../../module.ts'
import { archiveErasure } from '../archive-erasure.ts'
import { query, refusal } from '../archive-fixture.ts'
import { mam } from '../mam.ts'
import { offline } from '../offline/offline.ts'
import { presence } from '../presence/presence.ts'
import { retraction } from '../retraction.ts'
import { inbox } from './inbox.ts'

const modules = [mam, retraction, archiveErasure, inbox, offline, presence]

async function play(options: ScenarioOptions = {}) {
  const stage = await scenario({
    accounts: { romeo: ['phone'], juliet: ['balcony'], nurse: ['kitchen'], tybalt: ['street'] },
    modules,
    resume: true,
    ...options,
  })
  onTestFinished(() => stage.stop())
  const { phone, balcony, kitchen, street } = stage.clients as Record<string, Actor>
  return { stage, phone: phone!, balcony: balcony!, kitchen: kitchen!, street: street! }
}

let lastId = 0
const says = async (client: Actor, to: string, children: string, id = `id${++lastId}`) => {
  const address = to.includes('@') ? to : `${to}@home.test`
  client.says(`<message to='${address}' type='chat' id='${id}'>${children}</message>`)
  await client.sync()
}
const body = (text: string) => `<body>${text}</body>`
const marker = (id: string) => `<displayed xmlns='urn:xmpp:chat-markers:0' id='${id}'/>`

async function ask(client: Actor, value: InboxQuery = {}) {
  await client.sync()
  client.clear()
  const answer = await client.ask('get', InboxQuery.write(value))
  const messages = client.inbox.filter((stanza) => stanza.child('entry', InboxQuery.ns))
  return {
    messages,
    id: answer.id,
    fin: InboxFin.read(answer.first()!),
    entries: messages.map((stanza) => InboxEntry.read(stanza.child('entry', InboxQuery.ns)!)),
    results: messages.map((stanza) => {
      const result = stanza.child(MamResult.name, MamResult.ns)
      return result && MamResult.read(result)
    }),
  }
}

/** Each conversation: the other's name, how many messages are unread, the last one. */
async function shown(client: Actor, value: InboxQuery = {}): Promise<string> {
  const { entries, results } = await ask(client, value)
  const lines = entries.map(({ jid, unread }, i) => {
    const text = results[i]?.forwarded.stanza.child('body')?.text ?? '-'
    return `${jid.local} ${unread} ${text}`
  })
  return lines.join(', ')
}

test('XEP-0430 §2.2, §3.1: conversations by their last activity, with what is unread and the last message', async () => {
  const { stage, phone, balcony, kitchen } = await play()
  await says(phone, 'juliet', body('one'))
  await says(kitchen, 'juliet', body('dinner'))
  await stage.clock.advance(5000)
  await says(phone, 'juliet', body('two'))
  const { messages, entries, results, fin, id } = await ask(balcony)
  const archived = await query(balcony)
  expect(messages.map(({ from, to }) => `${from} ${to}`)).toEqual(
    Array(2).fill('juliet@home.test juliet@home.test/balcony'),
  )
  expect(entries).toEqual([
    { jid: Jid.parse('romeo@home.test'), unread: 2, id: archived.ids[2] },
    { jid: Jid.parse('nurse@home.test'), unread: 1, id: archived.ids[1] },
  ])
  expect(results.map((one) => [one?.id, one?.queryId, String(one?.forwarded.stanza), one?.forwarded.delay])).toEqual(
    [2, 1].map((i) => [
      archived.ids[i],
      id,
      String(archived.results[i]!.forwarded.stanza),
      archived.results[i]!.forwarded.delay,
    ]),
  )
  expect(fin).toEqual({
    total: 2,
    unread: 2,
    allUnread: 3,
    set: { first: archived.ids[2], last: archived.ids[1], index: 0, count: 2 },
  })
  // The other side has read what it said.
  expect(await shown(phone)).toBe('juliet 0 two')
})

test('XEP-0430 §3.1: an empty inbox', async () => {
  const { phone } = await play()
  expect((await ask(phone)).fin).toEqual({ total: 0, unread: 0, allUnread: 0, set: { index: undefined, count: 0 } })
})

test('XEP-0430 §3.1: only what is unread, and without messages', async () => {
  const { phone, balcony, kitchen } = await play()
  await says(phone, 'juliet', body('one'))
  await says(kitchen, 'juliet', body('dinner'))
  await says(balcony, 'romeo', body('answer'))
  expect(await shown(balcony)).toBe('romeo 0 answer, nurse 1 dinner')
  expect(await shown(balcony, { isUnreadOnly: true })).toBe('nurse 1 dinner')
  const { results, fin } = await ask(balcony, { hasMessages: false })
  expect(results).toEqual([undefined, undefined])
  expect(fin).toMatchObject({ total: 2, unread: 1, allUnread: 1 })
})

test('XEP-0430 §4: what is said, and what only says something about it', async () => {
  const { phone, balcony } = await play()
  await says(phone, 'juliet', body('one'), 'm1')
  await says(phone, 'juliet', `${body('One')}<replace xmlns='urn:xmpp:message-correct:0' id='m1'/>`)
  await says(phone, 'juliet', "<received xmlns='urn:xmpp:receipts' id='x'/>")
  await says(phone, 'juliet', marker('x'))
  await says(phone, 'juliet', "<composing xmlns='http://jabber.org/protocol/chatstates'/>")
  await says(phone, 'juliet', "<reactions xmlns='urn:xmpp:reactions:0' id='x'><reaction>+</reaction></reactions>")
  const { entries, results } = await ask(balcony)
  const archived = await query(balcony)
  expect(archived.ids).toHaveLength(5)
  // The id is that of the last one in the archive, the message that of the last one that somebody reads.
  expect(entries).toMatchObject([{ unread: 1, id: archived.ids[4] }])
  expect(results[0]?.id).toBe(archived.ids[0])
})

test('XEP-0430 §4, XEP-0333 §4.2: a marker reads what came before it, and only moves forward', async () => {
  const { phone, balcony } = await play()
  for (const i of [1, 2, 3, 4]) await says(phone, 'juliet', body(String(i)), `m${i}`)
  expect(await shown(balcony)).toBe('romeo 4 4')
  await says(balcony, 'romeo', marker('m2'))
  expect(await shown(balcony)).toBe('romeo 2 4')
  await says(balcony, 'romeo', marker('m1'))
  expect(await shown(balcony)).toBe('romeo 2 4')
  await says(balcony, 'romeo', marker('m9'))
  await says(balcony, 'nurse', marker('m4'))
  expect(await shown(balcony, { isUnreadOnly: true })).toBe('romeo 2 4')
  await says(phone, 'juliet', body('5'), 'm5')
  expect(await shown(balcony, { isUnreadOnly: true })).toBe('romeo 3 5')
  // Counted anew, it is still the later marker that counts.
  await says(phone, 'juliet', "<retract xmlns='urn:xmpp:message-retract:1' id='m4'/>", 'r1')
  expect(await shown(balcony, { isUnreadOnly: true })).toBe('romeo 2 5')
  await says(balcony, 'romeo@home.test/phone', marker('m5'))
  expect(await shown(balcony, { isUnreadOnly: true })).toBe('')
})

test('XEP-0430 §4: a receipt reads nothing', async () => {
  const { phone, balcony } = await play()
  await says(phone, 'juliet', body('1'), 'm1')
  await says(balcony, 'romeo', "<received xmlns='urn:xmpp:receipts' id='m1'/>")
  expect(await shown(balcony)).toBe('romeo 1 1')
})

test('XEP-0430 §4: what comes while a marker is looked for stays unread', async () => {
  const found = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  const slow = defineModule({
    name: 'slow',
    needs: [inbox],
    start(host) {
      host.hook('message:out', 'check', ({ stanza }) => {
        if (!stanza.child('displayed', 'urn:xmpp:chat-markers:0')) return
        found.resolve()
        return goOn.promise
      })
    },
  })
  const { phone, balcony } = await play({ modules: [...modules, slow] })
  for (const i of [1, 2]) await says(phone, 'juliet', body(String(i)), `m${i}`)
  balcony.says(`<message to='romeo@home.test'>${marker('m1')}</message>`)
  await found.promise
  await says(phone, 'juliet', body('3'))
  goOn.resolve()
  expect(await shown(balcony)).toBe('romeo 2 3')
})

test('a conversation with oneself is read', async () => {
  const { phone } = await play()
  await says(phone, 'romeo', body('note'))
  expect(await shown(phone)).toBe('romeo 0 note')
})

test('XEP-0424 §5: what is retracted or erased is not unread', async () => {
  const { phone, balcony, kitchen } = await play()
  for (const i of [1, 2, 3]) await says(phone, 'juliet', body(String(i)), `m${i}`)
  await says(kitchen, 'juliet', body('dinner'))
  await says(phone, 'juliet', "<retract xmlns='urn:xmpp:message-retract:1' id='m2'/>", 'r1')
  expect(await shown(balcony)).toBe('romeo 2 3, nurse 1 dinner')
  await says(balcony, 'romeo', marker('m1'))
  await balcony.asks("<iq type='set'><erase xmlns='urn:jackdaw:erasure:0'/></iq>")
  expect(await shown(balcony)).toBe('')
  expect((await ask(balcony)).fin).toMatchObject({ total: 0, unread: 0, allUnread: 0 })
  await says(phone, 'juliet', body('4'))
  expect(await shown(balcony)).toBe('romeo 1 4')
})

test('counting anew ends at what was read and at what was said', async () => {
  const { phone, balcony, kitchen } = await play()
  for (const i of [1, 2, 3, 4]) await says(phone, 'juliet', body(String(i)), `m${i}`)
  for (const i of [1, 2]) await says(kitchen, 'juliet', body(String(i)), `k${i}`)
  await says(balcony, 'romeo', marker('m1'))
  await says(balcony, 'nurse', body('answer'))
  await says(kitchen, 'juliet', body('3'), 'k3')
  await says(phone, 'juliet', "<retract xmlns='urn:xmpp:message-retract:1' id='m4'/>", 'r1')
  expect(await shown(balcony)).toBe('romeo 2 3, nurse 1 3')
})

test('XEP-0059: pages, also when a conversation has moved to the top meanwhile', async () => {
  const { phone } = await play({ config: { hosts: { 'home.test': { modules: { inbox: { page: 4 } } } } } })
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await says(phone, name, body(name))
  const names = (entries: readonly InboxEntry[]) => entries.map(({ jid }) => jid.local).join('')
  const first = await ask(phone)
  expect([names(first.entries), first.fin.set.index, first.fin.set.count]).toEqual(['fedc', 0, 6])
  const two = await ask(phone, { set: { max: 2, after: first.entries[1]!.id } })
  expect([names(two.entries), two.fin.set.index]).toEqual(['dc', 2])
  await says(phone, 'd', body('again'))
  expect(names((await ask(phone, { set: { after: two.fin.set.last! } })).entries)).toBe('ba')
  expect(names((await ask(phone, { set: { max: 2, before: '' } })).entries)).toBe('ba')
  expect(names((await ask(phone, { set: { max: 2, before: first.entries[3]!.id } })).entries)).toBe('fe')
  expect(names((await ask(phone, { set: { index: 3, max: 2 } })).entries)).toBe('cb')
  const none = await ask(phone, { set: { max: 0 } })
  expect([none.entries, none.fin.set.count]).toEqual([[], 6])
})

test('a page is bounded by the bytes of its messages, too', async () => {
  const { phone } = await play({ config: { hosts: { 'home.test': { modules: { inbox: { pageBytes: '64 KiB' } } } } } })
  for (const name of ['a', 'b', 'c']) await says(phone, name, body('x'.repeat(40_000)))
  const { entries, fin } = await ask(phone)
  expect([entries.length, fin.set.last, fin.set.count]).toEqual([1, entries[0]!.id, 3])
  expect((await ask(phone, { set: { after: fin.set.last! } })).entries.map(({ jid }) => jid.local)).toEqual(['b'])
})

test.each([
  ["<inbox xmlns='urn:xmpp:inbox:1' unread-only='perhaps'/>", 'bad-request'],
  ["<inbox xmlns='urn:xmpp:inbox:1' messages=''/>", 'bad-request'],
  [
    "<inbox xmlns='urn:xmpp:inbox:1'><set xmlns='http://jabber.org/protocol/rsm'><max>-1</max></set></inbox>",
    'bad-request',
  ],
])('%s is %s', async (text, condition) => {
  const { phone } = await play()
  await expect(phone.asks(`<iq type='get'>${text}</iq>`)).rejects.toEqual(refusal(condition))
})

test.each(['juliet@home.test', 'nobody@home.test'])('nobody sees the inbox of %s', async (to) => {
  const { phone } = await play()
  await expect(phone.ask('get', InboxQuery.write({}), Jid.parse(to))).rejects.toEqual(refusal('forbidden'))
})

test('DESIGN 3: that a conversation is counted is kept with the message, and what is read with the marker', async () => {
  const { stage, phone, balcony } = await play()
  const batchesWith = (text: string) => [...stage.journalStore.read(1)].filter(([, batch]) => batch.includes(text))
  await says(phone, 'juliet', body('needle'), 'm1')
  expect(batchesWith('needle').map(([, batch]) => batch.includes('/inbox/stale"'))).toEqual([true])
  // Once for many.
  await says(phone, 'juliet', body('thread'), 'm2')
  expect(batchesWith('thread').map(([, batch]) => batch.includes('/inbox/'))).toEqual([false])
  expect(batchesWith('/inbox/unread"')).toHaveLength(0)
  await stage.clock.advance(30_000)
  await phone.sync()
  expect(batchesWith('/inbox/unread"')).toHaveLength(1)
  await says(balcony, 'romeo', marker('m1'))
  expect(batchesWith(marker('m1').slice(0, 30)).some(([, batch]) => batch.includes('/inbox/unread"'))).toBe(true)
})

test('DESIGN 1: an inbox after a crash', async () => {
  const { stage, phone, balcony, kitchen } = await play()
  await says(phone, 'juliet', body('1'), 'm1')
  await says(phone, 'juliet', body('2'), 'm2')
  await says(kitchen, 'juliet', body('dinner'))
  await says(balcony, 'romeo', marker('m1'))
  const before = await shown(balcony)
  expect(before).toBe('romeo 1 2, nurse 1 dinner')
  stage.crash()
  await stage.start()
  expect(await balcony.connect()).toBe('resumed')
  expect(await shown(balcony)).toBe(before)
})

test('DESIGN 1: what a crash found uncounted is counted from the archive, also after more has come', async () => {
  const { stage, phone, balcony, kitchen } = await play()
  for (const i of [1, 2, 3]) await says(phone, 'juliet', body(String(i)), `m${i}`)
  await says(kitchen, 'juliet', body('dinner'))
  await says(balcony, 'romeo', marker('m1'))
  await stage.clock.advance(30_000)
  await says(phone, 'juliet', body('4'))
  await says(balcony, 'nurse', body('thanks'))
  await says(kitchen, 'juliet', body('supper'))
  stage.crash()
  await stage.start()
  for (const client of [phone, balcony, kitchen]) expect(await client.connect()).toBe('resumed')
  await says(phone, 'juliet', body('5'))
  await says(kitchen, 'juliet', body('bed'))
  expect(await shown(balcony)).toBe('nurse 2 bed, romeo 4 5')
  await says(phone, 'juliet', body('6'))
  expect(await shown(balcony)).toBe('romeo 5 6, nurse 2 bed')
})

test('XEP-0430 §4: a marker after a crash reads what the crash found uncounted', async () => {
  const { stage, phone, balcony } = await play()
  for (const i of [1, 2, 3]) await says(phone, 'juliet', body(String(i)), `m${i}`)
  stage.crash()
  await stage.start()
  expect(await balcony.connect()).toBe('resumed')
  await says(balcony, 'romeo', marker('m2'))
  expect(await shown(balcony)).toBe('romeo 1 3')
})

/** From another server, so that nobody is held back for saying much. */
let deliver: (text: string, id?: string) => void
const far = defineModule({
  name: 'far',
  start(host) {
    const [to, from] = [Jid.parse('juliet@home.test'), Jid.parse('paris@far.test/home')]
    deliver = (text, id) => host.send(message({ to, from, type: 'chat', id }, xml('body', 'jabber:client', {}, text)))
  },
})

test.each([
  ['what comes', 'is added', (count: number) => `paris ${count} more`],
  ['an answer', 'reads it', () => 'paris 0 answer'],
  ['what is erased', 'is not unread', () => ''],
])('DESIGN 1: while a count is made anew from many pages, and counts are written, %s %s', async (what, _, outcome) => {
  const { stage, balcony } = await play({
    modules: [...modules, far],
    config: { hosts: { 'home.test': { modules: { offline: { limit: 10_000 } } } }, keepalive: { idle: '10 d' } },
  })
  const laptop = await stage.login('juliet', 'laptop')
  const before = 3000
  for (let i = 0; i < before; i++) deliver(String(i))
  while ((await query(balcony, { set: { max: 0 } })).fin.set.count !== before);
  stage.crash()
  await stage.start()
  for (const client of [balcony, laptop]) expect(await client.connect()).toBe('resumed')
  const progress = { isDone: false }
  let meanwhile = 0
  const answers = Promise.all([1, 2].map(() => balcony.ask('get', InboxQuery.write({}))))
  const done = answers.then(() => (progress.isDone = true))
  for (; meanwhile < 4; meanwhile++) {
    deliver('more')
    await new Promise((resolve) => void setImmediate(resolve))
  }
  while (!progress.isDone) {
    if (what === 'an answer' && meanwhile > 4) laptop.says(`<message to='paris@far.test'>${body('answer')}</message>`)
    else if (what === 'what is erased' && meanwhile > 4)
      void laptop.asks("<iq type='set'><erase xmlns='urn:jackdaw:erasure:0'/></iq>")
    else deliver('more')
    meanwhile++

    await stage.clock.advance(30_000)
  }
  await done
  expect(meanwhile).toBeGreaterThan(5)
  expect(await shown(balcony)).toBe(outcome(before + meanwhile))
})

test('XEP-0430 §4: a marker that was found before, and reads while a count is made anew, is heeded', async () => {
  const [found, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const slow = defineModule({
    name: 'slow',
    needs: [inbox],
    start(host) {
      host.hook('message:out', 'check', ({ stanza }) => {
        if (!stanza.child('displayed', 'urn:xmpp:chat-markers:0')) return
        found.resolve()
        return goOn.promise
      })
    },
  })
  const { stage, balcony } = await play({
    modules: [...modules, far, slow],
    config: { hosts: { 'home.test': { modules: { offline: { limit: 10_000 } } } } },
  })
  const laptop = await stage.login('juliet', 'laptop')
  for (let i = 0; i < 3000; i++) deliver(String(i), `m${i}`)
  while ((await query(balcony, { set: { max: 0 } })).fin.set.count !== 3000);
  expect(await shown(laptop)).toBe('paris 3000 2999')
  balcony.says(`<message to='paris@far.test'>${marker('m2899')}</message>`)
  await found.promise
  const { ids } = await query(laptop, { set: { max: 1 } })
  await laptop.asks(
    `<iq type='set'><erase xmlns='urn:jackdaw:erasure:0'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field><field var='ids'><value>${ids[0]}</value></field></x></erase></iq>`,
  )
  const answer = laptop.ask('get', InboxQuery.write({}))
  for (let i = 0; i < 6; i++) await new Promise((resolve) => void setImmediate(resolve))
  goOn.resolve()
  expect(InboxFin.read((await answer).first()!).allUnread).toBe(100)
  expect(await shown(laptop)).toBe('paris 100 2999')
})

test('what was counted of an account that is removed is not written after it', async () => {
  const { stage, phone } = await play()
  await says(phone, 'juliet', body('1'))
  await stage.server.hosts.get('home.test')!.accounts.remove(Jid.parse('juliet@home.test'))
  await phone.sync()
  const last = stage.journalStore.last
  await stage.clock.advance(30_000)
  await phone.sync()
  expect([...stage.journalStore.read(last + 1)].filter(([, batch]) => /inbox\/\w+","juliet/.test(batch))).toEqual([])
})

test('what is counted when the module stops is kept', async () => {
  const { stage, phone, balcony } = await play()
  await says(phone, 'juliet', body('1'))
  await stage.server.stop()
  await stage.start()
  expect(await balcony.connect()).toBe('resumed')
  expect([...stage.journalStore.read(1)].some(([, batch]) => batch.includes('/inbox/unread"'))).toBe(true)
  expect(await shown(balcony)).toBe('romeo 1 1')
})

test('XEP-0333 §4.3: a marker in a room elsewhere, whose ids tell no order, reads what the room said to the account alone', async () => {
  const { phone, balcony } = await play({ modules: [...modules, far] })
  const whispers = async (text: string) => {
    deliver(text)
    while ((await query(balcony, {})).bodies.at(-1) !== text);
  }
  await whispers('psst')
  expect(await shown(balcony)).toBe('paris 1 psst')
  const displays = (id: string) => balcony.says(`<message to='paris@far.test' type='groupchat'>${marker(id)}</message>`)
  displays('zzzzzzzzzzzzzzzzzzzzzzz')
  expect(await shown(balcony)).toBe('paris 0 psst')
  await whispers('pssst')
  expect(await shown(balcony)).toBe('paris 1 pssst')
  displays('x'.repeat(257))
  expect(await shown(balcony)).toBe('paris 1 pssst')
  // Counted anew.
  await says(phone, 'juliet', body('x'), 'm1')
  await says(phone, 'juliet', "<retract xmlns='urn:xmpp:message-retract:1' id='m1'/>", 'r1')
  expect(await shown(balcony)).toContain('paris 1 pssst')
})

test('another module adds conversations of its own, and learns what was read of them', async () => {
  const asked: unknown[] = []
  const rooms = defineModule({
    name: 'rooms-of-a-test',
    needs: [inbox],
    start(host) {
      const room = Jid.parse('coven@rooms.test')
      const last = () => ({
        id: 'zzzzzzzzzzz',
        at: 0,
        size: 10,
        message: message(
          { from: room.withResource('hecate'), type: 'groupchat' },
          xml('body', 'jabber:client', {}, 'boo'),
        ),
      })
      const stop = host.use(inbox).addSource({
        conversations(account, read) {
          asked.push([String(account), read(room)])
          return [{ jid: room, id: 'zzzzzzzzzzz', unread: read(room) === undefined ? 7 : 0, last }]
        },
        has: (jid, id) => (jid.equals(room) ? id.startsWith('stanza-id') : undefined),
      })
      host.onStop(stop)
      host.hook('message:out', 'deliver', ({ stanza }) => (stanza.to?.domain === 'rooms.test' ? 'stop' : undefined))
    },
  })
  const { phone, balcony } = await play({ modules: [...modules, rooms] })
  await says(balcony, 'romeo', body('hi'))
  expect(await shown(phone)).toBe('coven 7 boo, juliet 1 hi')
  phone.says(`<message to='coven@rooms.test' type='groupchat'>${marker('stanza-id-5')}</message>`)
  expect(await shown(phone)).toBe('coven 0 boo, juliet 1 hi')
  phone.says(`<message to='coven@rooms.test' type='groupchat'>${marker('stanza-id-4')}</message>`)
  await shown(phone)
  expect(asked).toEqual([
    ['romeo@home.test', undefined],
    ['romeo@home.test', 'stanza-id-5'],
    ['romeo@home.test', 'stanza-id-5'],
  ])
})
