import { type Actor } from '@jackdaw/testkit'
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
