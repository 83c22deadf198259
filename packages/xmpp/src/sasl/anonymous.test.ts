import { expect, test } from 'vitest'
import { accounts, bytes, exchange, failure, nodeCrypto, serverContext } from '../../test/sasl.ts'
import { anonymousClient, anonymousServer } from './anonymous.ts'

const credentials = await accounts('SHA-256', {})
const server = () => anonymousServer(credentials, serverContext())

test('XEP-0175 §3: each user gets a UUID', async () => {
  const random = (length: number) => new Uint8Array(length).fill(0xff)
  const context = serverContext({ crypto: { ...nodeCrypto, random } })
  expect(anonymousServer(credentials, context).step(bytes(''))).toEqual({
    success: { username: 'ffffffff-ffff-4fff-bfff-ffffffffffff' },
  })
  const names = await Promise.all([1, 2].map(() => exchange(anonymousClient({})!, server())))
  expect(names[0]).not.toEqual(names[1])
})

test('RFC 4505 §2: a trace of up to 255 characters is let pass and gives no name', () => {
  for (const trace of ['sirhc', 'sirhc@example.com', '𝄞'.repeat(255)]) {
    expect(server().step(bytes(trace))).toEqual({ success: { username: expect.stringMatching(/^[0-9a-f-]{36}$/) } })
  }
})

test('RFC 4505 §2: a longer trace, control characters and broken UTF-8 are malformed-request', async () => {
  for (const trace of [bytes('x'.repeat(256)), bytes('a\nb'), bytes('a\0'), new Uint8Array([0xff])]) {
    expect(await failure(() => server().step(trace))).toMatchObject({ condition: 'malformed-request' })
  }
})

test('the client sends no trace, and is not anonymous when it has a name', async () => {
  expect(anonymousClient({})?.initial()).toEqual(new Uint8Array())
  expect(anonymousClient({ username: 'romeo' })).toBeUndefined()
  expect(await failure(() => anonymousClient({})?.step(bytes('')))).toMatchObject({ condition: 'aborted' })
})
