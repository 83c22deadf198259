import { mucUserNs, type Stanza } from '@jackdaw/xmpp'
import type { SessionNumber, Told } from './events.ts'

/** What a room's occupants see of each other: whoever comes, leaves or changes the nickname without having wanted to is told of. */
export class Onlookers {
  readonly #channel: string
  readonly #tell: (event: Told) => void
  /** By the session that was told, the nicknames that it knows. */
  readonly #seen = new Map<SessionNumber, Set<string>>()
  /** Those that it has seen leaving: they do not come again. */
  readonly #left = new Map<SessionNumber, Set<string>>()
  /** Of whom it has been told that they will come back under that name. */
  readonly #coming = new Map<SessionNumber, Set<string>>()
  /** Nicknames that may come for the first time, and may leave. */
  readonly #newcomers = new Set<string>()
  readonly #leavers = new Set<string>()

  constructor(channel: string, tell: (event: Told) => void) {
    this.#channel = channel
    this.#tell = tell
  }

  /** Somebody enters. */
  expect(nick: string): void {
    this.#newcomers.add(nick)
  }

  /** Somebody is to leave, or has another nickname from now on. Who was away may hear of the coming yet. */
  dismiss(nick: string): void {
    this.#leavers.add(nick)
  }

  /** XEP-0045 §7.2.2, §7.6, §7.14 */
  hear(session: SessionNumber, stanza: Stanza): void {
    const nick = stanza.from!.resource!
    const seen = setOf(this.#seen, session)
    const coming = setOf(this.#coming, session)
    if (stanza.type === 'unavailable') {
      if (!seen.delete(nick) || !this.#leavers.has(nick)) this.#stirred(session, nick)
      setOf(this.#left, session).add(nick)
      const next = stanza.child('x', mucUserNs)?.child('item')?.attr('nick')
      if (hasStatus(stanza, '303') && next !== undefined) coming.add(next)
    } else if (seen.has(nick)) this.#stirred(session, nick)
    else {
      seen.add(nick)
      if (coming.delete(nick)) this.#tell({ kind: 'heard', session, channel: this.#channel, id: nick, body: '' })
      else if (!this.#newcomers.has(nick) || setOf(this.#left, session).has(nick)) this.#stirred(session, nick)
    }
  }

  #stirred(session: SessionNumber, nick: string): void {
    this.#tell({ kind: 'stirred', session, channel: this.#channel, nick })
  }
}

export function hasStatus(stanza: Stanza, code: string): boolean {
  const x = stanza.child('x', mucUserNs)
  return x?.elements().some((child) => child.name === 'status' && child.attr('code') === code) ?? false
}

function setOf(of: Map<SessionNumber, Set<string>>, session: SessionNumber): Set<string> {
  const set = of.get(session) ?? new Set()
  of.set(session, set)
  return set
}
