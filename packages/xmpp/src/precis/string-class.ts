import { PrecisError } from './precis-error.ts'
import { leftOrDualJoining, rightOrDualJoining, virama } from './unicode-tables.ts'

// RFC 8264 §8 as two sets. The order of its tests is kept: exceptions (RFC 5892 §2.6) first, then what both classes
// refuse (old Hangul jamo, ignorable code points), then general categories. Unassigned code points are in no category.
const REFUSED = String.raw`\u0640\u07FA\u302E\u302F\u3031-\u3035\u303B\u1100-\u11FF\uA960-\uA97C\uD7B0-\uD7C6\uD7CB-\uD7FB\p{DI}`
const CONTEXTUAL = String.raw`\u200C\u200D\xB7\u0375\u05F3\u05F4\u30FB\u0660-\u0669\u06F0-\u06F9`
const IDENTIFIER = new RegExp(
  String.raw`^[[[\p{L}\p{Mn}\p{Mc}\p{Nd}!-~]--[\p{Lt}${REFUSED}]]\u06FD\u06FE\u0F0B\u3007${CONTEXTUAL}]*$`,
  'v',
)
const FREEFORM = new RegExp(String.raw`^[[[\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}]--[${REFUSED}]]${CONTEXTUAL}]*$`, 'v')

/** RFC 8264 §4.2, without the contextual rules, which hold for the mapped string. @throws {PrecisError} */
export function assertIdentifierClass(s: string): void {
  if (!IDENTIFIER.test(s) || hasCompatibilityEquivalent(s)) throw new PrecisError('a character outside IdentifierClass')
}

/** RFC 8264 §4.3, without the contextual rules, which hold for the mapped string. @throws {PrecisError} */
export function assertFreeformClass(s: string): void {
  if (!FREEFORM.test(s)) throw new PrecisError('a character outside FreeformClass')
}

/** RFC 8264 §9.17, HasCompat: a code point that NFKC changes. */
function hasCompatibilityEquivalent(s: string): boolean {
  if (s.normalize('NFKC') === s) return false
  for (const c of s) if (c.normalize('NFKC') !== c) return true
  return false
}

const TRANSPARENT = String.raw`[\p{Mn}\p{Me}]*`
const ANY_CONTEXTUAL = new RegExp(`[${CONTEXTUAL}]`, 'u')
/** RFC 5892 appendix A.1–A.6, each as the place where it is broken. */
const OUT_OF_CONTEXT = new RegExp(
  [
    String.raw`\u200C(?<![${virama}]\u200C)(?:(?<![${leftOrDualJoining}]${TRANSPARENT}\u200C)|(?!${TRANSPARENT}[${rightOrDualJoining}]))`,
    String.raw`(?<![${virama}])\u200D`,
    String.raw`(?<!l)\xB7|\xB7(?!l)`,
    String.raw`\u0375(?!\p{Script=Greek})`,
    String.raw`(?<!\p{Script=Hebrew})[\u05F3\u05F4]`,
  ].join('|'),
  'u',
)
const KANA_OR_HAN = /[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]/u

/** RFC 5892 appendix A: joiners, middle dots, keraia, geresh, and Arabic digits of one kind. @throws {PrecisError} */
export function assertContext(s: string): void {
  if (!ANY_CONTEXTUAL.test(s)) return
  if (
    OUT_OF_CONTEXT.test(s) ||
    (s.includes('\u30FB') && !KANA_OR_HAN.test(s)) ||
    (/[\u0660-\u0669]/.test(s) && /[\u06F0-\u06F9]/.test(s))
  ) {
    throw new PrecisError('a character out of its context')
  }
}
