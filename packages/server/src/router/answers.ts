import type { Element, Iq, Jid, Payload } from '@jackdaw/xmpp'
import type { Reply, Target } from '../module.ts'
import type { Awaitable } from '../world.ts'

interface Answer<Place> {
  readonly type: 'get' | 'set'
  readonly at: Place
  readonly payload: Payload<any>
  readonly reply: Reply<any>
}

/** Who answers which request, found by its type, its payload's name and the place that is asked. */
export class Answers<Place extends string> {
  /** By namespace, which mostly has few; a name put together of all for each request would be hashed each time. */
  readonly #answers = new Map<string, readonly Answer<Place>[]>()

  get size(): number {
    return [...this].length
  }

  /** All that is answered. */
  *[Symbol.iterator](): Iterator<Pick<Answer<Place>, 'type' | 'at' | 'payload'>> {
    for (const answers of this.#answers.values()) yield* answers
  }

  /** Returns what takes it back. */
  add<T>(type: 'get' | 'set', at: Place, payload: Payload<T>, reply: Reply<T>): () => void {
    const { ns, name } = payload
    if (this.#find(type, at, ns, name)) throw new Error(`${type} ${at} {${ns}}${name} is answered by another module`)
    const added = { type, at, payload, reply }
    this.#answers.set(ns, [...this.#of(ns), added])
    return () =>
      void this.#answers.set(
        ns,
        this.#of(ns).filter((one) => one !== added),
      )
  }

  /** The payload of the result; `undefined` when nobody answers such a request. Throws the StanzaError of the answer. */
  reply(
    iq: Iq,
    at: Place,
    to: Jid,
    sender: Target | undefined,
  ): { readonly result: Awaitable<Element | void> } | undefined {
    const element = iq.first()!
    const answer = this.#find(iq.type, at, element.ns, element.name)
    if (!answer) return undefined
    const payload = answer.payload.read(element)
    const from = iq.from!
    return { result: answer.reply({ iq, payload, from, to, sender, isOwn: from.bare.equals(to) }) }
  }

  #of(ns: string): readonly Answer<Place>[] {
    return this.#answers.get(ns) ?? []
  }

  #find(type: string | undefined, at: string, ns: string, name: string): Answer<Place> | undefined {
    for (const one of this.#of(ns)) if (one.payload.name === name && one.type === type && one.at === at) return one
    return undefined
  }
}
