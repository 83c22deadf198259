import { createHmac } from 'node:crypto'
import { type Actor, scenario } from '@jackdaw/testkit'
import { DiscoInfo, ExternalCredentials, ExternalServices, Jid } from '@jackdaw/xmpp'
import { expect, onTestFinished, test } from 'vitest'
import { configFrom } from '../index.ts'
import { disco } from './disco.ts'
import { externalServices } from './external-services.ts'

const home = Jid.parse('home.test')
const secret = 'north'
const some = [
  { type: 'stun', host: 'relay.home.test' },
  { type: 'turn', host: 'relay.home.test', secret },
  { type: 'turns', host: 'relay.home.test', port: 443, secret },
]

async function play(services: unknown[] = some) {
  const s = await scenario({
    accounts: { romeo: ['phone'], juliet: ['balcony'], 'tybalt@away.test': ['street'] },
    modules: [disco, externalServices],
    config: { hosts: { 'home.test': { modules: { 'external-services': { services, time: '1 h' } } } } },
  })
  onTestFinished(() => s.stop())
  const ask = async (client: Actor, type?: string) =>
    ExternalServices.read((await client.ask('get', ExternalServices.write({ type, services: [] }), home)).first()!)
  const want = async (client: Actor, ...wanted: { host: string; type: string; port?: number }[]) =>
    ExternalCredentials.read((await client.ask('get', ExternalCredentials.write(wanted), home)).first()!)
  return { s, phone: s.clients['phone']!, balcony: s.clients['balcony']!, street: s.clients['street']!, ask, want }
}

test('XEP-0215 §3.1: all services, with credentials that a TURN server makes itself out of the secret', async () => {
  const { s, phone, ask } = await play()
  const { services } = await ask(phone)
  expect(
    services.map(({ type, host, port, transport, isRestricted }) => [type, host, port, transport, isRestricted]),
  ).toEqual([
    ['stun', 'relay.home.test', 3478, 'udp', undefined],
    ['turn', 'relay.home.test', 3478, 'udp', true],
    ['turns', 'relay.home.test', 443, 'tcp', true],
  ])
  const [stun, turn] = services
  expect(stun!.password).toBeUndefined()
  const [time] = turn!.username!.split(':')
  expect(turn!.expires).toBe(s.clock.now() + 3_600_000)
  expect(Number(time) * 1000).toBe(turn!.expires)
  expect(turn!.password).toBe(createHmac('sha1', secret).update(turn!.username!).digest('base64'))
  expect(await s.server.metrics.registry.metrics()).toContain('jackdaw_turn_credentials_total{host="home.test"} 2')
})

test('the name at the TURN server is the account’s own, and does not tell who it is', async () => {
  const { phone, balcony, ask } = await play()
  const name = async (client: Actor) => (await ask(client, 'turn')).services[0]!.username!.split(':')[1]!
  expect(await name(phone)).toBe(await name(phone))
  expect(await name(phone)).not.toBe(await name(balcony))
  expect(await name(phone)).not.toContain('romeo')
})

test('XEP-0215 §3.2: services of one type', async () => {
  const { phone, ask } = await play()
  expect(await ask(phone, 'stun')).toMatchObject({ type: 'stun', services: [{ type: 'stun' }] })
  expect(await ask(phone, 'ftp')).toEqual({ type: 'ftp', services: [] })
})

test('XEP-0215 §3.3: credentials for a service that is known', async () => {
  const { phone, want } = await play()
  const host = 'relay.home.test'
  expect(await want(phone, { host, type: 'turn' })).toMatchObject([
    { host, type: 'turn', port: 3478, isRestricted: true },
  ])
  expect(await want(phone, { host, type: 'turns', port: 443 })).toHaveLength(1)
  for (const [wanted, condition] of [
    [[{ host, type: 'stun' }], 'item-not-found'],
    [[{ host, type: 'turns', port: 444 }], 'item-not-found'],
    [[{ host: 'other.test', type: 'turn' }], 'item-not-found'],
    [[], 'bad-request'],
    [
      [
        { host, type: 'turn' },
        { host, type: 'turns' },
      ],
      'bad-request',
    ],
  ] as const)
    await expect(want(phone, ...wanted)).rejects.toMatchObject({ condition })
})

test('XEP-0215 §2: those of other domains get nothing', async () => {
  const { street, ask, want } = await play()
  await expect(ask(street)).rejects.toMatchObject({ condition: 'forbidden' })
  await expect(want(street, { host: 'relay.home.test', type: 'turn' })).rejects.toMatchObject({
    condition: 'forbidden',
  })
})

test('XEP-0215 §5: it is announced where there are services, and only there', async () => {
  const features = async (services: unknown[]) => {
    const { phone } = await play(services)
    const asked = DiscoInfo.write({ identities: [], features: [], forms: [] })
    return DiscoInfo.read((await phone.ask('get', asked, home)).first()!).features
  }
  expect(await features(some)).toContain('urn:xmpp:extdisco:2')
  expect(await features([])).not.toContain('urn:xmpp:extdisco:2')
})

test.each([
  [{ type: 'turn', host: 'a' }, 'needs a secret'],
  [{ type: 'stun', host: 'a', secret: 'x' }, 'needs a secret'],
  [{ type: 'stun', host: 'a b' }, 'expected a name'],
  [{ type: 'ftp', host: 'a' }, 'type'],
  [{ type: 'stun', host: 'a', port: 70_000 }, 'port'],
])('the configuration refuses %j', (one, words) => {
  const hosts = { 'home.test': { modules: { 'external-services': { services: [one] } } } }
  expect(() => configFrom({ hosts }, [externalServices])).toThrow(words)
})
