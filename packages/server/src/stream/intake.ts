import type { Transport } from '../transport/transport.ts'
import type { AnyPort } from './port.ts'

/** Where the limits of the moment are found. */
type Limited = Pick<AnyPort, 'clock' | 'limits'>

/** How fast a client speaks (token buckets of bytes and stanzas), and for how many reasons it is held back. */
export class Intake {
  readonly #transport: Transport
  readonly #limited: Limited
  // Numbers from the beginning: then each stays in its place, where one that was undefined before would be another object at each read.
  #bytes = 0
  #stanzas = 0
  #pauses = 0
  /** When the client was heard last, in milliseconds. */
  lastInput = 0
  /** Whether a sign of life was asked for, and none has come since. */
  isProbed = false

  constructor(transport: Transport, limited: Limited) {
    this.#transport = transport
    this.#limited = limited
    this.lastInput = limited.clock.now()
    this.#bytes = limited.limits.inboundBurstBytes
    this.#stanzas = limited.limits.stanzasBurst
  }

  get isHeld(): boolean {
    return this.#pauses > 0
  }

  /** Who is too fast waits until what it owes is earned. */
  heard(bytes: number): void {
    const { clock, limits } = this.#limited
    const now = clock.now()
    const seconds = (now - this.lastInput) / 1000
    this.lastInput = now
    this.isProbed = false
    this.#bytes = Math.min(this.#bytes + seconds * limits.inboundBytesPerSecond, limits.inboundBurstBytes) - bytes
    this.#stanzas = Math.min(this.#stanzas + seconds * limits.stanzasPerSecond, limits.stanzasBurst)
    const debt = Math.max(-this.#bytes / limits.inboundBytesPerSecond, -this.#stanzas / limits.stanzasPerSecond)
    if (debt <= 0) return
    this.pause()
    clock.after(debt * 1000, () => this.resume())
  }

  stanza(): void {
    this.#stanzas--
  }

  pause(): void {
    if (++this.#pauses === 1) this.#transport.pause()
  }

  resume(): void {
    if (--this.#pauses === 0) this.#transport.resume()
  }
}
