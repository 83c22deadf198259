import { StanzaError } from '../errors.ts'

const profile = /^-?\d{4,}-(\d\d)-(\d\d)T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/

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
  const [, month, day] = profile.exec(text) ?? []
  const at = month === undefined ? Number.NaN : Date.parse(text)
  // A day that its month does not have is taken for one of the next month.
  if (Number.isNaN(at) || Number(day) > daysOf(text, Number(month)))
    throw new StanzaError('bad-request', `${text} is not a XEP-0082 date and time`)
  return at
}

function daysOf(text: string, month: number): number {
  return new Date(Date.UTC(Number.parseInt(text, 10), month, 0)).getUTCDate()
}
