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
  readonly #answers = new Map<string, Answer<Place>>()

  get size(): number {
    return this.#answers.size
  }

  /** All that is answered. */
  [Symbol.iterator](): Iterator<Pick<Answer<Place>, 'type' | 'at' | 'payload'>> {
    return this.#answers.values()
  }

  /** Returns what takes it back. */
  add<T>(type: 'get' | 'set', at: Place, payload: Payload<T>, reply: Reply<T>): () => void {
    const key = keyOf(type, at, payload.ns, payload.name)
    if (this.#answers.has(key)) throw new Error(`${key} is answered by another module`)
    this.#answers.set(key, { type, at, payload, reply })
    return () => void this.#answers.delete(key)
  }

  /** The payload of the result; `undefined` when nobody answers such a request. Throws the StanzaError of the answer. */
  reply(
    iq: Iq,
    at: Place,
    to: Jid,
    sender: Target | undefined,
  ): { readonly result: Awaitable<Element | void> } | undefined {
    const element = iq.first()!
    const answer = this.#answers.get(keyOf(iq.type!, at, element.ns, element.name))
    if (!answer) return undefined
    const payload = answer.payload.read(element)
    const from = iq.from!
    return { result: answer.reply({ iq, payload, from, to, sender, isOwn: from.bare.equals(to) }) }
  }
}

function keyOf(type: string, at: string, ns: string, name: string): string {
  return `${type} ${at} {${ns}}${name}`
}
