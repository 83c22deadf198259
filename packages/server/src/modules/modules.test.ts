import { type Scenario, scenario } from '@jackdaw/testkit'
import { type Payload, xml } from '@jackdaw/xmpp'
import { describe, expect, test } from 'vitest'
import { defineModule, type Host, type Module } from '../module.ts'
import { modules } from './modules.ts'

const all = { hosts: { 'home.test': { modules: Object.fromEntries(modules.map(({ name }) => [name, true])) } } }
const running = (s: Scenario) => s.server.hosts.get('home.test')!.modules
const names = (s: Scenario) => [...running(s).running].map(({ name }) => name)

/** All that is registered on the host. */
async function census({ server }: Scenario) {
  const metrics = await server.metrics.registry.getMetricsAsJSON()
  const labelled = metrics.flatMap(({ name, values }) =>
    values.filter(({ labels }) => 'host' in labels).map(() => name),
  )
  return {
    ...server.hosts.get('home.test')!.virtual.census,
    http: server.httpPaths.toSorted(),
    metrics: labelled.toSorted(),
  }
}

const Question: Payload<void> = {
  name: 'question',
  ns: 'urn:x',
  read: () => undefined,
  write: () => xml('question', 'urn:x'),
}

/** Registers one of everything. */
function registerAll(host: Host): void {
  for (const name of ['message', 'presence', 'iq'] as const) {
    host.hook(`${name}:out`, 'check', () => {})
    host.hook(`${name}:in`, 'check', () => {})
  }
  host.hook('session:send', 'check', () => {})
  for (const fact of [
    'session:bound',
    'session:resumed',
    'session:gone',
    'session:ended',
    'account:created',
    'account:removed',
    'account:dropped',
    'password:changed',
    'act:recorded',
    'message:kept',
    'room-message:kept',
    'room:created',
    'room:destroyed',
    'room:entered',
    'room:left',
    'file:uploaded',
    'invitation:used',
    'report:made',
    'domain:reached',
    'domain:lost',
  ] as const)
    host.on(fact, () => {})
  for (const type of ['get', 'set'] as const)
    for (const place of ['server', 'account'] as const) host.answer(type, place, Question, () => {})
  host.streamFeature({ name: 'x', offer: () => undefined })
  host.feature('server', 'urn:x:1')
  host.feature('account', 'urn:x:2')
  host.serve('x', { name: 'X' }).answer('get', 'domain', Question, () => {})
  host.http('/x', () => new Response())
  host.endpoint({
    method: 'get',
    path: '/x',
    scope: 'x:read',
    summary: 'X',
    answer: { status: 204, description: 'X' },
    handle: () => {},
  })
  host.metrics.counter('jackdaw_x_total', 'x').inc()
  host.metrics.counters('jackdaw_xs_total', 'x', ['x']).inc({ x: 'x' })
  host.metrics.gauge('jackdaw_x', 'x', () => 1)
  host.metrics.histogram('jackdaw_x_seconds', 'x', [1]).observe(1)
}

test('what a module may register is all counted: else the tests below would see nothing', async () => {
  await using s = await scenario({ modules: [] })
  const before = await census(s)
  const everything = defineModule({ name: 'everything', features: { server: ['urn:x'] }, start: registerAll })
  await running(s).load(everything)
  const during: Record<string, unknown> = await census(s)
  for (const [kind, count] of Object.entries(before)) expect(during[kind], kind).not.toEqual(count)
  await running(s).unload(everything)
  expect(await census(s)).toEqual(before)
})

test('a module that fails in its start leaves nothing', async () => {
  await using s = await scenario({ modules: [] })
  const before = await census(s)
  let stops = 0
  const failing = defineModule({
    name: 'failing',
    features: { server: ['urn:x'], account: ['urn:x'] },
    async start(host) {
      registerAll(host)
      host.onStop(() => void stops++)
      await Promise.resolve()
      throw new Error('no')
    },
  })
  await expect(running(s).load(failing)).rejects.toThrow('no')
  expect([await census(s), stops, running(s).has(failing)]).toEqual([before, 1, false])
})

describe.each(modules.map((module) => [module.name, module] as const))('%s', (_, module) => {
  test('loading and unloading it leaves nothing', async () => {
    await using s = await scenario({ modules: [] })
    const before = await census(s)
    await running(s).load(module)
    await running(s).stop()
    expect(await census(s)).toEqual(before)
  })

  test('reloading it while all the others run, and users are here, changes nothing', async () => {
    await using s = await scenario({ accounts: { romeo: ['phone'], juliet: ['balcony'] }, config: all })
    const before = await census(s)
    for (const client of Object.values(s.clients)) client.comes()
    const users = [module, ...modules.filter((other) => uses(other, module))]
    await running(s).unload(module)
    expect(names(s)).toEqual(modules.filter((other) => !users.includes(other)).map(({ name }) => name))
    s.phone.says("<message to='juliet@home.test/balcony' type='chat'><body>hi</body></message>")
    await s.balcony.awaits("<message from='romeo@home.test/phone'><body>hi</body></message>")
    for (const other of modules) await running(s).load(other)
    expect(await census(s)).toEqual(before)
  })

  test('it stands after those that it needs, so that they start with their own configuration', () => {
    for (const needed of module.needs ?? [])
      expect(modules.indexOf(needed), needed.name).toBeLessThan(modules.indexOf(module))
    expect(modules).toEqual(expect.arrayContaining([...(module.needs ?? [])]))
  })

  test('its XEPs are written with number and version', () => {
    for (const xep of module.xeps ?? []) expect(xep).toMatch(/^XEP-\d{4} \d+\.\d+(\.\d+)?$/)
  })
})

test('no two modules have one name', () => {
  expect(new Set(modules.map(({ name }) => name)).size).toBe(modules.length)
})

test('an unload unloads the users first, the last started first', async () => {
  await using s = await scenario({ modules: [] })
  const told: string[] = []
  const made = (name: string, needs: readonly Module[]) =>
    defineModule({
      name,
      needs,
      start(host) {
        told.push(`+${name}`)
        host.onStop(() => void told.push(`-${name}`))
      },
    })
  const ground = made('ground', [])
  const wall = made('wall', [ground])
  const roof = made('roof', [wall, ground])
  const tree = made('tree', [])
  await running(s).load(roof)
  await running(s).load(tree)
  await running(s).unload(ground)
  expect(told).toEqual(['+ground', '+wall', '+roof', '+tree', '-roof', '-wall', '-ground'])
  expect(names(s)).toEqual(['tree'])
})

test('a module asks only for those that it says it needs', async () => {
  await using s = await scenario({ modules: [] })
  const other = defineModule({ name: 'other', start: () => 'api' })
  const sly = defineModule({ name: 'sly', start: (host) => host.use(other) })
  await running(s).load(other)
  await expect(running(s).load(sly)).rejects.toThrow('sly does not declare that it needs other')
})

/** Whether it needs the other, be it through a third. */
function uses(module: Module, other: Module): boolean {
  return module.needs?.some((needed) => needed === other || uses(needed, other)) ?? false
}
