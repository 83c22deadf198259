import { PrecisError } from './precis-error.ts'
import { assertContext, assertFreeformClass } from './string-class.ts'

const PLAIN = /^[ -~]+$/

/**
 * RFC 8265 §4.2 OpaqueString, as enforced: passwords and resourceparts. Case and ASCII spaces stay, every other space
 * becomes an ASCII one. The result is its own result.
 * @throws {PrecisError}
 */
export function opaqueString(s: string): string {
  if (PLAIN.test(s)) return s
  if (s === '') throw new PrecisError('empty')
  assertFreeformClass(s)
  const enforced = s.replace(/\p{Zs}/gu, ' ').normalize('NFC')
  assertContext(enforced)
  return enforced
}
