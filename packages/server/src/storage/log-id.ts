import { hash } from 'node:crypto'
import { UnknownIdError } from './storage.ts'

/** The last millisecond (in the year 2109) whose positions are exact numbers with as many again above them. */
const LATEST = 2 ** 42
const DIGITS = 11
/** All numbers of two digits. Most of a position's digits are the same for a second or two: those are made once. */
const pairs = Array.from({ length: 36 ** 2 }, (_, i) => i.toString(36).padStart(2, '0'))
const SECOND = 36 ** 4
const TAG = 10
/** So many positions get their tags from one hash of 128 digits: those of one tick mostly follow one another. */
const BLOCK = 8

/**
 * The ids of entries: a position in eleven base-36 digits, so that ids compare as positions do, and a tag that cannot be guessed without
 * the secret (XEP-0313 §3.1: ids MUST be unpredictable).
 */
export class LogIds {
  readonly #secret: string
  #second = -1
  #leading = ''
  #block = -1
  #tags = ''

  constructor(secret: string) {
    this.#secret = secret
  }

  id(position: number): string {
    const second = Math.floor(position / SECOND)
    if (second !== this.#second) {
      this.#leading = second.toString(36).padStart(DIGITS - 4, '0')
      this.#second = second
    }
    const rest = position % SECOND
    return this.#leading + pairs[Math.floor(rest / 36 ** 2)]! + pairs[rest % 36 ** 2]! + this.#tag(position)
  }

  /** @throws UnknownIdError for what is no id of ours */
  position(id: string): number {
    const position = logPosition(id)
    if (id.slice(DIGITS) !== this.#tag(position)) throw new UnknownIdError(id)
    return position
  }

  #tag(position: number): string {
    const block = Math.floor(position / BLOCK)
    if (block !== this.#block) {
      this.#tags = hash('sha512', `${this.#secret}${block}`, 'hex')
      this.#block = block
    }
    const at = (position % BLOCK) * (128 / BLOCK)
    return this.#tags.slice(at, at + TAG)
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
