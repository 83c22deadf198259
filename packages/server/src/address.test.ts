import { expect, test } from 'vitest'
import { networkOf, plainAddress } from './address.ts'

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:0:1::5', '2001:db8:0:1::/64'],
  ['2001:db8:0:1:2:3:4:5', '2001:db8:0:1::/64'],
  ['2001:db8::', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['', ''],
])('%s counts as %s', (address, network) => expect(networkOf(address)).toBe(network))

test('an IPv4 client of an IPv6 socket is shown as itself', () => {
  expect([plainAddress('::ffff:192.0.2.1'), plainAddress('::ffff:1'), plainAddress(undefined)]).toEqual([
    '192.0.2.1',
    '::ffff:1',
    '',
  ])
})
