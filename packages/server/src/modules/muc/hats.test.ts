import type { Actor } from '@jackdaw/testkit'
import { Command, DiscoInfo, DiscoItems, type Element, fieldValues } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { admin, configured, coven, entered, enters, quiet, room, x } from './fixture.ts'

const commandsNs = 'http://jabber.org/protocol/commands'
const prefix = 'urn:xmpp:hats:commands'
const teacher = 'http://tech.example.edu/hats#Teacher'
const proctor = 'http://tech.example.edu/hats#Proctor'
const hag = 'hag66@home.test'

const form = (fields: Record<string, string>) =>
  `<x xmlns='jabber:x:data' type='submit'>${Object.entries(fields)
    .map(([name, value]) => `<field var='hats#${name}'><value>${value}</value></field>`)
    .join('')}</x>`

async function carriesOut(client: Actor, command: string, content = '', attributes = ''): Promise<Command> {
  const answer = await client.asks(
    `<iq to='${room}' type='set'><command xmlns='${commandsNs}' node='${prefix}:${command}' ${attributes}>${content}</command></iq>`,
  )
  return Command.read(answer.first()!)
}

const makes = (client: Actor, uri = teacher, title = 'Teacher', hue = '327.255249') =>
  carriesOut(client, 'create', form({ uri, title, ...(hue !== '' && { hue }) }))
const gives = (client: Actor, jid = hag, uri = teacher) => carriesOut(client, 'assign', form({ jid, uri }))

const wearing = (...hats: string[]) => `<hats xmlns='urn:xmpp:hats:0'>${hats.join('')}</hats>`
const teachers = `<hat title='Teacher' uri='${teacher}' hue='327.255249'/>`
const proctors = `<hat title='Proctor' uri='${proctor}'/>`

async function info(client: Actor, node = ''): Promise<DiscoInfo> {
  const answer = await client.asks(
    `<iq to='${room}' type='get'><query xmlns='http://jabber.org/protocol/disco#info' ${node && `node='${node}'`}/></iq>`,
  )
  return DiscoInfo.read(answer.first()!)
}
const hash = async (client: Actor) => fieldValues((await info(client)).forms[0]!, 'hats#hash')?.[0]
const rows = ({ form: table }: Command) =>
  table!.items!.map((cells) => cells.map(({ var: name, values = [] }) => `${name} ${values.join()}`.trim()))
const hatsIn = (stanza: Element) => stanza.child('hats', 'urn:xmpp:hats:0')

test('XEP-0317 §4.2: an owner fills in the form for a hat; everybody is told that something has changed', async () => {
  const play = await coven()
  const first = await carriesOut(play.desktop, 'create', '', "action='execute'")
  expect(first).toMatchObject({ status: 'executing', actions: ['complete'] })
  expect(first.form!.fields!.map(({ var: name, type, isRequired }) => [name, type, isRequired])).toEqual([
    ['FORM_TYPE', 'hidden', false],
    ['hats#title', 'text-single', true],
    ['hats#uri', 'text-single', true],
    ['hats#hue', 'text-single', false],
  ])
  await play.laptop.hearsNothing()
  const done = await carriesOut(
    play.desktop,
    'create',
    form({ uri: teacher, title: 'Teacher', hue: '327.255249' }),
    `sessionid='${first.sessionId}'`,
  )
  expect(done).toMatchObject({ status: 'completed', sessionId: first.sessionId })
  for (const client of [play.desktop, play.laptop, play.pda])
    await client.hears(`<message from='${room}' type='groupchat'>${x(104)}</message>`)
})

test('XEP-0317 §3: a room says that it knows hats, and by a hash which; its commands are found', async () => {
  const play = await coven()
  expect((await info(play.pda)).features).toEqual(expect.arrayContaining(['urn:xmpp:hats:0', commandsNs]))
  expect(await hash(play.pda)).toBeUndefined()
  await makes(play.desktop)
  const one = await hash(play.pda)
  await makes(play.desktop, teacher, 'Professor')
  const other = await hash(play.pda)
  expect([one, other, one === other]).toEqual([expect.any(String), expect.any(String), false])
  await makes(play.desktop)
  expect(await hash(play.pda)).toBe(one)

  const commands = async (client: Actor) => {
    const query = `<query xmlns='http://jabber.org/protocol/disco#items' node='${commandsNs}'/>`
    const answer = await client.asks(`<iq to='${room}' type='get'>${query}</iq>`)
    return DiscoItems.read(answer.first()!).items.map(({ node }) => node!.slice(prefix.length + 1))
  }
  expect(await commands(play.desktop)).toEqual(['create', 'destroy', 'list', 'assign', 'unassign', 'list-assigned'])
  expect(await commands(play.pda)).toEqual(['list'])
  expect(await info(play.pda, commandsNs)).toMatchObject({ identities: [{ type: 'command-list' }] })
  expect(await info(play.pda, `${prefix}:list`)).toMatchObject({ identities: [{ type: 'command-node' }] })
  await expect(info(play.pda, `${prefix}:create`)).rejects.toMatchObject({ condition: 'forbidden' })
  await expect(info(play.pda, `${prefix}:dance`)).rejects.toMatchObject({ condition: 'item-not-found' })
})

test('XEP-0317 §4.1, §4.5: a hat is in the presence of who wears it, now and for who enters later', async () => {
  const play = await coven()
  await makes(play.desktop)
  await makes(play.desktop, proctor, 'Proctor', '')
  await quiet(play)
  await gives(play.desktop)
  for (const client of [play.desktop, play.laptop, play.pda])
    await client.hears(`<presence from='${room}/thirdwitch'>${wearing(teachers)}</presence>`)
  await gives(play.desktop, `${hag}/pda`, proctor)
  await play.laptop.hears(`<presence from='${room}/thirdwitch'>${wearing(teachers, proctors)}</presence>`)
  enters(play.tablet, 'secondwitch')
  await play.tablet.awaits(`<presence from='${room}/thirdwitch'>${wearing(teachers, proctors)}</presence>`)
  await quiet(play)
  // §7.7 of XEP-0045: it stays when the user says something else of itself.
  play.pda.says(`<presence to='${room}/thirdwitch'><show>away</show></presence>`)
  await play.laptop.hears(
    `<presence from='${room}/thirdwitch'><show>away</show>${wearing(teachers, proctors)}</presence>`,
  )
  play.pda.says(`<presence to='${room}/thirdwitch' type='unavailable'/>`)
  expect(hatsIn(await play.laptop.stanza())).toBeUndefined()
})

test('XEP-0317 §4.5: who is not here yet has its hat when it comes', async () => {
  const play = await coven()
  play.pda.says(`<presence to='${room}/thirdwitch' type='unavailable'/>`)
  await quiet(play)
  await makes(play.desktop)
  await gives(play.desktop)
  await quiet(play)
  play.pda.says(`<presence to='${room}/thirdwitch'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
  await play.laptop.hears(`<presence from='${room}/thirdwitch'>${wearing(teachers)}</presence>`)
})

test('XEP-0317 §4.6: a hat is taken away', async () => {
  const play = await coven()
  await makes(play.desktop)
  await gives(play.desktop)
  await quiet(play)
  await carriesOut(play.desktop, 'unassign', form({ jid: hag, uri: teacher }))
  const told = await play.laptop.stanza()
  expect([String(told.from), hatsIn(told)]).toEqual([`${room}/thirdwitch`, undefined])
  await expect(carriesOut(play.desktop, 'unassign', form({ jid: hag, uri: teacher }))).rejects.toMatchObject({
    condition: 'item-not-found',
  })
})

test('XEP-0317 §4.2, §4.3: what becomes of a hat is seen at who wears it', async () => {
  const play = await coven()
  await makes(play.desktop)
  await gives(play.desktop)
  await quiet(play)
  await makes(play.desktop, teacher, 'Professor')
  await play.laptop.hears(`<message>${x(104)}</message>`)
  await play.laptop.hears(
    `<presence from='${room}/thirdwitch'>${wearing(teachers.replace('Teacher', 'Professor'))}</presence>`,
  )
  await carriesOut(play.desktop, 'destroy', form({ uri: teacher }))
  await play.laptop.hears(`<message>${x(104)}</message>`)
  expect(hatsIn(await play.laptop.stanza())).toBeUndefined()
  expect(rows(await carriesOut(play.desktop, 'list-assigned'))).toEqual([])
  expect(await hash(play.desktop)).toBeUndefined()
})

test('XEP-0317 §4.4, §4.7: the hats of a room, and who wears them', async () => {
  const play = await coven()
  await makes(play.desktop)
  await makes(play.desktop, proctor, 'Proctor', '')
  await gives(play.desktop)
  await quiet(play)
  expect(rows(await carriesOut(play.laptop, 'list'))).toEqual([
    [`hats#title Proctor`, `hats#uri ${proctor}`, 'hats#hue'],
    [`hats#title Teacher`, `hats#uri ${teacher}`, 'hats#hue 327.255249'],
  ])
  expect(rows(await carriesOut(play.desktop, 'list-assigned'))).toEqual([
    [`hats#jid ${hag}`, `hats#uri ${teacher}`, 'hats#title Teacher', 'hats#hue 327.255249'],
  ])
  // It shows addresses.
  await expect(carriesOut(play.laptop, 'list-assigned')).rejects.toMatchObject({ condition: 'forbidden' })
  await configured(play.desktop, { whois: 'anyone' })
  expect(rows(await carriesOut(play.laptop, 'list-assigned'))).toHaveLength(1)
  play.laptop.says(`<presence to='${room}/secondwitch' type='unavailable'/>`)
  for (const command of ['list', 'list-assigned'])
    await expect(carriesOut(play.laptop, command)).rejects.toMatchObject({ condition: 'forbidden' })
})

test('XEP-0317 §4: admins decide about hats, moderators and members do not', async () => {
  const play = await coven()
  await admin(play.desktop, "<item jid='wiccarocks@home.test' affiliation='admin'/>")
  await admin(play.desktop, `<item nick='thirdwitch' role='moderator'/>`)
  await makes(play.laptop)
  for (const act of [
    makes(play.pda),
    gives(play.pda),
    carriesOut(play.pda, 'destroy', form({ uri: teacher })),
    carriesOut(play.pda, 'unassign', form({ jid: hag, uri: teacher })),
    carriesOut(play.pda, 'create'),
  ])
    await expect(act).rejects.toMatchObject({ condition: 'forbidden' })
})

test('XEP-0317 §4.1: nobody wears a hat by saying so', async () => {
  const play = await coven()
  play.pda.says(`<presence to='${room}/thirdwitch'><show>away</show>${wearing(teachers)}</presence>`)
  const told = await play.laptop.stanza()
  expect([told.child('show')?.text, hatsIn(told)]).toEqual(['away', undefined])
})

test.each([
  ['create', 'no URI', form({ title: 'Teacher' }), 'bad-request'],
  ['create', 'an empty title', form({ uri: teacher, title: ' ' }), 'bad-request'],
  ['create', 'what is no URI', form({ uri: 'no uri', title: 'Teacher' }), 'bad-request'],
  ['create', 'a long title', form({ uri: teacher, title: 'x'.repeat(1025) }), 'bad-request'],
  ['create', 'a long URI', form({ uri: `urn:x:${'y'.repeat(1024)}`, title: 'Teacher' }), 'bad-request'],
  ['create', 'a name for a hue', form({ uri: teacher, title: 'Teacher', hue: 'red' }), 'bad-request'],
  ['create', 'a hue beyond the circle', form({ uri: teacher, title: 'Teacher', hue: '360.1' }), 'bad-request'],
  ['destroy', 'another hat', form({ uri: proctor }), 'item-not-found'],
  ['assign', 'another hat', form({ jid: hag, uri: proctor }), 'item-not-found'],
  ['assign', 'nobody', form({ uri: teacher }), 'bad-request'],
  ['assign', 'what is no address', form({ jid: 'a@b@c', uri: teacher }), 'jid-malformed'],
  ['assign', 'a domain', form({ jid: 'home.test', uri: teacher }), 'bad-request'],
  ['dance', 'nothing', '', 'item-not-found'],
])('XEP-0317 §4: %s with %s is refused', async (command, _, content, condition) => {
  const play = await coven()
  await makes(play.desktop)
  await quiet(play)
  await expect(carriesOut(play.desktop, command, content)).rejects.toMatchObject({ condition })
  for (const client of Object.values(play.clients)) await client.hearsNothing()
})

test('XEP-0317 §4: a room has 100 hats at the most, a user 10 of them', async () => {
  const play = await coven()
  for (let i = 0; i < 100; i++) await makes(play.desktop, `urn:hat:${i}`, `Hat ${i}`)
  await expect(makes(play.desktop)).rejects.toMatchObject({ condition: 'resource-constraint' })
  for (let i = 0; i < 10; i++) await gives(play.desktop, hag, `urn:hat:${i}`)
  await expect(gives(play.desktop, hag, 'urn:hat:10')).rejects.toMatchObject({ condition: 'resource-constraint' })
  // Those that it has already change nothing.
  await gives(play.desktop, hag, 'urn:hat:9')
  expect(rows(await carriesOut(play.desktop, 'list-assigned'))).toHaveLength(10)
})

test('XEP-0317 §4: hats outlive a kill, and go with the room', async () => {
  const play = await coven({ persistentroom: '1' }, { resume: true })
  await makes(play.desktop)
  await gives(play.desktop)
  await quiet(play)
  for (const client of Object.values(play.clients)) await client.settled()
  play.crash()
  await play.start()
  for (const client of [play.desktop, play.laptop, play.pda]) expect(await client.connect()).toBe('resumed')
  play.pda.says(`<presence to='${room}/thirdwitch'><show>away</show></presence>`)
  await play.laptop.hears(`<presence from='${room}/thirdwitch'>${wearing(teachers)}</presence>`)
  await play.desktop.asks(
    `<iq to='${room}' type='set'><query xmlns='http://jabber.org/protocol/muc#owner'><destroy/></query></iq>`,
  )
  await entered(play.desktop, 'firstwitch')
  await configured(play.desktop, { persistentroom: '1' })
  await play.desktop.settled()
  play.crash()
  await play.start()
  expect(await play.desktop.connect()).toBe('resumed')
  expect(rows(await carriesOut(play.desktop, 'list'))).toEqual([])
})

test('XEP-0317 §4: nobody gets the hats of an account that was removed', async () => {
  const play = await coven()
  await makes(play.desktop)
  await gives(play.desktop)
  await admin(play.desktop, `<item jid='${hag}' affiliation='member'/>`)
  await play.server.hosts.get('home.test')!.accounts.remove(play.pda.account)
  await play.desktop.awaits(`<message>${x(`<item jid='${hag}' affiliation='none'/>`)}</message>`)
  expect(rows(await carriesOut(play.desktop, 'list-assigned'))).toEqual([])
})

test('XEP-0050 §2.4: a command is cancelled, and has no other steps than it offers', async () => {
  const play = await coven()
  const { sessionId } = await carriesOut(play.desktop, 'create')
  const session = `sessionid='${sessionId}'`
  for (const action of ['prev', 'next']) {
    const refused = carriesOut(play.desktop, 'create', '', `${session} action='${action}'`)
    await expect(refused).rejects.toMatchObject({ condition: 'bad-request', application: { name: 'bad-action' } })
  }
  const empty = carriesOut(play.desktop, 'create', '', `${session} action='complete'`)
  await expect(empty).rejects.toMatchObject({ application: { name: 'bad-payload' } })
  const cancelled = await carriesOut(play.desktop, 'create', '', `${session} action='cancel'`)
  expect(cancelled).toMatchObject({ status: 'canceled', sessionId })
  expect(rows(await carriesOut(play.desktop, 'list'))).toEqual([])
})
