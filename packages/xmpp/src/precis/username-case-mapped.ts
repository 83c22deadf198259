import { assertBidiRule } from './bidi-rule.ts'
import { PrecisError } from './precis-error.ts'
import { assertContext, assertIdentifierClass } from './string-class.ts'

const PLAIN = /^[!-~]+$/
const WIDE_OR_NARROW = /[\u3000\uFF01-\uFFEE]/g

/**
 * RFC 8265 §3.3 UsernameCaseMapped, as enforced: equal results are the same user. The result is its own result.
 *
 * ```ts
 * usernameCaseMapped('Ｊuliet') // 'juliet'
 * ```
 * @throws {PrecisError}
 */
export function usernameCaseMapped(s: string): string {
  if (PLAIN.test(s)) return s.toLowerCase()
  if (s === '') throw new PrecisError('empty')
  const prepared = s.replace(WIDE_OR_NARROW, (c) => c.normalize('NFKC'))
  assertIdentifierClass(prepared)
  // No mapping leads out of the class. PRECIS knows no final sigma (RFC 8265 §3.5, examples 5 to 7), toLowerCase does.
  const enforced = prepared.replaceAll('Σ', 'σ').toLowerCase().normalize('NFC')
  assertContext(enforced)
  assertBidiRule(enforced)
  return enforced
}
