import { checkChannels } from './channel-checker.ts'
import { readingOf, type SessionNumber, type TortureEvent } from './events.ts'

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
  unread: 'archives, nodes and rooms that could not be read in the end',
  belonging: 'rooms whose members or occupants are not those they should be',
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
  readonly kills: number
  /** Connections lost, by kind, and how many came back as the same session. */
  readonly lost: Readonly<Record<'lost' | 'cut' | 'silent', number>>
  readonly resumed: number
  readonly switched: number
  /** For each kill that no other followed before all were back: milliseconds until the last session was. Ascending. */
  readonly recoveries: readonly number[]
}

interface Message {
  readonly at: number
  readonly from: SessionNumber
  readonly to: readonly SessionNumber[]
  readonly copies: readonly SessionNumber[]
  readonly isToAccount: boolean
  /** The how manieth message of its sender it is. */
  readonly order: number
  readonly seenBy: Set<SessionNumber>
  readonly copiedTo: Set<SessionNumber>
  isAcknowledged: boolean
}

/** Judges a run by what its clients saw. */
export function check(events: readonly TortureEvent[]): Verdict {
  const violations: Violation[] = []
  const messages = new Map<string, Message>()
  const orders = new Map<SessionNumber, number>()
  const lastSeen = new Map<string, number>()
  const seenPresence = new Map<string, string>()
  const seenFarewells = new Map<string, number>()
  const announced = new Map<SessionNumber, string>()
  const farewells = new Map<SessionNumber, number>()
  const ended = new Set<SessionNumber>()
  const transports = new Map<SessionNumber, string>()
  const contacts: (readonly [SessionNumber, SessionNumber])[] = []
  const lost = { lost: 0, cut: 0, silent: 0 }
  const counted = {
    received: 0,
    copied: 0,
    archived: 0,
    acknowledged: 0,
    announced: 0,
    presences: 0,
    resumed: 0,
    switched: 0,
  }
  const violate: Violate = (promise, at, what) => void violations.push({ promise, at, what })

  for (const event of events) {
    const { at } = event
    switch (event.kind) {
      case 'befriended':
        contacts.push([event.session, event.contact])
        break
      case 'sent': {
        const order = (orders.get(event.session) ?? 0) + 1
        orders.set(event.session, order)
        const { to, copies, isToAccount } = event
        const unseen = { seenBy: new Set<number>(), copiedTo: new Set<number>(), isAcknowledged: false }
        messages.set(event.id, { at, from: event.session, to, copies, isToAccount, order, ...unseen })
        break
      }
      case 'acknowledged': {
        const message = messages.get(event.id)
        if (!message) break
        counted.acknowledged++
        message.isAcknowledged = true
        break
      }
      case 'received': {
        counted.received++
        const message = messages.get(event.id)
        if (!message || message.from !== event.from || !message.to.includes(event.session)) {
          violate('misdelivered', at, `${event.id} from ${event.from} came to ${event.session}`)
          break
        }
        if (message.seenBy.has(event.session)) {
          violate('duplicates', at, `${event.id} came to ${event.session} again`)
          break
        }
        message.seenBy.add(event.session)
        // What waits for its account may come behind what went straight to the session.
        const pair = `${event.from} ${event.session} ${message.isToAccount}`
        const before = lastSeen.get(pair) ?? 0
        if (message.order < before) violate('disorder', at, `${event.id} came to ${event.session} behind a later one`)
        else lastSeen.set(pair, message.order)
        break
      }
      case 'copied': {
        counted.copied++
        const message = messages.get(event.id)
        if (!message?.copies.includes(event.session))
          violate('misdelivered', at, `a copy of ${event.id} came to ${event.session}`)
        else if (message.copiedTo.has(event.session))
          violate('duplicates', at, `a copy of ${event.id} came to ${event.session} again`)
        else message.copiedTo.add(event.session)
        break
      }
      case 'archived':
        counted.archived += event.ids.length
        checkArchive(event, messages, violate)
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

  for (const [id, { at, to, seenBy, copies, copiedTo, isAcknowledged }] of messages) {
    for (const session of to)
      if (!seenBy.has(session))
        violate(isAcknowledged ? 'acknowledgedLost' : 'unacknowledgedLost', at, `${id} never came to ${session}`)
    for (const session of copies)
      if (!copiedTo.has(session)) violate('copiesLost', at, `no copy of ${id} came to ${session}`)
    if (!isAcknowledged) violate('unsettled', at, id)
  }
  const channels = checkChannels(events, violate)
  const end = events.at(-1)?.at ?? 0
  for (const [session, contact] of contacts) {
    const last = announced.get(contact)
    const seen = seenPresence.get(`${session} ${contact}`)
    if (last !== seen) violate('stale', end, `${session} saw ${contact} as ${seen}, not as ${last}`)
  }
  const read = new Set(events.map(readingOf))
  for (const event of events)
    if (event.kind === 'due' && !read.has(event.reading)) violate('unread', end, event.reading)
  const recovered = recoveriesOf(events)
  for (const session of recovered.away) violate('unresumed', end, `${session} never came back`)

  const counts = Object.fromEntries(Object.keys(promises).map((promise) => [promise, 0])) as Record<Promised, number>
  for (const { promise } of violations) counts[promise]++
  return {
    violations,
    counts,
    sent: messages.size,
    lost,
    ...counted,
    ...channels,
    kills: recovered.kills,
    recoveries: recovered.times,
  }
}

export type Violate = (promise: Promised, at: number, what: string) => void

/** XEP-0313: whether an archive holds each message that its account sent or was sent, once, and each sender's in order. */
function checkArchive(
  { at, sessions, ids }: Extract<TortureEvent, { kind: 'archived' }>,
  messages: ReadonlyMap<string, Message>,
  violate: Violate,
): void {
  const held = new Set<string>()
  const orders = new Map<SessionNumber, number>()
  for (const id of ids) {
    const message = messages.get(id)
    if (!message) {
      violate('misdelivered', at, `${id} is in the archive of ${sessions}`)
      continue
    }
    if (held.has(id)) violate('archivedTwice', at, `${id} in the archive of ${sessions}`)
    else if (message.order < (orders.get(message.from) ?? 0))
      violate('disorder', at, `${id} in the archive of ${sessions}`)
    else orders.set(message.from, message.order)
    held.add(id)
  }
  for (const [id, { from, to }] of messages)
    if (!held.has(id) && [from, ...to].some((session) => sessions.includes(session)))
      violate('archiveLost', at, `${id} is not in the archive of ${sessions}`)
}

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
