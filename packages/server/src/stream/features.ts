import type { Authenticate, Element, Jid, ServerMechanism, ServerScramCrypto } from '@jackdaw/xmpp'
import type { Awaitable } from '../world.ts'
import type { StreamSession } from './bound.ts'
import type { Stream } from './stream.ts'

/** What has been reached on a stream. Each feature says which of these it needs and which forbid it (RFC 6120 §4.3). */
export type StreamState = 'secure' | 'authenticated' | 'bound'

/** A stream feature as data: when it is offered, how it is announced, which elements negotiate it. */
export interface StreamFeature {
  readonly name: string
  readonly needs?: readonly StreamState[]
  readonly forbids?: readonly StreamState[]
  /** What stands in <stream:features/>; undefined offers nothing, though `elements` are still understood. */
  offer?(stream: Stream): Element | undefined
  /** The namespace whose elements, sent outside of stanzas, it negotiates. */
  readonly ns?: string
  negotiate?(stream: Stream, element: Element): Awaitable<void>
  /** How it is negotiated along with a login. */
  readonly inline?: InlineFeature
  /** What it does as a resource is bound along with a login. */
  readonly binding?: BindingFeature
}

/** Who logs in, and what was asked for along with it. */
export interface Login extends Authenticate {
  /** The bare JID that has been proved. */
  readonly account: Jid
}

/**
 * A feature within a login (XEP-0388 §2.6.1). `prepare` reads what must be read, once the account is proved; what it returns is called
 * at once with what all the others returned, in the order of the features, before <success/> is sent.
 */
export interface InlineFeature {
  /** What stands in <inline/>. */
  offer(stream: Stream): Element | undefined
  /** The exchange that the login begins, when only this feature knows it. @throws SaslError */
  mechanism?(stream: Stream, login: Authenticate, crypto: ServerScramCrypto): ServerMechanism | undefined
  prepare(stream: Stream, login: Login): Awaitable<(() => Inlined) | undefined>
}

export interface Inlined {
  /** What stands in <success/>. */
  readonly said: Element | undefined
  /** Set when an older session goes on: called in place of the features that else follow. */
  readonly resumed?: () => void
}

/**
 * What happens as a resource is bound (XEP-0386 §3.2). `prepare` reads what must be read; what it returns is called for the new session,
 * before anything is delivered to it, and returns what stands in <bound/>.
 */
export interface BindingFeature {
  /** Listed among what a client may ask for. */
  readonly name?: string
  prepare(account: Jid, request: Element): Awaitable<((session: StreamSession) => Element | undefined) | undefined>
}
