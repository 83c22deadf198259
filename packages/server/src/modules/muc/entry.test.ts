import { expect, test } from 'vitest'
import { admin, configured, coven, entered, enters, error, quiet, room, says, witches, x } from './fixture.ts'

test('XEP-0045 §10.1.1, §10.1.2: who enters first makes the room and owns it; it is locked until it is configured', async () => {
  const play = await witches()
  enters(play.desktop, 'firstwitch')
  await play.desktop.hears(
    `<presence from='${room}/firstwitch'>${x("<item affiliation='owner' role='moderator'/>", 110, 170, 201)}</presence>`,
  )
  await play.desktop.hears(`<message from='${room}' type='groupchat'><subject/></message>`)
  enters(play.pda, 'thirdwitch')
  await play.pda.hears(`<presence from='${room}/thirdwitch' type='error'>${error('item-not-found')}</presence>`)
  says(play.desktop, 'hi')
  await play.desktop.hears(`<message from='${room}' type='error'>${error('item-not-found')}</message>`)
  await configured(play.desktop)
  await entered(play.pda, 'thirdwitch')
})

test('XEP-0045 §7.1, §7.2.2: who enters is told of the others, of itself, of what was said, of the subject, in that order', async () => {
  const play = await witches()
  await entered(play.desktop, 'firstwitch')
  await configured(play.desktop)
  await entered(play.laptop, 'secondwitch')
  says(play.desktop, 'Thrice the brinded cat hath mew’d.', "id='m1'")
  await quiet(play)
  enters(play.pda, 'thirdwitch')
  await play.pda.hears(
    `<presence from='${room}/firstwitch'>${x("<item affiliation='owner' role='moderator'/>")}</presence>`,
  )
  await play.pda.hears(
    `<presence from='${room}/secondwitch'>${x("<item affiliation='none' role='participant'/>")}</presence>`,
  )
  const self = await play.pda.hears(
    `<presence from='${room}/thirdwitch'>${x("<item affiliation='none' role='participant'/>", 110)}</presence>`,
  )
  expect(
    self
      .child('x', 'http://jabber.org/protocol/muc#user')!
      .elements()
      .filter(({ name }) => name === 'item'),
  ).toHaveLength(1)
  await play.pda.hears(`<message from='${room}/firstwitch' id='m1' type='groupchat'><body>…</body>
    <delay xmlns='urn:xmpp:delay' from='${room}' stamp='2026-01-01T00:00:00Z'/><stanza-id xmlns='urn:xmpp:sid:0' by='${room}'/></message>`)
  await play.pda.hears(`<message from='${room}' type='groupchat'><subject/></message>`)
  await play.pda.hearsNothing()
  for (const client of [play.desktop, play.laptop])
    await client.hears(
      `<presence from='${room}/thirdwitch'>${x("<item affiliation='none' role='participant'/>")}</presence>`,
    )
})

test('XEP-0045 §7.2.3, §7.2.4: real JIDs are told to moderators, in a non-anonymous room to all, who are warned', async () => {
  const play = await coven()
  await play.laptop.sync()
  play.pda.says(`<presence to='${room}/thirdwitch'><show>away</show></presence>`)
  const closed = await play.laptop.hears(`<presence from='${room}/thirdwitch'><show>away</show></presence>`)
  expect(String(closed)).not.toContain('hag66')
  await play.desktop.hears(`<presence from='${room}/thirdwitch'>${x("<item jid='hag66@home.test/pda'/>")}</presence>`)
  await configured(play.desktop, { whois: 'anyone' })
  await play.laptop.hears(`<message from='${room}' type='groupchat'>${x(172)}</message>`)
  await entered(play.tablet, 'fourth')
  await play.laptop.hears(
    `<presence from='${room}/fourth'>${x("<item jid='wiccarocks@home.test/tablet'/>")}</presence>`,
  )
  await quiet(play)
  enters(play.tablet, 'fourth')
  await play.tablet.awaits(`<presence from='${room}/fourth'>${x(100, 110)}</presence>`)
})

test('XEP-0045 §7.2.1: without a nickname there is no entry', async () => {
  const play = await witches()
  play.desktop.says(`<presence to='${room}'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
  await play.desktop.hears(`<presence from='${room}' type='error'>${error('jid-malformed')}</presence>`)
})

test('XEP-0045 §7.2.1: who is in and enters again is told everything again, the others nothing new', async () => {
  const play = await coven()
  enters(play.pda, 'thirdwitch')
  await play.pda.hears(`<presence from='${room}/firstwitch'/>`)
  await play.pda.hears(`<presence from='${room}/secondwitch'/>`)
  await play.pda.hears(`<presence from='${room}/thirdwitch'>${x(110)}</presence>`)
  await play.pda.hears(`<message from='${room}'><subject/></message>`)
  await play.pda.hearsNothing()
})

test('XEP-0045 §7.2.17: presence without the extension does not enter, the sender learns that it is not in', async () => {
  const play = await coven()
  play.tablet.says(`<presence to='${room}/ghost'/>`)
  await play.tablet.hears(
    `<presence from='${room}/ghost' type='unavailable'>${x("<item affiliation='none' role='none'/>", 110, 307, 333)}</presence>`,
  )
  await play.laptop.hearsNothing()
})

test('XEP-0045 §17.3: no other type of presence enters or leaves', async () => {
  const play = await coven()
  for (const type of ['probe', 'subscribe', 'subscribed', 'unsubscribe', 'unsubscribed'])
    play.pda.says(
      `<presence to='${room}/thirdwitch' type='${type}'><x xmlns='http://jabber.org/protocol/muc'/></presence>`,
    )
  await play.pda.sync()
  await play.desktop.hearsNothing()
  play.tablet.says(`<presence to='${room}/thirdwitch' type='unavailable'/>`)
  await play.tablet.hearsNothing()
  says(play.pda, 'still here')
  await play.desktop.hears(`<message from='${room}/thirdwitch'><body>still here</body></message>`)
})

test.each([
  ['§7.2.5', { passwordprotectedroom: '1', roomsecret: 'cauldronburn' }, '', 'not-authorized'],
  ['§7.2.5', { passwordprotectedroom: '1', roomsecret: 'cauldronburn' }, '<password>x</password>', 'not-authorized'],
  ['§7.2.6', { membersonly: '1' }, '', 'registration-required'],
  ['§7.2.9', { maxusers: '1' }, '', 'service-unavailable'],
])('XEP-0045 %s: with %j %s is refused with %s', async (_, fields, content, condition) => {
  const play = await witches()
  await entered(play.desktop, 'firstwitch')
  await configured(play.desktop, fields)
  enters(play.pda, 'thirdwitch', content)
  await play.pda.hears(
    `<presence from='${room}/thirdwitch' type='error'><x xmlns='http://jabber.org/protocol/muc'/>${error(condition)}</presence>`,
  )
  await play.pda.hearsNothing()
})

test('XEP-0045 §7.2.5: the password opens', async () => {
  const play = await witches()
  await entered(play.desktop, 'firstwitch')
  await configured(play.desktop, { passwordprotectedroom: '1', roomsecret: 'cauldronburn' })
  await entered(play.pda, 'thirdwitch', '<password>cauldronburn</password>')
})

test('XEP-0045 §7.2.7, §9.2: who is banned, or whose domain is, does not enter', async () => {
  const play = await witches({
    accounts: { crone1: ['desktop'], 'hag66@away.test': ['pda'], wiccarocks: ['laptop', 'tablet'] },
  })
  await entered(play.desktop, 'firstwitch')
  await configured(play.desktop)
  await admin(play.desktop, "<item affiliation='outcast' jid='wiccarocks@home.test'/>")
  await admin(play.desktop, "<item affiliation='outcast' jid='away.test'/>")
  for (const client of [play.laptop, play.pda]) {
    enters(client, 'other')
    await client.hears(`<presence from='${room}/other' type='error'>${error('forbidden')}</presence>`)
  }
})

test.each(['firstwitch', 'FirstWitch', 'ﬁrstwitch'])('XEP-0045 §7.2.8: %s is taken', async (nick) => {
  const play = await witches()
  await entered(play.desktop, 'firstwitch')
  await configured(play.desktop)
  enters(play.pda, nick)
  await play.pda.hears(`<presence type='error'>${error('conflict')}</presence>`)
})

test('XEP-0045 §7.2.8: several sessions of one user have one nickname', async () => {
  const play = await coven()
  enters(play.tablet, 'secondwitch')
  await play.tablet.awaits(`<presence from='${room}/secondwitch'>${x(110)}</presence>`)
  await quiet(play)
  says(play.pda, 'hi')
  for (const client of [play.laptop, play.tablet]) await client.hears('<message><body>hi</body></message>')
  says(play.tablet, 'ho')
  await play.laptop.hears(`<message from='${room}/secondwitch'><body>ho</body></message>`)
  play.pda.says(`<message to='${room}/secondwitch' type='chat'><body>psst</body></message>`)
  await play.tablet.hears(`<message from='${room}/secondwitch'><body>ho</body></message>`)
  for (const client of [play.laptop, play.tablet])
    await client.hears(`<message from='${room}/thirdwitch' type='chat'/>`)
  await quiet(play)
  // One of them leaves: the occupant stays.
  play.tablet.says(`<presence to='${room}/secondwitch' type='unavailable'/>`)
  await play.tablet.hears(`<presence from='${room}/secondwitch' type='unavailable'>${x(110)}</presence>`)
  await play.tablet.hearsNothing()
  const seen = await play.pda.hears(`<presence from='${room}/secondwitch'/>`)
  expect(seen.type).toBeUndefined()
  play.laptop.says(`<presence to='${room}/secondwitch' type='unavailable'/>`)
  await play.pda.hears(`<presence from='${room}/secondwitch' type='unavailable'/>`)
})

test('XEP-0045 §7.2.9: in a full room there is a place for its owner', async () => {
  const play = await coven({ persistentroom: '1' })
  play.desktop.says(`<presence to='${room}/firstwitch' type='unavailable'/>`)
  await play.desktop.sync()
  const { config } = play.server
  expect(config.hosts['home.test']!.modules['muc']).toMatchObject({ occupants: 5000 })
  await entered(play.desktop, 'firstwitch')
  await configured(play.desktop, { maxusers: '10' })
  await entered(play.tablet, 'other')
})

test.each([[' '], ['x'.repeat(65)]])('XEP-0045 §17.1: %j is no nickname', async (nick) => {
  const play = await witches()
  enters(play.desktop, nick.replace(' ', '&#xa0;'))
  await play.desktop.hears(`<presence type='error'/>`)
  await play.desktop.hearsNothing()
})

test.each([
  ["maxchars='0'", []],
  ["maxstanzas='1'", ['three']],
  ["maxstanzas='2'", ['two', 'three']],
  ["seconds='70'", ['three']],
  ["since='2026-01-01T00:01:30Z'", ['two', 'three']],
  ["since='1970-01-01T00:00:00Z'", ['one', 'two', 'three']],
  ["maxstanzas='2' seconds='70'", ['three']],
  ['', ['one', 'two', 'three']],
])('XEP-0045 §7.2.14: <history %s/> gives %j', async (wish, bodies) => {
  const play = await coven()
  for (const [body, wait] of [
    ['one', 100_000],
    ['two', 100_000],
    ['three', 60_000],
  ] as const) {
    says(play.pda, body)
    await play.pda.sync()
    await play.clock.advance(wait)
  }
  enters(play.tablet, 'fourth', wish === '' ? '' : `<history ${wish}/>`)
  const heard: string[] = []
  for (;;) {
    const stanza = await play.tablet.stanza()
    if (stanza.child('subject')) break
    if (stanza.name === 'message') heard.push(stanza.child('body')!.text)
  }
  expect(heard).toEqual(bodies)
})

test('XEP-0045 §7.2.8, §7.2.9: in a full room there is a place for another session of an occupant, not for another nickname of it', async () => {
  const play = await coven({ maxusers: '3' })
  enters(play.tablet, 'fourth')
  await play.tablet.hears(`<presence type='error'>${error('service-unavailable')}</presence>`)
  await entered(play.tablet, 'secondwitch')
})

test('XEP-0045 §7.2.14: maxchars counts whole stanzas', async () => {
  const play = await coven()
  says(play.pda, 'x'.repeat(300))
  says(play.pda, 'short')
  await play.pda.sync()
  const count = async (chars: number) => {
    play.tablet.clear()
    enters(play.tablet, 'fourth', `<history maxchars='${chars}'/>`)
    await play.tablet.awaits(`<message><subject/></message>`)
    await play.tablet.sync()
  }
  await count(600)
  enters(play.tablet, 'fourth', "<history maxchars='600'/>")
  await play.tablet.awaits('<message><body>short</body></message>')
  await play.tablet.hears('<message><subject/></message>')
  enters(play.tablet, 'fourth', "<history maxchars='10000'/>")
  await play.tablet.awaits(`<message><body>${'x'.repeat(300)}</body></message>`)
})

test('XEP-0045 §7.2.14: maxchars counts the stanzas as they are sent', async () => {
  const play = await coven()
  says(play.pda, 'short')
  await quiet(play)
  enters(play.tablet, 'fourth')
  const { length } = String(await play.tablet.awaits('<message><body>short</body></message>'))
  await play.tablet.hears('<message><subject/></message>')
  enters(play.tablet, 'fourth', `<history maxchars='${length - 1}'/>`)
  await play.tablet.awaits(`<presence from='${room}/fourth'/>`)
  await play.tablet.hears('<message><subject/></message>')
  enters(play.tablet, 'fourth', `<history maxchars='${length}'/>`)
  await play.tablet.awaits('<message><body>short</body></message>')
})

test.each(["<history maxstanzas='-1'/>", "<history seconds='x'/>", "<history since='yesterday'/>"])(
  'XEP-0045 §7.2.14: %s is refused',
  async (wish) => {
    const play = await coven()
    enters(play.tablet, 'fourth', wish)
    await play.tablet.hears(`<presence type='error'>${error('bad-request')}</presence>`)
  },
)

test.each([
  [undefined, 'away', 'not-allowed'],
  [{ user: { may: [] } }, 'home', 'not-allowed'],
])('XEP-0045 §10.1.1: with the roles %j, somebody of %s makes no room', async (roles, where, condition) => {
  const play = await witches({
    accounts: { [`crone1@${where}.test`]: ['desktop'], wiccarocks: ['laptop', 'tablet'], hag66: ['pda'] },
    config: {
      hosts: {
        'home.test': { roles },
        'away.test': { modules: { muc: false, 'room-inbox': false, 'push-rooms': false } },
      },
    },
  })
  enters(play.desktop, 'firstwitch')
  await play.desktop.hears(
    `<presence from='${room}/firstwitch' type='error'><x xmlns='http://jabber.org/protocol/muc'/>${error(condition)}</presence>`,
  )
})

test('a user makes as many rooms as the service allows', async () => {
  const play = await witches({ config: { hosts: { 'home.test': { modules: { muc: { perAccount: 1 } } } } } })
  await entered(play.desktop, 'firstwitch')
  enters(play.desktop, 'firstwitch', '', 'heath@rooms.home.test')
  await play.desktop.hears(`<presence type='error'>${error('resource-constraint')}</presence>`)
  play.desktop.says(`<presence to='${room}/firstwitch' type='unavailable'/>`)
  await play.desktop.hears(`<presence type='unavailable'/>`)
  await entered(play.desktop, 'firstwitch', '', 'heath@rooms.home.test')
})
