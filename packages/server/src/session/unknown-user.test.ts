import { scenario } from '@jackdaw/testkit'
import { expect, test, vi } from 'vitest'
import { SqliteMap } from '../storage/sqlite-map.ts'

test('RFC 5802 §5.1: to find no keys takes the database what it takes to find some', async () => {
  await using s = await scenario({ accounts: { romeo: [] }, modules: [] })
  const { accounts } = s.server.hosts.get('home.test')!
  // The first time makes what is found for nobody.
  await accounts.scram('nobody', 'SHA-256')
  const get = vi.spyOn(SqliteMap.prototype, 'get')
  try {
    const found = async (name: string) => {
      get.mockClear()
      const keys = await accounts.scram(name, 'SHA-256')
      return [
        keys !== undefined,
        get.mock.results.filter(({ value }) => value !== undefined).length,
        get.mock.calls.length,
      ]
    }
    expect(await found('romeo')).toEqual([true, 1, 2])
    expect(await found('nobody')).toEqual([false, 1, 2])
  } finally {
    get.mockRestore()
  }
})
