import { type Actor, type Scenario, scramCrypto } from '@jackdaw/testkit'
import {
  answerUpgrade,
  deriveKeys,
  type Element,
  encodeBase64,
  fastNs,
  hashedTokenClient,
  type HashName,
  parse,
  sasl2Next,
  sasl2Ns,
  sasl2TaskData,
  sasl2Tasks,
  saltPassword,
  upgrade,
  upgradeHash,
  upgradesAmong,
  xml,
} from '@jackdaw/xmpp'
import { expect, onTestFinished, test } from 'vitest'
import { defineModule } from '../module.ts'
import { type StoredKeys, hashes, iterations } from '../session/accounts.ts'
import type { MapStore } from '../storage/storage.ts'
import { authenticate, error, failure, opened, plain, secure, userAgent } from './sasl2-fixture.ts'

const password = 'the wine is red'
const phone = 'd4565fa7-4d72-4749-b3d3-740edbf87770'
const bind = (...more: Element[]) => xml('bind', 'urn:xmpp:bind:0', {}, ...more)
const managed = xml('enable', 'urn:xmpp:sm:3', { resume: 'true' })
const none = 'HT-SHA-256-NONE'
const sha1 = { 'SHA-1': 10_000 } as const

type Rounds = Partial<Record<HashName, number>>

/** A server whose romeo has keys for these hashes alone. */
async function stage(rounds: Rounds = sha1) {
  let store!: MapStore<StoredKeys>
  const keys = defineModule({
    name: 'accounts',
    stores: { keys: { kind: 'map' } },
    start: (host) => void (store = host.stores.keys as MapStore<StoredKeys>),
  })
  const s = await secure({ modules: [keys], accounts: { romeo: [], juliet: [] } })
  onTestFinished(() => s.stop())
  for (const hash of hashes) {
    const made = rounds[hash] && (await deriveKeys(hash, password, Buffer.alloc(16, hash), rounds[hash], scramCrypto))
    const base64 = (bytes: Uint8Array) => encodeBase64(bytes)
    await store.edit('romeo@home.test', hash, () =>
      made
        ? {
            salt: base64(made.salt),
            iterations: made.iterations,
            storedKey: base64(made.storedKey),
            serverKey: base64(made.serverKey),
          }
        : undefined,
    )
  }
  const kept = async (name = 'romeo') => new Map(await store.all(`${name}@home.test`))
  return Object.assign(s, { kept, accounts: () => s.server.hosts.get('home.test')!.accounts })
}

async function upgrading(s: Scenario, scram: HashName = 'SHA-1'): Promise<Actor> {
  const romeo = s.client('romeo', undefined, { upgrades: true, scram })
  await romeo.open()
  return romeo
}

/** By SCRAM with this hash and the password. */
async function enters(s: Scenario, scram?: HashName): Promise<void> {
  const client = s.client('romeo', undefined, scram ? { scram } : {})
  await client.open()
  await client.authenticate(bind())
  await client.close()
}

/** A client of romeo's that has proved his password and is to do the task. */
async function asked(s: Scenario, ...more: Element[]): Promise<Actor> {
  const romeo = await opened(s)
  romeo.send(plain(upgrade('UPGR-SCRAM-SHA-256'), ...more))
  expect(sasl2Tasks(await romeo.next())).toEqual(['UPGR-SCRAM-SHA-256'])
  return romeo
}

async function salted(romeo: Actor, hash: HashName = 'SHA-256'): Promise<Element> {
  romeo.send(sasl2Next(`UPGR-SCRAM-${hash}`))
  const salt = (await romeo.next()).first()!
  const rounds = Number(salt.attr('iterations'))
  return upgradeHash(await saltPassword(hash, password, Buffer.from(salt.text, 'base64'), rounds, scramCrypto))
}

test('XEP-0480 §2.1: the offer is what the server can, whoever asks', async () => {
  const s = await stage()
  const offers = []
  for (const name of ['romeo', 'juliet', 'nobody']) {
    const client = s.client(name, undefined, { from: `${name}@home.test` })
    await client.open()
    offers.push(String(client.features.child('authentication', sasl2Ns)))
    expect(upgradesAmong(client.features.child('authentication', sasl2Ns)!.elements())).toEqual([
      'UPGR-SCRAM-SHA-256',
      'UPGR-SCRAM-SHA-1',
      'UPGR-SCRAM-SHA-512',
    ])
  }
  expect(new Set(offers).size).toBe(1)
})

test('XEP-0480 §3: who has keys for SHA-1 alone is there, and has keys for all hashes after the next login', async () => {
  const s = await stage()
  const before = await s.kept()
  expect(await s.accounts().exists((await opened(s)).account)).toBe(true)
  const listed = []
  for await (const account of s.accounts().list()) listed.push(account)
  expect(listed).toEqual(['juliet@home.test', 'romeo@home.test'])
  const romeo = await upgrading(s)
  const success = await romeo.authenticate(bind())
  expect(success.name).toBe('success')
  expect(success.child('additional-data')).toBeUndefined()
  await romeo.sync()
  const after = await s.kept()
  expect(after.get('SHA-1')).toEqual(before.get('SHA-1'))
  for (const hash of hashes) expect(after.get(hash)?.iterations).toBe(iterations)
  expect(await s.server.metrics.registry.metrics()).toContain('jackdaw_accounts_upgraded_total{host="home.test"} 1')
  s.crash()
  await s.start()
  for (const hash of [...hashes, undefined]) await enters(s, hash)
})

test('XEP-0480 §3: too few rounds become as many as new keys have; nothing is asked twice', async () => {
  const s = await stage({ 'SHA-1': 4096, 'SHA-256': 4096, 'SHA-512': 10_000 })
  const before = await s.kept()
  const romeo = await upgrading(s, 'SHA-256')
  await romeo.authenticate(bind())
  const after = await s.kept()
  expect(after.get('SHA-512')).toEqual(before.get('SHA-512'))
  expect([...after.values()].map((keys) => keys.iterations)).toEqual([iterations, iterations, iterations])
  expect(after.get('SHA-256')!.salt).not.toBe(before.get('SHA-256')!.salt)
  const again = await upgrading(s, 'SHA-256')
  expect((await again.authenticate(bind())).child('additional-data')).toBeDefined()
  expect(await s.kept()).toEqual(after)
})

test('XEP-0480 §2.2, §3: continue has one task and what SCRAM proves with, and nothing before the last is a login', async () => {
  const s = await stage()
  const romeo = s.client('romeo', undefined, { scram: 'SHA-1' })
  await romeo.open()
  const first = await romeo.authenticate(upgrade('UPGR-SCRAM-SHA-512'), upgrade('UPGR-SCRAM-SHA-256'), bind())
  expect(String(first)).toMatch(
    /^<continue xmlns='urn:xmpp:sasl:2'><additional-data>[^<]+<.additional-data><tasks><task>UPGR-SCRAM-SHA-256<.task><.tasks><.continue>$/,
  )
  romeo.send(await salted(romeo, 'SHA-256'))
  expect(String(await romeo.next())).toBe(
    `<continue xmlns='urn:xmpp:sasl:2'><tasks><task>UPGR-SCRAM-SHA-512</task></tasks></continue>`,
  )
  expect([...s.server.sessions]).toHaveLength(0)
  expect([...(await s.kept()).keys()]).toEqual(['SHA-1'])
  romeo.send(await salted(romeo, 'SHA-512'))
  expect((await romeo.next()).name).toBe('success')
  expect((await s.kept()).size).toBe(3)
})

test('XEP-0480 §2.2: only what is asked for is upgraded; a client that asks for nothing logs in as ever', async () => {
  const s = await stage()
  const before = await s.kept()
  await enters(s, 'SHA-1')
  for (const unknown of ['UPGR-BLOOP2', '', 'UPGR-SCRAM-SHA-1']) {
    const romeo = await opened(s)
    romeo.send(plain(upgrade(unknown), bind()))
    expect((await romeo.next()).name).toBe('success')
  }
  expect(await s.kept()).toEqual(before)
  const romeo = await asked(s)
  romeo.send(await salted(romeo))
  expect((await romeo.next()).name).toBe('success')
  expect([...(await s.kept()).keys()].toSorted()).toEqual(['SHA-1', 'SHA-256'])
})

test('XEP-0480 §2.2, XEP-0484 §3.3, XEP-0386 §3.2, XEP-0198 §9.2: what goes along with the login happens after the last task', async () => {
  const s = await stage()
  const romeo = await asked(s, userAgent(phone), xml('request-token', fastNs, { mechanism: none }), bind(managed))
  const answer = await salted(romeo)
  const { last } = s.journalStore
  romeo.send(answer)
  const token = (await romeo.next()).child('token', fastNs)!.attr('token')!
  await romeo.next()
  const [[, commit] = []] = s.journalStore.read(last + 1)
  for (const part of ['accounts/keys', 'accounts/tokens', romeo.resumption!.id]) expect(commit).toContain(part)
  await romeo.sync()
  const { jid, resumption } = romeo
  await romeo.cut()
  s.crash()
  await s.start()
  expect((await s.kept()).size).toBe(2)
  const { initial } = await hashedTokenClient(none, 'romeo', token, { bindings: new Map(), crypto: scramCrypto })
  const again = await opened(s)
  again.send(authenticate(none, initial, userAgent(phone), xml('fast', fastNs), upgrade('UPGR-SCRAM-SHA-512')))
  // §2.2: a token is no password, so that who has it gets no keys that are good for ever.
  expect((await again.next()).name).toBe('success')
  const third = await upgrading(s, 'SHA-256')
  const resume = xml('resume', 'urn:xmpp:sm:3', { previd: resumption!.id, h: String(romeo.handled) })
  const success = await third.authenticate(resume, bind(managed))
  expect(success.child('resumed', 'urn:xmpp:sm:3')?.attr('previd')).toBe(resumption!.id)
  expect(String(third.jid)).toBe(String(jid))
  expect((await s.kept()).size).toBe(3)
})

const data = (text: string) =>
  parse(`<task-data xmlns='${sasl2Ns}'><hash xmlns='urn:xmpp:scram-upgrade:0'>${text}</hash></task-data>`)
const good = encodeBase64(Buffer.alloc(32, 1))
const begin = sasl2Next('UPGR-SCRAM-SHA-256')

const bad: readonly (readonly [what: string, begins: boolean, element: Element, condition: string])[] = [
  ['another task', false, sasl2Next('UPGR-SCRAM-SHA-512'), 'malformed-request'],
  ['no task', false, xml('next', sasl2Ns), 'malformed-request'],
  ['data before the task has begun', false, data(good), 'malformed-request'],
  ['a response', false, xml('response', sasl2Ns, {}, 'AAAA'), 'malformed-request'],
  ['an abort', false, xml('abort', sasl2Ns), 'aborted'],
  ['the task twice', true, begin, 'malformed-request'],
  ['no base64', true, data('='), 'incorrect-encoding'],
  ['an empty hash', true, data(''), 'malformed-request'],
  ['a hash that is too short', true, data(encodeBase64(Buffer.alloc(31))), 'malformed-request'],
  ['a hash that is too long', true, data(encodeBase64(Buffer.alloc(64))), 'malformed-request'],
  ['other data', true, sasl2TaskData(xml('hash', 'urn:example', {}, good)), 'malformed-request'],
  ['an abort of the task', true, xml('abort', sasl2Ns), 'aborted'],
]

test.each(bad)(
  'XEP-0388 §2.6.2, XEP-0480 §3: %s is a failure, changes nothing and is no login',
  async (_, begins, element, condition) => {
    const s = await stage()
    const before = await s.kept()
    const romeo = await asked(s, bind())
    if (begins) {
      romeo.send(begin)
      await romeo.next()
    }
    expect(await failure(s, romeo, element)).toBe(condition)
    // Nor is there anything left to go on with.
    expect(await failure(s, romeo, begins ? data(good) : begin)).toBe('malformed-request')
    expect([...s.server.sessions]).toHaveLength(0)
    expect(await s.kept()).toEqual(before)
    await enters(s, 'SHA-1')
  },
)

test.each([
  ['next', begin],
  ['data', data(good)],
])('XEP-0388 §2.6.3: without a login there is no task: %s', async (_, element) => {
  const s = await stage()
  expect(await failure(s, await opened(s), element)).toBe('malformed-request')
})

test('XEP-0388 §2.4, §4.8: in the middle there is no stanza and no other login', async () => {
  const s = await stage()
  for (const element of [plain(bind()), parse(`<message xmlns='jabber:client'/>`)]) {
    const romeo = await asked(s, bind())
    expect(await error(romeo, element)).toBe('not-authorized')
  }
})

test('XEP-0480 §2.3: who goes in the middle leaves everything as it was', async () => {
  const s = await stage()
  const before = await s.kept()
  for (const begins of [false, true]) {
    const romeo = await asked(s, bind())
    if (begins) await salted(romeo)
    await romeo.cut()
  }
  expect(await s.kept()).toEqual(before)
  expect([...s.server.sessions]).toHaveLength(0)
})

test('XEP-0480 §3: a password that is changed in the middle stays the new one, and the old one is no login', async () => {
  const s = await stage()
  const romeo = await asked(s, bind(), userAgent(phone), xml('request-token', fastNs, { mechanism: none }))
  const answer = await salted(romeo)
  await s.accounts().setPassword(romeo.account, 'the wine is white')
  const changed = await s.kept()
  expect(await failure(s, romeo, answer)).toBe('temporary-auth-failure')
  expect(await s.kept()).toEqual(changed)
  expect([...s.server.sessions]).toHaveLength(0)
  expect(await s.accounts().devices(romeo.account)).toEqual([])
})

test('XEP-0388 §2.6.1: an account that is removed in the middle does not get in, nor has it keys', async () => {
  const s = await stage()
  const romeo = await asked(s, bind())
  const answer = await salted(romeo)
  await s.accounts().remove(romeo.account)
  expect(await error(romeo, answer)).toBe('not-authorized')
  expect((await s.kept()).size).toBe(0)
})

test('RFC 6120 §6.5.2: an account that is disabled in the middle does not get in, and its keys stay', async () => {
  const s = await stage()
  const before = await s.kept()
  const romeo = await asked(s, bind())
  const answer = await salted(romeo)
  await s.accounts().disable(romeo.account)
  expect(await error(romeo, answer)).toBe('not-authorized')
  expect(await s.kept()).toEqual(before)
})

test.each([
  ['no salt', `<salt xmlns='urn:xmpp:scram-upgrade:0' iterations='10000'/>`],
  ['few rounds', `<salt xmlns='urn:xmpp:scram-upgrade:0' iterations='4095'>AAAA</salt>`],
  ['endless rounds', `<salt xmlns='urn:xmpp:scram-upgrade:0' iterations='10000001'>AAAA</salt>`],
  ['no rounds', `<salt xmlns='urn:xmpp:scram-upgrade:0'>AAAA</salt>`],
  ['something else', `<salt xmlns='urn:example'>AAAA</salt>`],
])('XEP-0480 §3, RFC 7677 §4: the client gives no hash for %s', async (_, salt) => {
  const answer = answerUpgrade(sasl2TaskData(parse(salt)), 'SHA-256', password, scramCrypto)
  await expect(answer).rejects.toMatchObject({ condition: 'aborted' })
})
