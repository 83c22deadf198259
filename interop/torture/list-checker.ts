import type { Violate } from './checker.ts'
import type { EventOf, TortureEvent } from './events.ts'

/** A change of one entry of a list. */
interface Change {
  readonly isIn: boolean
  /** The place of the event that told of it; Infinity until then. */
  acknowledged: number
}

/** Judges lists: what was acknowledged before one was asked for is in it, or not; what was changed meanwhile may be either way. */
export class ListChecker {
  readonly #violate: Violate
  /** By list and entry, in order. */
  readonly #lists = new Map<string, Map<string, Change[]>>()
  readonly #unacknowledged = new Map<string, { readonly at: number; readonly changes: Change[] }>()
  changed = 0

  constructor(violate: Violate) {
    this.#violate = violate
  }

  /** @param due by reading, the place of the event that asked for it */
  take(event: TortureEvent, place: number, due: ReadonlyMap<string, number>): void {
    if (event.kind === 'listed') this.#take(event)
    else if (event.kind === 'acknowledged') {
      for (const change of this.#unacknowledged.get(event.id)?.changes ?? []) change.acknowledged = place
      this.#unacknowledged.delete(event.id)
    } else if (event.kind === 'list') this.#check(event, due.get(event.reading) ?? place)
  }

  #take({ at, id, list, added, removed }: EventOf<'listed'>): void {
    this.changed++
    const entries = this.#lists.get(list) ?? new Map<string, Change[]>()
    this.#lists.set(list, entries)
    const changes: Change[] = this.#unacknowledged.get(id)?.changes ?? []
    this.#unacknowledged.set(id, { at, changes })
    for (const [those, isIn] of [
      [removed, false],
      [added, true],
    ] as const)
      for (const entry of those) {
        const change = { isIn, acknowledged: Infinity }
        changes.push(change)
        const before = entries.get(entry)
        if (before) before.push(change)
        else entries.set(entry, [change])
      }
  }

  #check({ at, list, entries }: EventOf<'list'>, due: number): void {
    const known = this.#lists.get(list) ?? new Map<string, Change[]>()
    const found = new Set(entries)
    if (found.size < entries.length) this.#violate('belonging', at, `${list} has something twice: ${entries}`)
    for (const entry of found) if (!known.has(entry)) this.#violate('belonging', at, `${list} has ${entry}`)
    for (const [entry, changes] of known) {
      const last = changes.findLastIndex(({ acknowledged }) => acknowledged < due)
      const isIn = last >= 0 && changes[last]!.isIn
      const isOpen = changes.slice(last + 1).some((change) => change.isIn !== isIn)
      if (!isOpen && found.has(entry) !== isIn)
        this.#violate('belonging', at, `${list} ${isIn ? 'has lost' : 'still has'} ${entry}`)
    }
  }

  /** What should have happened by now. */
  end(): void {
    for (const [id, { at }] of this.#unacknowledged) this.#violate('unsettled', at, `${id} in a list`)
  }
}
