import type { Jid } from '@jackdaw/xmpp'
import type { Logger } from 'pino'
import type { Journal } from '../journal/journal.ts'
import type { Clock, Random } from '../world.ts'
import type { Attempts } from './attempts.ts'
import type { StreamFeature } from './features.ts'
import type { Requests } from './requests.ts'
import type { Rounds } from './rounds.ts'
import type { Stream } from './stream.ts'

/** Bounds on what one connection may ask of the server. Sizes in bytes, times in milliseconds. */
export interface StreamLimits {
  readonly stanzaBytes: number
  readonly unauthenticatedStanzaBytes: number
  readonly depth: number
  readonly attributes: number
  readonly unauthenticatedTime: number
  readonly authenticationAttempts: number
  readonly authenticationDelay: number
  readonly authenticationDelayMax: number
  readonly inboundBytesPerSecond: number
  readonly inboundBurstBytes: number
  readonly stanzasPerSecond: number
  readonly stanzasBurst: number
  readonly outboundBytes: number
  readonly idleTime: number
  readonly pingTime: number
}

/** A virtual host as a stream sees it. */
export interface StreamHost {
  readonly domain: Jid
  /** Whether a client at that address may log in without TLS. */
  allowsPlaintext(address: string): boolean
  /** Those of an account whose role has some of its own. */
  limitsOf(account: Jid): StreamLimits | undefined
  /** In the order in which they are offered (RFC 6120 §4.3.2). */
  readonly streamFeatures: Iterable<StreamFeature>
}

/** What a stream of any kind needs of the port that opened it. */
export interface AnyPort {
  readonly clock: Clock
  readonly random: Random
  readonly journal: Journal
  readonly log: Logger
  readonly limits: StreamLimits
  readonly attempts: Attempts
  readonly rounds: Rounds
  /** What the server calls itself to who names no host of it. */
  readonly domain: string
}

/** What a client's stream needs. */
export interface StreamPort extends AnyPort {
  readonly requests: Requests
  /** The virtual host of that name. */
  host(domain: string): StreamHost | undefined
  /** Called once, when the client has logged in. */
  loggedIn(stream: Stream): void
  /** Called once, when the connection is gone. */
  gone(stream: Stream): void
}
