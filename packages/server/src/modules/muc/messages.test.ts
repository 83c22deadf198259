import { expect, test } from 'vitest'
import { configured, coven, entered, enters, error, quiet, room, says, type Witches, witches, x } from './fixture.ts'

test('XEP-0045 §7.4: a message goes to all, from the occupant, with its id, and ids of the room (XEP-0359, XEP-0421)', async () => {
  const play = await coven()
  says(play.pda, 'Harpier cries', "id='hysf1v37'")
  const ids = new Set<string | undefined>()
  for (const client of [play.desktop, play.laptop, play.pda]) {
    const heard = await client.hears(
      `<message from='${room}/thirdwitch' to='${client.jid}' id='hysf1v37' type='groupchat'><body>Harpier cries</body>
        <stanza-id xmlns='urn:xmpp:sid:0' by='${room}'/><occupant-id xmlns='urn:xmpp:occupant-id:0'/></message>`,
    )
    ids.add(heard.child('stanza-id', 'urn:xmpp:sid:0')!.attr('id'))
  }
  expect(ids.size).toBe(1)
})

test.each([
  [`<stanza-id xmlns='urn:xmpp:sid:0' id='forged' by='${room}'/>`, 'forged'],
  ["<occupant-id xmlns='urn:xmpp:occupant-id:0' id='forged'/>", 'forged'],
  [`<delay xmlns='urn:xmpp:delay' from='${room}' stamp='2002-10-13T23:58:37Z'/>`, '2002'],
  [x("<item affiliation='owner' role='moderator'/>"), 'owner'],
])('XEP-0045 §17.2, §17.3.6, XEP-0421 §4: %s from an occupant is not passed on', async (forged, word) => {
  const play = await coven()
  play.pda.says(`<message to='${room}' type='groupchat'><body>hi</body>${forged}</message>`)
  expect(String(await play.laptop.hears('<message><body>hi</body></message>'))).not.toContain(word)
  play.pda.says(`<presence to='${room}/thirdwitch'><show>dnd</show>${forged}</presence>`)
  const seen = await play.laptop.hears(`<presence><show>dnd</show>${x("<item affiliation='none'/>")}</presence>`)
  if (!forged.includes('delay') && !forged.includes('stanza-id')) expect(String(seen)).not.toContain(word)
})

test('XEP-0045 §7.9: what says who held back a message otherwise is passed on', async () => {
  const play = await coven()
  const delay = "<delay xmlns='urn:xmpp:delay' from='crone1@home.test/desktop' stamp='2004-09-29T01:54:37Z'/>"
  play.desktop.says(`<message to='${room}' type='groupchat'><body>hi</body>${delay}</message>`)
  await play.pda.hears(`<message><body>hi</body>${delay}</message>`)
})

test.each([
  ['§7.4', 'tablet', `<message to='${room}' type='groupchat'><body>hi</body></message>`, 'not-acceptable'],
  ['§7.5', 'tablet', `<message to='${room}/firstwitch' type='chat'><body>hi</body></message>`, 'not-acceptable'],
  ['§7.5', 'pda', `<message to='${room}/firstwitch' type='groupchat'><body>hi</body></message>`, 'bad-request'],
  ['§7.5', 'pda', `<message to='${room}/nobody' type='chat'><body>hi</body></message>`, 'item-not-found'],
  ['§17.2.1', 'pda', `<message to='${room}'><body>hi</body></message>`, 'bad-request'],
  [
    '§17.2.3',
    'pda',
    "<message to='heath@rooms.home.test' type='groupchat'><body>hi</body></message>",
    'item-not-found',
  ],
  ['§8.1', 'pda', `<message to='${room}' type='groupchat'><subject>Mine</subject></message>`, 'forbidden'],
])('XEP-0045 %s: %s saying %s is answered with %s', async (_, who, stanza, condition) => {
  const play = await coven()
  const client = play.clients[who]!
  client.says(stanza)
  await client.hears(`<message type='error'>${error(condition)}</message>`)
  await play.desktop.hearsNothing()
})

test('XEP-0045 §7.5: a private message is from the occupant, and marked', async () => {
  const play = await coven()
  play.laptop.says(
    `<message to='${room}/firstwitch' type='chat' id='p1'><body>psst</body>${x("<item affiliation='owner'/>")}</message>`,
  )
  const heard = await play.desktop.hears(
    `<message from='${room}/secondwitch' type='chat' id='p1'><body>psst</body>${x()}<occupant-id xmlns='urn:xmpp:occupant-id:0'/></message>`,
  )
  expect(heard.child('x', 'http://jabber.org/protocol/muc#user')!.children).toEqual([])
  await play.pda.hearsNothing()
})

test.each([
  ['anyone', [true, true, true]],
  ['participants', [false, true, true]],
  ['moderators', [false, false, true]],
  ['none', [false, false, false]],
])(
  'XEP-0045 §7.5, §10.2: private messages for %s: visitors, participants, moderators %j',
  async (allowpm, outcomes) => {
    const play = await coven({ moderatedroom: '1', allowpm })
    await play.desktop.asks(
      `<iq to='${room}' type='set'><query xmlns='http://jabber.org/protocol/muc#admin'><item nick='secondwitch' role='participant'/></query></iq>`,
    )
    await entered(play.tablet, 'reader')
    await quiet(play)
    for (const [i, client] of [play.pda, play.laptop, play.desktop].entries()) {
      client.says(`<message to='${room}/reader' type='chat'><body>psst</body></message>`)
      if (outcomes[i]) await play.tablet.hears("<message type='chat'/>")
      else await client.hears(`<message type='error'>${error('forbidden')}</message>`)
    }
    await play.tablet.hearsNothing()
  },
)

test('XEP-0045 §7.4: who has no voice does not speak', async () => {
  const play = await coven({ moderatedroom: '1' })
  says(play.pda, 'hi')
  await play.pda.hears(`<message type='error'>${error('forbidden')}</message>`)
  says(play.desktop, 'ho')
  await play.pda.hears('<message><body>ho</body></message>')
})

test('XEP-0045 §7.6: a new nickname', async () => {
  const play = await coven()
  play.pda.says(`<presence to='${room}/oldhag'/>`)
  for (const [client, own] of [
    [play.desktop, []],
    [play.pda, [110]],
  ] as const) {
    await client.hears(
      `<presence from='${room}/thirdwitch' type='unavailable'>${x("<item affiliation='none' role='participant' nick='oldhag'/>", ...own, 303)}</presence>`,
    )
    await client.hears(
      `<presence from='${room}/oldhag'>${x("<item affiliation='none' role='participant'/>", ...own)}</presence>`,
    )
    await client.hearsNothing()
  }
  says(play.pda, 'hi')
  await play.laptop.awaits(`<message from='${room}/oldhag'><body>hi</body></message>`)
})

test('XEP-0045 §7.6: a nickname that somebody else has, or that is reserved for somebody else, is refused', async () => {
  const play = await coven()
  await play.desktop.asks(
    `<iq to='${room}' type='set'><query xmlns='http://jabber.org/protocol/muc#admin'><item jid='absent@home.test' affiliation='member' nick='Macbeth'/></query></iq>`,
  )
  await quiet(play)
  for (const nick of ['firstwitch', 'FIRSTWITCH', 'macbeth']) {
    play.pda.says(`<presence to='${room}/${nick}'/>`)
    await play.pda.hears(`<presence from='${room}/${nick}' type='error'>${error('conflict')}</presence>`)
  }
  await play.laptop.hearsNothing()
  enters(play.tablet, 'MacBeth')
  await play.tablet.hears(`<presence type='error'>${error('conflict')}</presence>`)
})

test('XEP-0045 §7.6: the same nickname written otherwise is the occupant’s own', async () => {
  const play = await coven()
  play.pda.says(`<presence to='${room}/ThirdWitch'/>`)
  await play.laptop.hears(`<presence from='${room}/thirdwitch' type='unavailable'>${x(303)}</presence>`)
  await play.laptop.hears(`<presence from='${room}/ThirdWitch'/>`)
})

test('XEP-0045 §7.7: presence within the room', async () => {
  const play = await coven()
  play.pda.says(
    `<presence to='${room}/thirdwitch'><show>xa</show><status>gone</status><c xmlns='urn:other'/></presence>`,
  )
  await play.laptop.hears(
    `<presence from='${room}/thirdwitch'><show>xa</show><status>gone</status><c xmlns='urn:other'/>${x("<item affiliation='none' role='participant'/>")}</presence>`,
  )
  enters(play.tablet, 'fourth')
  await play.tablet.awaits(`<presence from='${room}/thirdwitch'><show>xa</show></presence>`)
})

test('XEP-0045 §7.14: leaving, with a last word', async () => {
  const play = await coven()
  play.pda.says(
    `<presence to='${room}/thirdwitch' type='unavailable'><status>gone where the goblins go</status></presence>`,
  )
  await play.pda.hears(
    `<presence from='${room}/thirdwitch' type='unavailable'><status>…</status>${x("<item affiliation='none' role='none'/>", 110)}</presence>`,
  )
  await play.laptop.hears(
    `<presence from='${room}/thirdwitch' type='unavailable'><status>…</status>${x("<item affiliation='none' role='none'/>")}</presence>`,
  )
  says(play.pda, 'hi')
  await play.pda.hears(`<message type='error'>${error('not-acceptable')}</message>`)
})

test('XEP-0045 §7.14, RFC 6121 §4.6.3: a session that ends leaves its rooms, whatever nicknames it had', async () => {
  const play = await coven()
  play.pda.says(`<presence to='${room}/oldhag'/>`)
  await play.laptop.awaits(`<presence from='${room}/oldhag'/>`)
  await play.pda.close()
  await play.laptop.hears(`<presence from='${room}/oldhag' type='unavailable'/>`)
  await play.laptop.hearsNothing()
})

test('XEP-0045 §7.14, §4.2: a temporary room ends with its last occupant, a persistent one stays', async () => {
  for (const [persistentroom, outcome] of [
    ['0', 201],
    ['1', undefined],
  ] as const) {
    const play = await witches()
    await entered(play.desktop, 'firstwitch')
    await configured(play.desktop, { persistentroom })
    play.desktop.says(`<presence to='${room}/firstwitch' type='unavailable'/>`)
    await play.desktop.awaits("<presence type='unavailable'/>")
    enters(play.pda, 'thirdwitch')
    const heard = await play.pda.hears(`<presence from='${room}/thirdwitch'/>`)
    expect(String(heard).includes("code='201'")).toBe(outcome === 201)
  }
})

test('XEP-0045 §8.1, §7.2.15: a subject is told to all, and to who enters later with the time at which it was set', async () => {
  const play = await coven()
  play.desktop.says(`<message to='${room}' type='groupchat'><subject>Fire Burn</subject></message>`)
  await play.pda.hears(`<message from='${room}/firstwitch' type='groupchat'><subject>Fire Burn</subject></message>`)
  await play.clock.advance(60_000)
  enters(play.tablet, 'fourth')
  await play.tablet.awaits(
    `<message from='${room}/firstwitch' type='groupchat'><subject>Fire Burn</subject><delay xmlns='urn:xmpp:delay' from='${room}' stamp='2026-01-01T00:00:00Z'/></message>`,
  )
  play.desktop.says(`<message to='${room}' type='groupchat'><subject/></message>`)
  const emptied = await play.pda.awaits(`<message from='${room}/firstwitch'><subject/></message>`)
  expect(emptied.child('subject')!.text).toBe('')
})

test('XEP-0045 §8.1: with a body it is a message, and everybody may change a subject where that is configured', async () => {
  const play = await coven({ changesubject: '1' })
  play.pda.says(`<message to='${room}' type='groupchat'><subject>Re</subject><body>hi</body></message>`)
  await play.laptop.hears('<message><subject>Re</subject><body>hi</body></message>')
  play.pda.says(`<message to='${room}' type='groupchat'><subject>Mine</subject></message>`)
  await play.laptop.hears(`<message from='${room}/thirdwitch'><subject>Mine</subject></message>`)
})

test('a subject has a limit, and so has what an occupant says in a while', async () => {
  const play = await coven(
    {},
    { config: { hosts: { 'home.test': { modules: { muc: { subject: 5, messagesPerSecond: 0.2 } } } } } },
  )
  play.desktop.says(`<message to='${room}' type='groupchat'><subject>123456</subject></message>`)
  await play.desktop.hears(`<message type='error'>${error('not-acceptable')}</message>`)
  for (const _ of [1, 2]) says(play.pda, 'hi')
  says(play.pda, 'again')
  await play.pda.awaits(`<message type='error'>${error('policy-violation')}</message>`)
  await play.clock.advance(5000)
  says(play.pda, 'later')
  await play.pda.awaits(`<message from='${room}/thirdwitch'><body>later</body></message>`)
})

test('XEP-0045 §14.6: presence that is too long is refused, of who enters, is there, or takes another nickname', async () => {
  const play = await coven()
  const long = `<status>${'x'.repeat(10_001)}</status>`
  const entry = `<x xmlns='http://jabber.org/protocol/muc'/>`
  for (const [client, nick, content] of [
    [play.tablet, 'fourth', entry + long],
    [play.pda, 'thirdwitch', long],
    [play.pda, 'thirdwitch', entry + long],
    [play.pda, 'other', long],
  ] as const) {
    client.says(`<presence to='${room}/${nick}'>${content}</presence>`)
    await client.hears(`<presence from='${room}/${nick}' type='error'>${error('policy-violation')}</presence>`)
  }
  await play.desktop.hearsNothing()
})

test('XEP-0045 §14.6: rapid changes of presence end for a while, also for who leaves and comes back under another nickname', async () => {
  const play = await coven()
  const changes = (client: Witches['pda'], count: number) => {
    for (let i = 0; i < count; i++) client.says(`<presence to='${room}/thirdwitch'><status>${i}</status></presence>`)
  }
  changes(play.pda, 98)
  play.pda.says(`<presence to='${room}/other'/>`)
  play.pda.says(`<presence to='${room}/other'><show>away</show></presence>`)
  await play.pda.awaits(`<presence from='${room}/other' type='error'>${error('policy-violation')}</presence>`)
  play.pda.says(`<presence to='${room}/other' type='unavailable'/>`)
  await play.pda.awaits(`<presence from='${room}/other' type='unavailable'/>`)
  enters(play.pda, 'thirdwitch')
  await play.pda.awaits(`<presence from='${room}/thirdwitch' type='error'>${error('policy-violation')}</presence>`)
  play.laptop.clear()
  play.laptop.says(`<presence to='${room}/secondwitch'><show>away</show></presence>`)
  await play.laptop.awaits(`<presence from='${room}/secondwitch'><show>away</show></presence>`)
  await play.clock.advance(1000)
  await entered(play.pda, 'thirdwitch')
})

test('XEP-0045 §18.1.2, §11.1: who cannot be reached is taken out with status 333; other errors are nobody’s business', async () => {
  const play = await coven()
  for (const condition of ['not-acceptable', 'service-unavailable', 'bad-request'])
    play.pda.says(
      `<message to='${room}/firstwitch' type='error'><error type='cancel'><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`,
    )
  await play.pda.sync()
  await play.laptop.hearsNothing()
  play.pda.says(
    `<message to='${room}' type='error'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`,
  )
  await play.laptop.hears(
    `<presence from='${room}/thirdwitch' type='unavailable'>${x("<item role='none'/>", 333)}</presence>`,
  )
})

test('XEP-0045 §17.4.3, XEP-0410 §3.3: requests pass between occupants, who do not learn who the other is; who asks itself is answered', async () => {
  const play = await coven()
  const ping = (nick: string) => `<iq to='${room}/${nick}' type='get'><ping xmlns='urn:xmpp:ping'/></iq>`
  expect((await play.pda.asks(ping('thirdwitch'))).type).toBe('result')
  await expect(play.tablet.asks(ping('thirdwitch'))).rejects.toMatchObject({ condition: 'not-acceptable' })
  await expect(
    play.pda.asks("<iq to='heath@rooms.home.test/x' type='get'><ping xmlns='urn:xmpp:ping'/></iq>"),
  ).rejects.toMatchObject({ condition: 'not-acceptable' })
  await expect(play.pda.asks(ping('nobody'))).rejects.toMatchObject({ condition: 'item-not-found' })
  const answer = play.pda.asks(`<iq to='${room}/secondwitch' type='get'><query xmlns='jabber:iq:version'/></iq>`)
  const request = await play.laptop.hears(
    `<iq from='${room}/thirdwitch' type='get'><query xmlns='jabber:iq:version'/></iq>`,
  )
  play.laptop.says(
    `<iq to='${request.from}' id='${request.id}' type='result'><query xmlns='jabber:iq:version'><name>Cauldron</name></query></iq>`,
  )
  const heard = await answer
  expect(String(heard.from)).toBe(`${room}/secondwitch`)
  expect(heard.first()!.child('name')!.text).toBe('Cauldron')
  const refused = play.pda.asks(`<iq to='${room}/secondwitch' type='get'><query xmlns='jabber:iq:version'/></iq>`)
  const again = await play.laptop.hears("<iq type='get'/>")
  play.laptop.says(
    `<iq to='${again.from}' id='${again.id}' type='error'><error type='cancel'><feature-not-implemented xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
  )
  await expect(refused).rejects.toMatchObject({ condition: 'feature-not-implemented' })
})

test('XEP-0045 §17.4.3: who asks an occupant that has gone elsewhere does not learn where', async () => {
  const play = await coven()
  const asked = play.laptop.asks(`<iq to='${room}/thirdwitch' type='get'><query xmlns='jabber:iq:version'/></iq>`)
  const { id, from } = await play.pda.awaits("<iq type='get'/>")
  play.pda.says(
    `<iq type='error' id='${id}' to='${from}'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>xmpp:hag66@new.test</gone></error></iq>`,
  )
  await expect(asked).rejects.toMatchObject({ condition: 'gone', payload: undefined })
})

test('XEP-0045 §6.6: nobody outside asks an occupant what it can do', async () => {
  const play = await coven()
  await expect(
    play.tablet.asks(
      `<iq to='${room}/thirdwitch' type='get'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`,
    ),
  ).rejects.toMatchObject({ condition: 'bad-request' })
})

test('XEP-0421 §4.1: an occupant-id stays with the user, and is another in another room', async () => {
  const play = await coven()
  const idOf = (stanza: { child(name: string, ns: string): { attr(name: string): string | undefined } | undefined }) =>
    stanza.child('occupant-id', 'urn:xmpp:occupant-id:0')!.attr('id')!
  play.pda.says(`<presence to='${room}/thirdwitch'><show>away</show></presence>`)
  const first = idOf(await play.laptop.hears(`<presence from='${room}/thirdwitch'/>`))
  play.pda.says(`<presence to='${room}/thirdwitch' type='unavailable'/>`)
  expect(idOf(await play.laptop.hears("<presence type='unavailable'/>"))).toBe(first)
  await entered(play.pda, 'another')
  expect(idOf(await play.laptop.hears(`<presence from='${room}/another'/>`))).toBe(first)
  says(play.pda, 'hi')
  expect(idOf(await play.laptop.hears('<message><body>hi</body></message>'))).toBe(first)
  says(play.laptop, 'ho')
  expect(idOf(await play.pda.awaits('<message><body>ho</body></message>'))).not.toBe(first)
  enters(play.pda, 'third', '', 'heath@rooms.home.test')
  expect(idOf(await play.pda.awaits("<presence from='heath@rooms.home.test/third'/>"))).not.toBe(first)
})
