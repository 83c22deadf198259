import { createHash } from 'node:crypto'
import { DiscoInfo, fieldValues, MucOwner } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import {
  admin,
  configured,
  coven,
  entered,
  enters,
  quiet,
  room,
  says,
  userNs,
  type Witches,
  witches,
  x,
} from './fixture.ts'

const owner = (content: string, type = 'set', to = room) =>
  `<iq to='${to}' type='${type}'><query xmlns='http://jabber.org/protocol/muc#owner'>${content}</query></iq>`

async function formOf({ desktop }: Witches) {
  return MucOwner.read((await desktop.asks(owner('', 'get'))).first()!).form!
}

test('XEP-0045 §10.1.3, §10.2: the form holds what is, and takes what is sent', async () => {
  const play = await witches()
  await entered(play.desktop, 'firstwitch')
  expect(fieldValues(await formOf(play), 'FORM_TYPE')).toEqual(['http://jabber.org/protocol/muc#roomconfig'])
  const fields = {
    roomname: 'A Dark Cave',
    roomdesc: 'The place for all good witches!',
    lang: 'en',
    pubsub: 'xmpp:pubsub.home.test?;node=coven',
    persistentroom: '1',
    publicroom: '0',
    membersonly: '1',
    moderatedroom: '1',
    changesubject: '1',
    allowinvites: '1',
    enablelogging: '0',
    whois: 'anyone',
    allowpm: 'moderators',
    presencebroadcast: ['moderator'],
    getmemberlist: ['visitor'],
    maxusers: '50',
    passwordprotectedroom: '1',
    roomsecret: 'cauldronburn',
    'muc#maxhistoryfetch': '7',
    roomadmins: ['wiccarocks@home.test', 'hecate@home.test'],
  }
  await configured(play.desktop, fields)
  const form = await formOf(play)
  for (const [name, value] of Object.entries(fields))
    expect(fieldValues(form, name.includes('#') ? name : `muc#roomconfig_${name}`), name).toEqual([value].flat())
  expect(fieldValues(form, 'muc#roomconfig_roomowners')).toEqual(['crone1@home.test'])
  // What a form does not mention stays.
  await configured(play.desktop, { roomname: 'Other' })
  expect(fieldValues(await formOf(play), 'muc#roomconfig_lang')).toEqual(['en'])
})

test.each([
  [{ passwordprotectedroom: '1', roomsecret: '' }, 'not-acceptable'],
  [{ whois: 'none' }, 'not-acceptable'],
  [{ allowpm: 'everybody' }, 'not-acceptable'],
  [{ maxusers: '0' }, 'not-acceptable'],
  [{ maxusers: '5001' }, 'not-acceptable'],
  [{ maxusers: 'many' }, 'not-acceptable'],
  [{ 'muc#maxhistoryfetch': '-1' }, 'not-acceptable'],
  [{ persistentroom: 'maybe' }, 'not-acceptable'],
  [{ presencebroadcast: ['moderator', 'king'] }, 'not-acceptable'],
  [{ roomname: 'x'.repeat(1025) }, 'not-acceptable'],
  [{ roomowners: [] }, 'conflict'],
  [{ roomadmins: ['a@b@c'] }, 'jid-malformed'],
  [{ FORM_TYPE: 'x' }, undefined],
])('XEP-0045 §10.1.3: %j is refused with %s, and changes nothing', async (fields, condition) => {
  const play = await coven()
  const before = await formOf(play)
  const answer = configured(play.desktop, fields as never)
  if (condition) await expect(answer).rejects.toMatchObject({ condition })
  else await answer
  expect(await formOf(play)).toEqual(before)
  await play.pda.hearsNothing()
})

test('XEP-0045 §10.2, §10.9: who is no owner neither configures nor destroys', async () => {
  const play = await coven()
  for (const request of [owner('', 'get'), owner("<x xmlns='jabber:x:data' type='submit'/>"), owner('<destroy/>')])
    for (const client of [play.pda, play.tablet])
      await expect(client.asks(request)).rejects.toMatchObject({ condition: 'forbidden' })
  await expect(play.desktop.asks(owner(''))).rejects.toMatchObject({ condition: 'bad-request' })
  await expect(play.desktop.asks(owner('', 'get', 'heath@rooms.home.test'))).rejects.toMatchObject({
    condition: 'item-not-found',
  })
})

test('XEP-0045 §10.1.3: a room whose configuration is cancelled, or whose maker leaves before, is not made', async () => {
  const play = await witches()
  await entered(play.desktop, 'firstwitch')
  await play.desktop.asks(owner("<x xmlns='jabber:x:data' type='cancel'/>"))
  await play.desktop.hears(`<presence from='${room}/firstwitch' type='unavailable'>${x('<destroy/>')}</presence>`)
  await entered(play.desktop, 'firstwitch')
  play.desktop.says(`<presence to='${room}/firstwitch' type='unavailable'/>`)
  await play.desktop.hears(`<presence from='${room}/firstwitch' type='unavailable'>${x('<destroy/>', 110)}</presence>`)
  await entered(play.desktop, 'firstwitch')
  await expect(
    play.pda.asks(`<iq to='${room}' type='get'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`),
  ).rejects.toMatchObject({ condition: 'item-not-found' })
  await play.desktop.close()
  enters(play.pda, 'thirdwitch')
  await play.pda.hears(`<presence from='${room}/thirdwitch'>${x(201)}</presence>`)
})

test('XEP-0045 §10.1.3: a room that is being made stays while its maker is in it with another session', async () => {
  const play = await witches()
  for (const client of [play.laptop, play.tablet]) await entered(client, 'secondwitch')
  play.tablet.clear()
  play.tablet.says(`<presence to='${room}/secondwitch' type='unavailable'/>`)
  const left = await play.tablet.hears(`<presence from='${room}/secondwitch' type='unavailable'/>`)
  expect(left.child('x', userNs)!.child('destroy')).toBeUndefined()
  play.laptop.says(`<presence to='${room}/secondwitch' type='unavailable'/>`)
  await play.laptop.awaits(`<presence from='${room}/secondwitch' type='unavailable'>${x('<destroy/>')}</presence>`)
})

test('XEP-0045 §10.2, XEP-0004 §3.3: a number of occupants that is none of the usual is among the options', async () => {
  const play = await coven({ maxusers: '30' })
  const field = (await formOf(play)).fields!.find((one) => one.var === 'muc#roomconfig_maxusers')!
  expect(field.values).toEqual(['30'])
  expect(field.options!.slice(0, 5).map(({ value }) => value)).toEqual(['none', '10', '20', '30', '50'])
})

test('XEP-0045 §10.2, §4.2: an empty room that becomes temporary ends', async () => {
  const play = await coven({ persistentroom: '1' })
  for (const client of [play.desktop, play.laptop, play.pda]) client.says(`<presence to='${room}' type='unavailable'/>`)
  await quiet(play)
  await configured(play.desktop, { persistentroom: '0' })
  await expect(configured(play.desktop)).rejects.toMatchObject({ condition: 'item-not-found' })
})

test('XEP-0045 §10.2: cancelled later, everything stays', async () => {
  const play = await coven()
  await play.desktop.asks(owner("<x xmlns='jabber:x:data' type='cancel'/>"))
  for (const client of [play.desktop, play.pda]) await client.hearsNothing()
})

test.each([
  [{ roomname: 'Cave' }, [104]],
  [{ enablelogging: '0' }, [171]],
  [{ whois: 'anyone' }, [172]],
  [{ whois: 'anyone', lang: 'en', enablelogging: '0' }, [104, 171, 172]],
])('XEP-0045 §10.2.1: that %j is configured is told with %j', async (fields, codes) => {
  const play = await coven()
  await configured(play.desktop, fields)
  await play.pda.hears(`<message from='${room}' type='groupchat'>${x(...codes)}</message>`)
  await configured(play.desktop, fields)
  await play.pda.hearsNothing()
})

test('XEP-0045 §10.2: strangers leave a room that becomes one for members only, with status 322', async () => {
  const play = await coven()
  await admin(play.desktop, "<item affiliation='member' jid='wiccarocks@home.test'/>")
  await quiet(play)
  await configured(play.desktop, { membersonly: '1' })
  await play.pda.hears(
    `<presence from='${room}/thirdwitch' type='unavailable'>${x("<item role='none'/>", 110, 322)}</presence>`,
  )
  await play.laptop.hears(`<presence from='${room}/thirdwitch' type='unavailable'>${x(322)}</presence>`)
})

test('XEP-0045 §5.1.2: voice goes and comes with the moderation of the room', async () => {
  const play = await coven()
  await configured(play.desktop, { moderatedroom: '1' })
  await play.laptop.awaits(`<presence from='${room}/thirdwitch'>${x("<item role='visitor'/>")}</presence>`)
  await configured(play.desktop, { moderatedroom: '0' })
  await play.laptop.awaits(`<presence from='${room}/thirdwitch'>${x("<item role='participant'/>")}</presence>`)
})

test('XEP-0045 §10.2: when other roles are broadcast, others learn who has come for them and who has gone', async () => {
  const play = await coven()
  await configured(play.desktop, { presencebroadcast: ['moderator'] })
  await play.desktop.awaits(
    `<presence from='${room}/thirdwitch' type='unavailable'>${x("<item role='none'/>")}</presence>`,
  )
  await play.laptop.hears(
    `<presence from='${room}/thirdwitch' type='unavailable'>${x("<item role='none'/>")}</presence>`,
  )
  await play.laptop.hears(`<message from='${room}' type='groupchat'>${x(104)}</message>`)
  await quiet(play)
  await configured(play.desktop, { presencebroadcast: ['moderator', 'participant'] })
  await play.laptop.hears(`<presence from='${room}/thirdwitch'>${x("<item role='participant'/>")}</presence>`)
  await play.laptop.hears(`<message from='${room}' type='groupchat'>${x(104)}</message>`)
})

test('XEP-0045 §10.2: admins and owners by the form', async () => {
  const play = await coven()
  await configured(play.desktop, { roomadmins: ['wiccarocks@home.test'] })
  await play.pda.hears(
    `<presence from='${room}/secondwitch'>${x("<item affiliation='admin' role='moderator'/>")}</presence>`,
  )
  await configured(play.desktop, { roomadmins: [], roomowners: ['crone1@home.test', 'hag66@home.test'] })
  await play.pda.hears(
    `<presence from='${room}/secondwitch'>${x("<item affiliation='member' role='participant'/>")}</presence>`,
  )
  await play.pda.hears(
    `<presence from='${room}/thirdwitch'>${x("<item affiliation='owner' role='moderator'/>", 110)}</presence>`,
  )
})

test('XEP-0045 §10.9: destroyed, with another venue; nothing is left', async () => {
  const play = await coven({ persistentroom: '1' })
  says(play.pda, 'hi')
  await quiet(play)
  await play.desktop.asks(
    owner("<destroy jid='heath@rooms.home.test'><password>x</password><reason>Macbeth doth come.</reason></destroy>"),
  )
  for (const [client, nick] of [
    [play.desktop, 'firstwitch'],
    [play.laptop, 'secondwitch'],
    [play.pda, 'thirdwitch'],
  ] as const) {
    await client.hears(
      `<presence from='${room}/${nick}' type='unavailable'>${x(
        "<item affiliation='none' role='none'/>",
        "<destroy jid='heath@rooms.home.test'><password>x</password><reason>Macbeth doth come.</reason></destroy>",
      )}</presence>`,
    )
    await client.hearsNothing()
  }
  await expect(play.pda.asks(owner('', 'get'))).rejects.toMatchObject({ condition: 'item-not-found' })
  await entered(play.pda, 'thirdwitch')
  await configured(play.pda)
  expect(
    fieldValues(MucOwner.read((await play.pda.asks(owner('', 'get'))).first()!).form!, 'muc#roomconfig_roomowners'),
  ).toEqual(['hag66@home.test'])
  enters(play.laptop, 'secondwitch')
  await play.laptop.awaits(`<presence from='${room}/secondwitch'/>`)
  await play.laptop.hears('<message><subject/></message>')
})

test('XEP-0486 §3, §5: an owner gives the room a picture, in two formats then, all learn of it', async () => {
  const play = await coven()
  const vcard = "<vCard xmlns='vcard-temp'><PHOTO><TYPE>image/png</TYPE><BINVAL>AAEC</BINVAL></PHOTO></vCard>"
  await expect(play.pda.asks(`<iq to='${room}' type='set'>${vcard}</iq>`)).rejects.toMatchObject({
    condition: 'forbidden',
  })
  await play.desktop.asks(`<iq to='${room}' type='set'>${vcard}</iq>`)
  await play.pda.hears(`<message from='${room}' type='groupchat'>${x(104)}</message>`)
  expect(
    (await play.tablet.asks(`<iq to='${room}' type='get'><vCard xmlns='vcard-temp'/></iq>`)).first()!.toString(),
  ).toBe(vcard)
  const hash = async () => {
    const answer = await play.tablet.asks(
      `<iq to='${room}' type='get'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`,
    )
    return fieldValues(DiscoInfo.read(answer.first()!).forms[0]!, 'muc#roominfo_avatarhash')
  }
  expect(await hash()).toEqual(['0c7a623fd2bbc05b06423be359e4021d36e721ad'])
  const other = '<PHOTO><TYPE>image/svg+xml</TYPE><BINVAL>AAED</BINVAL></PHOTO></vCard>'
  await play.desktop.asks(`<iq to='${room}' type='set'>${vcard.replace('</vCard>', other)}</iq>`)
  expect(await hash()).toEqual([
    '0c7a623fd2bbc05b06423be359e4021d36e721ad',
    createHash('sha1').update('\0\x01\x03').digest('hex'),
  ])
  await play.desktop.asks(`<iq to='${room}' type='set'><vCard xmlns='vcard-temp'/></iq>`)
  expect(await hash()).toBeUndefined()
  await expect(play.tablet.asks(`<iq to='${room}' type='get'><vCard xmlns='vcard-temp'/></iq>`)).rejects.toMatchObject({
    condition: 'item-not-found',
  })
})

test('a room goes on when the account of its owner is removed: to an admin, else to a member, else it ends', async () => {
  const play = await coven()
  await admin(
    play.desktop,
    "<item affiliation='member' jid='hag66@home.test'/><item affiliation='admin' jid='wiccarocks@home.test'/>",
  )
  await quiet(play)
  const { accounts } = play.server.hosts.get('home.test')!
  await accounts.remove(play.desktop.account)
  await play.pda.awaits(`<presence from='${room}/secondwitch'>${x("<item affiliation='owner'/>")}</presence>`)
  await accounts.remove(play.laptop.account)
  await play.pda.awaits(`<presence from='${room}/thirdwitch'>${x("<item affiliation='owner'/>")}</presence>`)
  await accounts.remove(play.pda.account)
  await play.server.hosts.get('home.test')!.accounts.create(play.pda.account, 'the wine is red')
  const again = await play.login('hag66', 'pda')
  enters(again, 'thirdwitch')
  await again.hears(`<presence from='${room}/thirdwitch'>${x(201)}</presence>`)
})

test('nobody inherits a room from an account of the same name', async () => {
  const play = await coven({ persistentroom: '1' })
  await admin(play.desktop, "<item affiliation='admin' jid='wiccarocks@home.test'/>")
  const { accounts } = play.server.hosts.get('home.test')!
  await accounts.remove(play.desktop.account)
  await accounts.create(play.desktop.account, 'the wine is red')
  const again = await play.login('crone1', 'desktop')
  await expect(again.asks(owner('', 'get'))).rejects.toMatchObject({ condition: 'forbidden' })
})

test.each(['heath', 'nobody-knows'])('XEP-0045 §10: requests to a room that is not there (%s)', async (name) => {
  const play = await witches()
  for (const [type, payload] of [
    ['get', "<query xmlns='http://jabber.org/protocol/muc#admin'><item role='visitor'/></query>"],
    ['get', "<query xmlns='jabber:iq:register'/>"],
    ['get', "<query xmlns='http://jabber.org/protocol/disco#info'/>"],
    ['get', "<query xmlns='http://jabber.org/protocol/disco#items'/>"],
    ['set', "<query xmlns='urn:xmpp:mam:2'/>"],
    ['get', "<vCard xmlns='vcard-temp'/>"],
  ])
    await expect(
      play.pda.asks(`<iq to='${name}@rooms.home.test' type='${type}'>${payload}</iq>`),
    ).rejects.toMatchObject({ condition: 'item-not-found' })
})
