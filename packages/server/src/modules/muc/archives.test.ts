import { type Actor, turn } from '@jackdaw/testkit'
import { DiscoInfo, fullTextField, fullTextNs, Jid, MamForm, MamFin, MamQuery, MamResult } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { coven, entered, room, says, type Witches } from './fixture.ts'

const hour = 3_600_000
const fullText = { config: { hosts: { 'home.test': { modules: { archive: { fullText: true } } } } } }

/** The bodies in a page of the room's archive. */
async function read(client: Actor, value: MamQuery = {}): Promise<(string | undefined)[]> {
  client.clear()
  const answer = await client.ask('set', MamQuery.write(value), Jid.parse(room))
  expect(MamFin.read(answer.first()!).isComplete).toBe(true)
  return client.inbox
    .filter((stanza) => stanza.child(MamResult.name, MamResult.ns))
    .map((stanza) => MamResult.read(stanza.child(MamResult.name, MamResult.ns)!).forwarded.stanza.child('body')?.text)
}

const search = (client: Actor, words: string) => read(client, { others: new Map([[fullTextField.var!, [words]]]) })

async function said(play: Witches, ...bodies: string[]): Promise<void> {
  for (const body of bodies) {
    says(play.laptop, body, `id='${body}'`)
    await play.desktop.awaits(`<message><body>${body}</body></message>`)
  }
}

test('XEP-0431 §2.2, §3: a room is searched by words where its host has that, by those who may read it', async () => {
  const play = await coven({ persistentroom: '1', membersonly: '0' }, fullText)
  await said(play, 'Eye of newt', 'and toe of frog', 'Wool of bat')
  expect(await search(play.desktop, 'EYE newt')).toEqual(['Eye of newt'])
  expect(await search(play.desktop, 'of')).toEqual(['Eye of newt', 'and toe of frog', 'Wool of bat'])
  expect(await search(play.desktop, 'dragon')).toEqual([])
  const form = await play.desktop.ask('get', MamForm.write(undefined as never), Jid.parse(room))
  expect(String(form)).toContain(fullTextField.var)
  const info = await play.desktop.asks(
    `<iq to='${room}' type='get'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`,
  )
  expect(DiscoInfo.read(info.first()!).features).toContain(fullTextNs)
  // What was retracted is found no more (XEP-0424 §4).
  const { ids } = await idsOf(play.desktop)
  play.laptop.says(
    `<message to='${room}' type='groupchat' id='r'><retract xmlns='urn:xmpp:message-retract:1' id='${ids[0]}'/></message>`,
  )
  await play.desktop.awaits(`<message from='${room}/secondwitch' id='r'/>`)
  await play.desktop.sync()
  expect(await search(play.desktop, 'newt')).toEqual([])
  const owner = `<iq to='${room}' type='set'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'><field var='muc#roomconfig_membersonly'><value>1</value></field></x></query></iq>`
  await play.desktop.asks(owner)
  await expect(search(play.tablet, 'bat')).rejects.toMatchObject({ condition: 'forbidden' })
})

async function idsOf(client: Actor) {
  client.clear()
  await client.ask('set', MamQuery.write({}), Jid.parse(room))
  const results = client.inbox.filter((stanza) => stanza.child(MamResult.name, MamResult.ns))
  return { ids: results.map((stanza) => MamResult.read(stanza.child(MamResult.name, MamResult.ns)!).id) }
}

test('XEP-0431 §2.1: a room is not searched, and does not say so, where its host does not have that', async () => {
  const play = await coven()
  await said(play, 'Eye of newt')
  await expect(search(play.desktop, 'newt')).rejects.toMatchObject({ condition: 'feature-not-implemented' })
  const info = await play.desktop.asks(
    `<iq to='${room}' type='get'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`,
  )
  expect(DiscoInfo.read(info.first()!).features).not.toContain(fullTextNs)
})

test("XEP-0313 §3.2: what is older than its host keeps it goes from a room's archive, and is not told to who enters", async () => {
  const play = await coven(
    { persistentroom: '1' },
    {
      config: {
        hosts: { 'home.test': { modules: { 'archive-retention': { keep: '2 d' } } } },
        keepalive: { idle: '10 d' },
      },
    },
  )
  const pass = async (hours: number) => {
    for (let i = 0; i < hours; i++) {
      await play.clock.advance(hour)
      for (let breath = 0; breath < 10; breath++) {
        await play.clock.advance(50)
        await turn()
      }
    }
  }
  await said(play, 'old')
  await pass(24)
  await said(play, 'new')
  await pass(20)
  expect(await read(play.desktop)).toEqual(['old', 'new'])
  await pass(6)
  expect(await read(play.desktop)).toEqual(['new'])
  await entered(play.tablet, 'fourth')
  // The history is told before the subject.
  expect(await history(play)).toEqual(['new'])
  await pass(24)
  expect(await read(play.desktop)).toEqual([])
  expect(await history(play)).toEqual([])
})

async function history(play: Witches): Promise<(string | undefined)[]> {
  play.tablet.says(`<presence to='${room}/fourth' type='unavailable'/>`)
  await play.tablet.awaits(`<presence from='${room}/fourth' type='unavailable'/>`)
  play.tablet.says(`<presence to='${room}/fourth'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
  const bodies: (string | undefined)[] = []
  for (;;) {
    const stanza = await play.tablet.stanza()
    if (stanza.child('subject')) return bodies
    if (stanza.name === 'message') bodies.push(stanza.child('body')?.text)
  }
}

test('XEP-0045 §10.9: with a room goes its archive', async () => {
  const play = await coven({ persistentroom: '1' }, fullText)
  await said(play, 'Eye of newt')
  await play.desktop.asks(
    `<iq to='${room}' type='set'><query xmlns='http://jabber.org/protocol/muc#owner'><destroy/></query></iq>`,
  )
  await expect(read(play.desktop)).rejects.toMatchObject({ condition: 'item-not-found' })
  await entered(play.desktop, 'firstwitch')
  await play.desktop.asks(
    `<iq to='${room}' type='set'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>`,
  )
  expect(await read(play.desktop)).toEqual([])
  expect(await search(play.desktop, 'newt')).toEqual([])
})
