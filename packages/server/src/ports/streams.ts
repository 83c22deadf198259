import { StreamError } from '@jackdaw/xmpp'
import { isLoopback, networkOf } from '../address.ts'
import type { Journal } from '../journal/journal.ts'
import type { Transport } from '../transport/transport.ts'

interface PortStream {
  readonly transport: Transport
  end(error: StreamError): void
  refuse(text: string): void
}

/** The streams that have come in by one port. */
export class Streams<S extends PortStream> {
  readonly #journal: Journal
  readonly #all = new Set<S>()
  /** Those that have not said who they are, and how many there are of a network. */
  readonly #strangers = new Set<S>()
  readonly #byNetwork = new Map<string, number>()
  #whenEmpty: (() => void) | undefined
  isClosing = false

  constructor(journal: Journal) {
    this.#journal = journal
  }

  get size(): number {
    return this.#all.size
  }

  get strangers(): number {
    return this.#strangers.size
  }

  /** @param most strangers at once, a tenth of them from one network; one more is refused with `why` */
  admit(stream: S, most: number, why: string): void {
    this.#all.add(stream)
    this.#strangers.add(stream)
    const { address } = stream.transport
    const network = networkOf(address)
    const ofNetwork = (this.#byNetwork.get(network) ?? 0) + 1
    this.#byNetwork.set(network, ofNetwork)
    // A proxy on this machine has everybody's.
    const isTooMany = !isLoopback(address) && ofNetwork > Math.ceil(most / 10)
    if (this.isClosing) stream.end(new StreamError('system-shutdown'))
    else if (this.#journal.isTroubled) this.#refuse(stream, 'The server cannot write to its disk')
    else if (isTooMany || this.#strangers.size > most) this.#refuse(stream, why)
  }

  known(stream: S): void {
    if (!this.#strangers.delete(stream)) return
    const network = networkOf(stream.transport.address)
    const left = this.#byNetwork.get(network)! - 1
    if (left > 0) this.#byNetwork.set(network, left)
    else this.#byNetwork.delete(network)
  }

  gone(stream: S): void {
    this.#all.delete(stream)
    this.known(stream)
    if (this.#all.size === 0) this.#whenEmpty?.()
  }

  /** Ends all of them with system-shutdown; resolves when their connections are gone. */
  async close(): Promise<void> {
    this.isClosing = true
    if (this.#all.size === 0) return
    const empty = new Promise<void>((resolve) => (this.#whenEmpty = resolve))
    for (const stream of this.#all) {
      // What cannot be kept cannot be told either.
      if (this.#journal.isTroubled) stream.transport.destroy()
      else stream.end(new StreamError('system-shutdown'))
    }
    await empty
  }

  /** However long it takes to go, it takes nobody's place. */
  #refuse(stream: S, why: string): void {
    this.known(stream)
    stream.refuse(why)
  }
}
