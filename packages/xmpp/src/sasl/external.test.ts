import { expect, test } from 'vitest'
import { accounts, bytes, exchange, failure, serverContext } from '../../test/sasl.ts'
import { externalClient, externalServer } from './external.ts'

const credentials = await accounts('SHA-256', {})
const server = (...identities: string[]) =>
  externalServer(credentials, serverContext({ certificate: true, identities }))
const romeo = 'romeo@home.test'
const both = [romeo, 'juliet@home.test']

test('XEP-0178 §2: an empty authzid takes the only identity of the certificate', async () => {
  const success = { username: romeo, authzid: romeo }
  expect(server(romeo).step(bytes(''))).toEqual({ success })
  expect(await exchange(externalClient({}), server(romeo))).toEqual(success)
})

test('XEP-0178 §2: an authzid chooses among several identities', async () => {
  expect(await exchange(externalClient({ authzid: both[1]! }), server(...both))).toMatchObject({ username: both[1] })
})

test('XEP-0178 §2: several identities and no authzid are invalid-authzid', async () => {
  expect(await failure(() => server(...both).step(bytes('')))).toMatchObject({ condition: 'invalid-authzid' })
})

test.each([
  'mercutio@home.test',
  'romeo@home.test/phone',
  'home.test',
  'romeo',
  ' romeo@home.test',
  'romeo@home.test.evil',
])('XEP-0178 §2: the authzid %j, which the certificate does not prove, is invalid-authzid', async (authzid) => {
  expect(await failure(() => server(...both).step(bytes(authzid)))).toMatchObject({ condition: 'invalid-authzid' })
})

test('XEP-0178 §2: a certificate that names nobody is not-authorized', async () => {
  for (const authzid of ['', romeo]) {
    expect(await failure(() => server().step(bytes(authzid)))).toMatchObject({ condition: 'not-authorized' })
  }
})

test('RFC 4422 appendix A.1: NUL and broken UTF-8 are malformed-request', async () => {
  for (const input of [bytes(`${romeo}\0`), new Uint8Array([0xff])]) {
    expect(await failure(() => server(romeo).step(input))).toMatchObject({ condition: 'malformed-request' })
  }
  expect(await failure(() => externalClient({}).step(bytes('')))).toMatchObject({ condition: 'aborted' })
})
