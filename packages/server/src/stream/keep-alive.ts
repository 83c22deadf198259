import { StreamError } from '@jackdaw/xmpp'
import type { Intake } from './intake.ts'
import type { Output } from './output.ts'
import type { AnyPort } from './port.ts'
import type { Transport } from '../transport/transport.ts'

/** A stream that is kept alive. */
interface Living {
  readonly port: AnyPort
  readonly transport: Transport
  /** Asks the other side for a sign of life. */
  probe(): void
  end(error: StreamError): void
}

/** RFC 6120 §4.6: asks a silent other side for a sign of life, then gives it up. */
export class KeepAlive {
  readonly #stream: Living
  readonly #intake: Intake
  readonly #output: Output
  #round: number

  constructor(stream: Living, intake: Intake, output: Output) {
    this.#stream = stream
    this.#intake = intake
    this.#output = output
    this.#round = stream.port.rounds.join(stream.port.limits.idleTime, this)
  }

  stop(): void {
    this.#stream.port.rounds.leave(this.#round, this)
  }

  /** Asks now: somebody has a reason to believe that it is gone. */
  doubt(): void {
    if (this.#intake.isProbed) return
    this.stop()
    this.#intake.isProbed = true
    this.#stream.probe()
    this.#round = this.#stream.port.rounds.join(this.#stream.port.limits.pingTime, this)
  }

  /** Looks whether it has been silent for too long. */
  due(): void {
    const { clock, limits, rounds } = this.#stream.port
    const silence = clock.now() - this.#intake.lastInput
    let next = limits.idleTime
    if (this.#output.isCongested) {
      // Who takes nothing for so long has gone; it can come back.
      if (this.#output.isStuck()) return this.#stream.transport.destroy()
    } else if (!this.#intake.isHeld && (this.#intake.isProbed || silence >= limits.idleTime)) {
      // Who is held back cannot speak.
      if (this.#intake.isProbed) return this.#stream.end(new StreamError('connection-timeout'))
      this.#intake.isProbed = true
      this.#stream.probe()
      next = limits.pingTime
    } else if (!this.#intake.isHeld) next = limits.idleTime - silence
    this.#round = rounds.join(next, this)
  }
}
