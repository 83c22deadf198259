import { mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Scenario, scenario } from '@jackdaw/testkit'
import { Jid } from '@jackdaw/xmpp'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { defineModule } from './module.ts'
import { modules } from './modules/modules.ts'
import { createServer } from './server.ts'

const faulty = defineModule({
  name: 'faulty',
  start(host) {
    host.hook('message:out', 'check', ({ stanza }) => {
      if (stanza.child('fault')) throw new TypeError('a fault')
    })
  },
})

async function expects({ server }: Scenario, figures: Readonly<Record<string, number>>): Promise<void> {
  const text = await server.metrics.registry.metrics()
  const shown = Object.keys(figures).map((name) => [
    name,
    Number(new RegExp(`^jackdaw_${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1]),
  ])
  expect(Object.fromEntries(shown)).toEqual(figures)
}

test('sessions: begun, without a connection, resumed, ended; and what waits for them', async () => {
  await using s = await scenario({ accounts: { romeo: ['phone'], juliet: ['balcony'] }, resume: true })
  await expects(s, { sessions_bound_total: 2, sessions_detached: 0, connections_unauthenticated: 0 })
  await s.balcony.cut()
  s.phone.says(`<message to='juliet@home.test/balcony'><body>1</body></message>`)
  await s.phone.sync()
  // The message, and the answer that the phone has awaited.
  await expects(s, { sessions_detached: 1, stanzas_unacknowledged: 2 })
  expect(await s.balcony.connect()).toBe('resumed')
  await s.balcony.sync()
  await expects(s, { sessions_detached: 0, sessions_resumed_total: 1, sessions_ended_total: 0 })
  await s.balcony.close()
  await expects(s, { sessions_ended_total: 1 })
})

test('a fault of ours is counted apart from what is refused', async () => {
  await using s = await scenario({ accounts: { romeo: ['phone'] }, modules: [...modules, faulty] })
  s.phone.says(`<message to='nobody@home.test'><fault/></message>`)
  await s.phone.hears(`<message type='error'/>`)
  await expects(s, { stanza_faults_total: 1, stanza_errors_total: 1 })
  s.phone.says(`<message to='nobody@home.test' type='chat'><body>1</body></message>`)
  await s.phone.hears(`<message type='error'/>`)
  await expects(s, { stanza_faults_total: 1, stanza_errors_total: 2 })
})

test('accounts, the audit log, archives, copies, what waits and who is blocked', async () => {
  await using s = await scenario({ accounts: { romeo: ['phone', 'desk'], juliet: [], mercutio: ['x'] } })
  const { accounts, audit } = s.server.hosts.get('home.test')!
  audit.record({ by: 'romeo@home.test', did: 'nothing' })
  await s.desk.asks(`<iq type='set'><enable xmlns='urn:xmpp:carbons:2'/></iq>`)
  await s.phone.asks(`<iq type='set'><block xmlns='urn:xmpp:blocking'><item jid='mercutio@home.test'/></block></iq>`)
  s.phone.says(`<message to='juliet@home.test' type='chat'><body>1</body></message>`)
  await s.phone.sync()
  s.x.says(`<presence to='romeo@home.test/phone'/>`)
  await s.x.sync()
  await s.phone.asks(`<iq type='set'><query xmlns='urn:xmpp:mam:2'/></iq>`)
  await expects(s, { blocked_stanzas_total: 1 })
  await accounts.remove(Jid.parse('mercutio@home.test'))
  await expects(s, {
    accounts_created_total: 3,
    accounts_removed_total: 1,
    administrative_acts_total: 1,
    carbons_total: 1,
    archive_messages_total: 2,
    offline_messages_total: 1,
    archive_query_seconds_count: 1,
  })
})

test('on a disk: sizes, room, when certificates end, HTTP responses, failures to write', async () => {
  const data = mkdtempSync(join(tmpdir(), 'jackdaw-measures-'))
  onTestFinished(() => rmSync(data, { recursive: true, force: true }))
  const listen = { xmpp: false, xmpps: false, http: { port: 0, address: '127.0.0.1' }, https: false } as const
  const server = await createServer({ data, listen }, { log: pino({ level: 'silent' }) })
  onTestFinished(() => server.stop())
  const [http] = await server.start()
  const base = `http://127.0.0.1:${http!.port}`
  await fetch(`${base}/nowhere`)
  await server.hosts.get('localhost')!.accounts.create(Jid.parse('romeo@localhost'), 'wherefore')
  await server.kept()
  const text = await (await fetch(`${base}/metrics`)).text()
  const figure = (name: string) => Number(new RegExp(`^jackdaw_${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)![1])
  expect(text).toContain('jackdaw_http_responses_total{code="4xx"} 1')
  expect(text).toMatch(/^jackdaw_build_info\{version="\d+\.\d+\.\d+"\} 1$/m)
  expect(figure('journal_bytes')).toBeGreaterThan(0)
  expect(figure('database_bytes')).toBeGreaterThan(0)
  const { bavail, bsize } = statfsSync(data)
  expect(figure('data_free_bytes') / (bavail * bsize)).toBeCloseTo(1, 1)
  expect(figure('certificate_expiry_timestamp_seconds') * 1000).toBeGreaterThan(Date.now() + 800 * 86_400_000)
  expect(figure('write_failures_total')).toBe(0)
})
