import type { Iq, Jid, Message, Presence, Stanza } from '@jackdaw/xmpp'
import { StanzaError } from '@jackdaw/xmpp'
import type { Served, ServicePlace, Target } from '../module.ts'
import type { Awaitable } from '../world.ts'
import { Answers } from './answers.ts'

/** A domain beside the virtual hosts: a module serves it or, from outside, a component. */
export class ServedDomain {
  readonly domain: Jid
  readonly name: string
  /** Whether what it sends comes from outside. */
  readonly isRemote: boolean
  readonly answers = new Answers<ServicePlace>()
  readonly #served: Served

  constructor(domain: Jid, served: Served, isRemote = false) {
    this.domain = domain
    this.name = served.name
    this.#served = served
    this.isRemote = isRemote
  }

  /** Hands over what is no request that `answers` answer. */
  take(stanza: Stanza, sender: Target | undefined): Awaitable<void> {
    const { message, presence, iq } = this.#served
    switch (stanza.name) {
      case 'message':
        if (message) return message(stanza as Message, sender)
        break
      case 'presence':
        return presence?.(stanza as Presence, sender)
      case 'iq':
        if (iq) return iq(stanza as Iq, sender)
    }
    throw new StanzaError('service-unavailable')
  }
}
