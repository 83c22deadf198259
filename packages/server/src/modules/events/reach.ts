import { networks } from '../../config/networks.ts'
import { isPublic } from '../../outbound/private-addresses.ts'

/** Where webhooks may be: public addresses and the named networks; in clear only where it is said that nobody listens in. */
export function reach(named: readonly string[]): (url: URL) => (address: string) => boolean {
  const isNamed = networks(named)
  return ({ protocol }) =>
    (address) =>
      isNamed(address) || (protocol === 'https:' && isPublic(address))
}
