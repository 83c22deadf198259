import { expect, test } from 'vitest'
import { accounts, bytes, exchange, failure } from '../../test/sasl.ts'
import { oauthbearerClient, oauthbearerServer } from './oauthbearer.ts'

const credentials = {
  ...(await accounts('SHA-256', {})),
  bearer: async (token: string) => (token === 'vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==' ? 'user' : undefined),
}
const token = 'vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=='
const server = () => oauthbearerServer(credentials)
const text = (challenge: unknown) => new TextDecoder().decode((challenge as { challenge: Uint8Array }).challenge)

test('RFC 7628 §4.1: the example, with host and port', async () => {
  const message = `n,a=user@example.com,\u0001host=server.example.com\u0001port=143\u0001auth=Bearer ${token}\u0001\u0001`
  expect(await server().step(bytes(message))).toEqual({ success: { username: 'user', authzid: 'user@example.com' } })
})

test('RFC 7628 §3.1: both sides, with and without an authzid', async () => {
  expect(await exchange(oauthbearerClient({ token })!, server())).toEqual({ username: 'user' })
  expect(await exchange(oauthbearerClient({ token, authzid: 'a,b=c' })!, server())).toEqual({
    username: 'user',
    authzid: 'a,b=c',
  })
  expect(oauthbearerClient({ username: 'user', password: 'x' })).toBeUndefined()
})

test.each([
  ['another token', 'auth=Bearer other\u0001'],
  ['no token', ''],
  ['an empty one', 'auth=Bearer \u0001'],
  ['another scheme', `auth=MAC ${token}\u0001`],
  ['one with a space', `auth=Bearer ${token} x\u0001`],
])('RFC 7628 §3.2.2: %s is answered with an error, and then with a failure', async (_, pairs) => {
  const one = server()
  expect(text(await one.step(bytes(`n,,\u0001${pairs}\u0001`)))).toBe('{"status":"invalid_token"}')
  // Not even a good token helps now.
  expect(await failure(() => one.step(bytes(`n,,\u0001auth=Bearer ${token}\u0001\u0001`)))).toMatchObject({
    condition: 'not-authorized',
  })
})

test.each([
  '',
  '\u0001',
  `auth=Bearer ${token}\u0001\u0001`,
  `n,,auth=Bearer ${token}\u0001\u0001`,
  `n,,\u0001auth=Bearer ${token}\u0001`,
  `p=tls-exporter,,\u0001auth=Bearer ${token}\u0001\u0001`,
  `n,a==,\u0001auth=Bearer ${token}\u0001\u0001`,
  `n,,\u0001auth=Bearer ${token}\u0001auth=Bearer ${token}\u0001\u0001`,
  `n,,\u0001auth=Bearer ${token}\0\u0001\u0001`,
  `n,,\u0001${'x'.repeat(20_000)}`,
])('RFC 7628 §3.1: %j is malformed', async (message) => {
  expect(await failure(() => server().step(bytes(message)))).toMatchObject({ condition: 'malformed-request' })
})
