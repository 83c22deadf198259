import type { Element, Jid, Stanza, StanzaError, StreamError } from '@jackdaw/xmpp'
import type { Awaitable } from '../world.ts'

/** A stanza that waits for its acknowledgement: when it was sent (milliseconds since the epoch) and its text. */
export type Unacknowledged = readonly [at: number, text: string]

/** What a stream asks of the session that is bound on it. */
export interface StreamSession {
  readonly jid: Jid
  /** Handles one stanza of the client's, with all its lasting effects; `at`: when it came, milliseconds since the epoch. */
  accept(stanza: Stanza, at: number): Awaitable<void>
  /** Answers what is no stanza: an address in it is malformed. It counts as handled. */
  refuse(element: Element, error: StanzaError): void
  /** The stream is gone; `isClosed` when the client ended it in an orderly way (RFC 6120 §4.4), and then the session ends too. */
  detach(stream: SessionStream, isClosed: boolean): void

  /** XEP-0198: whether stanzas are counted and kept until they are acknowledged. */
  readonly isManaged: boolean
  /** XEP-0198 §3: counting begins; returns the token for resumption, where that was asked and is granted. */
  manage(canResume: boolean, seconds?: number): { readonly id: string; readonly seconds: number } | undefined
  /** How many stanzas of the client's have been handled, modulo 2^32. */
  readonly handled: number
  /** The client has handled `h` stanzas. False: it claims more than were sent. */
  acknowledge(h: number): boolean
  readonly unacknowledged: number
  /** How many stanzas were sent to the client since counting began, modulo 2^32. */
  readonly sent: number
}

/** What a session asks of its stream. */
export interface SessionStream {
  /** Adds a stanza's text (in the namespace jabber:client, undeclared) to what is written at the tick's end. */
  deliver(text: string): void
  /** Calls `act` once, in a later tick, when all that was delivered has left. */
  whenDrained(act: () => void): void
  /** Ends the stream with an error; the session knows already. */
  end(error: StreamError): void
}
