import { UnknownIdError } from './storage.ts'

/** The last millisecond (in the year 2109) whose positions are exact numbers with as many again above them. */
const LATEST = 2 ** 42

/** A position as an id: eleven base-36 digits, so that ids compare as their positions do. */
export function logId(position: number): string {
  return position.toString(36).padStart(11, '0')
}

export function logPosition(id: string): number {
  const position = /^[0-9a-z]{11}$/.test(id) ? Number.parseInt(id, 36) : Number.NaN
  if (!Number.isSafeInteger(position)) throw new UnknownIdError(id)
  return position
}

/** The least position of an entry of that time; 1024 fit into a millisecond before positions run ahead of the clock. */
export function positionAt(milliseconds: number): number {
  if (!(milliseconds <= LATEST)) throw new RangeError(`${milliseconds} is not a time that a log can keep`)
  return Math.ceil(milliseconds * 1024)
}
