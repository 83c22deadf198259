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
import type { Conversation } from './conversations.ts'
import { inbox } from './inbox.ts'

const contacts = 200
const rooms = 50

/** What comes from another server. */
let deliver: (stanza: Stanza) => void

/** Rooms of which the account is a member: each has said something, and how much of it has not been displayed. */
const manyRooms = defineModule({
  name: 'many-rooms',
  needs: [inbox],
  start(host) {
    deliver = (stanza) => host.send(stanza)
    const stop = host.use(inbox).addSource(() =>
      Array.from({ length: rooms }, (_, i): Conversation => {
        const jid = Jid.parse(`room${i}@rooms.test`)
        // Ids of rooms' archives are of the same kind as those of accounts'.
        const id = `0000000${String(i).padStart(4, '0')}`
        const said = xml('body', 'jabber:client', {}, `said in ${i}`)
        const stanza = message({ from: jid.withResource('hecate'), type: 'groupchat' }, said)
        return { jid, id, unread: i, last: () => ({ id, at: 0, message: stanza, size: 100 }) }
      }),
    )
    host.onStop(stop)
  },
})

/** Romeo's contacts have each said something to him, `each` times, while he was away. */
async function away(each: number): Promise<Actor> {
  const stage = await scenario({
    accounts: { romeo: ['phone'] },
    modules: [...modules, manyRooms],
    config: { hosts: { 'home.test': { modules: { offline: { limit: 2000 } } } } },
  })
  onTestFinished(() => stage.stop())
  const phone: Actor = stage['phone']
  for (let i = 0; i < contacts; i++) {
    const item = { jid: Jid.parse(`contact${i}@far.test`), groups: [] }
    phone.send(xml('iq', 'jabber:client', { type: 'set', id: `r${i}` }, RosterQuery.write({ items: [item] })))
  }
  await phone.close()
  const to = Jid.parse('romeo@home.test')
  for (let round = 0; round < each; round++) {
    for (let i = 0; i < contacts; i++) {
      const from = Jid.parse(`contact${i}@far.test/home`)
      const said = xml('body', 'jabber:client', {}, `${round} of ${i}`)
      deliver(message({ to, from, type: 'chat', id: `m${round}-${i}` }, said))
    }
    await stage.clock.advance(24 * 3_600_000)
  }
  return stage.login('romeo', 'laptop')
}

/** What a client asks to show all that there is: each is one round trip, and none waits for another. */
async function catchUp(client: Actor) {
  const requests: Promise<Element | undefined>[] = [
    client.ask('set', EnableCarbons.write()).then((answer) => answer.first()),
    client.ask('get', RosterQuery.write({ items: [] })).then((answer) => answer.first()),
    client.ask('get', InboxQuery.write({})).then((answer) => answer.first()),
    ask(client, 'get', undefined, `<items node='${displayedNs}'/>`).catch(() => undefined),
  ]
  const [, roster, fin] = await Promise.all(requests)
  const entries = client.inbox.filter((stanza) => stanza.child(InboxEntry.name, InboxEntry.ns))
  return {
    roundTrips: requests.length,
    contacts: RosterQuery.read(roster!).items.length,
    fin: InboxFin.read(fin!),
    conversations: entries.map((stanza) => InboxEntry.read(stanza.child(InboxEntry.name, InboxEntry.ns)!)),
    messages: entries.map((stanza) => MamResult.read(stanza.child(MamResult.name, MamResult.ns)!).forwarded.stanza),
  }
}

test.each([1, 7])(
  'a week away from 200 contacts and 50 rooms takes four round trips, all at once, when each has said %i things',
  async (each) => {
    const client = await away(each)
    const found = await catchUp(client)
    expect(found.roundTrips).toBe(4)
    expect(found.contacts).toBe(contacts)
    expect(found.fin).toMatchObject({ total: contacts + rooms, unread: contacts + rooms - 1 })
    expect(found.fin.allUnread).toBe(contacts * each + (rooms * (rooms - 1)) / 2)
    expect(found.conversations).toHaveLength(contacts + rooms)
    const texts = new Map(
      found.conversations.map(({ jid }, i) => [String(jid), found.messages[i]!.child('body')!.text]),
    )
    for (let i = 0; i < contacts; i++) expect(texts.get(`contact${i}@far.test`)).toBe(`${each - 1} of ${i}`)
    for (let i = 0; i < rooms; i++) expect(texts.get(`room${i}@rooms.test`)).toBe(`said in ${i}`)
    // And one more for each conversation that is opened.
    const opened = await query(client, { with: Jid.parse('contact7@far.test'), set: { max: 50, before: '' } })
    expect([opened.bodies.length, opened.fin.isComplete]).toEqual([each, true])
  },
)
