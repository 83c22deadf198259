import { PrecisError } from './precis-error.ts'
import { arabicNumber, europeanNumber, markNotNonspacing, neutral, rightToLeft } from './unicode-tables.ts'

const RIGHT_TO_LEFT = new RegExp(`[${rightToLeft}${arabicNumber}]`, 'u')
const NONSPACING = String.raw`[[\p{Mn}\p{Me}]--[${markNotNonspacing}]]`
const EUROPEAN = new RegExp(`[${europeanNumber}]`, 'u')
const ARABIC = new RegExp(`[${arabicNumber}]`, 'u')
/** Conditions 1 to 3. */
const LABEL = new RegExp(
  String.raw`^[${rightToLeft}](?:[${rightToLeft}${arabicNumber}${europeanNumber}${neutral}]|${NONSPACING})*$`,
  'v',
)
const END = new RegExp(`[${rightToLeft}${arabicNumber}${europeanNumber}]${NONSPACING}*$`, 'v')

/**
 * RFC 5893 §2, for a string of IdentifierClass; one without right-to-left characters passes (RFC 8264 §5.2.5). One with
 * them must begin with one, because conditions 5 and 6 leave them no place in a left-to-right label.
 * @throws {PrecisError}
 */
export function assertBidiRule(s: string): void {
  if (!RIGHT_TO_LEFT.test(s)) return
  if (!LABEL.test(s) || !END.test(s) || (EUROPEAN.test(s) && ARABIC.test(s))) {
    throw new PrecisError('breaks the Bidi rule')
  }
}
