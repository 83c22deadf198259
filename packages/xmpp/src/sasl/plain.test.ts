import { expect, test, vi } from 'vitest'
import { accounts, bytes, exchange, failure, nodeCrypto, serverContext, text } from '../../test/sasl.ts'
import type { ServerContext } from './sasl.ts'
import { plainClient, plainServer } from './plain.ts'

const credentials = await accounts('SHA-256', { romeo: 'rosaline' })
const server = (context: Partial<ServerContext> = {}) => plainServer(credentials, serverContext(context))
const refused = (message: string) => failure(() => server().step(bytes(message)))

test('RFC 4616 §2: the password is checked against the stored keys', async () => {
  expect(await server().step(bytes('\0romeo\0rosaline'))).toEqual({ success: { username: 'romeo' } })
  expect(await server().step(bytes('r@home.test\0ROMEO\0rosaline'))).toEqual({
    success: { username: 'romeo', authzid: 'r@home.test' },
  })
})

test('RFC 6120 §6.5.10: wrong password, unknown user and impossible names fail alike', async () => {
  for (const message of ['\0romeo\0Rosaline', '\0tybalt\0rosaline', '\0ro meo\0rosaline', '\0romeo\0ros\u0007aline']) {
    expect(await refused(message), message).toMatchObject({ condition: 'not-authorized' })
  }
})

test.each(['', 'romeo', '\0romeo', '\0romeo\0', '\0\0rosaline', '\0romeo\0rosaline\0', '\0romeo\0rosaline\0x'])(
  'RFC 4616 §2: %j is malformed-request',
  async (message) => {
    expect(await refused(message)).toMatchObject({ condition: 'malformed-request' })
  },
)

test('a message over the limit, or not UTF-8, is malformed-request', async () => {
  expect(await refused(`\0romeo\0${'x'.repeat(20_000)}`)).toMatchObject({ condition: 'malformed-request' })
  expect(await failure(() => server().step(new Uint8Array([0, 0xff, 0, 0x61])))).toMatchObject({
    condition: 'malformed-request',
  })
})

test('an unknown user costs the server one PBKDF2, as a known one does', async () => {
  for (const name of ['romeo', 'tybalt']) {
    const pbkdf2 = vi.fn<typeof nodeCrypto.pbkdf2>((...given) => nodeCrypto.pbkdf2(...given))
    const checked = server({ crypto: { ...nodeCrypto, pbkdf2 } })
    await failure(() => checked.step(bytes(`\0${name}\0wrong`)))
    expect(pbkdf2.mock.calls.map(([hash, , , iterations]) => [hash, iterations])).toEqual([['SHA-256', 4096]])
  }
})

test('no password opens an unknown account, even one that fits', async () => {
  const checked = server({ crypto: { ...nodeCrypto, equal: () => true } })
  expect(await failure(() => checked.step(bytes('\0tybalt\0rosaline')))).toMatchObject({ condition: 'not-authorized' })
})

test('an account with keys for another hash only is checked by these', async () => {
  const context = { hashes: ['SHA-512', 'SHA-256'] as const }
  expect(await server(context).step(bytes('\0romeo\0rosaline'))).toHaveProperty('success')
  expect(await failure(() => server(context).step(bytes('\0romeo\0wrong')))).toMatchObject({
    condition: 'not-authorized',
  })
})

test('an error of the cryptography or of the storage passes through', async () => {
  const pbkdf2 = () => Promise.reject(new Error('no memory'))
  await expect(server({ crypto: { ...nodeCrypto, pbkdf2 } }).step(bytes('\0romeo\0rosaline'))).rejects.toThrow(
    'no memory',
  )
})

test('RFC 4616 §2: the client sends authzid, username and password, and refuses NUL in them', async () => {
  const client = plainClient({ username: 'romeo', password: 'rosaline', authzid: 'r@x' })!
  expect(text(client.initial())).toBe('r@x\0romeo\0rosaline')
  expect(await exchange(client, server())).toEqual({ username: 'romeo', authzid: 'r@x' })
  expect(await failure(() => client.step(bytes('')))).toMatchObject({ condition: 'aborted' })
  expect(await failure(() => plainClient({ username: 'a\0b', password: 'x' })?.initial())).toMatchObject({
    condition: 'aborted',
  })
  expect(plainClient({ username: 'romeo' })).toBeUndefined()
  expect(plainClient({ password: 'rosaline' })).toBeUndefined()
})
