/** A string that a PRECIS or stringprep profile refuses; the message says why, never the string (it may be a password). */
export class PrecisError extends Error {
  override readonly name = 'PrecisError'
}
