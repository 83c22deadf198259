import { type Element, Jid, mucUserNs, presence, xml } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import type { Told } from './events.ts'
import { Onlookers } from './onlookers.ts'

/** What session 1 makes of it. */
function watching() {
  const told: Told[] = []
  const onlookers = new Onlookers('room@rooms.test', (event) => void told.push(event))
  const see = (nick: string, type?: 'unavailable', ...content: readonly Element[]) =>
    onlookers.hear(
      1,
      presence({ from: Jid.parse(`room@rooms.test/${nick}`), type }, xml('x', mucUserNs, {}, ...content)),
    )
  const renamed = (nick: string, next: string) =>
    see(nick, 'unavailable', xml('item', mucUserNs, { nick: next }), xml('status', mucUserNs, { code: '303' }))
  return { onlookers, told, see, renamed }
}

const stirred = (nick: string): Told => ({ kind: 'stirred', session: 1, channel: 'room@rooms.test', nick })
const heard = (id: string): Told => ({ kind: 'heard', session: 1, channel: 'room@rooms.test', id, body: '' })

test('who enters is seen once', () => {
  const { onlookers, told, see } = watching()
  onlookers.expect('n1')
  see('n1')
  expect(told).toEqual([])
  see('n1')
  expect(told).toEqual([stirred('n1')])
})

test('who did not want to come or to leave does neither', () => {
  const { onlookers, told, see } = watching()
  see('n1')
  onlookers.expect('n2')
  see('n2')
  see('n2', 'unavailable')
  expect(told).toEqual([stirred('n1'), stirred('n2')])
})

test('who leaves is seen leaving once', () => {
  const { onlookers, told, see } = watching()
  onlookers.expect('n1')
  see('n1')
  onlookers.dismiss('n1')
  see('n1', 'unavailable')
  expect(told).toEqual([])
  see('n1', 'unavailable')
  expect(told).toEqual([stirred('n1')])
})

test('XEP-0045 §7.6: another nickname is heard of when it comes', () => {
  const { onlookers, told, see, renamed } = watching()
  onlookers.expect('n1')
  see('n1')
  onlookers.dismiss('n1')
  renamed('n1', 'n1b')
  expect(told).toEqual([])
  see('n1b')
  expect(told).toEqual([heard('n1b')])
})

test('XEP-0045 §7.6: one that was not announced, or was given up, is none', () => {
  const { onlookers, told, see, renamed } = watching()
  onlookers.expect('n1')
  see('n1')
  see('n1b')
  expect(told).toEqual([stirred('n1b')])
  onlookers.dismiss('n1')
  renamed('n1', 'n1c')
  see('n1')
  expect(told).toEqual([stirred('n1b'), stirred('n1')])
})

test('who was away hears of the coming when somebody is to leave already', () => {
  const { onlookers, told, see } = watching()
  onlookers.expect('n1')
  onlookers.dismiss('n1')
  see('n1')
  see('n1', 'unavailable')
  expect(told).toEqual([])
  see('n1')
  expect(told).toEqual([stirred('n1')])
})
