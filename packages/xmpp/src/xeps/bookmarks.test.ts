import { expect, test } from 'vitest'
import { parse } from '../xml/parser.ts'
import { Bookmark, LegacyBookmarks } from './bookmarks.ts'

test('XEP-0402 §3: a bookmark, with what others keep in it', () => {
  const text =
    "<conference xmlns='urn:xmpp:bookmarks:1' name='Council of Oberon' autojoin='true'><nick>Puck</nick><password>x</password><extensions><state xmlns='urn:x'/></extensions></conference>"
  const bookmark = Bookmark.read(parse(text))
  expect(bookmark).toMatchObject({ name: 'Council of Oberon', isAutojoined: true, nick: 'Puck', password: 'x' })
  expect(String(Bookmark.write(bookmark))).toBe(text)
  expect(Bookmark.read(parse("<conference xmlns='urn:xmpp:bookmarks:1'/>"))).toEqual({
    isAutojoined: false,
    extensions: [],
  })
})

test('XEP-0048 §2: rooms by their canonical JIDs, the rest as it is, bad addresses left out', () => {
  const text = (jid: string, more = '') =>
    `<storage xmlns='storage:bookmarks'><conference jid='${jid}' name='Council'/>${more}<url url='https://x.test'/></storage>`
  const read = LegacyBookmarks.read(parse(text('Council@Rooms.test', "<conference jid='@'/><conference/>")))
  expect([...read.rooms.keys()]).toEqual(['council@rooms.test'])
  expect(String(LegacyBookmarks.write(read))).toBe(text('council@rooms.test'))
})
