import { expect, test } from 'vitest'
import { configFrom } from '../config.ts'
import { modules } from '../modules/modules.ts'
import type { Scene } from './finding.ts'
import { outside } from './outside.ts'
import { webhooks } from './webhooks.ts'

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

async function look(url: string, networks: string[] = [], addresses?: string[]) {
  const events = { networks, webhooks: { crm: { url, secret } } }
  const config = configFrom({ hosts: { 'a.example': { modules: { events } } } }, modules)
  const around = { ...outside(), ...(addresses && { lookup: async () => addresses }) }
  return (await webhooks({ config, outside: around } as Scene)).map(({ title, level, sentence }) => [
    title,
    level,
    sentence,
  ])
}
const title = 'webhook crm of a.example'

test('nothing is said where there are none', async () => {
  const config = configFrom({ hosts: { 'a.example': { modules: { events: true } } } }, modules)
  expect(await webhooks({ config, outside: outside() } as Scene)).toEqual([])
})

test('one at a public address', async () => {
  expect(await look('https://crm.example/', [], ['192.0.1.1', '10.0.0.1'])).toEqual([
    [title, 'ok', 'It may be connected to at 192.0.1.1.'],
  ])
})

test('one at an address that is not public, named and not named', async () => {
  expect(await look('https://[::1]/')).toEqual([
    [title, 'fail', '::1 is not public: if it is meant, name its network under networks of events.'],
  ])
  expect(await look('http://127.0.0.1:8080/', ['loopback'])).toEqual([
    [title, 'ok', 'It may be connected to at 127.0.0.1.'],
  ])
})

test('one without TLS', async () => {
  expect(await look('http://crm.example/', ['loopback'], ['192.0.1.1'])).toEqual([
    [title, 'fail', expect.stringContaining('192.0.1.1 is not connected to without TLS')],
  ])
})

test('one whose name nobody knows', async () => {
  expect(await look('https://crm.invalid/')).toEqual([
    [title, 'warn', expect.stringMatching(/^crm\.invalid is not found \(the /)],
  ])
})
