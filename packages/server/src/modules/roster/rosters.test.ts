import { Jid } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { type Contact, stranger } from './contact.ts'
import { type History, Roster } from './rosters.ts'

const romeo = Jid.parse('romeo@home.test')
const juliet = 'juliet@home.test'
const nurse = 'nurse@home.test'
const paris = 'paris@home.test'

function rosterOf(versions: Record<string, number>, history?: History): Roster {
  const contacts = Object.entries(versions).map(([jid, version]): [string, Contact] => [jid, { ...stranger, version }])
  return new Roster(romeo, new Map(contacts), history)
}

const changed = (roster: Roster, ver: string) =>
  roster.changesSince(ver)?.map(([version, { jid, subscription }]) => [version, jid.toString(), subscription])

test('RFC 6121 §2.6.3: changes since a version come in the order in which they were made', () => {
  const roster = rosterOf({ [juliet]: 30, [nurse]: 20, [paris]: 10 }, { since: 5, removed: [['tybalt@home.test', 25]] })
  expect(roster.version).toBe(30)
  expect(changed(roster, '10')).toEqual([
    [20, nurse, 'none'],
    [25, 'tybalt@home.test', 'remove'],
    [30, juliet, 'none'],
  ])
  expect(changed(roster, '30')).toEqual([])
})

test('RFC 6121 §2.6.3: the roster has the version of its last removal', () => {
  expect(rosterOf({ [juliet]: 30 }, { since: 5, removed: [[nurse, 40]] }).version).toBe(40)
  expect(rosterOf({}, { since: 50, removed: [] }).version).toBe(50)
})

test('RFC 6121 §2.6.3: a contact removed and added again is an item, not a removal', () => {
  const roster = rosterOf({ [juliet]: 40 }, { since: 5, removed: [[juliet, 30]] })
  expect(changed(roster, '20')).toEqual([[40, juliet, 'none']])
})

test('RFC 6121 §2.6.2: a version that is too old, of the future, empty or not ours asks for the whole roster', () => {
  const roster = rosterOf({ [juliet]: 30 }, { since: 5, removed: [] })
  for (const ver of ['4', '31', '', 'ver11', '1e1', '-1'])
    expect([ver, roster.changesSince(ver)]).toEqual([ver, undefined])
})

test('RFC 6121 A.1: who has asked and was not answered is not in the roster', () => {
  const roster = rosterOf({ [juliet]: 30, [nurse]: 0 })
  expect(roster.items.map(({ jid }) => jid.toString())).toEqual([juliet])
  expect(roster.size).toBe(1)
})
