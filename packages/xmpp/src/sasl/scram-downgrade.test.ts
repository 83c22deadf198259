import { expect, test } from 'vitest'
import {
  accounts,
  bytes,
  clientContext,
  exchange,
  exporter,
  failure,
  nodeCrypto,
  serverContext,
  text,
} from '../../test/sasl.ts'
import { encodeBase64 } from './base64.ts'
import type { ClientContext } from './sasl.ts'
import { scramClient } from './scram-client.ts'
import { offerInput } from './scram-message.ts'
import { scramServer } from './scram-server.ts'

test('XEP-0474 §4.3: the hash of the example', () => {
  const input = offerInput(['SCRAM-SHA-1-PLUS', 'SCRAM-SHA-1'], ['tls-server-end-point', 'tls-exporter'])
  expect(text(input)).toBe('SCRAM-SHA-1\x1eSCRAM-SHA-1-PLUS\x1ftls-exporter\x1etls-server-end-point')
  expect(encodeBase64(nodeCrypto.hash('SHA-1', input))).toBe('G6k/rBLDqgOhRRaCuuatSDFkJ08=')
})

const announced = ['tls-exporter', 'tls-server-end-point']
const { offered } = serverContext({ bindings: exporter })

test.each<[what: string, seen: Partial<ClientContext>]>([
  ['a mechanism was taken from the list', { offered: offered.filter((name) => !name.startsWith('SCRAM-SHA-512')) }],
  ['a mechanism was put into the list', { offered: [...offered, 'X-WEAK'] }],
  ['a type of channel binding was taken from the list', { announced: ['tls-server-end-point'] }],
  ['all types of channel binding were taken away', { announced: [] }],
  ['a type of channel binding was put into the list', { announced: [...announced, 'x'] }],
])('XEP-0474 §4.2: the client goes no further when %s', async (_, seen) => {
  const credentials = await accounts('SHA-256', { user: 'pencil' })
  const login = (context: Partial<ClientContext>) =>
    exchange(
      scramClient('SHA-256', false, { username: 'user', password: 'pencil' }, clientContext({ offered, ...context }))!,
      scramServer('SHA-256', false, credentials, serverContext({ offered, announced })),
    )
  expect(await login({ announced })).toEqual({ username: 'user' })
  expect(await failure(() => login({ announced, ...seen }))).toMatchObject({ condition: 'aborted' })
})

test('XEP-0474 §4.2: a hash that was changed with the lists ends in the failure of the proof', async () => {
  const credentials = await accounts('SHA-256', { user: 'pencil' })
  const seen = offered.filter((name) => !name.startsWith('SCRAM-SHA-512'))
  const forged = encodeBase64(nodeCrypto.hash('SHA-256', offerInput(seen, announced)))
  const attempt = (forge: (message: string) => string) =>
    exchange(
      scramClient(
        'SHA-256',
        false,
        { username: 'user', password: 'pencil' },
        clientContext({ offered: seen, announced }),
      )!,
      scramServer('SHA-256', false, credentials, serverContext({ offered, announced })),
      (message, number) => (number === 1 ? bytes(forge(text(message))) : message),
    )
  const replaced = await failure(() => attempt((message) => message.replace(/,h=.*/, `,h=${forged}`)))
  expect(replaced.condition).toBe('not-authorized')
  expect((await failure(() => attempt((message) => message.replace(/,h=.*/, '')))).condition).toBe('not-authorized')
})
