import { BlockList, isIP } from 'node:net'
import { plainAddress } from '../address.ts'

/** Whether an address is one of those named: 'loopback', an address, or a network such as '10.0.0.0/8'. */
export function networks(names: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const name of names) {
    if (name === 'loopback') {
      list.addSubnet('127.0.0.0', 8, 'ipv4')
      list.addAddress('::1', 'ipv6')
      continue
    }
    const [address = '', prefix] = name.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (prefix === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(prefix), family)
  }
  return (address) => {
    const plain = plainAddress(address)
    const version = isIP(plain)
    return version !== 0 && list.check(plain, version === 6 ? 'ipv6' : 'ipv4')
  }
}

export function isNetwork(name: string): boolean {
  if (name === 'loopback') return true
  const [address = '', prefix, ...rest] = name.split('/')
  const version = isIP(address)
  if (version === 0 || rest.length > 0) return false
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 6 ? 128 : 32))
}
