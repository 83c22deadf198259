import { DiscoInfo, DiscoItems, fieldValues, Form, MamResult, RsmResult } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import {
  admin,
  configured,
  coven,
  entered,
  enters,
  error,
  quiet,
  room,
  says,
  type Witches,
  witches,
  x,
} from './fixture.ts'

// What occupants, and those who are none yet, ask of a room.

const inviting = (to: string, rest = '') =>
  `<message to='${room}'>${x(`<invite to='${to}'>${rest}</invite>`)}</message>`

test('XEP-0045 §7.8.2: an invitation through the room, and that it is declined', async () => {
  const play = await coven({ passwordprotectedroom: '0' })
  await configured(play.desktop, { passwordprotectedroom: '1', roomsecret: 'cauldronburn' })
  for (const client of [play.tablet, play.pda]) client.comes()
  await quiet(play)
  play.pda.says(inviting('wiccarocks@home.test', "<reason>Come</reason><continue thread='t1'/>"))
  await play.tablet.hears(
    `<message from='${room}'>${x(`<invite from='${room}/thirdwitch'><reason>Come</reason><continue thread='t1'/></invite>`, '<password>cauldronburn</password>')}</message>`,
  )
  play.tablet.says(
    `<message to='${room}'>${x(`<decline to='${room}/thirdwitch'><reason>Busy</reason></decline>`)}</message>`,
  )
  await play.pda.hears(
    `<message from='${room}'>${x("<decline from='wiccarocks@home.test'><reason>Busy</reason></decline>")}</message>`,
  )
})

test('XEP-0045 §7.8.2: in a non-anonymous room the inviter has its JID; several are invited at once', async () => {
  const play = await coven({ whois: 'anyone' })
  for (const client of [play.tablet, play.pda]) client.comes()
  await quiet(play)
  play.desktop.says(
    `<message to='${room}'>${x("<invite to='wiccarocks@home.test/tablet'/>", "<invite to='hag66@home.test'/>")}</message>`,
  )
  for (const client of [play.tablet, play.pda])
    await client.hears(`<message from='${room}'>${x("<invite from='crone1@home.test'/>")}</message>`)
})

test.each([
  ['tablet', inviting('hag66@home.test'), 'not-acceptable'],
  ['pda', `<message to='${room}'>${x('<invite/>')}</message>`, 'bad-request'],
  ['pda', inviting('outcast@home.test'), 'not-allowed'],
  ['pda', inviting('home.test'), 'item-not-found'],
  [
    'pda',
    `<message to='${room}'>${x(...Array.from({ length: 21 }, () => "<invite to='a@home.test'/>"))}</message>`,
    'not-acceptable',
  ],
  ['tablet', `<message to='${room}'>${x("<decline to='crone1@home.test'/>")}</message>`, 'item-not-found'],
  ['tablet', `<message to='${room}'>${x("<decline to='nobody@home.test'/>")}</message>`, 'item-not-found'],
])('XEP-0045 §7.8.2: from %s %s is refused with %s', async (who, stanza, condition) => {
  const play = await coven()
  await admin(play.desktop, "<item affiliation='outcast' jid='outcast@home.test'/>")
  await quiet(play)
  play.clients[who]!.says(stanza)
  await play.clients[who]!.hears(`<message type='error'>${error(condition)}</message>`)
})

test('XEP-0045 §9.5: into a room for members only admins invite; members do where that is configured, and make members so', async () => {
  const play = await coven()
  await admin(play.desktop, "<item affiliation='member' jid='hag66@home.test'/>")
  await configured(play.desktop, { membersonly: '1' })
  play.tablet.comes()
  await quiet(play)
  play.pda.says(inviting('wiccarocks@home.test'))
  await play.pda.hears(`<message type='error'>${error('forbidden')}</message>`)
  await configured(play.desktop, { allowinvites: '1' })
  await quiet(play)
  play.pda.says(inviting('wiccarocks@home.test'))
  await play.tablet.awaits(`<message from='${room}'>${x(`<invite from='${room}/thirdwitch'/>`)}</message>`)
  await entered(play.tablet, 'fourth')
})

test('XEP-0045 §9.5: a member who may invite users does not let a whole domain in', async () => {
  const play = await coven()
  await admin(play.desktop, "<item affiliation='member' jid='hag66@home.test'/>")
  await configured(play.desktop, { membersonly: '1', allowinvites: '1' })
  await quiet(play)
  play.pda.says(inviting('home.test'))
  await play.pda.hears(`<message type='error'>${error('item-not-found')}</message>`)
  enters(play.tablet, 'fourth')
  await play.tablet.hears(`<presence type='error'>${error('registration-required')}</presence>`)
})

async function registers(client: Witches['pda'], nick: string) {
  return client.asks(
    `<iq to='${room}' type='set'><query xmlns='jabber:iq:register'><x xmlns='jabber:x:data' type='submit'>
      <field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#register</value></field>
      <field var='muc#register_roomnick'><value>${nick}</value></field></x></query></iq>`,
  )
}

test('XEP-0045 §7.10, §7.12: who registers with an open room is a member, its nickname is kept for it', async () => {
  const play = await coven()
  const asked = await play.pda.asks(`<iq to='${room}' type='get'><query xmlns='jabber:iq:register'/></iq>`)
  const form = Form.read(asked.first()!.child('x', 'jabber:x:data')!)
  expect(fieldValues(form, 'FORM_TYPE')).toEqual(['http://jabber.org/protocol/muc#register'])
  await registers(play.pda, 'Hecate')
  await play.laptop.hears(
    `<presence from='${room}/thirdwitch'>${x("<item affiliation='member' role='participant'/>")}</presence>`,
  )
  const answer = await play.pda.asks(`<iq to='${room}' type='get'><query xmlns='jabber:iq:register'/></iq>`)
  expect(answer.first()!.child('registered')).toBeDefined()
  expect(answer.first()!.child('username')!.text).toBe('Hecate')
  const nick = (client: Witches['pda']) =>
    client.asks(
      `<iq to='${room}' type='get'><query xmlns='http://jabber.org/protocol/disco#info' node='x-roomuser-item'/></iq>`,
    )
  expect(DiscoInfo.read((await nick(play.pda)).first()!).identities).toMatchObject([
    { category: 'conference', type: 'text', name: 'Hecate' },
  ])
  expect((await nick(play.tablet)).first()!.elements()).toEqual([])
  enters(play.tablet, 'hecate')
  await play.tablet.hears(`<presence type='error'>${error('conflict')}</presence>`)
  await expect(registers(play.laptop, 'HECATE')).rejects.toMatchObject({ condition: 'conflict' })
  await expect(registers(play.laptop, 'firstwitch')).rejects.toMatchObject({ condition: 'conflict' })
  await play.pda.asks(`<iq to='${room}' type='set'><query xmlns='jabber:iq:register'><remove/></query></iq>`)
  await registers(play.laptop, 'HECATE')
})

test.each(['', "<x xmlns='jabber:x:data' type='submit'/>", '<username>hag</username>'])(
  'XEP-0045 §7.10: %j is no registration',
  async (content) => {
    const play = await coven()
    await expect(
      play.pda.asks(`<iq to='${room}' type='set'><query xmlns='jabber:iq:register'>${content}</query></iq>`),
    ).rejects.toMatchObject({ condition: 'bad-request' })
  },
)

const unregister = `<iq to='${room}' type='set'><query xmlns='jabber:iq:register'><remove/></query></iq>`

test('XEP-0045 §7.10, XEP-0077 §3.2: who is not registered with a room does not end its registration', async () => {
  const play = await coven()
  await expect(play.pda.asks(unregister)).rejects.toMatchObject({ condition: 'registration-required' })
  await play.desktop.hearsNothing()
})

test('XEP-0045 §9.9: an approval that is refused can be given again with another nickname', async () => {
  const play = await coven()
  await configured(play.desktop, { membersonly: '1' })
  play.desktop.comes()
  await quiet(play)
  await registers(play.tablet, 'Hecate')
  const question = await play.desktop.hears(`<message from='${room}'><x xmlns='jabber:x:data' type='form'/></message>`)
  const form = Form.read(question.child('x', 'jabber:x:data')!)
  const answer = (nick: string) => {
    const given = new Map([
      ['muc#register_allow', '1'],
      ['muc#register_roomnick', nick],
    ])
    const fields = form.fields!.map((field) =>
      given.has(field.var!) ? { ...field, values: [given.get(field.var!)!] } : field,
    )
    play.desktop.says(`<message to='${room}'>${Form.write({ ...form, type: 'submit', fields })}</message>`)
  }
  await admin(play.desktop, "<item affiliation='member' jid='hag66@home.test' nick='Hecate'/>")
  await quiet(play)
  answer('Hecate')
  await play.desktop.hears(`<message type='error'>${error('conflict')}</message>`)
  answer('Hag')
  await play.desktop.sync()
  await entered(play.tablet, 'Hag')
})

test('XEP-0045 §7.10, §9.9: who has asked for membership and thinks better of it is not let in', async () => {
  const play = await coven()
  await configured(play.desktop, { membersonly: '1' })
  play.desktop.comes()
  await quiet(play)
  await registers(play.tablet, 'Hecate')
  const question = await play.desktop.hears(`<message from='${room}'><x xmlns='jabber:x:data' type='form'/></message>`)
  await play.tablet.asks(unregister)
  const form = Form.read(question.child('x', 'jabber:x:data')!)
  const fields = form.fields!.map((field) => (field.var === 'muc#register_allow' ? { ...field, values: ['1'] } : field))
  play.desktop.says(`<message to='${room}'>${Form.write({ ...form, type: 'submit', fields })}</message>`)
  await play.desktop.sync()
  enters(play.tablet, 'Hecate')
  await play.tablet.hears(`<presence type='error'>${error('registration-required')}</presence>`)
})

test('XEP-0045 §7.10: who is banned does not register', async () => {
  const play = await coven()
  await admin(play.desktop, "<item affiliation='outcast' jid='hag66@home.test'/>")
  await expect(registers(play.pda, 'Hecate')).rejects.toMatchObject({ condition: 'not-allowed' })
})

test('XEP-0045 §9.9: an admin lets into a room for members only who asks for it', async () => {
  const play = await coven({ membersonly: '0' })
  await configured(play.desktop, { membersonly: '1' })
  play.desktop.comes()
  await quiet(play)
  await registers(play.pda, 'Hecate')
  await registers(play.pda, 'Hecate')
  const question = await play.desktop.hears(`<message from='${room}'><x xmlns='jabber:x:data' type='form'/></message>`)
  await play.desktop.hearsNothing()
  const form = Form.read(question.child('x', 'jabber:x:data')!)
  const answer = (allow: string) =>
    Form.write({
      ...form,
      type: 'submit',
      fields: form.fields!.map((field) => (field.var === 'muc#register_allow' ? { ...field, values: [allow] } : field)),
    })
  play.pda.says(`<message to='${room}'>${answer('1')}</message>`)
  await play.pda.hears(`<message type='error'>${error('forbidden')}</message>`)
  play.desktop.says(`<message to='${room}'>${answer('1')}</message>`)
  await play.desktop.sync()
  await entered(play.pda, 'Hecate')
})

test('XEP-0045 §7.13, §8.6: a visitor asks for voice and is given it', async () => {
  const play = await coven({ moderatedroom: '1' })
  const wish = `<message to='${room}'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#request</value></field><field var='muc#role'><value>participant</value></field></x></message>`
  play.pda.says(wish)
  const question = await play.desktop.hears(`<message from='${room}'><x xmlns='jabber:x:data' type='form'/></message>`)
  await play.laptop.hearsNothing()
  const form = Form.read(question.child('x', 'jabber:x:data')!)
  expect(fieldValues(form, 'muc#jid')).toEqual(['hag66@home.test/pda'])
  const answer = (allow: string) =>
    `<message to='${room}'>${Form.write({
      ...form,
      type: 'submit',
      fields: form.fields!.map((field) => (field.var === 'muc#request_allow' ? { ...field, values: [allow] } : field)),
    })}</message>`
  play.laptop.says(answer('1'))
  await play.laptop.hears(`<message type='error'>${error('forbidden')}</message>`)
  play.desktop.says(answer('0'))
  await play.desktop.hearsNothing()
  play.desktop.says(answer('1'))
  await play.laptop.hears(`<presence from='${room}/thirdwitch'>${x("<item role='participant'/>")}</presence>`)
  play.pda.says(wish)
  await play.pda.awaits(`<message type='error'>${error('not-allowed')}</message>`)
  play.laptop.says(wish.replace('participant', 'moderator'))
  await play.laptop.hears(`<message type='error'>${error('bad-request')}</message>`)
})

test('XEP-0045 §8.6: who has taken the nickname of a visitor that asked for voice is not given it', async () => {
  const play = await coven({ moderatedroom: '1' })
  const wish = `<message to='${room}'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#request</value></field><field var='muc#role'><value>participant</value></field></x></message>`
  play.pda.says(wish)
  const question = await play.desktop.hears(`<message from='${room}'><x xmlns='jabber:x:data' type='form'/></message>`)
  const form = Form.read(question.child('x', 'jabber:x:data')!)
  play.pda.says(`<presence to='${room}/oldhag'/>`)
  await play.pda.sync()
  play.laptop.says(`<presence to='${room}/thirdwitch'/>`)
  await quiet(play)
  const fields = form.fields!.map((field) => (field.var === 'muc#request_allow' ? { ...field, values: ['1'] } : field))
  play.desktop.says(`<message to='${room}'>${Form.write({ ...form, type: 'submit', fields })}</message>`)
  await play.desktop.hears(`<message type='error'>${error('item-not-found')}</message>`)
  await play.laptop.hearsNothing()
})

const disco = (to: string, kind: 'info' | 'items', content = '', node = '') =>
  `<iq to='${to}' type='get'><query xmlns='http://jabber.org/protocol/disco#${kind}'${node && ` node='${node}'`}>${content}</query></iq>`

test('XEP-0045 §6.1, §6.2: the service is found, and says what it is', async () => {
  const play = await witches()
  const items = DiscoItems.read((await play.pda.asks(disco('home.test', 'items'))).first()!).items
  expect(items.map(({ jid, name }) => `${jid} ${name}`)).toContain('rooms.home.test Rooms')
  const info = DiscoInfo.read((await play.pda.asks(disco('rooms.home.test', 'info'))).first()!)
  expect(info.identities).toMatchObject([{ category: 'conference', type: 'text', name: 'Rooms' }])
  expect(info.features).toEqual(
    expect.arrayContaining([
      'http://jabber.org/protocol/muc',
      'http://jabber.org/protocol/muc#stable_id',
      'urn:xmpp:occupant-id:0',
    ]),
  )
  for (const kind of ['info', 'items'] as const)
    await expect(play.pda.asks(disco('rooms.home.test', kind, '', 'x'))).rejects.toMatchObject({
      condition: 'item-not-found',
    })
  expect((await play.pda.asks("<iq to='rooms.home.test' type='get'><ping xmlns='urn:xmpp:ping'/></iq>")).type).toBe(
    'result',
  )
})

test('XEP-0045 §6.3, XEP-0059 §2: public rooms are listed, a page at a time; hidden and locked ones are not', async () => {
  const play = await witches({ config: { hosts: { 'home.test': { modules: { muc: { page: 2 } } } } } })
  for (const name of ['d', 'b', 'a', 'c', 'hidden', 'locked']) {
    const to = `${name}@rooms.home.test`
    await entered(play.desktop, 'firstwitch', '', to)
    if (name !== 'locked')
      await configured(play.desktop, { publicroom: name === 'hidden' ? '0' : '1', roomname: name.toUpperCase() }, to)
  }
  const page = async (content = '') => {
    const query = (await play.pda.asks(disco('rooms.home.test', 'items', content))).first()!
    const set = query.child('set', 'http://jabber.org/protocol/rsm')
    return {
      items: DiscoItems.read(query).items.map(({ jid, name }) => `${jid.local} ${name}`),
      set: set && RsmResult.read(set),
    }
  }
  const rsm = (content: string) => page(`<set xmlns='http://jabber.org/protocol/rsm'>${content}</set>`)
  const first = await page()
  expect(first.items).toEqual(['a A', 'b B'])
  expect(first.set).toMatchObject({ first: 'a@rooms.home.test', last: 'b@rooms.home.test' })
  expect((await rsm(`<after>${first.set!.last}</after>`)).items).toEqual(['c C', 'd D'])
  expect((await rsm(`<max>1</max><after>c@rooms.home.test</after>`)).items).toEqual(['d D'])
  expect((await rsm(`<after>d@rooms.home.test</after>`)).items).toEqual([])
  await expect(rsm('<before/>')).rejects.toMatchObject({ condition: 'feature-not-implemented' })
})

test.each([
  [{}, ['muc_unsecured', 'muc_public', 'muc_temporary', 'muc_open', 'muc_unmoderated', 'muc_semianonymous']],
  [
    {
      persistentroom: '1',
      publicroom: '0',
      membersonly: '1',
      moderatedroom: '1',
      whois: 'anyone',
      passwordprotectedroom: '1',
      roomsecret: 'x',
    },
    ['muc_passwordprotected', 'muc_hidden', 'muc_persistent', 'muc_membersonly', 'muc_moderated', 'muc_nonanonymous'],
  ],
])('XEP-0045 §6.4: a room with %j tells its types', async (fields, types) => {
  const play = await witches()
  await entered(play.desktop, 'firstwitch')
  await configured(play.desktop, { ...fields, roomname: 'Cave', roomdesc: 'Dark' })
  const info = DiscoInfo.read((await play.pda.asks(disco(room, 'info'))).first()!)
  expect(info.features.filter((feature) => feature.startsWith('muc_'))).toEqual(types)
  expect(info.features).toEqual(
    expect.arrayContaining([
      'urn:xmpp:mam:2',
      'urn:xmpp:message-moderate:1',
      'http://jabber.org/protocol/muc#self-ping-optimization',
    ]),
  )
  expect(info.identities).toMatchObject([{ name: 'Cave' }])
  expect(fieldValues(info.forms[0]!, 'muc#roominfo_description')).toEqual(['Dark'])
  expect(fieldValues(info.forms[0]!, 'muc#roominfo_occupants')).toEqual(['1'])
  await expect(play.pda.asks(disco(room, 'info', '', 'http://jabber.org/protocol/muc#traffic'))).rejects.toMatchObject({
    condition: 'service-unavailable',
  })
})

test('XEP-0045 §6.5, §10.2: who is not broadcast is not listed', async () => {
  const play = await coven({ presencebroadcast: ['moderator'] })
  const answer = await play.pda.asks(disco(room, 'items'))
  expect(DiscoItems.read(answer.first()!).items.map(({ jid }) => `${jid}`)).toEqual([`${room}/firstwitch`])
})

test.each([{ membersonly: '1' }, { passwordprotectedroom: '1', roomsecret: 'cauldronburn' }])(
  'XEP-0045 §6.4, §14.4: the subject of a room with %j is told to who may know it',
  async (fields) => {
    const play = await coven()
    await admin(play.desktop, "<item affiliation='member' jid='hag66@home.test'/>")
    await configured(play.desktop, fields)
    play.desktop.says(`<message to='${room}' type='groupchat'><subject>Spells</subject></message>`)
    await quiet(play)
    const subject = async (client: Witches['pda']) =>
      fieldValues(DiscoInfo.read((await client.asks(disco(room, 'info'))).first()!).forms[0]!, 'muc#roominfo_subject')
    expect(await subject(play.tablet)).toBeUndefined()
    expect(await subject(play.pda)).toEqual(['Spells'])
    await configured(play.desktop, { membersonly: '0', passwordprotectedroom: '0' })
    expect(await subject(play.tablet)).toEqual(['Spells'])
    await admin(play.desktop, "<item affiliation='outcast' jid='wiccarocks@home.test'/>")
    expect(await subject(play.tablet)).toBeUndefined()
  },
)

test('XEP-0045 §6.5: who is in a room is told to those who are in it', async () => {
  const play = await coven()
  const items = async (client: Witches['pda']) =>
    DiscoItems.read((await client.asks(disco(room, 'items'))).first()!).items.length
  expect(await items(play.pda)).toBe(3)
  await play.laptop.close()
  expect(await items(play.tablet)).toBe(0)
})

const mam = (content = '') =>
  `<iq to='${room}' type='set'><query xmlns='urn:xmpp:mam:2' queryid='q'>${content}</query></iq>`
const withFilter = (name: string, value: string) =>
  mam(
    `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field><field var='${name}'><value>${value}</value></field></x>`,
  )

/** What the room gives. */
async function archived(client: Witches['pda'], request = mam()) {
  const answer = await client.asks(request)
  const results = client.inbox.filter((stanza) => stanza.child('result', 'urn:xmpp:mam:2'))
  client.clear()
  expect(answer.first()!.name).toBe('fin')
  return results.map((stanza) => ({
    from: String(stanza.from),
    ...MamResult.read(stanza.child('result', 'urn:xmpp:mam:2')!),
  }))
}

test('XEP-0313 §6.1.2: what is said in a room is kept once, under the id that the occupants have; private messages are not', async () => {
  const play = await coven()
  says(play.pda, 'one', "id='m1'")
  const heard = await play.laptop.hears('<message><body>one</body></message>')
  play.pda.says(`<message to='${room}/firstwitch' type='chat'><body>psst</body></message>`)
  play.pda.says(
    `<message to='${room}' type='groupchat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`,
  )
  play.pda.says(`<message to='${room}' type='groupchat'><body>off</body><no-store xmlns='urn:xmpp:hints'/></message>`)
  play.desktop.says(`<message to='${room}' type='groupchat'><subject>Two</subject></message>`)
  await play.pda.sync()
  await quiet(play)
  const [one, two, ...more] = await archived(play.laptop)
  expect(more).toEqual([])
  expect(one).toMatchObject({ from: room, queryId: 'q', id: heard.child('stanza-id', 'urn:xmpp:sid:0')!.attr('id') })
  const { stanza } = one!.forwarded
  expect([String(stanza.from), stanza.to, stanza.id, stanza.type]).toEqual([
    `${room}/thirdwitch`,
    undefined,
    'm1',
    'groupchat',
  ])
  expect(stanza.child('occupant-id', 'urn:xmpp:occupant-id:0')).toBeDefined()
  expect(two!.forwarded.stanza.child('subject')!.text).toBe('Two')
})

test('XEP-0313 §6.1.2: who sees real JIDs in the room sees them in its archive, and finds by them', async () => {
  const play = await coven()
  says(play.pda, 'one')
  says(play.laptop, 'two')
  await quiet(play)
  const seen = await archived(play.desktop)
  expect(
    seen.map(({ forwarded }) =>
      forwarded.stanza.child('x', 'http://jabber.org/protocol/muc#user')?.child('item')?.attr('jid'),
    ),
  ).toEqual(['hag66@home.test', 'wiccarocks@home.test'])
  expect(await archived(play.desktop, withFilter('with', 'hag66@home.test'))).toHaveLength(1)
  expect((await archived(play.pda)).map(({ forwarded }) => String(forwarded.stanza)).join('')).not.toContain(
    'wiccarocks',
  )
  expect(await archived(play.pda, withFilter('with', 'wiccarocks@home.test'))).toEqual([])
  const ofNick = await archived(play.pda, withFilter('with', `${room}/secondwitch`))
  expect(ofNick.map(({ forwarded }) => forwarded.stanza.child('body')!.text)).toEqual(['two'])
})

test('XEP-0313 §6.1.2: who may not enter does not read', async () => {
  const play = await coven()
  says(play.pda, 'one')
  await quiet(play)
  expect(await archived(play.tablet)).toHaveLength(1)
  await admin(play.desktop, "<item affiliation='outcast' jid='wiccarocks@home.test'/>")
  await expect(play.tablet.asks(mam())).rejects.toMatchObject({ condition: 'forbidden' })
  await admin(play.desktop, "<item affiliation='none' jid='wiccarocks@home.test'/>")
  await configured(play.desktop, { membersonly: '1' })
  for (const client of [play.tablet, play.pda])
    await expect(client.asks(mam())).rejects.toMatchObject({ condition: 'forbidden' })
  await configured(play.desktop, { membersonly: '0', enablelogging: '0' })
  await expect(play.tablet.asks(mam())).rejects.toMatchObject({ condition: 'service-unavailable' })
})

test('XEP-0313 §4.3.2, §5: pages, their ids, the extent', async () => {
  const play = await coven()
  for (const body of ['one', 'two', 'three']) says(play.pda, body)
  await quiet(play)
  const page = await archived(
    play.tablet,
    mam("<set xmlns='http://jabber.org/protocol/rsm'><max>2</max><before/></set>"),
  )
  expect(page.map(({ forwarded }) => forwarded.stanza.child('body')!.text)).toEqual(['two', 'three'])
  await expect(
    play.tablet.asks(mam("<set xmlns='http://jabber.org/protocol/rsm'><after>x</after></set>")),
  ).rejects.toMatchObject({ condition: 'item-not-found' })
  const metadata = await play.tablet.asks(`<iq to='${room}' type='get'><metadata xmlns='urn:xmpp:mam:2'/></iq>`)
  expect(metadata.first()!.child('end')!.attr('id')).toBe(page[1]!.id)
  expect(
    (await play.tablet.asks(`<iq to='${room}' type='get'><query xmlns='urn:xmpp:mam:2'/></iq>`))
      .first()!
      .child('x', 'jabber:x:data'),
  ).toBeDefined()
})

const moderate = (id: string) =>
  `<iq to='${room}' type='set'><moderate id='${id}' xmlns='urn:xmpp:message-moderate:1'><retract xmlns='urn:xmpp:message-retract:1'/><reason>Foul</reason></moderate></iq>`

test('XEP-0425 §3, §4: a moderator retracts a message: all are told, the archive and the history forget it', async () => {
  const play = await coven()
  says(play.pda, 'fair', "id='m0'")
  says(play.pda, 'foul', "id='m1'")
  const id = (await play.laptop.awaits('<message><body>foul</body></message>'))
    .child('stanza-id', 'urn:xmpp:sid:0')!
    .attr('id')!
  await quiet(play)
  await expect(play.laptop.asks(moderate(id))).rejects.toMatchObject({ condition: 'forbidden' })
  for (const unknown of ['x', `${id}0`])
    await expect(play.desktop.asks(moderate(unknown))).rejects.toMatchObject({ condition: 'item-not-found' })
  await play.desktop.asks(moderate(id))
  await play.pda.hears(
    `<message from='${room}' type='groupchat'><retract id='${id}' xmlns='urn:xmpp:message-retract:1'>
      <moderated by='${room}/firstwitch' xmlns='urn:xmpp:message-moderate:1'><occupant-id xmlns='urn:xmpp:occupant-id:0'/></moderated><reason>Foul</reason></retract></message>`,
  )
  const [, tombstone] = await archived(play.laptop)
  expect(tombstone!.id).toBe(id)
  const { stanza } = tombstone!.forwarded
  expect(
    stanza
      .elements()
      .map(({ name }) => name)
      .toSorted(),
  ).toEqual(['occupant-id', 'retracted'])
  expect([String(stanza.from), stanza.id]).toEqual([`${room}/thirdwitch`, 'm1'])
  enters(play.tablet, 'fourth')
  await play.tablet.awaits('<message><body>fair</body></message>')
  await play.tablet.hears('<message><subject/></message>')
})

test('XEP-0424 §5: an author takes back what it said; nobody else does', async () => {
  const play = await coven()
  says(play.pda, 'oops', "id='m1'")
  const id = (await play.laptop.hears('<message><body>oops</body></message>'))
    .child('stanza-id', 'urn:xmpp:sid:0')!
    .attr('id')!
  const retraction = (of: string) =>
    `<message to='${room}' type='groupchat' id='r1'><retract id='${of}' xmlns='urn:xmpp:message-retract:1'/></message>`
  const bodies = async () => {
    await quiet(play)
    return (await archived(play.laptop)).map(({ forwarded }) => forwarded.stanza.child('body')?.text)
  }
  play.laptop.says(retraction(id))
  play.pda.says(retraction(`${id}0`))
  await play.desktop.awaits(
    `<message from='${room}/secondwitch'><retract xmlns='urn:xmpp:message-retract:1'/></message>`,
  )
  expect(await bodies()).toEqual(['oops', undefined, undefined])
  play.pda.says(retraction(id))
  await play.pda.sync()
  expect(await bodies()).toEqual([undefined, undefined, undefined, undefined])
  const [tombstone] = await archived(play.laptop)
  expect(tombstone!.forwarded.stanza.child('retracted', 'urn:xmpp:message-retract:1')!.attr('id')).toBe('r1')
  enters(play.tablet, 'fourth')
  await play.tablet.awaits(
    '<presence><x xmlns="http://jabber.org/protocol/muc#user"><status code="110"/></x></presence>',
  )
  await play.tablet.hears('<message><subject/></message>')
})

test.each(['0', '1'])(
  'XEP-0424 §5: in a room with enablelogging=%s, who enters is not told what its author has taken back',
  async (enablelogging) => {
    const play = await coven({ enablelogging })
    says(play.pda, 'oops', "id='m1'")
    const said = await play.laptop.hears('<message><body>oops</body></message>')
    const id = said.child('stanza-id', 'urn:xmpp:sid:0')!.attr('id')!
    const retraction = `<message to='${room}' type='groupchat' id='r1'><retract id='${id}' xmlns='urn:xmpp:message-retract:1'/></message>`
    const told = async () => {
      enters(play.tablet, 'fourth')
      await play.tablet.awaits(`<presence from='${room}/fourth'/>`)
      return (await play.tablet.stanza()).child('body')?.text
    }
    play.laptop.says(retraction)
    await play.laptop.sync()
    expect(await told()).toBe('oops')
    await play.tablet.awaits('<message><subject/></message>')
    play.pda.says(retraction)
    await quiet(play)
    expect(await told()).toBeUndefined()
  },
)

test.each([
  [
    'its author',
    (id: string) =>
      `<message to='${room}' type='groupchat' id='r1'><retract id='${id}' xmlns='urn:xmpp:message-retract:1'/></message>`,
  ],
  [
    'a moderator',
    (id: string) =>
      `<iq to='${room}' type='set' id='r1'><moderate id='${id}' xmlns='urn:xmpp:message-moderate:1'><retract xmlns='urn:xmpp:message-retract:1'/></moderate></iq>`,
  ],
] as const)(
  'XEP-0424 §4, XEP-0308 §3: with a message that %s retracts go its corrections, and not those of others',
  async (who, retraction) => {
    const play = await coven()
    const corrects = (client: Witches['pda'], body: string) =>
      client.says(
        `<message to='${room}' type='groupchat'><body>${body}</body><replace id='m1' xmlns='urn:xmpp:message-correct:0'/></message>`,
      )
    says(play.pda, 'wrong', "id='m1'")
    const said = await play.laptop.hears('<message><body>wrong</body></message>')
    corrects(play.pda, 'worse')
    await play.pda.sync()
    corrects(play.laptop, 'other')
    await play.laptop.sync()
    const author = who === 'its author' ? play.pda : play.desktop
    author.says(retraction(said.child('stanza-id', 'urn:xmpp:sid:0')!.attr('id')!))
    await quiet(play)
    const bodies = (await archived(play.laptop)).map(({ forwarded }) => forwarded.stanza.child('body')?.text)
    expect(bodies).toEqual([undefined, undefined, 'other', undefined])
    enters(play.tablet, 'fourth')
    await play.tablet.awaits(`<presence from='${room}/fourth'/>`)
    await play.tablet.hears('<message><body>other</body></message>')
    await play.tablet.hears('<message><subject/></message>')
  },
)

test('XEP-0425 §4: that a message was moderated stays, though its author retracts it then', async () => {
  const play = await coven()
  says(play.pda, 'oops', "id='m1'")
  const said = await play.laptop.hears('<message><body>oops</body></message>')
  const id = said.child('stanza-id', 'urn:xmpp:sid:0')!.attr('id')!
  const retract = "<retract xmlns='urn:xmpp:message-retract:1'/>"
  await play.desktop.asks(
    `<iq to='${room}' type='set'><moderate id='${id}' xmlns='urn:xmpp:message-moderate:1'>${retract}</moderate></iq>`,
  )
  play.pda.says(`<message to='${room}' type='groupchat' id='r1'>${retract.replace('/>', ` id='${id}'/>`)}</message>`)
  await quiet(play)
  const [tombstone] = await archived(play.laptop)
  const moderated = tombstone!.forwarded.stanza.child('retracted', 'urn:xmpp:message-retract:1')!
  expect(moderated.child('moderated', 'urn:xmpp:message-moderate:1')?.attr('by')).toBe(`${room}/firstwitch`)
})

test('XEP-0425 §3: other kinds of moderation are not known', async () => {
  const play = await coven()
  await expect(
    play.desktop.asks(`<iq to='${room}' type='set'><moderate id='x' xmlns='urn:xmpp:message-moderate:1'/></iq>`),
  ).rejects.toMatchObject({ condition: 'feature-not-implemented' })
})
