import { expect, test } from 'vitest'
import { check, type Promised } from './checker.ts'
import type { Told, TortureEvent } from './events.ts'

/** The events at 1, 2, 3 … milliseconds. */
const play = (...told: Told[]): TortureEvent[] => told.map((event, index) => ({ ...event, at: index + 1 }))

const online = (session: number, how: 'bound' | 'resumed' = 'bound', generation = 1, transport = 'tcp'): Told => ({
  kind: 'online',
  session,
  how,
  transport,
  generation,
})
const lost = (session: number): Told => ({ kind: 'offline', session, why: 'lost' })
const killed = (generation: number): Told => ({ kind: 'killed', generation })
const sent = (id: string, to = [1], copies: number[] = [], isToAccount = false): Told => ({
  kind: 'sent',
  session: 0,
  id,
  to,
  copies,
  isToAccount,
})
const acknowledged = (id: string): Told => ({ kind: 'acknowledged', session: 0, id })
const received = (id: string, session = 1, from = 0): Told => ({ kind: 'received', session, from, id })
const copied = (id: string, session = 2): Told => ({ kind: 'copied', session, id })
const archived = (...ids: string[]): Told => ({ kind: 'archived', sessions: [0], ids })
const announced = (session: number, status: string): Told => ({ kind: 'announced', session, isAvailable: true, status })
const left = (session: number): Told => ({ kind: 'announced', session, isAvailable: false, status: '' })
const seen = (status: string, isAvailable = true): Told => ({
  kind: 'presence',
  session: 1,
  from: 0,
  isAvailable,
  status,
})
const said = (id: string, to = [0, 1]): Told => ({ kind: 'said', session: 0, channel: 'room', id, to })
const heard = (id: string, session = 1, channel = 'room'): Told => ({ kind: 'heard', session, channel, id })
const kept = (...ids: string[]): Told => ({ kind: 'kept', channel: 'room', ids })
const granted = (jid: string, affiliation: 'member' | 'none' = 'member'): Told => ({
  kind: 'granted',
  session: 0,
  channel: 'room',
  id: `${affiliation} ${jid}`,
  jid,
  affiliation,
})
const grant = (jid: string, affiliation?: 'none'): Told[] => {
  const told = granted(jid, affiliation)
  return [told, acknowledged((told as { id: string }).id)]
}
const due = (reading: string): Told => ({ kind: 'due', reading })
const room = (members: string[], occupants = ['n0', 'n1']): Told => ({
  kind: 'room',
  channel: 'room',
  members,
  occupants,
  inside: ['n0', 'n1'],
})
const talk = (id: string): Told[] => [said(id), acknowledged(id), heard(id, 0), heard(id)]
const whole = (id: string): Told[] => [sent(id), acknowledged(id), received(id)]
const here = [online(0), online(1)]

function broken(...told: Told[]): Partial<Record<Promised, number>> {
  const { counts } = check(play(...told))
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))
}

test('a clean run is clean', () => {
  const events = play(
    ...here,
    { kind: 'befriended', session: 1, contact: 0 },
    announced(0, '1'),
    seen('1'),
    ...whole('a'),
    sent('b', [0, 1]),
    killed(1),
    lost(0),
    lost(1),
    online(0, 'resumed', 2, 'websocket'),
    announced(0, '2'),
    online(1, 'resumed', 2),
    received('b', 1),
    seen('2'),
    received('b', 0),
    acknowledged('b'),
  )
  const verdict = check(events)
  expect(verdict.violations).toEqual([])
  expect(verdict).toMatchObject({
    sent: 2,
    acknowledged: 2,
    received: 3,
    announced: 2,
    presences: 2,
    kills: 1,
    lost: { lost: 2, cut: 0, silent: 0 },
    resumed: 2,
    switched: 1,
    recoveries: [5],
  })
})

test.each<[string, Partial<Record<Promised, number>>, Told[]]>([
  ['a session that begins anew', { unresumed: 1 }, [...here, lost(0), online(0)]],
  [
    'a room in which all is well',
    {},
    [...here, ...talk('a'), ...talk('b'), kept('a', 'b'), ...grant('x'), room(['x'])],
  ],
  ['what one of a room never hears', { acknowledgedLost: 1 }, [...here, said('a'), acknowledged('a'), heard('a')]],
  ['what is said and never acknowledged', { unsettled: 1 }, [...here, said('a'), heard('a'), heard('a', 0)]],
  ['what is heard twice', { duplicates: 1 }, [...here, ...talk('a'), heard('a')]],
  ['what is heard by somebody else', { misdelivered: 1 }, [...here, ...talk('a'), heard('a', 2)]],
  ['what is heard in another room', { misdelivered: 1 }, [...here, ...talk('a'), heard('a', 1, 'other')]],
  [
    'what is heard in another order than it is kept',
    { disorder: 1 },
    [...here, ...talk('a'), said('b'), said('c'), acknowledged('b'), acknowledged('c')].concat(
      [heard('b', 0), heard('c', 0), heard('c'), heard('b')],
      kept('a', 'b', 'c'),
    ),
  ],
  ['what a room has not kept', { archiveLost: 1 }, [...here, ...talk('a'), ...talk('b'), kept('b')]],
  ['what a room has kept twice', { archivedTwice: 1 }, [...here, ...talk('a'), kept('a', 'a')]],
  ['what a room has kept and nobody said', { misdelivered: 1 }, [...here, kept('a')]],
  ['a member who is none any more', { belonging: 1 }, [...here, ...grant('x'), ...grant('x', 'none'), room(['x'])]],
  ['a member who is forgotten', { belonging: 1 }, [...here, ...grant('x'), room([])]],
  ['a membership that is never acknowledged', { unsettled: 1 }, [...here, granted('x'), room(['x'])]],
  ['a room that is not read', { unread: 1 }, [...here, kept(), due('kept room'), due('room room')]],
  ['an archive that is not read', { unread: 1 }, [...here, archived(), due('archive 0'), due('archive 1')]],
  ['an occupant who is forgotten', { belonging: 1 }, [...here, room([], ['n0'])]],
  ['an occupant who flickers', { flicker: 1 }, [...here, { kind: 'stirred', session: 1, channel: 'room', nick: 'n0' }]],
  ['a session that never comes back', { unresumed: 1 }, [...here, lost(0)]],
  ['an acknowledged message that never comes', { acknowledgedLost: 1 }, [...here, sent('a'), acknowledged('a')]],
  [
    'one that comes to one of two only',
    { acknowledgedLost: 1 },
    [...here, sent('a', [0, 1]), acknowledged('a'), received('a')],
  ],
  ['an unacknowledged message that never comes', { unacknowledgedLost: 1, unsettled: 1 }, [...here, sent('a')]],
  ['a message that is never acknowledged', { unsettled: 1 }, [...here, sent('a'), received('a')]],
  ['a message that comes twice', { duplicates: 1 }, [...here, ...whole('a'), received('a')]],
  [
    'one that comes again behind another',
    { duplicates: 1 },
    [...here, sent('a'), sent('b'), acknowledged('a'), acknowledged('b'), received('a'), received('b'), received('a')],
  ],
  [
    'a message that overtakes another',
    { disorder: 1 },
    [...here, sent('a'), sent('b'), acknowledged('a'), acknowledged('b'), received('b'), received('a')],
  ],
  ['a message for somebody else', { misdelivered: 1 }, [...here, ...whole('a'), received('a', 0)]],
  ['a message from nobody', { misdelivered: 1 }, [...here, received('x')]],
  ['a message under a wrong name', { misdelivered: 1 }, [...here, ...whole('a'), received('a', 1, 1)]],
  ['a copy that never comes', { copiesLost: 1 }, [...here, sent('a', [1], [2]), acknowledged('a'), received('a')]],
  [
    'a copy that comes twice',
    { duplicates: 1 },
    [...here, sent('a', [1], [2]), acknowledged('a'), received('a'), copied('a'), copied('a')],
  ],
  ['a copy for somebody else', { misdelivered: 1 }, [...here, ...whole('a'), copied('a')]],
  ['a message that is not in the archive', { archiveLost: 1 }, [...here, ...whole('a'), ...whole('b'), archived('b')]],
  ['one that is there twice', { archivedTwice: 1 }, [...here, ...whole('a'), archived('a', 'a')]],
  ['an archive in disorder', { disorder: 1 }, [...here, ...whole('a'), ...whole('b'), archived('b', 'a')]],
  ['an archive with what is no part of it', { misdelivered: 1 }, [...here, archived('a')]],
  ['a message that comes back', { refused: 1 }, [...here, ...whole('a'), { kind: 'refused', session: 0, id: 'a' }]],
  ['a contact that leaves and was there', { flicker: 1 }, [...here, seen('', false)]],
  [
    'a contact whose last presence did not come',
    { stale: 1 },
    [...here, { kind: 'befriended', session: 1, contact: 0 }, announced(0, '1'), seen('1'), announced(0, '2')],
  ],
  ['a client that was turned away', { trouble: 1 }, [...here, { kind: 'trouble', session: 0, what: 'not-authorized' }]],
])('found: %s', (_, violations, events) => {
  expect(broken(...events)).toEqual(violations)
})

test('messages to different recipients need no order among them', () => {
  const both = [acknowledged('a'), acknowledged('b')]
  expect(
    broken(...here, online(2), sent('a', [1]), sent('b', [2]), ...both, received('b', 2), received('a', 1)),
  ).toEqual({})
})

test('what waits for its account may come behind what went straight to a session', () => {
  const both = [acknowledged('a'), acknowledged('b')]
  expect(broken(...here, sent('a', [1], [], true), sent('b'), ...both, received('b'), received('a'))).toEqual({})
})

test('who says that it leaves may be seen leaving, as often as it says so', () => {
  expect(broken(...here, left(0), seen('', false))).toEqual({})
  expect(broken(...here, left(0), seen('', false), seen('', false))).toEqual({ flicker: 1 })
})

test('a contact whose session has ended may leave', () => {
  expect(broken(...here, lost(0), online(0), seen('', false))).toEqual({ unresumed: 1 })
})

test('a kill counts as recovered when all have come to a later process', () => {
  const events = play(
    ...here,
    killed(1),
    // What the dead server had said is no recovery from its death.
    online(0, 'resumed', 1),
    lost(0),
    lost(1),
    online(0, 'resumed', 2),
    // Killed again before the other was back: only the last kill is measured.
    killed(2),
    lost(0),
    online(0, 'resumed', 3),
    online(1, 'resumed', 3),
  )
  expect(check(events)).toMatchObject({ kills: 2, recoveries: [3] })
})
