import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Journal } from '../journal/journal.ts'
import type { Awaitable, Json } from '../world.ts'
import type { LogEntry, LogQuery, Page, Storage } from './storage.ts'
import { UnknownIdError } from './storage.ts'

/** A place where a storage is kept; what one storage kept there, the next one opened finds. */
export interface StoragePlace {
  /** Opens the storage at what the clock says is `now()`. */
  open(now: () => number): Awaitable<{ readonly storage: Storage; readonly journal: Journal }>
  /** Ends the storage that was opened last: in order, or as a kill would (what was not committed is lost). */
  end(how: 'close' | 'kill'): Promise<void>
  remove(): Awaitable<void>
}

type Entry = { readonly value: Json; readonly at: number; readonly with?: string; readonly isPending?: boolean; readonly isTransient?: boolean }

/** What any driver must pass, on a real database. */
export function storageSuite(name: string, place: () => StoragePlace): void {
  describe(name, () => {
    let here: StoragePlace
    let storage: Storage
    let now = 1_000_000
    const open = async (): Promise<void> => {
      ;({ storage } = await here.open(() => now))
    }
    const reopen = async (how: 'close' | 'kill' = 'close'): Promise<void> => {
      await here.end(how)
      await open()
    }

    beforeEach(async () => {
      here = place()
      await open()
    })
    afterEach(async () => {
      await here.end('close')
      await here.remove()
    })

    const awkward = ['', '__proto__', 'constructor', 'ключ 😀 \u{10FFFF}', "'; DROP TABLE maps; --", '=', '%_', '\n', 'a'.repeat(3000)]
    const values: Json[] = [
      null, true, 0, -1.5, '', '=', '={"a":1}', '<message/>', 'a\0b', '\ud800', '😀', [], {}, [null, [1]],
      { ['__proto__']: 1, a: { b: ['c'] } }, JSON.parse('{"__proto__":{"x":1}}') as Json, 'x'.repeat(3_000_000),
    ] // prettier-ignore

    describe('map', () => {
      test('an edit is read at once, in the same tick, and from the database later', async () => {
        const map = storage.map<Json>('home.test/roster/items')
        expect(await map.get('romeo', 'juliet')).toBeUndefined()
        for (const how of ['before', 'after'] as const) {
          for (const [index, value] of values.entries()) {
            if (how === 'before') expect(await map.edit('romeo', `key ${index}`, () => value)).toEqual(value)
            expect(await map.get('romeo', `key ${index}`)).toEqual(value)
          }
          expect([...(await map.all('romeo'))].sort()).toEqual(values.map((value, index) => [`key ${index}`, value]).sort())
          await storage.settled()
        }
        expect((await map.all('juliet')).size).toBe(0)
      })

      test('any text may be an owner, a key or the name of a store', async () => {
        for (const text of awkward) await storage.map<Json>(text).edit(text, text, () => text)
        await reopen()
        for (const text of awkward) {
          const map = storage.map<Json>(text)
          expect(await map.get(text, text)).toBe(text)
          expect([...(await map.all(text))]).toEqual([[text, text]])
          expect(await owners(map, text)).toEqual([[text, text]])
          expect(await map.get('toString', text)).toBeUndefined()
        }
      })

      test('an edit sees the one before it, whatever has reached the database', async () => {
        const map = storage.map<number>('counters')
        for (let round = 1; round <= 30; round += 1) {
          expect(await map.edit('room', 'count', (old = 0) => old + 1)).toBe(2 * round - 1)
          if (round % 3 === 0) await storage.settled()
          expect(await map.edit('room', 'count', (old = 0) => old + 1)).toBe(2 * round)
          if (round % 7 === 0) await turn()
        }
        await storage.settled()
        expect(await map.get('room', 'count')).toBe(60)
      })

      test('undefined removes, and a change that throws changes nothing', async () => {
        const map = storage.map<string>('m')
        await map.edit('a', 'k', () => 'one')
        await map.edit('a', 'l', () => 'two')
        await storage.settled()
        expect(await map.edit('a', 'k', () => undefined)).toBeUndefined()
        expect(() => map.edit('a', 'l', () => raise('no'))).toThrow('no')
        for (const settle of [() => {}, () => storage.settled()]) {
          await settle()
          expect(await map.get('a', 'k')).toBeUndefined()
          expect([...(await map.all('a'))]).toEqual([['l', 'two']])
          expect(await owners(map, 'k')).toEqual([])
        }
      })

      test('owners come in the order of their names, over many pages, with what was edited in this tick', async () => {
        const map = storage.map<number>('m')
        const names = Array.from({ length: 1203 }, (_, index) => `user${(index * 7919) % 1203}`)
        for (const [index, owner] of names.entries()) await map.edit(owner, 'key', () => index)
        await map.edit('user5', 'other', () => 0)
        await map.edit(names[3]!, 'key', () => undefined)
        const expected = names.map((owner, index) => [owner, index] as const).filter(([owner]) => owner !== names[3])
        expect(await owners(map, 'key')).toEqual(expected.sort(([a], [b]) => (a < b ? -1 : 1)))
      })

      test('stores do not see one another', async () => {
        await storage.map<string>('one').edit('a', 'k', () => 'first')
        await storage.map<string>('one/more').edit('a', 'k', () => 'second')
        for (const settle of [() => {}, () => storage.settled()]) {
          await settle()
          expect(await storage.map('one').get('a', 'k')).toBe('first')
          expect((await storage.map('two').all('a')).size).toBe(0)
        }
      })

      test('random edits and drops between ticks leave what a plain map would hold', async () => {
        const edit = fc.tuple(fc.constantFrom('a', 'b'), fc.constantFrom('k', 'l', '__proto__'), fc.option(fc.nat(9), { nil: undefined }))
        const step = fc.oneof(
          { weight: 6, arbitrary: edit },
          fc.constantFrom('drop a', 'drop b'),
          fc.constantFrom('tick' as const, 'settle' as const),
        )
        let run = 0
        await fc.assert(
          fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
            const store = `run${(run += 1)}/map`
            const map = storage.map<number>(store)
            const model: Record<string, Map<string, number>> = { a: new Map(), b: new Map() }
            for (const what of steps) {
              if (what === 'tick') await turn()
              else if (what === 'settle') await storage.settled()
              else if (typeof what === 'string') {
                storage.drop(`run${run}/`, what.slice(5))
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

    describe('log', () => {
      test('a page sees every entry appended before the call, in the same tick', async () => {
        const log = storage.log<Json>('archive')
        const ids: string[] = []
        for (const [index, value] of values.entries()) ids.push(log.append('romeo', { value, at: now + index, with: `peer${index}` }))
        const page = log.page('romeo', {})
        log.append('romeo', { value: 'later', at: now })
        expect((await page).entries.slice(0, values.length)).toEqual(
          values.map((value, index) => ({ id: ids[index], at: now + index, with: `peer${index}`, value, isPending: false })),
        )
      })

      test('an owner for whom nothing is outstanding is answered without waiting', async () => {
        const log = storage.log<string>('archive')
        log.append('romeo', { value: 'one', at: now })
        await storage.settled()
        log.append('juliet', { value: 'two', at: now })
        expect(log.page('romeo', {})).not.toBeInstanceOf(Promise)
        expect(log.page('juliet', {})).toBeInstanceOf(Promise)
      })

      test('ids grow in the whole storage, as strings, over restarts and a clock that is set back', async () => {
        const ids: string[] = []
        for (const [round, time] of [1_700_000_000_000, 1_700_000_000_000, 1_600_000_000_000, 1_600_000_000_001].entries()) {
          now = time
          for (let index = 0; index < 2000; index += 1) {
            ids.push(storage.log<string>(`log${index % 3}`).append(`owner${index % 5}`, { value: 'v', at: now }))
          }
          await storage.settled()
          // What was the last is gone, but its id is not given again.
          if (round === 1) await storage.log(`log${1999 % 3}`).trim(`owner${1999 % 5}`, { ids: [ids.at(-1)!] })
          await reopen(round === 2 ? 'kill' : 'close')
        }
        expect(ids).toEqual([...new Set(ids)].sort())
        expect(new Set(ids.map((id) => id.length)).size).toBe(1)
        now = 1_000_000
      })

      test.each(['', 'x', 'zzzzzzzzzzzz', 'ZZZZZZZZZZZ', '0000000000 ', '-0000000001', 'zzzzzzzzzzz', '00000000001', '__proto__00'])(
        'an id that is not there (%j) throws an UnknownIdError wherever it is named, and nothing else suffers',
        async (id) => {
          const log = storage.log<string>('log')
          const known = log.append('romeo', { value: 'one', at: now })
          for (const query of [{ after: id }, { before: id }, { ids: [known, id] }]) {
            await expect(async () => log.page('romeo', query)).rejects.toThrow(new UnknownIdError(id))
            await expect(async () => log.trim('romeo', query)).rejects.toThrow(new UnknownIdError(id))
          }
          await storage.settled()
          expect((await log.page('romeo', {})).entries.length).toBe(1)
        },
      )

      test("another owner's id, another store's id and a removed id are unknown", async () => {
        const log = storage.log<string>('log')
        const own = log.append('romeo', { value: 'one', at: now })
        const foreign = [log.append('juliet', { value: 'two', at: now }), storage.log<string>('other').append('romeo', { value: 'three', at: now })]
        const removed = log.append('romeo', { value: 'four', at: now })
        expect(await log.trim('romeo', { after: own })).toBe(1)
        for (const id of [...foreign, removed]) {
          await expect(async () => log.page('romeo', { before: id })).rejects.toThrow(UnknownIdError)
        }
        await expect(async () => storage.log('never used').page('romeo', { after: own })).rejects.toThrow(UnknownIdError)
        expect(await storage.log('never used').page('romeo', { count: true })).toEqual({ entries: [], isComplete: true, count: 0 })
      })

      test('what is pending waits until it is settled; a transient entry is seen only while it waits', async () => {
        const log = storage.log<string>('log')
        const kept = log.append('romeo', { value: 'kept', at: now, isPending: true })
        const transient = log.append('romeo', { value: 'transient', at: now, isTransient: true })
        const plain = log.append('romeo', { value: 'plain', at: now })
        const valuesOf = async (query: LogQuery) => (await log.page('romeo', query)).entries.map(({ value, isPending }) => `${value} ${isPending}`)
        expect(await log.pending('romeo')).toBe(2)
        expect(await valuesOf({})).toEqual(['kept true', 'plain false'])
        expect(await valuesOf({ isPending: true })).toEqual(['kept true', 'transient true'])
        await expect(async () => log.page('romeo', { ids: [transient] })).rejects.toThrow(UnknownIdError)
        log.settle('romeo', [kept, transient])
        expect(await log.pending('romeo')).toBe(0)
        log.suspend('romeo', [plain, transient, kept])
        expect(await valuesOf({ isPending: true })).toEqual(['kept true', 'plain true'])
        log.settle('juliet', [plain])
        log.settle('romeo', [])
        expect(await log.pending('romeo')).toBe(2)
        expect(() => log.settle('romeo', ['nonsense'])).toThrow(UnknownIdError)
        expect(() => log.suspend('romeo', ['nonsense'])).toThrow(UnknownIdError)
      })

      test('a trim takes what matched when it was called, and tells how many', async () => {
        const log = storage.log<number>('log')
        for (let index = 0; index < 10; index += 1) log.append('romeo', { value: index, at: now + index })
        const trimmed = log.trim('romeo', { end: now + 6 })
        log.append('romeo', { value: 10, at: now })
        expect(await trimmed).toBe(7)
        expect((await log.page('romeo', {})).entries.map(({ value }) => value)).toEqual([7, 8, 9, 10])
        expect(await log.trim('romeo', { max: 1, fromEnd: true })).toBe(1)
        expect(await log.trim('romeo', { max: 1 })).toBe(1)
        expect((await log.page('romeo', {})).entries.map(({ value }) => value)).toEqual([8, 9])
      })

      test('every query answers as a filter over an array would', async () => {
        const peers = ['alice@a.test', 'bob@b.test']
        const entry = fc.record(
          { value: fc.nat(99), at: fc.nat(20), with: fc.constantFrom(...peers), isPending: fc.boolean(), isTransient: fc.boolean() },
          { requiredKeys: ['value', 'at'] },
        )
        const step = fc.oneof(
          { weight: 8, arbitrary: fc.record({ append: entry }) },
          fc.record({ settle: fc.array(fc.nat(40), { maxLength: 3 }) }),
          fc.record({ suspend: fc.array(fc.nat(40), { maxLength: 3 }) }),
          fc.constant('tick' as const),
        )
        const query = fc.record(
          {
            with: fc.constantFrom(...peers, 'nobody'),
            start: fc.nat(20),
            end: fc.nat(20),
            after: fc.nat(40),
            before: fc.nat(40),
            ids: fc.array(fc.nat(40), { maxLength: 6 }),
            isPending: fc.constant(true as const),
            max: fc.nat(8),
            fromEnd: fc.boolean(),
            count: fc.boolean(),
          },
          { requiredKeys: [] },
        )
        let run = 0
        await fc.assert(
          fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), fc.array(query, { maxLength: 12 }), query, async (steps, queries, removal) => {
            const log = storage.log<Json>(`run${(run += 1)}`)
            const base = now
            let model: ModelEntry[] = []
            const ids: string[] = []
            const idOf = (index: number): string => ids[index % Math.max(1, ids.length)] ?? 'none'
            const real = (asked: typeof removal): LogQuery => ({
              ...asked,
              ...(asked.after !== undefined && { after: idOf(asked.after) }),
              ...(asked.before !== undefined && { before: idOf(asked.before) }),
              ...(asked.ids && { ids: asked.ids.map(idOf) }),
              ...(asked.start !== undefined && { start: base + asked.start }),
              ...(asked.end !== undefined && { end: base + asked.end }),
            }) as LogQuery
            for (const what of steps) {
              if (what === 'tick') await turn()
              else if ('append' in what) {
                const added: Entry = { ...what.append, at: base + what.append.at }
                const id = log.append('owner', added)
                log.append('somebody else', added)
                ids.push(id)
                model.push(modelEntry(id, added))
              } else if (ids.length > 0) {
                const named = ('settle' in what ? what.settle : what.suspend).map(idOf)
                if ('settle' in what) log.settle('owner', named)
                else log.suspend('owner', named)
                model = model.flatMap((one) => turned(one, named, 'suspend' in what))
              }
            }
            for (const asked of queries) {
              const wanted = modelPage(model, real(asked))
              if (wanted === 'unknown') await expect(async () => log.page('owner', real(asked))).rejects.toThrow(UnknownIdError)
              else expect(await log.page('owner', real(asked))).toEqual(wanted)
            }
            const gone = modelPage(model, real(removal))
            if (gone === 'unknown') await expect(async () => log.trim('owner', real(removal))).rejects.toThrow(UnknownIdError)
            else {
              expect(await log.trim('owner', real(removal))).toBe(gone.entries.length)
              const left = new Set(gone.entries.map(({ id }) => id))
              model = model.filter(({ id }) => !left.has(id))
            }
            expect(await log.page('owner', {})).toEqual(modelPage(model, {}))
            expect(await log.page('owner', { isPending: true })).toEqual(modelPage(model, { isPending: true }))
            expect(await log.pending('owner')).toBe(model.filter(({ isPending }) => isPending).length)
          }),
          { numRuns: 80 },
        )
      })
    })

    describe('storage', () => {
      test('a drop takes all that the owner has in the stores of the prefix, also in those not yet opened', async () => {
        const fill = async (): Promise<void> => {
          for (const store of ['home.test/one', 'home.test/two', 'other.test/one']) {
            for (const owner of ['romeo', 'juliet']) {
              await storage.map<string>(`${store}/map`).edit(owner, 'k', () => 'v')
              storage.log<string>(`${store}/log`).append(owner, { value: 'v', at: now })
              storage.log<string>(`${store}/log`).append(owner, { value: 'w', at: now, isTransient: true })
            }
          }
        }
        const held = async (owner: string): Promise<string[]> => {
          const names: string[] = []
          for (const store of ['home.test/one', 'home.test/two', 'other.test/one']) {
            if ((await storage.map(`${store}/map`).all(owner)).size > 0) names.push(`${store}/map`)
            if ((await storage.log(`${store}/log`).page(owner, {})).entries.length > 0) names.push(`${store}/log`)
            if ((await storage.log(`${store}/log`).pending(owner)) > 0) names.push(`${store}/pending`)
          }
          return names
        }
        await fill()
        await reopen()
        storage.drop('home.test/', 'romeo')
        expect(await storage.map('home.test/one/map').get('romeo', 'k')).toBeUndefined()
        expect(await held('romeo')).toEqual(['other.test/one/map', 'other.test/one/log', 'other.test/one/pending'])
        expect((await held('juliet')).length).toBe(9)
        storage.drop('home.test/', 'juliet')
        await storage.map<string>('home.test/one/map').edit('juliet', 'k', () => 'new')
        expect(await held('juliet')).toEqual(['home.test/one/map', 'other.test/one/map', 'other.test/one/log', 'other.test/one/pending'])
        await reopen()
        expect(await held('juliet')).toEqual(['home.test/one/map', 'other.test/one/map', 'other.test/one/log', 'other.test/one/pending'])
      })

      test.each(['close', 'kill'] as const)('what was committed is there after a %s, what was not is lost by a kill', async (how) => {
        const map = storage.map<number>('map')
        for (let index = 0; index < 50; index += 1) {
          await map.edit('owner', `k${index}`, () => index)
          storage.log<number>('log').append('owner', { value: index, at: now })
          if (index % 9 === 0) await turn()
        }
        await turn()
        await map.edit('owner', 'uncommitted', () => 1)
        storage.log<number>('log').append('owner', { value: 50, at: now })
        await reopen(how)
        const count = how === 'kill' ? 50 : 51
        expect((await storage.map('map').all('owner')).size).toBe(count)
        expect((await storage.log<number>('log').page('owner', {})).entries.map(({ value }) => value)).toEqual(
          Array.from({ length: count }, (_, index) => index),
        )
      })

      test('settled resolves once what was appended before can be read', async () => {
        await storage.settled()
        for (let round = 0; round < 5; round += 1) {
          storage.log<number>('log').append('owner', { value: round, at: now })
          const settled = storage.settled()
          await settled
          const page = storage.log<number>('log').page('owner', {})
          expect(page).not.toBeInstanceOf(Promise)
          expect((page as Page<number>).entries.length).toBe(round + 1)
        }
      })
    })
  })
}

type ModelEntry = LogEntry<Json> & { readonly isTransient: boolean }

function modelEntry(id: string, { value, at, isPending = false, isTransient = false, with: peer }: Entry): ModelEntry {
  return { id, at, value, isPending: isPending || isTransient, isTransient, ...(peer !== undefined && { with: peer }) }
}

function turned(entry: ModelEntry, named: readonly string[], isPending: boolean): ModelEntry[] {
  if (!named.includes(entry.id)) return [entry]
  if (entry.isTransient) return isPending ? [entry] : []
  return [{ ...entry, isPending }]
}

function modelPage(model: readonly ModelEntry[], query: LogQuery): Page<Json> | 'unknown' {
  const visible = model.filter((entry) => query.isPending || !entry.isTransient)
  const { after, before, ids, start = -Infinity, end = Infinity, max = Infinity } = query
  const isKnown = (id: string): boolean => visible.some((entry) => entry.id === id)
  if (![...(ids ?? []), after, before].every((id) => id === undefined || isKnown(id))) return 'unknown'
  const whole = visible.filter(
    (entry) =>
      (query.with === undefined || entry.with === query.with) &&
      entry.at >= start &&
      entry.at <= end &&
      (!ids || ids.includes(entry.id)) &&
      (!query.isPending || entry.isPending),
  )
  const range = whole.filter(({ id }) => (after === undefined || id > after) && (before === undefined || id < before))
  const page = query.fromEnd ? range.slice(Math.max(0, range.length - max)) : range.slice(0, max)
  return {
    entries: page.map(({ isTransient: _, ...entry }) => entry),
    isComplete: page.length === range.length,
    ...(query.count && { count: whole.length }),
    ...(query.count && page[0] && { index: whole.indexOf(page[0]) }),
  }
}

async function owners<T extends Json>(map: { owners(key: string): AsyncIterable<readonly [string, T]> }, key: string): Promise<(readonly [string, T])[]> {
  const found: (readonly [string, T])[] = []
  for await (const one of map.owners(key)) found.push(one)
  return found
}

/** Lets the journal end its tick. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function raise(message: string): never {
  throw new Error(message)
}
