import { PrecisError } from './precis-error.ts'
import { lCat, randALCat, unassigned } from './stringprep-tables.ts'

const PLAIN = /^[ -~]*$/
/** RFC 3454 C.1.2 */
const SPACE = /[\xA0\u1680\u2000-\u200B\u202F\u205F\u3000]/g
/** RFC 3454 B.1; U+200B is a space by RFC 4013 §2.1, which comes first. */
// oxlint-disable-next-line no-misleading-character-class -- it is about the single code points
const NOTHING = /[\xAD\u034F\u1806\u180B-\u180D\u200C\u200D\u2060\uFE00-\uFE0F\uFEFF]/g
/** RFC 3454 C.2.1 to C.9 */
const PROHIBITED =
  /[\p{Cc}\p{Co}\p{Cs}\p{NChar}\u0340\u0341\u06DD\u070F\u180E\u200E\u200F\u2028-\u202E\u2061-\u2063\u206A-\u206F\u2FF0-\u2FFB\uFFF9-\uFFFD\u{1D173}-\u{1D17A}\u{E0001}\u{E0020}-\u{E007F}]/u
const UNASSIGNED = new RegExp(`[${unassigned}]`, 'u')
const RIGHT_TO_LEFT = new RegExp(`[${randALCat}]`, 'u')
const LEFT_TO_RIGHT = new RegExp(`[${lCat}]`, 'u')
const RIGHT_TO_LEFT_AT_BOTH_ENDS = new RegExp(`^[${randALCat}](?:.*[${randALCat}])?$`, 'su')

/**
 * SASLprep (RFC 4013) for a stored string, which is how SCRAM prepares a password (RFC 5802 §2.2): code points that
 * Unicode 3.2 did not have are refused. May return the empty string.
 * @throws {PrecisError}
 */
export function saslprep(s: string): string {
  if (PLAIN.test(s)) return s
  const prepared = s.replace(SPACE, ' ').replace(NOTHING, '').normalize('NFKC')
  if (PROHIBITED.test(prepared)) throw new PrecisError('a prohibited character')
  if (UNASSIGNED.test(prepared)) throw new PrecisError('an unassigned code point')
  // RFC 3454 §6
  if (RIGHT_TO_LEFT.test(prepared)) {
    if (LEFT_TO_RIGHT.test(prepared) || !RIGHT_TO_LEFT_AT_BOTH_ENDS.test(prepared)) {
      throw new PrecisError('right-to-left and left-to-right mixed')
    }
  }
  return prepared
}
