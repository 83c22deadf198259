import { scenario } from '@jackdaw/testkit'
import { expect, test, vi } from 'vitest'
import { SqliteMap } from '../storage/sqlite-map.ts'

test('RFC 5802 §5.1: who is not found takes the same reading and decoding as who is', async () => {
  await using s = await scenario({ accounts: { romeo: [] }, modules: [] })
  const { accounts } = s.server.hosts.get('home.test')!
  // From then on romeo's are read from the database.
  for await (const name of accounts.list()) expect(name).toBe('romeo@home.test')
  const spies = [vi.spyOn(SqliteMap.prototype, 'get'), vi.spyOn(JSON, 'parse'), vi.spyOn(Buffer, 'from')]
  try {
    const found = async (name: string) => {
      for (const spy of spies) spy.mockClear()
      const keys = await accounts.scram(name, 'SHA-256')
      return [keys !== undefined, ...spies.map(({ mock }) => mock.calls.length)]
    }
    expect(await found('romeo')).toEqual([true, 1, 1, 3])
    expect(await found('nobody')).toEqual([false, 1, 1, 3])
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
})
