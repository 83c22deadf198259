// So that packages which compile these sources find the types too.
// oxlint-disable-next-line typescript/triple-slash-reference
/// <reference path="./tr46.d.ts" />
import { toASCII, toUnicode } from 'tr46'
import { ipLiteral, isIPv4 } from './ip-literal.ts'
import { PrecisError } from './precis-error.ts'
import { assertContext, assertIdentifierClass } from './string-class.ts'

const LABEL = String.raw`(?!..--)[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?`
const NAME = new RegExp(String.raw`^${LABEL}(?:\.${LABEL})*$`)
/** No top-level domain is a number, and resolvers take such a name for an IPv4 address. */
const ENDS_IN_NUMBER = /(?:^|\.)(?:\d+|0x[\da-f]*)$/
const MAX_LABEL_OCTETS = 63
const RULES = { checkHyphens: true, checkBidi: true, checkJoiners: true, useSTD3ASCIIRules: true }

/**
 * RFC 7622 §3.2: a domain name as U-labels (IDNA2008, mapped by UTS #46) without the final dot, an IPv4 address, or an
 * IPv6 address in brackets (RFC 5952).
 * @throws {PrecisError}
 */
export function domainpart(s: string): string {
  if (s.startsWith('[')) return ipLiteral(s)
  let name = withoutFinalDot(s.toLowerCase())
  if (!NAME.test(name)) name = internationalized(s)
  if (ENDS_IN_NUMBER.test(name) && !isIPv4(name)) throw new PrecisError('neither a domain name nor an IPv4 address')
  return name
}

function internationalized(s: string): string {
  const { domain, error } = toUnicode(s, RULES)
  if (error) throw new PrecisError('not a domain name')
  const name = withoutFinalDot(domain)
  for (const label of name.split('.')) {
    if (label === '') throw new PrecisError('an empty label')
    const ascii = toASCII(label, RULES)
    if (ascii === null || ascii.length > MAX_LABEL_OCTETS) throw new PrecisError('a label of more than 63 octets')
    // UTS #46 lets symbols pass and knows no CONTEXTO; IDNA2008 (RFC 5892) has the same classes as PRECIS here.
    assertIdentifierClass(label)
    assertContext(label)
  }
  return name
}

function withoutFinalDot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name
}
