import type { Socket } from 'node:net'

/* oxlint-disable no-underscore-dangle -- Node's own names */
/** Characters that wait, above which whoever writes is to wait, too. */
const much = 65_536

/**
 * What is written to a socket: to the system at once, one piece at a time. Node's streams do the same by way of a queue of theirs, for a tenth of a
 * message's cost (docs/benchmarks.md).
 */
export class Outflow {
  readonly #socket: Socket
  readonly #transport: { drained(): void }
  /** Characters under way; what comes meanwhile is held. */
  #leaving = 0
  #held = ''
  #isFull = false
  #whenEmpty: (() => void) | undefined

  /** @param transport told when all has left after `write` was false */
  constructor(socket: Socket, transport: { drained(): void }) {
    this.#socket = socket
    this.#transport = transport
  }

  /** Characters that the system has not taken. */
  get pending(): number {
    return this.#leaving + this.#held.length
  }

  /** False: so much waits that no more should be written before it has left. */
  write(text: string): boolean {
    if (this.#leaving > 0) this.#held += text
    else if (text !== '') this.#send(text)
    this.#isFull = this.pending > much
    return !this.#isFull
  }

  /** Calls back, at once or later, when all has left or cannot leave any more. */
  whenEmpty(act: () => void): void {
    if (this.#leaving === 0) act()
    else this.#whenEmpty = act
  }

  #send(text: string): void {
    this.#leaving = text.length
    this.#socket._write(text, 'utf8', (error) => this.#sent(error))
  }

  /** Called within `_write` when the system has taken all at once. */
  #sent(error: Error | null | undefined): void {
    this.#leaving = 0
    const held = this.#held
    this.#held = ''
    if (error) this.#socket.destroy(error)
    else if (held !== '') return this.#send(held)
    else if (this.#isFull) {
      this.#isFull = false
      this.#transport.drained()
    }
    const act = this.#whenEmpty
    this.#whenEmpty = undefined
    act?.()
  }
}
