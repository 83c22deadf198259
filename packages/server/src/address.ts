import { isIPv6 } from 'node:net'

/** An address as people write it: an IPv4 client of an IPv6 socket ('::ffff:192.0.2.1') is '192.0.2.1'. */
export function plainAddress(address: string | undefined): string {
  return address?.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : (address ?? '')
}

/** Whom limits count as one: an IPv4 address, or an IPv6 /64, because who has one address of it has them all. */
export function networkOf(address: string): string {
  const plain = plainAddress(address)
  if (!plain.includes(':') || !isIPv6(plain)) return plain
  const [head = '', tail] = plain.split('%', 1)[0]!.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups =
    tail === undefined ? before : [...before, ...Array(8 - before.length - after.length).fill('0'), ...after]
  return `${groups.slice(0, 4).join(':')}::/64`
}

export function isLoopback(address: string): boolean {
  return /^(?:127(?:\.\d{1,3}){3}|::1)$/.test(plainAddress(address))
}
