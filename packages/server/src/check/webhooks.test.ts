import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { configFrom } from '../config.ts'
import { modules } from '../modules/modules.ts'
import type { Scene } from './finding.ts'
import { webhooks } from './webhooks.ts'

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

let file: string
beforeEach(() => {
  file = join(mkdtempSync(join(tmpdir(), 'jackdaw-check-')), 'jackdaw.yaml')
  writeFileSync(file, '')
  chmodSync(file, 0o600)
})
afterEach(() => rmSync(join(file, '..'), { recursive: true }))

async function look(url: string, networks: string[] = [], addresses?: string[]) {
  const events = { networks, webhooks: { crm: { url, secret } } }
  const config = configFrom({ hosts: { 'a.example': { modules: { events } } } }, modules)
  const scene = { config, file, modules } as unknown as Scene
  const lookup = addresses && (async () => addresses.map((address) => ({ address })))
  return (await webhooks(scene, lookup)).map(({ title, level, sentence }) => [title, level, sentence])
}
const title = 'webhook crm of a.example'

test('nothing is said where there are none', async () => {
  const config = configFrom({ hosts: { 'a.example': { modules: { events: true } } } }, modules)
  expect(await webhooks({ config, file, modules } as unknown as Scene)).toEqual([])
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
    [title, 'warn', expect.stringMatching(/^No address was found for crm.invalid \(E/)],
  ])
})

test('secrets that everybody may read', async () => {
  chmodSync(file, 0o644)
  const [, open] = await look('https://crm.example/', [], ['192.0.1.1'])
  expect(open).toEqual(['configuration', 'fail', expect.stringContaining('chmod 600')])
})
