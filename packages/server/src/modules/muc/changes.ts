import { type Jid, StanzaError } from '@jackdaw/xmpp'

/** So often a user says in one room what goes to all: that it comes, what it is called, how it is. */
const perSecond = 10
const atOnce = 100
/** Of so many users it is remembered; who has been quiet is forgotten. */
const mostKnown = 1000

/** XEP-0045 §14.6: presence goes to many as messages do. By user: nobody begins anew by leaving, or has more under another nickname. */
export class Changes {
  readonly #known = new Map<string, { left: number; at: number }>()

  /** @param now milliseconds since the Unix epoch @throws StanzaError policy-violation */
  take(user: Jid, now: number): void {
    const key = user.bare.toString()
    const { left, at } = this.#known.get(key) ?? { left: atOnce, at: now }
    const has = Math.min(atOnce, left + ((now - at) / 1000) * perSecond)
    if (has < 1) throw new StanzaError('policy-violation', 'Too many changes: wait a moment', { type: 'wait' })
    if (this.#known.size >= mostKnown) this.#forgetQuiet(now)
    this.#known.set(key, { left: has - 1, at: now })
  }

  #forgetQuiet(now: number): void {
    for (const [key, { at }] of this.#known) if (now - at >= (atOnce / perSecond) * 1000) this.#known.delete(key)
  }
}
