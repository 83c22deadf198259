import { type Actor, scenario, turn } from '@jackdaw/testkit'
import { InboxEntry, InboxFin, InboxQuery, MamResult, message, xml } from '@jackdaw/xmpp'
import { expect, onTestFinished, test } from 'vitest'
import { admin, configured, coven, entered, quiet, room, says, type Witches } from '../muc/fixture.ts'
import { muc } from '../muc/muc.ts'
import { Discussion } from './discussions.ts'
import { roomInbox } from './room-inbox.ts'

/** Each conversation: the room or contact, how many messages are unread, the last one. */
async function shown(client: Actor): Promise<string> {
  return (await inboxOf(client)).lines.join(', ')
}

async function inboxOf(client: Actor) {
  await client.sync()
  client.clear()
  const fin = InboxFin.read((await client.ask('get', InboxQuery.write({}))).first()!)
  const messages = client.inbox.filter((stanza) => stanza.child(InboxEntry.name, InboxEntry.ns))
  const entries = messages.map((stanza) => InboxEntry.read(stanza.child(InboxEntry.name, InboxEntry.ns)!))
  const results = messages.map((stanza) => {
    const result = stanza.child(MamResult.name, MamResult.ns)
    return result && MamResult.read(result)
  })
  const lines = entries.map(
    ({ jid, unread }, i) => `${jid.local} ${unread} ${results[i]?.forwarded.stanza.child('body')?.text ?? '-'}`,
  )
  return { fin, entries, results, lines }
}

/** Says it, and tells the id that the room gave it. */
async function said(play: Witches, client: Actor, body: string, rest = ''): Promise<string> {
  client.says(`<message to='${room}' type='groupchat' id='m-${body}'><body>${body}</body>${rest}</message>`)
  const heard = await play.desktop.awaits(
    `<message from='${room}/${nickOf(play, client)}'><body>${body}</body></message>`,
  )
  return heard.child('stanza-id', 'urn:xmpp:sid:0')!.attr('id')!
}

const nickOf = (play: Witches, client: Actor) =>
  client === play.desktop ? 'firstwitch' : client === play.laptop ? 'secondwitch' : 'thirdwitch'
const marker = (id: string) => `<displayed xmlns='urn:xmpp:chat-markers:0' id='${id}'/>`
const displays = (client: Actor, id: string, to = room) =>
  client.says(`<message to='${to}' type='groupchat'>${marker(id)}</message>`)

/** A room for members only; the third witch is one and is away, wiccarocks has entered. */
async function closed(fields: Record<string, string> = {}) {
  const play = await coven({ persistentroom: '1', ...fields }, { resume: true })
  for (const name of ['wiccarocks', 'hag66'])
    await admin(play.desktop, `<item affiliation='member' jid='${name}@home.test'/>`)
  await configured(play.desktop, { membersonly: '1' })
  play.pda.says(`<presence to='${room}/thirdwitch' type='unavailable'/>`)
  await play.pda.sync()
  // Times tell what was before somebody came.
  await play.clock.advance(1000)
  await quiet(play)
  return play
}

test('XEP-0430 §2.2: a member finds what was said in a room for members only while it was away', async () => {
  const play = await closed()
  await said(play, play.laptop, 'one')
  const id = await said(play, play.desktop, 'two')
  const { entries, results, fin, lines } = await inboxOf(play.pda)
  expect(lines).toEqual(['coven 2 two'])
  expect(entries[0]!.id).toBe(id)
  expect(results[0]!.id).toBe(id)
  const last = results[0]!.forwarded
  expect(`${last.stanza.from} ${last.stanza.type} ${last.delay?.stamp}`).toBe(
    `${room}/firstwitch groupchat ${play.clock.now()}`,
  )
  expect(fin).toMatchObject({ total: 1, unread: 1, allUnread: 2 })
  // Who is not logged in at all finds it when it comes.
  await play.pda.close()
  await said(play, play.laptop, 'three')
  expect(await shown(await play.login('hag66', 'new'))).toBe('coven 3 three')
})

test('XEP-0430 §4: what the reader says, and what it displays, is read; up to there', async () => {
  const play = await closed()
  const ids: string[] = []
  for (const body of ['one', 'two', 'three', 'four']) ids.push(await said(play, play.desktop, body))
  expect(await shown(play.pda)).toBe('coven 4 four')
  displays(play.pda, ids[1]!)
  expect(await shown(play.pda)).toBe('coven 2 four')
  displays(play.pda, ids[0]!)
  expect(await shown(play.pda)).toBe('coven 2 four')
  expect(await shown(play.laptop)).toBe('coven 4 four')
  await said(play, play.laptop, 'five')
  expect(await shown(play.laptop)).toBe('coven 0 five')
  expect(await shown(play.pda)).toBe('coven 3 five')
})

test.each(['m-one', 'zzzzzzzzzzzzzzzzzzzzz', ''])(
  'XEP-0333 §4.3: a marker with the id %j, which the room has not given, reads nothing, and does not stand in the way',
  async (wrong) => {
    const play = await closed()
    const id = await said(play, play.desktop, 'one')
    await said(play, play.desktop, 'two')
    displays(play.pda, wrong)
    expect(await shown(play.pda)).toBe('coven 2 two')
    displays(play.pda, id)
    expect(await shown(play.pda)).toBe('coven 1 two')
  },
)

test('XEP-0490 §4.2: what is published as displayed reads a room, too', async () => {
  const play = await closed()
  const id = await said(play, play.desktop, 'one')
  await said(play, play.desktop, 'two')
  const publishes = (stanzaId: string) =>
    play.pda.asks(
      `<iq type='set'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='urn:xmpp:mds:displayed:0'><item id='${room}'>
        <displayed xmlns='urn:xmpp:mds:displayed:0'><stanza-id xmlns='urn:xmpp:sid:0' by='${room}' id='${stanzaId}'/></displayed></item></publish></pubsub></iq>`,
    )
  await publishes('m-two')
  await turn()
  expect(await shown(play.pda)).toBe('coven 2 two')
  await publishes(id)
  await turn()
  expect(await shown(play.pda)).toBe('coven 1 two')
})

test('XEP-0430 §3.1, §4: what is no instant message is not counted, and is no last message', async () => {
  const play = await closed({ changesubject: '1' })
  const id = await said(play, play.desktop, 'one')
  play.desktop.says(
    `<message to='${room}' type='groupchat' id='r'><reactions xmlns='urn:xmpp:reactions:0' id='${id}'><reaction>+</reaction></reactions></message>`,
  )
  await play.desktop.awaits("<message id='r'/>")
  play.desktop.says(`<message to='${room}' type='groupchat' id='s'><subject>Fire</subject></message>`)
  const subject = await play.desktop.awaits("<message id='s'/>")
  const { entries, lines } = await inboxOf(play.pda)
  expect(lines).toEqual(['coven 1 one'])
  expect(entries[0]!.id).toBe(subject.child('stanza-id', 'urn:xmpp:sid:0')!.attr('id'))
})

test('XEP-0424 §5, XEP-0425 §4: what is retracted or moderated is not unread', async () => {
  const play = await closed()
  const ids: string[] = []
  for (const body of ['one', 'two', 'three']) ids.push(await said(play, play.desktop, body))
  expect(await shown(play.pda)).toBe('coven 3 three')
  play.desktop.says(
    `<message to='${room}' type='groupchat' id='r'><retract xmlns='urn:xmpp:message-retract:1' id='${ids[2]}'/><fallback xmlns='urn:xmpp:fallback:0'/></message>`,
  )
  await play.desktop.awaits("<message id='r'/>")
  await play.desktop.sync()
  expect(await shown(play.pda)).toBe('coven 2 two')
  await play.desktop.asks(
    `<iq to='${room}' type='set'><moderate xmlns='urn:xmpp:message-moderate:1' id='${ids[0]}'><retract xmlns='urn:xmpp:message-retract:1'/></moderate></iq>`,
  )
  expect(await shown(play.pda)).toBe('coven 1 two')
})

test('XEP-0045 §5.2: who becomes a member has not to read what was said before; who is none any more finds nothing of it', async () => {
  const play = await closed()
  await said(play, play.desktop, 'before')
  await admin(play.desktop, "<item affiliation='none' jid='hag66@home.test'/>")
  expect(await shown(play.pda)).toBe('')
  await play.clock.advance(1000)
  await admin(play.desktop, "<item affiliation='member' jid='hag66@home.test'/>")
  await quiet(play)
  // §9.5: it was asked in.
  expect(await shown(play.pda)).toBe('coven 1 -')
  const id = await said(play, play.desktop, 'after')
  expect(await shown(play.pda)).toBe('coven 2 after')
  displays(play.pda, id)
  expect(await shown(play.pda)).toBe('coven 0 after')
  await said(play, play.desktop, 'more')
  // More than a member is one all the time.
  await play.clock.advance(1000)
  await admin(play.desktop, "<item affiliation='admin' jid='hag66@home.test'/>")
  await quiet(play)
  expect(await shown(play.pda)).toBe('coven 1 more')
  await admin(play.desktop, "<item affiliation='outcast' jid='hag66@home.test'/>")
  // The invitation was for itself.
  expect(await shown(play.pda)).toBe('coven 0 -')
})

test('XEP-0045 §9.2: a member by its domain is one, unless it is banned itself', async () => {
  const play = await closed()
  await admin(play.desktop, "<item affiliation='none' jid='hag66@home.test'/>")
  await admin(play.desktop, "<item affiliation='member' jid='home.test'/>")
  await play.clock.advance(1000)
  await said(play, play.desktop, 'one')
  expect(await shown(play.pda)).toContain('coven 1 one')
  await admin(play.desktop, "<item affiliation='outcast' jid='hag66@home.test'/>")
  expect(await shown(play.pda)).not.toContain('one')
})

const bookmarks = (to = room) =>
  `<iq type='set'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='urn:xmpp:bookmarks:1'><item id='${to}'><conference xmlns='urn:xmpp:bookmarks:1'/></item></publish></pubsub></iq>`

test('XEP-0430 §2.2, XEP-0402: an open room is a conversation of who is in it, and of who has bookmarked it', async () => {
  const play = await coven({ persistentroom: '1' })
  await play.clock.advance(1000)
  await said(play, play.desktop, 'one')
  expect(await shown(play.pda)).toBe('coven 1 one')
  play.pda.says(`<presence to='${room}/thirdwitch' type='unavailable'/>`)
  expect(await shown(play.pda)).toBe('')
  await play.clock.advance(1000)
  await play.pda.asks(bookmarks())
  await play.clock.advance(1000)
  await said(play, play.desktop, 'two')
  expect(await shown(play.pda)).toBe('coven 1 two')
  // Who may not read it any more does not.
  await configured(play.desktop, { membersonly: '1' })
  expect(await shown(play.pda)).toBe('')
  await configured(play.desktop, { membersonly: '0', roomsecret: 'cauldron', passwordprotectedroom: '1' })
  expect(await shown(play.pda)).toBe('')
})

test('XEP-0313 §6.1.2: a bookmark shows nothing of rooms that keep no archive, are not there, or of which the account is no member', async () => {
  const play = await closed()
  await said(play, play.desktop, 'one')
  for (const to of [room, 'nowhere@rooms.home.test', 'x@rooms.far.test']) await play.pda.asks(bookmarks(to))
  await admin(play.desktop, "<item affiliation='none' jid='hag66@home.test'/>")
  expect(await shown(play.pda)).toBe('')
  await admin(play.desktop, "<item affiliation='member' jid='hag66@home.test'/>")
  await quiet(play)
  expect(await shown(play.pda)).toContain('coven')
  await configured(play.desktop, { enablelogging: '0' })
  expect(await shown(play.pda)).not.toContain('one')
})

test('XEP-0045 §7.5: a private message is in the same conversation', async () => {
  const play = await closed()
  await entered(play.pda, 'thirdwitch')
  const id = await said(play, play.desktop, 'to all')
  play.desktop.says(`<message to='${room}/thirdwitch' type='chat' id='p1'><body>psst</body></message>`)
  await play.pda.awaits("<message id='p1'/>")
  expect(await shown(play.pda)).toBe('coven 2 psst')
  displays(play.pda, id)
  expect(await shown(play.pda)).toBe('coven 1 psst')
  play.pda.says(`<message to='${room}/firstwitch' type='chat'><body>answer</body></message>`)
  expect(await shown(play.pda)).toBe('coven 0 answer')
  await said(play, play.desktop, 'to all again')
  expect(await shown(play.pda)).toBe('coven 1 to all again')
  // XEP-0313: its own archive is another.
  await play.pda.asks("<iq type='set'><erase xmlns='urn:jackdaw:erasure:0'/></iq>")
  expect(await shown(play.pda)).toBe('coven 1 to all again')
})

test('DESIGN 1: what was read of a room, and what was said in it, is there after a kill', async () => {
  const play = await closed()
  const id = await said(play, play.desktop, 'one')
  await said(play, play.desktop, 'two')
  displays(play.pda, id)
  await quiet(play)
  for (const client of Object.values(play.clients)) await client.settled()
  play.crash()
  await play.start()
  for (const client of [play.desktop, play.pda]) expect(await client.connect()).toBe('resumed')
  expect(await shown(play.pda)).toBe('coven 1 two')
  await said(play, play.desktop, 'three')
  expect(await shown(play.pda)).toBe('coven 2 three')
})

test('what was displayed of a room goes with the account, and with the room', async () => {
  const play = await closed()
  /** Whose are kept, by what the journal says. */
  const positions = async () => {
    await play.desktop.sync()
    const found = new Set<string>()
    for (const [, batch] of play.journalStore.read(1))
      for (const [what, store, owner, key, value] of JSON.parse(`[${batch}]`) as string[][])
        if (what === 'drop') found.delete(owner!)
        else if (store === 'home.test/inbox/unread' && key === room)
          if (value === undefined) found.delete(owner!)
          else found.add(owner!)
    return [...found].toSorted()
  }
  const id = await said(play, play.desktop, 'one')
  for (const client of [play.pda, play.laptop]) {
    displays(client, id)
    await client.sync()
  }
  expect(await positions()).toEqual(['hag66@home.test', 'wiccarocks@home.test'])
  await play.server.hosts.get('home.test')!.accounts.remove(play.pda.account)
  expect(await positions()).toEqual(['wiccarocks@home.test'])
  await play.desktop.asks(
    `<iq to='${room}' type='set'><query xmlns='http://jabber.org/protocol/muc#owner'><destroy/></query></iq>`,
  )
  await turn()
  expect(await positions()).toEqual([])
  expect(await shown(play.desktop)).toBe('')
})

test("a temporary room that everybody left while there was no service is nobody's conversation", async () => {
  const play = await coven({ changesubject: '1' })
  await said(play, play.desktop, 'one')
  await configured(play.desktop, { membersonly: '1' })
  const { modules } = play.server.hosts.get('home.test')!
  await modules.unload(muc)
  for (const client of [play.desktop, play.laptop, play.pda]) await client.close()
  for (const module of [muc, roomInbox]) await modules.load(module)
  expect(await shown(await play.login('crone1', 'late'))).toBe('')
})

test('a message in a room of many members is kept once, and nothing is written for each of them', async () => {
  const play = await closed()
  const items = Array.from({ length: 1000 }, (_, i) => `<item affiliation='member' jid='m${i}@home.test'/>`)
  await admin(play.desktop, items.join(''))
  await said(play, play.desktop, 'first')
  await quiet(play)
  expect(await shown(play.pda)).toBe('coven 1 first')
  const { last } = play.journalStore
  await said(play, play.desktop, 'needle')
  await play.clock.advance(60_000)
  await play.desktop.sync()
  const written = [...play.journalStore.read(last + 1)].map(([, batch]) => batch).join('')
  expect(written.match(/home\.test\/\w+\/\w+"/g)).toEqual(['home.test/muc/messages"'])
  expect(await shown(play.pda)).toBe('coven 2 needle')
})

test('more than 500 unread messages are counted as 500', async () => {
  const play = await closed()
  for (let i = 0; i < 600; i++) {
    says(play.desktop, String(i))
    if (i % 100 === 99) {
      await play.desktop.awaits(`<message><body>${i}</body></message>`)
      await play.clock.advance(10_000)
    }
  }
  expect(await shown(play.pda)).toBe('coven 500 599')
  await said(play, play.desktop, 'more')
  expect(await shown(play.pda)).toBe('coven 500 more')
})

test('what is said while a long discussion is looked through is counted once', async () => {
  const play = await closed()
  for (let i = 0; i < 450; i++) {
    says(play.desktop, String(i))
    if (i % 100 === 99) {
      await play.desktop.awaits(`<message><body>${i}</body></message>`)
      await play.clock.advance(10_000)
    }
  }
  await play.desktop.awaits('<message><body>449</body></message>')
  const asked = play.pda.ask('get', InboxQuery.write({}))
  for (let i = 0; i < 10; i++) {
    says(play.desktop, `more ${i}`)
    await new Promise((resolve) => void setImmediate(resolve))
  }
  await asked
  await play.desktop.awaits('<message><body>more 9</body></message>')
  expect(await shown(play.pda)).toBe('coven 460 more 9')
})

test('what came while a discussion was read, and was read as well, is in it once', () => {
  const discussion = new Discussion()
  const line = (id: string) => ({ id, at: 0, author: 'crone1@home.test' })
  const body = message({ type: 'groupchat' }, xml('body', 'jabber:client', {}, 'hi'))
  for (const id of ['3', '4']) discussion.add({ ...line(id), message: body })
  discussion.precede(['1', '2', '3'].map(line), '3')
  expect([discussion.unread('hag66@home.test', undefined, 0), discussion.lastId]).toEqual([4, '4'])
})

test('XEP-0045 §10.9: a room that is destroyed while its discussion is looked through is no error', async () => {
  const play = await closed()
  for (let i = 0; i < 450; i++) {
    says(play.desktop, String(i))
    if (i % 100 === 99) {
      await play.desktop.awaits(`<message><body>${i}</body></message>`)
      await play.clock.advance(10_000)
    }
  }
  await play.desktop.awaits('<message><body>449</body></message>')
  const asked = play.pda.ask('get', InboxQuery.write({}))
  const destroyed = play.desktop.asks(
    `<iq to='${room}' type='set'><query xmlns='http://jabber.org/protocol/muc#owner'><destroy/></query></iq>`,
  )
  expect((await asked).type).toBe('result')
  await destroyed
  expect(await shown(play.pda)).toBe('')
})

test('modules that a host does not want: rooms and inbox go without each other', async () => {
  const stage = await scenario({
    accounts: { romeo: ['phone'] },
    config: { hosts: { 'home.test': { modules: { 'room-inbox': false, 'push-rooms': false } } } },
  })
  onTestFinished(() => stage.stop())
  expect(await shown(stage.clients['phone']!)).toBe('')
})
