import { type Actor } from '@jackdaw/testkit'
import { Form, Jid, MamQuery, MamResult, Retracted, retractionNs, type Stanza, StanzaId } from '@jackdaw/xmpp'
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
import { muc } from './muc.ts'

// XEP-0045 across the death of the server: what was acknowledged holds, and whoever can come back has never left.

async function again(play: Witches, ...clients: Actor[]): Promise<void> {
  play.crash()
  await play.start()
  for (const client of clients) expect(await client.connect()).toBe('resumed')
}

/** What each has sent is acknowledged, so that it is not sent once more after the kill. */
async function settled(play: Witches): Promise<void> {
  await quiet(play)
  for (const client of Object.values(play.clients)) await client.settled()
}

test('occupants whose sessions come back are where they were: no presence flickers, messages go on', async () => {
  const play = await coven({ moderatedroom: '1' }, { resume: true })
  await admin(play.desktop, "<item nick='secondwitch' role='participant'/>")
  play.laptop.says(`<presence to='${room}/secondwitch'><show>away</show></presence>`)
  play.pda.says(`<presence to='${room}/oldhag'/>`)
  await settled(play)
  await again(play, play.desktop, play.laptop, play.tablet, play.pda)
  says(play.laptop, 'still here')
  for (const client of [play.desktop, play.laptop, play.pda])
    await client.hears(`<message from='${room}/secondwitch' type='groupchat'><body>still here</body></message>`)
  says(play.pda, 'no voice')
  await play.pda.hears(`<message type='error'>${error('forbidden')}</message>`)
  for (const client of Object.values(play.clients)) await client.hearsNothing()
  enters(play.tablet, 'fourth')
  const seen: string[] = []
  for (;;) {
    const stanza = await play.tablet.stanza()
    if (stanza.name === 'message') break
    seen.push(`${stanza.from!.resource} ${stanza.child('show')?.text ?? ''}`)
  }
  expect(seen.toSorted()).toEqual(['firstwitch ', 'fourth ', 'oldhag ', 'secondwitch away'])
})

test('who cannot come back leaves when the server starts, and the others are told then', async () => {
  const play = await coven({}, { resume: true })
  const guest = play.client('wiccarocks', 'guest', { resume: false })
  await guest.connect()
  await entered(guest, 'guest')
  await settled(play)
  await again(play, play.desktop, play.pda)
  for (const client of [play.desktop, play.pda]) {
    await client.hears(`<presence from='${room}/guest' type='unavailable'>${x("<item role='none'/>")}</presence>`)
    await client.hearsNothing()
  }
})

test('who does not come back in time leaves then', async () => {
  const play = await coven({}, { resume: true })
  await settled(play)
  await again(play, play.desktop)
  await play.clock.advance(200_000)
  await play.desktop.sync()
  await play.clock.advance(200_000)
  await play.desktop.sync()
  await play.clock.advance(250_000)
  for (const nick of ['secondwitch', 'thirdwitch'])
    await play.desktop.awaits(`<presence from='${room}/${nick}' type='unavailable'/>`)
})

test('who has gone while there was no service is gone when it is back', async () => {
  const play = await coven()
  const { modules } = play.server.hosts.get('home.test')!
  await modules.unload(muc)
  await play.pda.close()
  await modules.load(muc)
  says(play.desktop, 'hi')
  await play.laptop.hears(
    `<presence from='${room}/thirdwitch' type='unavailable'>${x("<item role='none'/>")}</presence>`,
  )
  await play.laptop.hears('<message><body>hi</body></message>')
})

test('room, configuration, affiliations, subject, history and archive are there again', async () => {
  const play = await coven({ roomname: 'Cave', persistentroom: '1', changesubject: '1' }, { resume: true })
  await admin(play.desktop, "<item affiliation='outcast' jid='hag66@home.test'/>")
  play.laptop.says(`<message to='${room}' type='groupchat'><subject>Fire</subject></message>`)
  says(play.laptop, 'one', "id='m1'")
  await settled(play)
  await again(play, play.desktop, play.laptop, play.tablet)
  const pda = play.client('hag66', 'pda')
  await pda.connect()
  enters(pda, 'thirdwitch')
  await pda.awaits(`<presence type='error'>${error('forbidden')}</presence>`)
  enters(play.tablet, 'fourth')
  await play.tablet.awaits(
    `<message id='m1' from='${room}/secondwitch'><body>one</body><delay xmlns='urn:xmpp:delay'/></message>`,
  )
  await play.tablet.hears(`<message from='${room}/secondwitch'><subject>Fire</subject></message>`)
  const answer = await play.tablet.asks(`<iq to='${room}' type='set'><query xmlns='urn:xmpp:mam:2'/></iq>`)
  expect(answer.first()!.child('set', 'http://jabber.org/protocol/rsm')!.child('count')!.text).toBe('2')
})

const inviting = (to: string) => `<message to='${room}'>${x(`<invite to='${to}'/>`)}</message>`
const declining = `<message to='${room}'>${x("<decline to='crone1@home.test'><reason>Too cold</reason></decline>")}</message>`

test('XEP-0045 §7.8.2: who was invited before a kill declines after it, once', async () => {
  const play = await coven({}, { resume: true })
  play.pda.comes()
  play.pda.says(inviting('wiccarocks@home.test'))
  await play.desktop.settled()
  await settled(play)
  await again(play, play.pda, play.tablet)
  play.tablet.says(declining)
  await play.pda.awaits(
    `<message from='${room}'>${x("<decline from='wiccarocks@home.test'><reason>Too cold</reason></decline>")}</message>`,
  )
  play.tablet.says(declining)
  await play.tablet.hears(`<message type='error'>${error('item-not-found')}</message>`)
})

test('XEP-0045 §7.8.2: nobody hears what an account asked that had the same name before, whoever is removed', async () => {
  const play = await coven({ persistentroom: '1' }, { resume: true })
  const { accounts } = play.server.hosts.get('home.test')!
  play.pda.says(inviting('wiccarocks@home.test'))
  play.desktop.says(inviting('hag66@home.test'))
  await settled(play)
  await accounts.remove(play.pda.account)
  await play.register('hag66')
  const heir = await play.login('hag66', 'heir')
  heir.comes()
  play.tablet.says(declining)
  await play.tablet.hears(`<message type='error'>${error('item-not-found')}</message>`)
  heir.says(declining)
  await heir.awaits(`<message type='error'>${error('item-not-found')}</message>`)
  await heir.hearsNothing()
})

const registering = `<iq to='${room}' type='set'><query xmlns='jabber:iq:register'><x xmlns='jabber:x:data' type='submit'>
  <field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#register</value></field>
  <field var='muc#register_roomnick'><value>Hecate</value></field></x></query></iq>`

/** The form that an admin was sent, with what it says to it. */
function submitted(question: Stanza, allowed: string): string {
  const form = Form.read(question.child(Form.name, Form.ns)!)
  const fields = form.fields!.map((field) => (field.var?.endsWith('_allow') ? { ...field, values: ['1'] } : field))
  expect(form.fields!.map((field) => field.var)).toContain(allowed)
  return `<message to='${room}'>${Form.write({ ...form, type: 'submit', fields })}</message>`
}

test('XEP-0045 §7.10, §9.9: who asked for membership before a kill is let in after it, and is not asked about twice', async () => {
  const play = await coven({ membersonly: '0', persistentroom: '1' }, { resume: true })
  await configured(play.desktop, { membersonly: '1' })
  play.desktop.comes()
  await quiet(play)
  await play.pda.asks(registering)
  const question = await play.desktop.hears(`<message from='${room}'><x xmlns='jabber:x:data' type='form'/></message>`)
  await settled(play)
  await again(play, play.desktop, play.pda)
  await play.pda.asks(registering)
  await play.desktop.hearsNothing()
  play.desktop.says(submitted(question, 'muc#register_allow'))
  await play.desktop.sync()
  await entered(play.pda, 'Hecate')
})

test('XEP-0045 §9.9: after a month an application that nobody has answered can be made again', async () => {
  const play = await coven({ membersonly: '0', persistentroom: '1' }, { config: { keepalive: { idle: '20 d' } } })
  await configured(play.desktop, { membersonly: '1' })
  play.desktop.comes()
  await quiet(play)
  const asked = async () => {
    await play.pda.asks(registering)
    await play.desktop.sync()
    return play.desktop.inbox.filter((stanza) => stanza.child(Form.name, Form.ns)).length
  }
  expect(await asked()).toBe(1)
  for (const [days, questions] of [
    [15, 1],
    [14, 1],
    [2, 2],
  ] as const) {
    await play.clock.advance(days * 24 * 3_600_000)
    expect(await asked()).toBe(questions)
  }
})

test('XEP-0045 §7.13, §8.6: who asked for voice before a kill is given it after it', async () => {
  const play = await coven({ moderatedroom: '1' }, { resume: true })
  play.pda.says(
    `<message to='${room}'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#request</value></field><field var='muc#role'><value>participant</value></field></x></message>`,
  )
  const question = await play.desktop.hears(`<message from='${room}'><x xmlns='jabber:x:data' type='form'/></message>`)
  await settled(play)
  await again(play, play.desktop, play.laptop, play.pda)
  play.desktop.says(submitted(question, 'muc#request_allow'))
  await play.laptop.hears(`<presence from='${room}/thirdwitch'>${x("<item role='participant'/>")}</presence>`)
})

test('XEP-0045 §7.2.13, §14.3: what is said while a room is not logged is told to who enters, until the server ends', async () => {
  const play = await coven({ persistentroom: '1' }, { resume: true })
  says(play.laptop, 'logged')
  await play.desktop.hears('<message><body>logged</body></message>')
  await configured(play.desktop, { enablelogging: '0' })
  says(play.laptop, 'secret')
  await play.desktop.awaits('<message><body>secret</body></message>')
  const told = async () => {
    enters(play.tablet, 'fourth')
    const bodies: string[] = []
    for (;;) {
      const stanza = await play.tablet.stanza()
      if (stanza.child('subject')) break
      const body = stanza.child('body')
      if (body) bodies.push(body.text)
    }
    play.tablet.says(`<presence to='${room}/fourth' type='unavailable'/>`)
    await play.tablet.awaits(`<presence from='${room}/fourth' type='unavailable'/>`)
    return bodies
  }
  expect(await told()).toEqual(['logged', 'secret'])
  await settled(play)
  await again(play, play.desktop, play.laptop, play.tablet)
  expect(await told()).toEqual([])
  await configured(play.desktop, { enablelogging: '1' })
  await settled(play)
  await again(play, play.desktop, play.laptop, play.tablet)
  expect(await told()).toEqual(['logged'])
})

test('a temporary room whose occupants are all gone with the server is gone', async () => {
  const play = await coven()
  await play.desktop.sync()
  play.crash()
  await play.start()
  const late = play.client('hag66', 'late')
  await late.connect()
  enters(late, 'late')
  await late.hears(`<presence from='${room}/late'>${x(201)}</presence>`)
})

test('a room that is being made when the server dies is still being made, by who resumes', async () => {
  const play = await witches({ resume: true })
  await entered(play.desktop, 'firstwitch')
  await settled(play)
  await again(play, play.desktop, play.pda)
  enters(play.pda, 'thirdwitch')
  await play.pda.hears(`<presence type='error'>${error('item-not-found')}</presence>`)
  await configured(play.desktop)
  await entered(play.pda, 'thirdwitch')
})

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'killed after batch %i of a busy minute: what was acknowledged is in the room',
  async (kill) => {
    const play = await coven({ persistentroom: '1' }, { resume: true })
    await settled(play)
    let said = 0
    for (let batch = 0; batch < kill; batch++) {
      for (const client of [play.laptop, play.pda]) says(client, `m${said++}`, `id='m${said}'`)
      play.pda.says(`<presence to='${room}/hag${batch}'/>`)
      await new Promise((resolve) => void setImmediate(resolve))
    }
    play.crash()
    await play.start()
    for (const client of [play.desktop, play.laptop, play.tablet, play.pda])
      expect(await client.connect()).toBe('resumed')
    for (const client of [play.laptop, play.pda]) await client.settled()
    await play.tablet.sync()
    enters(play.tablet, 'reader', "<history maxstanzas='0'/>")
    const nicks: string[] = []
    for (;;) {
      const stanza = await play.tablet.stanza()
      if (stanza.name === 'message') break
      nicks.push(stanza.from!.resource!)
    }
    expect(nicks.toSorted()).toEqual(['firstwitch', `hag${kill - 1}`, 'reader', 'secondwitch'])
    play.tablet.clear()
    await play.tablet.asks(`<iq to='${room}' type='set'><query xmlns='urn:xmpp:mam:2'/></iq>`)
    const bodies = play.tablet.inbox
      .filter((stanza) => stanza.child('result', 'urn:xmpp:mam:2'))
      .map((stanza) => /<body>(m\d+)<\/body>/.exec(String(stanza))![1]!)
    expect(bodies.toSorted()).toEqual(Array.from({ length: said }, (_, i) => `m${i}`).toSorted())
    // And each occupant heard each of them once.
    await play.desktop.sync()
    const heard = play.desktop.inbox
      .filter(({ type }) => type === 'groupchat')
      .map((stanza) => stanza.child('body')!.text)
    expect(heard.toSorted()).toEqual(bodies.toSorted())
  },
)

test('XEP-0424 §5: who has heard of a retraction finds the tombstone, though the server died at that moment', async () => {
  const play = await coven({}, { resume: true })
  says(play.laptop, 'by the pricking of my thumbs', "id='said'")
  const said = await play.desktop.awaits(`<message from='${room}/secondwitch' id='said'/>`)
  const { id } = StanzaId.read(said.child(StanzaId.name, StanzaId.ns)!)
  await settled(play)
  play.laptop.says(
    `<message to='${room}' type='groupchat' id='r'><retract xmlns='${retractionNs}' id='${id}'/><body>no</body></message>`,
  )
  await play.desktop.awaits(`<message from='${room}/secondwitch' id='r'/>`)
  await again(play, play.desktop, play.laptop, play.tablet, play.pda)
  await play.desktop.ask('set', MamQuery.write({}), Jid.parse(room))
  const kept = await play.desktop.awaits(`<message from='${room}'><result xmlns='urn:xmpp:mam:2'/></message>`)
  const message = MamResult.read(kept.child(MamResult.name, MamResult.ns)!).forwarded.stanza
  expect(message.child('body')).toBeUndefined()
  expect(Retracted.read(message.child(Retracted.name, Retracted.ns)!).id).toBe('r')
})
