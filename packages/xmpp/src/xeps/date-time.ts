import { StanzaError } from '../errors.ts'

const profile = /^-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/

/** A moment (milliseconds since the Unix epoch) in the DateTime profile of XEP-0082, in UTC: `2002-09-10T23:08:25Z`. */
export function formatDateTime(at: number): string {
  const text = new Date(at).toISOString()
  return text.endsWith('.000Z') ? `${text.slice(0, -5)}Z` : text
}

/**
 * Milliseconds since the Unix epoch of a moment in the DateTime profile of XEP-0082, whatever its time zone. What is finer than a
 * millisecond is cut off.
 * @throws StanzaError bad-request
 */
export function parseDateTime(text: string): number {
  const at = profile.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(at)) throw new StanzaError('bad-request', `${text} is not a XEP-0082 date and time`)
  return at
}
