import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ConfigInput } from '../config.ts'
import { bearer } from './bearer.ts'
import { calls } from './calls.ts'
import { brief, nowhere, scene } from './fixture.ts'
import type { Outside } from './outside.ts'
import { push } from './push.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'jackdaw-check-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const onHost = (modules: object): ConfigInput => ({ hosts: { 'a.example': { modules } as never } })
const answering: Outside = {
  ...nowhere,
  lookup: () => Promise.resolve(['9.9.9.9']),
  reach: () => Promise.resolve(),
  stun: () => Promise.resolve(),
}

describe('tokens of a product', () => {
  const url = 'https://id.example/keys'
  const issued = { issuer: 'https://id.example', audience: 'chat' }
  const look = async (own: object, ask?: Outside['ask']) =>
    brief(
      await bearer(
        scene(
          folder,
          { hosts: { 'a.example': { bearer: { ...issued, ...own } as never } } },
          {
            outside: { ...nowhere, ...(ask && { ask }) },
          },
        ),
      ),
    )
  const says = (json: unknown, status = 200) =>
    look({ keys: url }, async () => ({ status, text: JSON.stringify(json) }))
  const fail = (text: string) => [['fail', expect.stringContaining(text)]]

  test('the issuer has keys, none, none that fit, or does not answer', async () => {
    expect(await says({ keys: [{ kty: 'EC' }, { kty: 'oct' }] })).toEqual([['ok', `The issuer has 1 key at ${url}.`]])
    expect(await says({ keys: [{ kty: 'oct' }] })).toEqual(fail("None of the issuer's keys is one for ES256"))
    for (const nothing of [{ keys: [] }, { keys: 1 }, {}, 'x', { keys: [null] }])
      expect((await says(nothing))[0]![0]).toBe('fail')
    expect(await says({}, 500)).toEqual(fail('The issuer answers HTTP 500'))
    expect(await look({ keys: url })).toEqual(
      fail(
        `cannot be had, because there is no way there: until they can be had from ${url}, nobody logs in with a token`,
      ),
    )
  })

  test('a file with a key, without, and a secret that is short or open', async () => {
    const file = join(folder, 'key')
    expect(await look({ keys: file })).toEqual(fail(`cannot be read from ${file}`))
    writeFileSync(
      file,
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' }),
    )
    expect(await look({ keys: file })).toEqual([['ok', `The keys in ${file} can be used.`]])
    writeFileSync(file, JSON.stringify({ kty: 'oct', k: 'YWJj' }), { mode: 0o600 })
    const shared = { keys: file, algorithms: ['HS256'] }
    chmodSync(file, 0o600)
    expect(await look(shared)).toEqual(fail('can be guessed'))
    writeFileSync(file, JSON.stringify({ kty: 'oct', k: 'x'.repeat(43) }))
    expect(await look(shared)).toEqual([['ok', `The keys in ${file} can be used.`]])
    chmodSync(file, 0o644)
    expect(await look(shared)).toEqual(fail('Every user of this machine may look into'))
  })
})

describe('the push service', () => {
  const secret = 'sixteen characters'
  const pem = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' })
  const ec = (namedCurve: string) => pem(generateKeyPairSync('ec', { namedCurve }).privateKey)
  const rsa = (modulusLength: number) => pem(generateKeyPairSync('rsa', { modulusLength }).privateKey)
  const apns = (key: string) => ({ teamId: 't', keyId: 'k', key, topic: 'org.example.app' })
  const fcm = (key: string) => ({ project_id: 'p', client_email: 'c', private_key: key })
  const look = async (apps: object, outside = answering) =>
    brief(await push(scene(folder, onHost({ 'push-service': { apps } }), { outside })))

  test('nothing is looked at where there is none', async () => {
    expect(await push(scene(folder))).toEqual([])
    expect(await look({})).toEqual([['warn', expect.stringContaining('It serves no app')]])
  })
  test('an app that nothing reaches, and one that is reached', async () => {
    expect(await look({ news: { secret } })).toEqual([['warn', expect.stringContaining('Nothing reaches it')]])
    expect(await look({ news: { secret, http: true } })).toEqual([['ok', 'It is reached by http.']])
  })
  test('keys that are not what Apple, Google and browsers want', async () => {
    expect((await look({ news: { secret, apns: apns(ec('P-384')) } }))[0]).toEqual([
      'fail',
      expect.stringContaining('no key of P-256'),
    ])
    expect((await look({ news: { secret, fcm: fcm(rsa(1024)) } }))[0]).toEqual([
      'fail',
      expect.stringContaining("shorter than Google's"),
    ])
    const browsers = { subject: 'mailto:a@a.example', privateKey: '_'.repeat(43) }
    expect(await look({ news: { secret, 'web-push': browsers } })).toEqual([
      ['fail', expect.stringContaining('no private key of P-256')],
    ])
  })
  test('who delivers can be reached, each once, or not', async () => {
    const apps = {
      news: { secret, apns: apns(ec('P-256')) },
      shop: { secret, apns: apns(ec('P-256')), fcm: fcm(rsa(2048)) },
    }
    const levels = async (outside: Outside) =>
      (await push(scene(folder, onHost({ 'push-service': { apps } }), { outside }))).map(
        ({ title, level }) => `${title}: ${level}`,
      )
    const own = ['push app news of a.example: ok', 'push app shop of a.example: ok']
    const others = ['api.push.apple.com', 'fcm.googleapis.com', 'oauth2.googleapis.com']
    expect(await levels(answering)).toEqual([...own, ...others.map((name) => `push by ${name}: ok`)])
    expect(await levels(nowhere)).toEqual([...own, ...others.map((name) => `push by ${name}: fail`)])
  })
})

describe('servers for calls', () => {
  const secret = 'sixteen characters'
  const look = async (services: readonly object[], outside = answering) =>
    brief(await calls(scene(folder, onHost({ 'external-services': { services } }), { outside })))

  test('they answer, each as it is to be spoken to', async () => {
    const asked: string[] = []
    const outside: Outside = {
      ...answering,
      stun: async (host, port) => void asked.push(`stun ${host}:${port}`),
      reach: async ({ host, port, isTls }) => void asked.push(`${isTls ? 'tls' : 'tcp'} ${host}:${port}`),
    }
    const turn = { host: 'turn.example', secret }
    const services = [
      { type: 'stun', host: 'turn.example' },
      { type: 'turn', transport: 'tcp', ...turn },
      { type: 'turns', port: 443, ...turn },
      { type: 'turns', transport: 'udp', ...turn },
    ]
    expect(await look(services, outside)).toEqual(services.map(() => ['ok', 'It answers.']))
    expect(asked).toEqual(['stun turn.example:3478', 'tcp turn.example:3478', 'tls turn.example:443'])
  })
  test('they do not, are where nobody comes, or have a secret that can be guessed', async () => {
    const stun = { type: 'stun', host: 'turn.example' }
    expect(await look([stun], nowhere)).toEqual([
      ['fail', expect.stringContaining('because there is no way there: start it, open its port, or correct it')],
    ])
    expect(await look([stun], { ...answering, lookup: async () => ['10.1.1.1', '::1'] })).toEqual([
      ['warn', expect.stringContaining('10.1.1.1, ::1, is not a public one')],
    ])
    expect(await look([{ type: 'turn', host: 'turn.example', secret: 'short' }])).toEqual([
      ['warn', expect.stringContaining('can be guessed')],
    ])
  })
})
