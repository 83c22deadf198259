import { expect, test } from 'vitest'
import { StanzaError } from '../errors.ts'
import { Jid } from '../jid.ts'
import { parse } from '../xml/parser.ts'
import { RosterQuery } from './roster.ts'

const read = (items: string) => RosterQuery.read(parse(`<query xmlns='jabber:iq:roster'>${items}</query>`))

test('RFC 6121 §2.1: a roster is read as it was written', () => {
  const roster: RosterQuery = {
    ver: 'ver14',
    items: [
      {
        jid: Jid.parse('nurse@home.test'),
        name: 'Nurse',
        groups: ['Servants', 'Friends'],
        subscription: 'both',
        ask: false,
        approved: false,
      },
      {
        jid: Jid.parse('romeo@home.test'),
        name: undefined,
        groups: [],
        subscription: 'none',
        ask: true,
        approved: true,
      },
    ],
  }
  const element = RosterQuery.write(roster)
  expect(element.toString()).toBe(
    "<query xmlns='jabber:iq:roster' ver='ver14'>" +
      "<item jid='nurse@home.test' name='Nurse' subscription='both'><group>Servants</group><group>Friends</group></item>" +
      "<item jid='romeo@home.test' subscription='none' ask='subscribe' approved='true'/></query>",
  )
  expect(RosterQuery.read(parse(element.toString()))).toEqual(roster)
})

test('RFC 6121 §2.1.2.5: a subscription of no known value is ignored', () => {
  expect(read("<item jid='nurse@home.test' subscription='unknown'/>").items[0]!.subscription).toBeUndefined()
})

test('RFC 6121 §2.1.2: what is no item of this namespace is ignored', () => {
  expect(read("<item xmlns='urn:other' jid='nurse@home.test'/><note/>").items).toEqual([])
})

test.each([
  ['<item/>', 'bad-request'],
  ["<item jid='@home.test'/>", 'jid-malformed'],
])('RFC 6121 §2.1.2.3: %s is refused with %s', (item, condition) => {
  expect(() => read(item)).toThrow(StanzaError)
  expect(() => read(item)).toThrow(expect.objectContaining({ condition }))
})
