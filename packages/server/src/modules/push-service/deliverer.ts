import type { Awaitable } from '../../world.ts'

/** Where a registration is reached, as the app gave it. */
export type Address = { readonly [field: string]: string }

/** A message as a deliverer hands it on. */
export interface Parcel {
  /** Of the delivery: unique, and the same when it is tried again. */
  readonly id: string
  /** JSON. */
  readonly payload: string
  /** What people are shown, where the platform shows it itself. */
  readonly title?: string | undefined
  readonly body?: string | undefined
  readonly data?: { readonly [key: string]: string } | undefined
  /** How long it is worth delivering, seconds. */
  readonly ttl: number
  /** Of the registration. */
  readonly secret: string
}

/** What became of an attempt. Each but the first says why, in words that the app's developer reads. */
export type Outcome =
  | { readonly is: 'handed over' }
  /** To be tried again, not before `after` milliseconds where that is known. */
  | { readonly is: 'later'; readonly reason: string; readonly after?: number | undefined }
  /** This message is not taken. */
  | { readonly is: 'refused'; readonly reason: string }
  /** The registration has ended. */
  | { readonly is: 'gone'; readonly reason: string }

/** Hands messages to one kind of push service. */
export interface Deliverer {
  readonly kind: string
  /** What an address of this kind has to have. */
  readonly fields: readonly string[]
  /** What an app on a device has to know before it can be reached, where that is anything. */
  readonly publicKey?: string
  /** Whether such an address can be served; else why not. */
  check(address: Address): string | undefined
  /** What is thrown counts as 'later'. */
  deliver(address: Address, parcel: Parcel): Awaitable<Outcome>
}

/** What a status of HTTP means, where the service has no words of its own for it. */
export function outcomeOf(
  { status, retryAfter }: { readonly status: number; readonly retryAfter?: number | undefined },
  words = '',
): Outcome {
  const reason = `HTTP ${status}${words && `: ${words}`}`
  if (status >= 200 && status < 300) return { is: 'handed over' }
  if (status === 404 || status === 410) return { is: 'gone', reason }
  if (status === 408 || status === 425 || status === 429 || status >= 500)
    return { is: 'later', reason, after: retryAfter }
  return { is: 'refused', reason }
}
