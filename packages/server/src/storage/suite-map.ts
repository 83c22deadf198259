import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Json } from '../world.ts'
import { type Subject, turn, values } from './suite-subject.ts'

const awkward = [
  '',
  '__proto__',
  'constructor',
  'ключ 😀 \u{10FFFF}',
  "'; DROP TABLE maps; --",
  '=',
  '%_',
  '\n',
  'a'.repeat(3000),
]

/** What the map stores of any driver must pass. */
export function mapSuite(here: Subject): void {
  describe('map', () => {
    test('an edit is read at once, in the same tick, and from the database later', async () => {
      const map = here.storage.map<Json>('home.test/roster/items')
      expect(await map.get('romeo', 'juliet')).toBeUndefined()
      for (const how of ['before', 'after'] as const) {
        for (const [index, value] of values.entries()) {
          if (how === 'before') expect(await map.edit('romeo', `key ${index}`, () => value)).toEqual(value)
          expect(await map.get('romeo', `key ${index}`)).toEqual(value)
        }
        expect(new Map(await map.all('romeo'))).toEqual(new Map(values.map((value, index) => [`key ${index}`, value])))
        await here.storage.settled()
      }
      expect((await map.all('juliet')).size).toBe(0)
    })

    test('any text may be an owner, a key or the name of a store', async () => {
      for (const text of awkward) await here.storage.map<Json>(text).edit(text, text, () => text)
      await here.reopen()
      for (const text of awkward) {
        const map = here.storage.map<Json>(text)
        expect(await map.get(text, text)).toBe(text)
        expect([...(await map.all(text))]).toEqual([[text, text]])
        expect(await owners(map, text)).toEqual([[text, text]])
        expect(await map.get('toString', text)).toBeUndefined()
      }
    })

    test('an edit sees the one before it, whatever has reached the database', async () => {
      const map = here.storage.map<number>('counters')
      for (let round = 1; round <= 30; round += 1) {
        expect(await map.edit('room', 'count', (old = 0) => old + 1)).toBe(2 * round - 1)
        if (round % 3 === 0) await here.storage.settled()
        expect(await map.edit('room', 'count', (old = 0) => old + 1)).toBe(2 * round)
        if (round % 7 === 0) await turn()
      }
      await here.storage.settled()
      expect(await map.get('room', 'count')).toBe(60)
    })

    test('what is put replaces what was there, wherever that is', async () => {
      const map = here.storage.map<string>('m')
      for (const value of ['first', 'second']) {
        map.put('romeo', 'balcony', value)
        expect(await map.get('romeo', 'balcony')).toBe(value)
        expect(await map.edit('romeo', 'balcony', (old) => `${old}, edited`)).toBe(`${value}, edited`)
        await here.storage.settled()
      }
      map.put('romeo', 'balcony', 'third')
      expect([...(await map.all('romeo'))]).toEqual([['balcony', 'third']])
      await here.reopen()
      expect(await here.storage.map<string>('m').get('romeo', 'balcony')).toBe('third')
    })

    test('undefined removes, and a change that throws changes nothing', async () => {
      const map = here.storage.map<string>('m')
      await map.edit('a', 'k', () => 'one')
      await map.edit('a', 'l', () => 'two')
      await here.storage.settled()
      expect(await map.edit('a', 'k', () => undefined)).toBeUndefined()
      expect(() => map.edit('a', 'l', () => raise('no'))).toThrow('no')
      for (const moment of ['before', 'after']) {
        if (moment === 'after') await here.storage.settled()
        expect(await map.get('a', 'k')).toBeUndefined()
        expect([...(await map.all('a'))]).toEqual([['l', 'two']])
        expect(await owners(map, 'k')).toEqual([])
      }
    })

    test('owners come in the order of their names, over many pages, with what was edited in this tick', async () => {
      const map = here.storage.map<number>('m')
      const names = Array.from({ length: 1203 }, (_, index) => `user${(index * 7919) % 1203}`)
      for (const [index, owner] of names.entries()) await map.edit(owner, 'key', () => index)
      await map.edit('user5', 'other', () => 0)
      await map.edit(names[3]!, 'key', () => undefined)
      const expected = names.map((owner, index) => [owner, index] as const).filter(([owner]) => owner !== names[3])
      const sorted = expected.toSorted(([a], [b]) => (a < b ? -1 : 1))
      expect(await owners(map, 'key')).toEqual(sorted)
      expect(await owners(map, 'key', sorted[600]![0])).toEqual(sorted.slice(601))
      expect(await owners(map, 'key', 'user5x')).toEqual(sorted.filter(([owner]) => owner > 'user5x'))
    })

    test('stores do not see one another', async () => {
      await here.storage.map<string>('one').edit('a', 'k', () => 'first')
      await here.storage.map<string>('one/more').edit('a', 'k', () => 'second')
      for (const moment of ['before', 'after']) {
        if (moment === 'after') await here.storage.settled()
        expect(await here.storage.map('one').get('a', 'k')).toBe('first')
        expect((await here.storage.map('two').all('a')).size).toBe(0)
      }
    })

    test('random edits and drops between ticks leave what a plain map would hold', async () => {
      const edit = fc.tuple(
        fc.constantFrom('a', 'b'),
        fc.constantFrom('k', 'l', '__proto__'),
        fc.option(fc.nat(9), { nil: undefined }),
      )
      const step = fc.oneof(
        { weight: 6, arbitrary: edit },
        fc.constantFrom('drop a', 'drop b'),
        fc.constantFrom('tick' as const, 'settle' as const),
      )
      let run = 0
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
          const store = `run${(run += 1)}/map`
          const map = here.storage.map<number>(store)
          const model: Record<string, Map<string, number>> = { a: new Map(), b: new Map() }
          for (const what of steps) {
            if (what === 'tick') await turn()
            else if (what === 'settle') await here.storage.settled()
            else if (typeof what === 'string') {
              here.storage.drop(`run${run}/`, what.slice(5))
              model[what.slice(5)]!.clear()
            } else {
              const [owner, key, value] = what
              await map.edit(owner, key, () => value)
              if (value === undefined) model[owner]!.delete(key)
              else model[owner]!.set(key, value)
            }
            for (const owner of ['a', 'b']) {
              expect(new Map(await map.all(owner))).toEqual(model[owner])
              for (const key of ['k', 'l', '__proto__']) expect(await map.get(owner, key)).toBe(model[owner]!.get(key))
            }
          }
        }),
        { numRuns: 60 },
      )
    })
  })
}

async function owners<T extends Json>(
  map: { owners(key: string, after?: string): AsyncIterable<readonly [string, T]> },
  key: string,
  after?: string,
): Promise<(readonly [string, T])[]> {
  const found: (readonly [string, T])[] = []
  for await (const one of map.owners(key, after)) found.push(one)
  return found
}

function raise(message: string): never {
  throw new Error(message)
}
