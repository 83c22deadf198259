import { ChannelChecker } from './channel-checker.ts'
import type { SessionNumber, TortureEvent } from './events.ts'
import { ListChecker } from './list-checker.ts'
import { MessageChecker } from './message-checker.ts'

/** What must never happen; the number of times it did. */
export const promises = {
  unresumed: 'sessions that were not resumed',
  acknowledgedLost: 'acknowledged messages lost',
  unacknowledgedLost: 'unacknowledged messages lost',
  copiesLost: 'copies for other resources lost',
  archiveLost: 'messages missing in an archive',
  archivedTwice: 'messages twice in an archive',
  unsettled: 'messages never acknowledged',
  duplicates: 'messages seen twice by an application',
  disorder: 'messages out of order',
  misdelivered: 'messages delivered to somebody else',
  refused: 'messages returned as errors',
  flicker: 'sessions that were there and seemed to come or go',
  contents: 'messages and items changed',
  retractions: 'messages taken back and still to be read, or gone and never taken back',
  belonging: 'members, occupants, rooms or blocked addresses that are not those they should be',
  unread: 'archives, nodes and lists that could not be read',
  stale: 'contacts left with an old presence',
  trouble: 'other troubles of clients',
} as const

export type Promised = keyof typeof promises

export interface Violation {
  readonly promise: Promised
  readonly at: number
  readonly what: string
}

export interface Verdict {
  readonly violations: readonly Violation[]
  readonly counts: Readonly<Record<Promised, number>>
  readonly sent: number
  readonly received: number
  readonly acknowledged: number
  /** Presence broadcasts, and how many of them were seen by a contact. */
  readonly announced: number
  readonly presences: number
  /** Copies for other resources, and entries found in archives. */
  readonly copied: number
  readonly archived: number
  /** What was said in rooms or published at nodes, and how often it was heard. */
  readonly said: number
  readonly heard: number
  /** Messages taken back, beside what was in rooms and at nodes; changes of lists; what was read of all that. */
  readonly retracted: number
  readonly changed: number
  readonly readings: number
  readonly kills: number
  /** Connections lost, by kind, and how many came back as the same session. */
  readonly lost: Readonly<Record<'lost' | 'cut' | 'silent', number>>
  readonly resumed: number
  readonly switched: number
  /** For each kill that no other followed before all were back: milliseconds until the last session was. Ascending. */
  readonly recoveries: readonly number[]
}

/** Judges a run by what its clients saw. */
export function check(events: readonly TortureEvent[]): Verdict {
  const violations: Violation[] = []
  const seenPresence = new Map<string, string>()
  const seenFarewells = new Map<string, number>()
  const announced = new Map<SessionNumber, string>()
  const farewells = new Map<SessionNumber, number>()
  const ended = new Set<SessionNumber>()
  const transports = new Map<SessionNumber, string>()
  const contacts: (readonly [SessionNumber, SessionNumber])[] = []
  const lost = { lost: 0, cut: 0, silent: 0 }
  const counted = { announced: 0, presences: 0, resumed: 0, switched: 0 }
  const violate: Violate = (promise, at, what) => void violations.push({ promise, at, what })

  const messages = new MessageChecker(violate)
  const channels = new ChannelChecker(violate)
  const lists = new ListChecker(violate)
  const due = new Map<string, number>()
  const unread = new Set<string>()

  for (const [place, event] of events.entries()) {
    const { at } = event
    for (const checker of [messages, channels, lists]) checker.take(event, place, due)
    if (event.kind !== 'due' && 'reading' in event) unread.delete(event.reading)
    switch (event.kind) {
      case 'befriended':
        contacts.push([event.session, event.contact])
        break
      case 'due':
        due.set(event.reading, place)
        unread.add(event.reading)
        break
      case 'refused':
        violate('refused', at, `${event.id} of ${event.session}`)
        break
      case 'announced':
        counted.announced++
        if (event.isAvailable) announced.set(event.session, event.status)
        else farewells.set(event.session, (farewells.get(event.session) ?? 0) + 1)
        break
      case 'presence':
        counted.presences++
        if (event.isAvailable) seenPresence.set(pairOf(event), event.status)
        else {
          const seen = (seenFarewells.get(pairOf(event)) ?? 0) + 1
          seenFarewells.set(pairOf(event), seen)
          if (seen > (farewells.get(event.from) ?? 0) && !ended.has(event.from))
            violate('flicker', at, `${event.session} saw ${event.from} leave`)
        }
        break
      case 'offline':
        lost[event.why]++
        break
      case 'online': {
        const before = transports.get(event.session)
        if (event.how === 'resumed') {
          counted.resumed++
          if (before !== undefined && before !== event.transport) counted.switched++
        } else if (before !== undefined) {
          ended.add(event.session)
          violate('unresumed', at, `${event.session} had to begin anew`)
        }
        transports.set(event.session, event.transport)
        break
      }
      case 'trouble':
        violate('trouble', at, `${event.session}: ${event.what}`)
    }
  }

  for (const checker of [messages, channels, lists]) checker.end()
  const end = events.at(-1)?.at ?? 0
  for (const [session, contact] of contacts) {
    const last = announced.get(contact)
    const seen = seenPresence.get(`${session} ${contact}`)
    if (last !== seen) violate('stale', end, `${session} saw ${contact} as ${seen}, not as ${last}`)
  }
  for (const reading of unread) violate('unread', end, reading)
  const recovered = recoveriesOf(events)
  for (const session of recovered.away) violate('unresumed', end, `${session} never came back`)

  const counts = Object.fromEntries(Object.keys(promises).map((promise) => [promise, 0])) as Record<Promised, number>
  for (const { promise } of violations) counts[promise]++
  return {
    violations,
    counts,
    sent: messages.sent,
    lost,
    ...messages.counted,
    ...counted,
    said: channels.said,
    heard: channels.heard,
    changed: lists.changed,
    readings: due.size - unread.size,
    kills: recovered.kills,
    recoveries: recovered.times,
  }
}

export type Violate = (promise: Promised, at: number, what: string) => void

function pairOf({ session, from }: { session: SessionNumber; from: SessionNumber }): string {
  return `${session} ${from}`
}

/** How long each kill was felt, and who is away at the end. */
function recoveriesOf(events: readonly TortureEvent[]) {
  const sessions = new Set<SessionNumber>()
  const away = new Set<SessionNumber>()
  const times: number[] = []
  let kills = 0
  let killed: { at: number; generation: number; waiting: Set<SessionNumber> } | undefined
  for (const event of events) {
    if (event.kind === 'killed') {
      kills++
      killed = { at: event.at, generation: event.generation, waiting: new Set(sessions) }
    } else if (event.kind === 'offline') away.add(event.session)
    else if (event.kind === 'online') {
      sessions.add(event.session)
      away.delete(event.session)
      // What a dead server had already said may still come through.
      if (!killed || event.generation <= killed.generation || !killed.waiting.delete(event.session)) continue
      if (killed.waiting.size > 0) continue
      times.push(event.at - killed.at)
      killed = undefined
    }
  }
  return { kills, away, times: times.sort((a, b) => a - b) }
}
