import { DiscoInfo, fieldValues, Jid, message, xml } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { configured, coven, quiet, room, says, type Witches } from './fixture.ts'
import { History } from './history.ts'

const hour = 3_600_000
const asking = `<iq to='${room}' type='get'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`

async function activity(play: Witches): Promise<readonly string[] | undefined> {
  const info = DiscoInfo.read((await play.tablet.asks(asking)).first()!)
  return fieldValues(info.forms[0]!, '{urn:xmpp:muc-activity}message-activity')
}

test('XEP-0502 §3.1, §4: a room tells how many messages an hour came in the last day; only what has a body and is no correction', async () => {
  const play = await coven({ persistentroom: '1' })
  expect(await activity(play)).toEqual(['0'])
  for (let i = 0; i < 12; i++) says(play.desktop, 'Double, double', `id='m${i}'`)
  play.desktop.says(
    `<message to='${room}' type='groupchat'><body>toil</body><replace xmlns='urn:xmpp:message-correct:0' id='m1'/></message>`,
  )
  play.desktop.says(
    `<message to='${room}' type='groupchat'><reactions xmlns='urn:xmpp:reactions:0' id='m1'><reaction>x</reaction></reactions></message>`,
  )
  play.desktop.says(`<message to='${room}/thirdwitch' type='chat'><body>private</body></message>`)
  await quiet(play)
  expect(await activity(play)).toEqual(['0.5'])
})

test.each<[string, number[], number]>([
  ['nothing', [], 0],
  ['what was said in the last day', [1, 2, 23, 25, 80].map((ago) => ago * hour), 3 / 24],
  ['ten an hour, which is all that is remembered', Array.from({ length: 12 }, (_, i) => i * 0.1 * hour), 10],
  ['ten in two hours', Array.from({ length: 12 }, (_, i) => (2 * hour * i) / 9), 5],
  ['ten a long time ago', Array.from({ length: 12 }, () => 80 * hour), 0],
])('XEP-0502 §4: of a memory of ten messages, the rate of %s', (_, ages, rate) => {
  const history = new History(Jid.parse(room), 10)
  const now = 1000 * hour
  for (const age of ages.toSorted((x, y) => y - x))
    history.add('id', now - age, message({}, xml('body', 'jabber:client', {}, 'Double, double')))
  expect(history.rate(now)).toBeCloseTo(rate)
})

test('XEP-0045 §7.2.13: of what was said 256 KiB are remembered, the last message whatever its length', () => {
  const history = new History(Jid.parse(room), 100)
  const lengths = () => history.chosen({}, 100, 0, Jid.parse(room)).map((said) => said.child('body')!.text.length)
  const add = (id: string, length: number) =>
    history.add(id, 0, message({}, xml('body', 'jabber:client', {}, 'x'.repeat(length))))
  add('a', 100_000)
  add('b', 100_000)
  expect(lengths()).toEqual([100_000, 100_000])
  add('c', 100_000)
  expect(lengths()).toEqual([100_000, 100_000])
  history.remove('b')
  add('d', 150_000)
  expect(lengths()).toEqual([100_000, 150_000])
  add('e', 500_000)
  expect(lengths()).toEqual([500_000])
})

test.each([
  [{ persistentroom: '0' }],
  [{ persistentroom: '1', publicroom: '0' }],
  [{ persistentroom: '1', membersonly: '1' }],
  [{ persistentroom: '1', passwordprotectedroom: '1', roomsecret: 'cauldron' }],
  [{ persistentroom: '1', enablelogging: '0' }],
])('XEP-0502 §9: nothing is told of the activity of a room with %j', async (fields) => {
  const play = await coven()
  says(play.desktop, 'Double, double')
  await quiet(play)
  await configured(play.desktop, fields)
  const asked = DiscoInfo.read((await play.desktop.asks(asking)).first()!)
  expect(fieldValues(asked.forms[0]!, '{urn:xmpp:muc-activity}message-activity')).toBeUndefined()
})
