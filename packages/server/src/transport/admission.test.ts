import { once } from 'node:events'
import { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { Admission } from './admission.ts'
import { HandClock, keptLog } from './fixture.ts'

function admission(connections: number, connectionsPerAddress: number) {
  const clock = new HandClock()
  const { log, lines } = keptLog()
  return { clock, lines, caps: new Admission({ connections, connectionsPerAddress }, { clock, log }) }
}

/** A socket that says it comes from there; no route leads to such addresses here. */
function from(address: string): Socket {
  return Object.defineProperty(new Socket(), 'remoteAddress', { value: address })
}

test('one IPv6 /64 counts as one address, in any spelling', () => {
  const { caps } = admission(100, 1)
  expect(caps.admit(from('2001:db8:0:1::5'))).toBe(true)
  expect(caps.admit(from('2001:db8:0:1:ffff::'))).toBe(false)
  expect(caps.admit(from('2001:db8:0:1:2:3:4:5'))).toBe(false)
  expect(caps.admit(from('2001:db8:0:2::5'))).toBe(true)
  expect(caps.admit(from('::1'))).toBe(true)
  expect(caps.admit(from('::2'))).toBe(false)
  expect(caps.admit(from('fe80::1%eth0'))).toBe(true)
  expect(caps.admit(from('fe80::2%eth0'))).toBe(false)
})

test('an IPv4 client of an IPv6 socket counts as itself', () => {
  const { caps } = admission(100, 1)
  expect(caps.admit(from('::ffff:192.0.2.1'))).toBe(true)
  expect(caps.admit(from('192.0.2.1'))).toBe(false)
  expect(caps.admit(from('::ffff:192.0.2.2'))).toBe(true)
})

test('the cap of all together holds over addresses; refusals are logged once a minute; who closes makes room', async () => {
  const { caps, clock, lines } = admission(2, 2)
  const first = from('192.0.2.1')
  expect([first, from('192.0.2.2'), from('192.0.2.3'), from('192.0.2.4')].map((socket) => caps.admit(socket))).toEqual([
    true,
    true,
    false,
    false,
  ])
  expect([caps.count, caps.refused, lines.length]).toEqual([2, 2, 1])
  clock.advance(60_000)
  caps.admit(from('192.0.2.3'))
  expect(lines.length).toBe(2)
  await once(first.destroy(), 'close')
  expect(caps.admit(from('192.0.2.3'))).toBe(true)
})
