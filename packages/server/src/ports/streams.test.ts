import { expect, test } from 'vitest'
import { opened, plain, secure } from '../stream/sasl2-fixture.ts'

test('RFC 6120 §13.12: of the places before login one network has a tenth; a proxy on this machine has all', async () => {
  await using s = await secure({ modules: [], config: { limits: { unauthenticatedConnections: 20 } } })
  s.network.address = '192.0.2.1'
  const first = await opened(s)
  await opened(s)
  await expect(s.client('romeo').open()).rejects.toMatchObject({ condition: 'resource-constraint' })
  s.network.address = '192.0.2.2'
  await opened(s)
  // Who has logged in is no stranger.
  first.send(plain())
  expect((await first.next()).name).toBe('success')
  s.network.address = '192.0.2.1'
  const third = await opened(s)
  await expect(s.client('romeo').open()).rejects.toMatchObject({ condition: 'resource-constraint' })
  await third.cut()
  await opened(s)
  s.network.address = '127.0.0.1'
  for (let i = 0; i < 10; i++) await opened(s)
})
