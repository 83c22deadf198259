import { PrecisError } from './precis-error.ts'

const OCTET = String.raw`(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)`
const IPV4 = new RegExp(String.raw`^(?:${OCTET}\.){3}${OCTET}$`)
const GROUP = /^[\da-f]{1,4}$/i
const GROUPS = 8

/** RFC 3986 §3.2.2 `IPv4address`: four decimal octets without leading zeros. */
export function isIPv4(s: string): boolean {
  return IPV4.test(s)
}

/** An IPv6 address in brackets, written as RFC 5952 says; no zone, no IPvFuture. @throws {PrecisError} */
export function ipLiteral(s: string): string {
  const groups = s.endsWith(']') ? ipv6Groups(s.slice(1, -1)) : undefined
  if (groups === undefined) throw new PrecisError('not an IPv6 address in brackets')
  return `[${canonical(groups)}]`
}

function ipv6Groups(address: string): number[] | undefined {
  const [head = '', tail, ...rest] = withoutDottedQuad(address).split('::')
  if (rest.length > 0) return undefined
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const missing = GROUPS - before.length - after.length
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined
  const groups = [...before, ...Array<string>(missing).fill('0'), ...after]
  return groups.every((group) => GROUP.test(group)) ? groups.map((group) => Number.parseInt(group, 16)) : undefined
}

/** `::ffff:192.0.2.1` as `::ffff:c000:201`; anything else as it is. */
function withoutDottedQuad(address: string): string {
  const start = address.lastIndexOf(':') + 1
  const quad = address.slice(start)
  if (start === 0 || !isIPv4(quad)) return address
  const [a = 0, b = 0, c = 0, d = 0] = quad.split('.').map(Number)
  return `${address.slice(0, start)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
}

function canonical(groups: number[]): string {
  const hex = groups.map((group) => group.toString(16))
  // RFC 5952 §5: an IPv4-mapped address ends in its dotted quad.
  if (hex.slice(0, 6).join(':') === '0:0:0:0:0:ffff') {
    return `::ffff:${groups
      .slice(6)
      .flatMap((group) => [group >> 8, group & 255])
      .join('.')}`
  }
  // RFC 5952 §4.2: the longest run of zeros, the first among equals, never one zero alone.
  let longest = { start: 0, length: 1 }
  for (let start = 0; start < GROUPS; start++) {
    let length = 0
    while (groups[start + length] === 0) length++
    if (length > longest.length) longest = { start, length }
  }
  if (longest.length === 1) return hex.join(':')
  return `${hex.slice(0, longest.start).join(':')}::${hex.slice(longest.start + longest.length).join(':')}`
}
