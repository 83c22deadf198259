import type { Element } from '@jackdaw/xmpp'
import type { Awaitable } from '../world.ts'
import type { Stream } from './stream.ts'

/** What has been reached on a stream. Each feature says which of these it needs and which forbid it (RFC 6120 §4.3). */
export type StreamState = 'secure' | 'authenticated' | 'bound'

/** A stream feature as data: when it is offered, how it is announced, which elements negotiate it. */
export interface StreamFeature {
  readonly name: string
  readonly needs?: readonly StreamState[]
  readonly forbids?: readonly StreamState[]
  /** What stands in <stream:features/>; undefined offers nothing, though `elements` are still understood. */
  offer(stream: Stream): Element | undefined
  /** The namespace whose elements, sent outside of stanzas, it negotiates. */
  readonly ns?: string
  negotiate?(stream: Stream, element: Element): Awaitable<void>
}
