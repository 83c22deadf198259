import { Jid, message, xml } from '@jackdaw/xmpp'
import { expect, onTestFinished, test } from 'vitest'
import { sqlitePlace } from '../../storage/sqlite-place.ts'
import { Waiting } from './waiting.ts'

const juliet = Jid.parse('juliet@home.test')

function open(): { waiting: Waiting; says(body: string): void } {
  const place = sqlitePlace('inline', 'memory', { path: ':memory:' })
  const { storage } = place.open(() => 1_000_000)
  onTestFinished(async () => {
    await place.end('close')
    await place.remove()
  })
  const waiting = new Waiting(storage.log<string>('home.test/archive/messages'))
  return {
    waiting,
    says: (body) =>
      void waiting.keep(juliet, message({ type: 'chat' }, xml('body', 'jabber:client', {}, body)), 1_000_000),
  }
}

function bodies(waiting: Waiting, batch: Parameters<Waiting['take']>[0]): unknown[] {
  return waiting.take(batch).map((held) => held.message.child('body')?.text)
}

test('what comes between opening and taking is taken too, in its order', async () => {
  const { waiting, says } = open()
  says('1')
  const opening = waiting.open(juliet)
  says('2')
  const batch = await opening
  says('3')
  expect(bodies(waiting, batch)).toEqual(['1', '2', '3'])
  expect(bodies(waiting, await waiting.open(juliet))).toEqual([])
})

test('who is second gets nothing of what the first has taken', async () => {
  const { waiting, says } = open()
  says('1')
  const both = await Promise.all([waiting.open(juliet), waiting.open(juliet)])
  says('2')
  expect(bodies(waiting, both[0])).toEqual(['1', '2'])
  says('3')
  expect(bodies(waiting, both[1])).toEqual(['3'])
})

test('what is dropped is still there for the next', async () => {
  const { waiting, says } = open()
  says('1')
  waiting.drop(await waiting.open(juliet))
  says('2')
  expect(bodies(waiting, await waiting.open(juliet))).toEqual(['1', '2'])
})

test('the limit holds once the number is known', async () => {
  const { waiting, says } = open()
  says('1')
  expect([waiting.isFull(juliet, 1), waiting.isFull(juliet, 2)]).toEqual([true, false])
  waiting.take(await waiting.open(juliet))
  expect(waiting.isFull(juliet, 1)).toBe(false)
})
