import { type Actor, scenario } from '@jackdaw/testkit'
import {
  displayedNs,
  type Element,
  EnableCarbons,
  InboxEntry,
  InboxFin,
  InboxQuery,
  Jid,
  MamResult,
  message,
  RosterQuery,
  type Stanza,
  xml,
} from '@jackdaw/xmpp'
import { expect, onTestFinished, test } from 'vitest'
import { defineModule } from '../../module.ts'
import { modules } from '../modules.ts'
import { ask } from '../pubsub/words.fixture.ts'
import { query } from '../archive-fixture.ts'
import { admin, configured, entered, enters } from '../muc/fixture.ts'

const contacts = 200
const rooms = 50

/** What comes from another server. */
let deliver: (stanza: Stanza) => void
const far = defineModule({ name: 'far', start: (host) => void (deliver = (stanza) => host.send(stanza)) })

const roomNames = Array.from({ length: rooms }, (_, i) => `room${i}@rooms.home.test`)

/** A room for members only, of which romeo is one. */
async function makeRoom(hecate: Actor, room: string): Promise<void> {
  await entered(hecate, 'hecate', '', room)
  await configured(hecate, { persistentroom: '1' }, room)
  await admin(hecate, "<item affiliation='member' jid='romeo@home.test'/>", 'set', room)
  await configured(hecate, { membersonly: '1' }, room)
}

/** While romeo was away his contacts have each said something to him, `each` times, and so has somebody in each room. */
async function away(each: number): Promise<Actor> {
  const stage = await scenario({
    accounts: { romeo: ['phone'], hecate: ['cave'] },
    modules: [...modules, far],
    config: { hosts: { 'home.test': { modules: { offline: { limit: 2000 } } } }, keepalive: { idle: '10 d' } },
  })
  onTestFinished(() => stage.stop())
  const { phone, cave } = stage.clients as Record<string, Actor>
  for (let i = 0; i < contacts; i++) {
    const item = { jid: Jid.parse(`contact${i}@far.test`), groups: [] }
    phone!.send(xml('iq', 'jabber:client', { type: 'set', id: `r${i}` }, RosterQuery.write({ items: [item] })))
  }
  for (const room of roomNames) await makeRoom(cave!, room)
  await phone!.close()
  const to = Jid.parse('romeo@home.test')
  for (let round = 0; round < each; round++) {
    await stage.clock.advance(24 * 3_600_000)
    for (let i = 0; i < contacts; i++) {
      const from = Jid.parse(`contact${i}@far.test/home`)
      const said = xml('body', 'jabber:client', {}, `${round} of ${i}`)
      deliver(message({ to, from, type: 'chat', id: `m${round}-${i}` }, said))
    }
    for (const [i, room] of roomNames.entries())
      cave!.says(`<message to='${room}' type='groupchat'><body>${round} in ${i}</body></message>`)
    await cave!.sync()
  }
  return stage.login('romeo', 'laptop')
}

/** Counts what a client sends, and how often it waits for answers. */
class Trips {
  requests = 0
  waits = 0

  /** All at once. */
  async together<T>(requests: readonly Promise<T>[]): Promise<T[]> {
    this.requests += requests.length
    this.waits++
    return Promise.all(requests)
  }
}

/** What a client asks to show all that there is. */
async function catchUp(client: Actor, trips: Trips) {
  const [, roster, fin] = await trips.together<Element | undefined>([
    client.ask('set', EnableCarbons.write()).then((answer) => answer.first()),
    client.ask('get', RosterQuery.write({ items: [] })).then((answer) => answer.first()),
    client.ask('get', InboxQuery.write({})).then((answer) => answer.first()),
    ask(client, 'get', undefined, `<items node='${displayedNs}'/>`).catch(() => undefined),
  ])
  const entries = client.inbox.filter((stanza) => stanza.child(InboxEntry.name, InboxEntry.ns))
  return {
    contacts: RosterQuery.read(roster!).items.length,
    fin: InboxFin.read(fin!),
    conversations: entries.map((stanza) => InboxEntry.read(stanza.child(InboxEntry.name, InboxEntry.ns)!)),
    messages: entries.map((stanza) => MamResult.read(stanza.child(MamResult.name, MamResult.ns)!).forwarded.stanza),
  }
}

/** Enters all rooms, to be told of nothing that the inbox has said already. */
function enterAll(client: Actor): Promise<void>[] {
  client.clear()
  for (const room of roomNames) enters(client, 'romeo', "<history maxstanzas='0'/>", room)
  return roomNames.map(async () => void (await client.awaits(`<message type='groupchat'><subject/></message>`)))
}

test.each([1, 7])(
  'a week away from 200 contacts and 50 rooms takes four requests and a presence for each room, in two waits, when each has said %i things',
  async (each) => {
    const client = await away(each)
    const trips = new Trips()
    const found = await catchUp(client, trips)
    expect([trips.requests, trips.waits]).toEqual([4, 1])
    expect(found.contacts).toBe(contacts)
    const total = contacts + rooms
    expect(found.fin).toMatchObject({ total, unread: total, allUnread: total * each })
    const texts = new Map(
      found.conversations.map(({ jid }, i) => [String(jid), found.messages[i]!.child('body')!.text]),
    )
    expect(texts.size).toBe(total)
    for (let i = 0; i < contacts; i++) expect(texts.get(`contact${i}@far.test`)).toBe(`${each - 1} of ${i}`)
    for (const [i, room] of roomNames.entries()) expect(texts.get(room)).toBe(`${each - 1} in ${i}`)
    // Then it is there, and hears what is said from now on.
    await trips.together(enterAll(client))
    expect([trips.requests, trips.waits]).toEqual([4 + rooms, 2])
    // And one more for each conversation that is opened.
    const opened = await query(client, { with: Jid.parse('contact7@far.test'), set: { max: 50, before: '' } })
    expect([opened.bodies.length, opened.fin.isComplete]).toEqual([each, true])
  },
)
