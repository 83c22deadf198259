import { isIPv6 } from 'node:net'
import { plainAddress } from '../address.ts'
import { networks } from '../config/networks.ts'

/** What is not on the public Internet (RFC 6890 and its registries): a server that is talked into connecting there would serve as a bridge. */
const isSpecial = networks([
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
])
/** Of IPv6 what is global unicast, but for what stands for IPv4 addresses or is for documentation. */
const isGlobal = networks(['2000::/3'])
const isTranslated = networks(['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'])

/** Whether an IP address is one that endpoints which users give may have. */
export function isPublic(address: string): boolean {
  const plain = plainAddress(address)
  return isIPv6(plain) ? isGlobal(plain) && !isTranslated(plain) : !isSpecial(plain)
}
