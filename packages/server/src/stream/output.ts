import { commandsNs, externalServicesNs, httpUploadNs } from '@jackdaw/xmpp'
import type { Transport } from '../transport/transport.ts'
import type { Intake } from './intake.ts'
import type { AnyPort } from './port.ts'

/** Where to put a file, credentials of other services, links that invite. */
const withSecrets = [httpUploadNs, externalServicesNs, commandsNs]

/** Characters of output after which a tick takes no more input of the same client: a short question may have a long answer. */
const perTick = 1_048_576

/** What a client is sent: gathered during a tick, written at its end; and whether the client takes it. */
export class Output {
  readonly #transport: Transport
  readonly #port: AnyPort
  readonly #intake: Intake
  readonly #isTraced: boolean
  /** In one piece, or, where each text is a message of its own, in several; undefined while there are none: an idle one keeps no array. */
  #text = ''
  #texts: string[] | undefined
  #size = 0
  #isCongested = false
  /** What had not left when the client was last looked at, since it stopped reading; no number, which is an object, in the many that read. */
  #pendingBefore: number | undefined
  /** Called once, in a later tick, when all has left. */
  whenDrained: (() => void) | undefined

  constructor(transport: Transport, port: AnyPort, intake: Intake) {
    this.#transport = transport
    this.#port = port
    this.#intake = intake
    this.#isTraced = port.log.isLevelEnabled('trace')
  }

  add(text: string): void {
    if (this.#isTraced) this.#trace(text)
    if (this.#transport.framing === 'tcp') this.#text += text
    else (this.#texts ??= []).push(text)
    this.#size += text.length
  }

  /** Whether the client does not read, and therefore is not read from. */
  get isCongested(): boolean {
    return this.#isCongested
  }

  /** Whether no more input is to be taken before this has left. */
  get isFull(): boolean {
    return this.#isCongested || this.#size > perTick
  }

  /** Writes what was gathered; `isLast` when the stream is over. False: the client is too far behind to be waited for. */
  flush(isLast: boolean): boolean {
    // What was left of earlier output tells who does not read; this tick's may be any size.
    const isBehind = this.#transport.pendingBytes > this.#port.limits.outboundBytes
    this.#size = 0
    const isFlowing = this.#write()
    if (isLast || isBehind) return !isBehind
    if (!isFlowing && !this.#isCongested) {
      this.#isCongested = true
      this.#intake.pause()
    }
    if (!this.#isCongested) this.#tellDrained()
    return true
  }

  /** What was written has left. */
  drain(): void {
    this.#isCongested = false
    this.#pendingBefore = undefined
    this.#intake.resume()
    this.#tellDrained()
  }

  /** Whether a congested client has taken nothing since this was asked before. */
  isStuck(): boolean {
    const { pendingBytes } = this.#transport
    const isStuck = pendingBytes >= (this.#pendingBefore ?? Infinity)
    this.#pendingBefore = pendingBytes
    return isStuck
  }

  #write(): boolean {
    if (this.#transport.framing === 'tcp') {
      const text = this.#text
      this.#text = ''
      return this.#transport.write(text)
    }
    const texts = this.#texts ?? []
    this.#texts = undefined
    let isFlowing = true
    for (const message of texts) isFlowing = this.#transport.write(message)
    return isFlowing
  }

  #trace(text: string): void {
    // XEP-0484 §3.3: as good as a password.
    const sent = withSecrets.some((ns) => text.includes(` xmlns='${ns}'`))
      ? 'a stanza that may hold a secret'
      : text.replace(/ token='[^']*'/g, ` token='…'`)
    this.#port.log.trace({ address: this.#transport.address, sent })
  }

  #tellDrained(): void {
    const act = this.whenDrained
    this.whenDrained = undefined
    if (act) this.#port.clock.soon(act)
  }
}
