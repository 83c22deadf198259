import type { Violate } from './checker.ts'
import type { SessionNumber, TortureEvent } from './events.ts'

/** Something said, or a membership granted or revoked, which nobody hears. */
interface Said {
  readonly at: number
  readonly kind: 'said' | 'granted'
  readonly channel: string
  readonly to: readonly SessionNumber[]
  readonly heardBy: Set<SessionNumber>
  isAcknowledged: boolean
}

/** Judges rooms and nodes: each thing said comes to each once, to all in the order in which it was kept; who belongs to a room stays. */
export function checkChannels(events: readonly TortureEvent[], violate: Violate): { said: number; heard: number } {
  const all = new Map<string, Said>()
  /** By channel and session: what it heard, in order. */
  const heard = new Map<string, string[]>()
  const members = new Map<string, Set<string>>()
  let count = 0
  for (const event of events) {
    const { at } = event
    switch (event.kind) {
      case 'said':
        all.set(event.id, { ...event, heardBy: new Set(), isAcknowledged: false })
        break
      case 'acknowledged': {
        const said = all.get(event.id)
        if (said) said.isAcknowledged = true
        break
      }
      case 'heard': {
        count++
        const said = all.get(event.id)
        if (said?.channel !== event.channel || !said.to.includes(event.session))
          violate('misdelivered', at, `${event.id} of ${event.channel} came to ${event.session}`)
        else if (said.heardBy.has(event.session))
          violate('duplicates', at, `${event.id} came to ${event.session} again`)
        else {
          said.heardBy.add(event.session)
          const key = `${event.channel} ${event.session}`
          const order = heard.get(key)
          if (order) order.push(event.id)
          else heard.set(key, [event.id])
        }
        break
      }
      case 'stirred':
        violate('flicker', at, `${event.session} saw ${event.nick} come to or leave ${event.channel}`)
        break
      case 'granted': {
        all.set(event.id, { ...event, to: [], heardBy: new Set(), isAcknowledged: false })
        const those = members.get(event.channel) ?? new Set()
        members.set(event.channel, those)
        if (event.affiliation === 'member') those.add(event.jid)
        else those.delete(event.jid)
        break
      }
      case 'kept':
        checkKept(event, all, heard, violate)
        break
      case 'room': {
        const due = [...(members.get(event.channel) ?? [])]
        if (!isSame(due, event.members))
          violate('belonging', at, `${event.channel} has the members ${event.members}, not ${due}`)
        if (!isSame(event.inside, event.occupants))
          violate('belonging', at, `in ${event.channel} are ${event.occupants}, not ${event.inside}`)
      }
    }
  }
  for (const [id, { at, to, heardBy, isAcknowledged }] of all) {
    for (const session of to)
      if (!heardBy.has(session))
        violate(isAcknowledged ? 'acknowledgedLost' : 'unacknowledgedLost', at, `${id} never came to ${session}`)
    if (!isAcknowledged) violate('unsettled', at, id)
  }
  return { said: [...all.values()].filter(({ kind }) => kind === 'said').length, heard: count }
}

function checkKept(
  { at, channel, ids }: Extract<TortureEvent, { kind: 'kept' }>,
  all: ReadonlyMap<string, Said>,
  heard: ReadonlyMap<string, readonly string[]>,
  violate: Violate,
): void {
  const places = new Map<string, number>()
  for (const [place, id] of ids.entries()) {
    if (all.get(id)?.channel !== channel) violate('misdelivered', at, `${id} is kept in ${channel}`)
    if (places.has(id)) violate('archivedTwice', at, `${id} is kept twice in ${channel}`)
    places.set(id, place)
  }
  for (const [id, said] of all)
    if (said.kind === 'said' && said.channel === channel && !places.has(id))
      violate('archiveLost', at, `${id} is not kept in ${channel}`)
  for (const [key, order] of heard) {
    if (!key.startsWith(`${channel} `)) continue
    let last = -1
    for (const id of order) {
      const place = places.get(id) ?? last
      if (place < last) violate('disorder', at, `${id} came behind a later one: ${key}`)
      last = Math.max(last, place)
    }
  }
}

function isSame(these: readonly string[], those: readonly string[]): boolean {
  return these.toSorted().join(' ') === those.toSorted().join(' ')
}
