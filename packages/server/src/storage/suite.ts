import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Journal } from '../journal/journal.ts'
import type { Awaitable } from '../world.ts'
import type { Page, Storage } from './storage.ts'
import { logSuite } from './suite-log.ts'
import { mapSuite } from './suite-map.ts'
import { type Subject, turn } from './suite-subject.ts'

/** A place where a storage is kept; what one storage kept there, the next one opened finds. */
export interface StoragePlace {
  /** Opens the storage at what the clock says is `now()`. */
  open(now: () => number): Awaitable<{ readonly storage: Storage; readonly journal: Journal }>
  /** Ends the storage that was opened last: in order, or as a kill would (what was not committed is lost). */
  end(how: 'close' | 'kill'): Promise<void>
  remove(): Awaitable<void>
}

/** What any driver must pass, on a real database. */
export function storageSuite(name: string, place: () => StoragePlace): void {
  describe(`storage: ${name}`, () => {
    let where: StoragePlace
    let storage: Storage
    const here: Subject = {
      get storage() {
        return storage
      },
      now: 0,
      async reopen(how = 'close') {
        await where.end(how)
        await open()
      },
    }
    const open = async (): Promise<void> => {
      ;({ storage } = await where.open(() => here.now))
    }

    beforeEach(async () => {
      here.now = 1_000_000
      where = place()
      await open()
    })
    afterEach(async () => {
      await where.end('close')
      await where.remove()
    })

    mapSuite(here)
    logSuite(here)

    describe('storage', () => {
      test('a drop takes what was kept right before it, and nothing that is kept right behind it', async () => {
        const log = here.storage.log<string>('home.test/log')
        log.append('romeo', { value: 'before', at: here.now, with: 'juliet' })
        log.append('romeo', { value: 'waits', at: here.now, isPending: true })
        here.storage.drop('home.test/', 'romeo')
        log.append('romeo', { value: 'behind', at: here.now, with: 'juliet' })
        for (const query of [{}, { with: 'juliet' }])
          expect((await log.page('romeo', query)).entries.map(({ value }) => value)).toEqual(['behind'])
        expect(await log.pending('romeo')).toBe(0)
      })

      test('a drop takes all that the owner has in the stores of the prefix, also in those not yet opened', async () => {
        const fill = async (): Promise<void> => {
          for (const store of ['home.test/one', 'home.test/two', 'other.test/one']) {
            for (const owner of ['romeo', 'juliet']) {
              await here.storage.map<string>(`${store}/map`).edit(owner, 'k', () => 'v')
              here.storage.log<string>(`${store}/log`).append(owner, { value: 'v', at: here.now })
              here.storage.log<string>(`${store}/log`).append(owner, { value: 'w', at: here.now, isTransient: true })
            }
          }
        }
        const held = async (owner: string): Promise<string[]> => {
          const names: string[] = []
          for (const store of ['home.test/one', 'home.test/two', 'other.test/one']) {
            if ((await here.storage.map(`${store}/map`).all(owner)).size > 0) names.push(`${store}/map`)
            if ((await here.storage.log(`${store}/log`).page(owner, {})).entries.length > 0) names.push(`${store}/log`)
            if ((await here.storage.log(`${store}/log`).pending(owner)) > 0) names.push(`${store}/pending`)
          }
          return names
        }
        await fill()
        await here.reopen()
        here.storage.drop('home.test/', 'romeo')
        expect(await here.storage.map('home.test/one/map').get('romeo', 'k')).toBeUndefined()
        expect(await held('romeo')).toEqual(['other.test/one/map', 'other.test/one/log', 'other.test/one/pending'])
        expect((await held('juliet')).length).toBe(9)
        here.storage.drop('home.test/', 'juliet')
        await here.storage.map<string>('home.test/one/map').edit('juliet', 'k', () => 'new')
        expect(await held('juliet')).toEqual([
          'home.test/one/map',
          'other.test/one/map',
          'other.test/one/log',
          'other.test/one/pending',
        ])
        await here.reopen()
        expect(await held('juliet')).toEqual([
          'home.test/one/map',
          'other.test/one/map',
          'other.test/one/log',
          'other.test/one/pending',
        ])
      })

      test.each(['close', 'kill'] as const)(
        'what was committed is there after a %s, what was not is lost by a kill',
        async (how) => {
          const map = here.storage.map<number>('map')
          for (let index = 0; index < 50; index += 1) {
            await map.edit('owner', `k${index}`, () => index)
            here.storage.log<number>('log').append('owner', { value: index, at: here.now })
            if (index % 9 === 0) await turn()
          }
          await turn()
          await map.edit('owner', 'uncommitted', () => 1)
          here.storage.log<number>('log').append('owner', { value: 50, at: here.now })
          await here.reopen(how)
          const count = how === 'kill' ? 50 : 51
          expect((await here.storage.map('map').all('owner')).size).toBe(count)
          expect((await here.storage.log<number>('log').page('owner', {})).entries.map(({ value }) => value)).toEqual(
            Array.from({ length: count }, (_, index) => index),
          )
        },
      )

      test('settled resolves once what was appended before can be read', async () => {
        await here.storage.settled()
        for (let round = 0; round < 5; round += 1) {
          here.storage.log<number>('log').append('owner', { value: round, at: here.now })
          const settled = here.storage.settled()
          await settled
          const page = here.storage.log<number>('log').page('owner', {})
          expect(page).not.toBeInstanceOf(Promise)
          expect((page as Page<number>).entries.length).toBe(round + 1)
        }
      })
    })
  })
}
