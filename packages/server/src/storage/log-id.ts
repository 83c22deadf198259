import { hash } from 'node:crypto'
import { UnknownIdError } from './storage.ts'

/** The last millisecond (in the year 2109) whose positions are exact numbers with as many again above them. */
const LATEST = 2 ** 42
const DIGITS = 11
const TAG = 10

/**
 * The ids of entries: a position in eleven base-36 digits, so that ids compare as positions do, and a tag that cannot be guessed without
 * the secret (XEP-0313 §3.1: ids MUST be unpredictable).
 */
export class LogIds {
  readonly #secret: string

  constructor(secret: string) {
    this.#secret = secret
  }

  id(position: number): string {
    const digits = position.toString(36).padStart(DIGITS, '0')
    return digits + this.#tag(digits)
  }

  /** @throws UnknownIdError for what is no id of ours */
  position(id: string): number {
    if (id.slice(DIGITS) !== this.#tag(id.slice(0, DIGITS))) throw new UnknownIdError(id)
    return logPosition(id)
  }

  #tag(digits: string): string {
    return hash('sha256', this.#secret + digits, 'hex').slice(0, TAG)
  }
}

/** The position in an id whose tag has been seen to be right. */
export function logPosition(id: string): number {
  const digits = id.slice(0, DIGITS)
  const position = /^[0-9a-z]{11}$/.test(digits) ? Number.parseInt(digits, 36) : Number.NaN
  if (!Number.isSafeInteger(position)) throw new UnknownIdError(id)
  return position
}

/** The least position of an entry of that time; 1024 fit into a millisecond before positions run ahead of the clock. */
export function positionAt(milliseconds: number): number {
  if (!(milliseconds <= LATEST)) throw new RangeError(`${milliseconds} is not a time that a log can keep`)
  return Math.ceil(milliseconds * 1024)
}
