import type { Violate } from './checker.ts'
import type { Entry, EventOf, SessionNumber, TortureEvent } from './events.ts'
import { checkContent, type Original } from './contents.ts'

/** Something said in a room or published at a node, or taken back there. */
interface Said extends Original {
  readonly at: number
  readonly channel: string
  readonly by: string | undefined
  readonly to: readonly SessionNumber[]
  readonly isPassing: boolean
  readonly heardBy: Set<SessionNumber>
}

/** Judges rooms and nodes: each thing said comes to each once as it was said, to all in the order in which it is kept; what is taken back goes. */
export class ChannelChecker {
  readonly #violate: Violate
  readonly #all = new Map<string, Said>()
  readonly #byChannel = new Map<string, Map<string, Said>>()
  /** By channel and session: what it heard, in order. */
  readonly #heard = new Map<string, Map<SessionNumber, string[]>>()
  said = 0
  heard = 0

  constructor(violate: Violate) {
    this.#violate = violate
  }

  /** @param due by reading, the place of the event that asked for it */
  take(event: TortureEvent, place: number, due: ReadonlyMap<string, number>): void {
    if (event.kind === 'said') this.#take(event)
    else if (event.kind === 'acknowledged') {
      const said = this.#all.get(event.id)
      if (said) said.acknowledged = place
    } else if (event.kind === 'heard') this.#hear(event)
    else if (event.kind === 'stirred')
      this.#violate('flicker', event.at, `${event.session} saw ${event.nick} come to or leave ${event.channel}`)
    else if (event.kind === 'kept') this.#check(event, due.get(event.reading) ?? place)
  }

  #take({ at, id, channel, by, body, to, retracts, isPassing = false }: EventOf<'said'>): void {
    this.said++
    const said: Said = { at, id, channel, by, body, to, isPassing, heardBy: new Set(), acknowledged: Infinity }
    this.#all.set(id, said)
    const those = this.#byChannel.get(channel) ?? new Map<string, Said>()
    this.#byChannel.set(channel, those.set(id, said))
    const original = retracts === undefined ? undefined : those.get(retracts)
    if (original) original.retraction = said
  }

  #hear({ at, id, session, channel, by, body }: EventOf<'heard'>): void {
    this.heard++
    const said = this.#all.get(id)
    if (said?.channel !== channel || !said.to.includes(session))
      return this.#violate('misdelivered', at, `${id} of ${channel} came to ${session}`)
    if (said.heardBy.has(session)) return this.#violate('duplicates', at, `${id} came to ${session} again`)
    said.heardBy.add(session)
    if (body !== said.body) this.#violate('contents', at, `${id} came to ${session} as: ${body}`)
    if (said.by !== undefined && by !== said.by)
      this.#violate('contents', at, `${id} of ${said.by} came as that of ${by}`)
    const those = this.#heard.get(channel) ?? new Map<SessionNumber, string[]>()
    this.#heard.set(channel, those)
    const order = those.get(session)
    if (order) order.push(id)
    else those.set(session, [id])
  }

  #check({ at, channel, entries, most }: EventOf<'kept'>, due: number): void {
    const violate = this.#violate
    const those = this.#byChannel.get(channel) ?? new Map<string, Said>()
    const found = new Map<string, Entry>()
    for (const entry of entries) {
      if (found.has(entry.id)) violate('archivedTwice', at, `${entry.id} is kept twice in ${channel}`)
      found.set(entry.id, entry)
      const said = those.get(entry.id)
      if (!said || said.isPassing) violate('misdelivered', at, `${entry.id} is kept in ${channel}`)
      else if (most === undefined) checkContent(entry, said, due, at, channel, violate)
      else if (said.retraction && said.retraction.acknowledged < due)
        violate('retractions', at, `${entry.id} is still in ${channel}`)
      else if (entry.body !== said.body) violate('contents', at, `${entry.id} is kept in ${channel} as: ${entry.body}`)
    }
    // What came after it took its place, or may have.
    const lasting = [...those.values()].filter(({ isPassing }) => !isPassing)
    const old = most === undefined ? [] : lasting.slice(0, Math.max(0, lasting.length - most))
    for (const said of lasting) {
      const isDue = said.acknowledged < due && !old.includes(said) && (most === undefined || !said.retraction)
      if (isDue && !found.has(said.id)) violate('archiveLost', at, `${said.id} is not kept in ${channel}`)
    }
    const replaced = lasting.filter(({ acknowledged }) => acknowledged < due)
    if (most !== undefined)
      for (const { id } of replaced.slice(0, Math.max(0, replaced.length - most)))
        if (found.has(id)) violate('contents', at, `${id} is still kept in ${channel}`)
    this.#checkOrder(channel, [...found.keys()], at)
  }

  /** All hear in the order in which it is kept. */
  #checkOrder(channel: string, kept: readonly string[], at: number): void {
    const places = new Map(kept.map((id, place) => [id, place]))
    for (const [session, order] of this.#heard.get(channel) ?? []) {
      let last = -1
      for (const id of order) {
        const place = places.get(id) ?? last
        if (place < last) this.#violate('disorder', at, `${id} of ${channel} came to ${session} behind a later one`)
        last = Math.max(last, place)
      }
    }
  }

  /** What should have happened by now. */
  end(): void {
    for (const [id, { at, to, heardBy, acknowledged }] of this.#all) {
      const isAcknowledged = acknowledged < Infinity
      for (const session of to)
        if (!heardBy.has(session))
          this.#violate(
            isAcknowledged ? 'acknowledgedLost' : 'unacknowledgedLost',
            at,
            `${id} never came to ${session}`,
          )
      if (!isAcknowledged) this.#violate('unsettled', at, id)
    }
  }
}
