import type { Stanza } from '@jackdaw/xmpp'
import type { Passage, Target } from '../module.ts'

/** A passage whose set of recipients is made when a hook asks for it: few do. */
export class Passing<S extends Stanza = Stanza> implements Passage<S> {
  stanza: S
  readonly sender: Target | undefined
  isKept = false
  readonly #chosen: readonly Target[]
  #recipients: Set<Target> | undefined

  constructor(stanza: S, sender: Target | undefined, chosen: readonly Target[]) {
    this.stanza = stanza
    this.sender = sender
    this.#chosen = chosen
  }

  get recipients(): Set<Target> {
    return (this.#recipients ??= new Set(this.#chosen))
  }

  /** Who gets it, as things stand. */
  get targets(): Iterable<Target> {
    return this.#recipients ?? this.#chosen
  }
}
