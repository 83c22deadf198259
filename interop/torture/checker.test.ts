import { expect, test } from 'vitest'
import { check, type Promised } from './checker.ts'
import type { Entry, Told, TortureEvent } from './events.ts'

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
/** As it was sent, said or published. */
const entry = (id: string, body = `this is ${id}`): Entry => ({ id, body, isTombstone: false })
const tombstone = (id: string, body = ''): Entry => ({ id, body, isTombstone: true })
const entries = (...of: (string | Entry)[]) => of.map((one) => (typeof one === 'string' ? entry(one) : one))
const sent = (id: string, to = [1], copies: number[] = [], isToAccount = false): Told => ({
  kind: 'sent',
  session: 0,
  id,
  body: `this is ${id}`,
  to,
  copies,
  isToAccount,
})
const takingBack = (id: string, retracts: string): Told => ({ ...sent(id), retracts }) as Told
const acknowledged = (id: string): Told => ({ kind: 'acknowledged', session: 0, id })
const received = (id: string, session = 1, from = 0): Told => ({ kind: 'received', session, from, ...entry(id) })
const copied = (id: string, session = 2): Told => ({ kind: 'copied', session, ...entry(id) })
const archived = (...of: (string | Entry)[]): Told => ({
  kind: 'archived',
  reading: 'archive',
  sessions: [0],
  entries: entries(...of),
})
const announced = (session: number, status: string): Told => ({ kind: 'announced', session, isAvailable: true, status })
const left = (session: number): Told => ({ kind: 'announced', session, isAvailable: false, status: '' })
const seen = (status: string, isAvailable = true): Told => ({
  kind: 'presence',
  session: 1,
  from: 0,
  isAvailable,
  status,
})
const said = (id: string, to = [0, 1]): Told => ({
  kind: 'said',
  session: 0,
  channel: 'room',
  id,
  by: 'n0',
  body: `this is ${id}`,
  to,
})
const heard = (id: string, session = 1, channel = 'room', body = `this is ${id}`, by = 'n0'): Told => ({
  kind: 'heard',
  session,
  channel,
  id,
  by,
  body,
})
const kept = (...of: (string | Entry)[]): Told => ({
  kind: 'kept',
  reading: 'kept',
  channel: 'room',
  entries: entries(...of),
})
/** Of a node that keeps so many items. */
const items = (most: number, ...of: (string | Entry)[]): Told => ({ ...kept(...of), most }) as Told
/** It is taken back by something else that is said, or that is only told. */
const withdrawn = (id: string, retracts: string, isPassing = false): Told[] => [
  { ...said(id), retracts, isPassing } as Told,
  acknowledged(id),
  heard(id, 0),
  heard(id),
]
const listed = (id: string, added: string[], removed: string[] = []): Told => ({
  kind: 'listed',
  session: 0,
  id,
  list: 'members',
  added,
  removed,
})
const changed = (id: string, added: string[], removed: string[] = []): Told[] => [
  listed(id, added, removed),
  acknowledged(id),
]
const due = (reading: string): Told => ({ kind: 'due', reading })
const list = (...those: string[]): Told => ({ kind: 'list', reading: 'list', list: 'members', entries: those })
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
    [...here, ...talk('a'), ...talk('b'), kept('a', 'b'), ...changed('x', ['x']), list('x')],
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
  [
    'what was said and is heard otherwise',
    { contents: 1 },
    [...here, said('a', [1]), acknowledged('a')].concat(heard('a', 1, 'room', 'else')),
  ],
  [
    'what is heard from somebody else',
    { contents: 1 },
    [...here, said('a', [1]), acknowledged('a')].concat(heard('a', 1, 'room', 'this is a', 'n1')),
  ],
  ['what was said and is kept otherwise', { contents: 1 }, [...here, ...talk('a'), kept(entry('a', 'else'))]],
  [
    'what was taken back and is kept',
    { retractions: 1 },
    [...here, ...talk('a'), ...withdrawn('b', 'a'), kept('a', 'b')],
  ],
  [
    'what was taken back, but for its words',
    { retractions: 1 },
    [...here, ...talk('a'), ...withdrawn('b', 'a'), kept(tombstone('a', 'this is a'), 'b')],
  ],
  [
    'what was taken back and has left no place',
    { archiveLost: 1 },
    [...here, ...talk('a'), ...withdrawn('b', 'a'), kept('b')],
  ],
  [
    'what was taken back as it should be',
    {},
    [...here, ...talk('a'), ...withdrawn('b', 'a'), kept(tombstone('a'), 'b')],
  ],
  ['what has gone and nobody took back', { retractions: 1 }, [...here, ...talk('a'), kept(tombstone('a'))]],
  [
    'an item that was taken back and is there',
    { retractions: 1 },
    [...here, ...talk('a'), ...withdrawn('b', 'a', true), items(9, 'a')],
  ],
  ['an item that was taken back and is not there', {}, [...here, ...talk('a'), ...withdrawn('b', 'a', true), items(9)]],
  ['an item that is another', { contents: 1 }, [...here, ...talk('a'), items(9, entry('a', 'else'))]],
  ['an item that is missing', { archiveLost: 1 }, [...here, ...talk('a'), ...talk('b'), items(9, 'a')]],
  ['a node that keeps the last item', {}, [...here, ...talk('a'), ...talk('b'), items(1, 'b')]],
  [
    'one that keeps an older one',
    { contents: 1, archiveLost: 1 },
    [...here, ...talk('a'), ...talk('b'), items(1, 'a')],
  ],
  [
    'what was only told and is kept',
    { misdelivered: 1 },
    [...here, ...talk('a'), ...withdrawn('b', 'a', true), items(9, 'b')],
  ],
  [
    'who was removed and is in the list',
    { belonging: 1 },
    [...here, ...changed('a', ['x']), ...changed('b', [], ['x']), list('x')],
  ],
  ['who was added and is not in the list', { belonging: 1 }, [...here, ...changed('a', ['x']), list()]],
  ['who is in the list and was never added', { belonging: 1 }, [...here, list('x')]],
  ['who is in the list twice', { belonging: 1 }, [...here, ...changed('a', ['x']), list('x', 'x')]],
  ['a list that is changed at once', {}, [...here, ...changed('a', ['x']), ...changed('b', ['y'], ['x']), list('y')]],
  ['a change that is never acknowledged', { unsettled: 1 }, [...here, listed('a', ['x']), list('x')]],
  ['what is not read', { unread: 1 }, [...here, due('kept'), kept(), due('list')]],
  ['an archive that is not read', { unread: 1 }, [...here, due('archive'), archived(), due('another')]],
  [
    'what was due and did not happen',
    { unread: 1 },
    [...here, due('it'), due('that'), { kind: 'done', reading: 'it' }],
  ],
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
  [
    'a message that comes otherwise',
    { contents: 1 },
    [...here, sent('a'), acknowledged('a')].concat({ ...received('a'), body: 'else' } as Told),
  ],
  [
    'a copy that is otherwise',
    { contents: 1 },
    [...here, sent('a', [1], [2]), acknowledged('a'), received('a')].concat({ ...copied('a'), body: 'else' } as Told),
  ],
  [
    'a message that is otherwise in the archive',
    { contents: 1 },
    [...here, ...whole('a'), archived(entry('a', 'else'))],
  ],
  [
    'one that was taken back and is there',
    { retractions: 1 },
    [...here, ...whole('a'), takingBack('b', 'a'), acknowledged('b'), received('b'), archived('a', 'b')],
  ],
  [
    'one that was taken back as it should be',
    {},
    [...here, ...whole('a'), takingBack('b', 'a'), acknowledged('b'), received('b'), archived(tombstone('a'), 'b')],
  ],
  ['one that has gone and nobody took back', { retractions: 1 }, [...here, ...whole('a'), archived(tombstone('a'))]],
  [
    'one that waited, was taken back and comes no more',
    {},
    [...here, sent('a', [1], [], true), acknowledged('a'), takingBack('b', 'a'), acknowledged('b'), received('b')],
  ],
  [
    'one that did not wait, was taken back and never came',
    { acknowledgedLost: 1 },
    [...here, sent('a'), acknowledged('a'), takingBack('b', 'a'), acknowledged('b'), received('b')],
  ],
  [
    'one that comes empty',
    { contents: 1 },
    [...here, sent('a'), acknowledged('a')].concat({ ...received('a'), ...tombstone('a') } as Told),
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

test('what is read while work goes on has what was acknowledged before it was asked for', () => {
  const a = said('a')
  const hearing = (id: string) => [heard(id, 0), heard(id)]
  // Acknowledged in time.
  expect(broken(...here, a, acknowledged('a'), due('kept'), kept(), ...hearing('a'))).toEqual({ archiveLost: 1 })
  expect(broken(...here, ...changed('x', ['x']), due('list'), list())).toEqual({ belonging: 1 })
  expect(broken(...here, ...whole('m'), due('archive'), archived())).toEqual({ archiveLost: 1 })
  // Too late, so that it may be there or not.
  for (const there of [kept(), kept('a')])
    expect(broken(...here, a, due('kept'), acknowledged('a'), there, ...hearing('a'))).toEqual({})
  for (const there of [list(), list('x')])
    expect(broken(...here, listed('x', ['x']), due('list'), acknowledged('x'), there)).toEqual({})
  for (const there of [archived(), archived('m')])
    expect(broken(...here, sent('m'), due('archive'), acknowledged('m'), received('m'), there)).toEqual({})
})

test('what is taken back while it is read is there, or a tombstone is', () => {
  const retraction = withdrawn('b', 'a')
  for (const there of [kept('a'), kept(tombstone('a'))])
    expect(broken(...here, ...talk('a'), retraction[0]!, due('kept'), ...retraction.slice(1), there)).toEqual({})
})
