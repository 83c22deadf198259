import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createServer, modules, parseConfig, type Server } from '@jackdaw/server'
import { Client, tcp } from '@jackdaw/testkit'
import { type ExternalService, ExternalServices, Jid } from '@jackdaw/xmpp'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePorts } from '../torture/killable-server.ts'
import { isOpen } from '../is-open.ts'

const hasCoturn = spawnSync('turnserver', ['--version']).error === undefined
const page = readFileSync(new URL('../../docs/calls.md', import.meta.url), 'utf8')
const cli = fileURLToPath(new URL('../../packages/server/src/cli.ts', import.meta.url))
const local = { port: 0, address: '127.0.0.1' }

/** The block of the page that is written in this language. */
function block(language: string): string {
  return page.split(`\`\`\`${language}\n`)[1]!.split('```')[0]!
}

describe.skipIf(!hasCoturn)('coturn (Debian: coturn) with the configuration of docs/calls.md', () => {
  let folder: string
  let server: Server
  let turn: ChildProcess
  let services: readonly ExternalService[]
  let log = ''

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'jackdaw-calls-'))
    const [plain, secure] = (await freePorts(2)) as [number, number]
    const written = parseConfig(block('yaml'), 'jackdaw.yaml', modules).hosts['example.org']!.modules
    const told = (written['external-services'] as { services: ExternalService[] }).services
    const here = told.map((one) => ({ ...one, host: '127.0.0.1', port: one.type === 'turns' ? secure : plain }))
    server = await createServer(
      {
        data: folder,
        hosts: { localhost: { modules: { 'external-services': { services: here } } } },
        listen: { xmpp: local, xmpps: false, http: false, https: false },
      },
      { log: pino({ level: 'silent' }) },
    )
    const [listening] = await server.start()
    await server.hosts.get('localhost')!.accounts.create(Jid.parse('romeo@localhost'), 'pencil')

    const changes: Readonly<Record<string, string>> = {
      'listening-port': String(plain),
      'tls-listening-port': String(secure),
      cert: join(folder, 'certificates/localhost.crt'),
      pkey: join(folder, 'certificates/localhost.key'),
    }
    const lines = block('ini')
      .split('\n')
      .map((line) => {
        const name = line.split('=')[0]!
        return name in changes ? `${name}=${changes[name]}` : line
      })
    const own = ['listening-ip', 'relay-ip'].map((name) => `${name}=127.0.0.1`)
    own.push('allow-loopback-peers', `userdb=${join(folder, 'turndb')}`, `pidfile=${join(folder, 'pid')}`)
    await writeFile(join(folder, 'turnserver.conf'), [...lines, ...own, ''].join('\n'))
    turn = spawn('turnserver', ['-c', join(folder, 'turnserver.conf'), '--log-file', 'stdout'])
    for (const stream of [turn.stdout!, turn.stderr!]) stream.on('data', (text: Buffer) => (log += String(text)))
    for (let i = 0; !(await isOpen(plain)) || !(await isOpen(secure)); i++) {
      if (i === 100 || turn.exitCode !== null) throw new Error(`coturn does not listen: ${log}`)
      await delay(100)
    }

    const client = new Client({ jid: 'romeo@localhost/r', password: 'pencil', connect: tcp(listening!.port) })
    await client.connect()
    const answer = await client.ask('get', ExternalServices.write({ services: [] }), Jid.parse('localhost'))
    services = ExternalServices.read(answer.first()!).services
    await client.close()
  }, 60_000)

  afterAll(async () => {
    if (turn && turn.exitCode === null) {
      const dead = once(turn, 'exit')
      turn.kill('SIGKILL')
      await dead
    }
    await server?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const find = (type: string, transport: string) =>
    services.find((one) => one.type === type && one.transport === transport)!

  test.each([
    ['turn', 'udp', []],
    ['turn', 'tcp', ['-t']],
    ['turns', 'tcp', ['-t', '-S']],
  ] as const)(
    'XEP-0215 §3.1: the credentials of %s over %s are accepted, and packets relayed',
    (type, transport, how) => {
      expect(relay(find(type, transport), how)).toContain('Total lost packets 0')
    },
  )

  test('XEP-0215 §3.3: neither another password nor a name whose time was moved is', () => {
    const one = find('turn', 'udp')
    expect(relay({ ...one, password: 'x' })).toContain('Cannot complete Allocation')
    const [time, who] = one.username!.split(':')
    expect(relay({ ...one, username: `${Number(time) + 3600}:${who}` })).toContain('Cannot complete Allocation')
  })

  test('jackdaw check has each of them answer, and says of one that is not there that it is not', async () => {
    const here = services.map(({ type, host, port, transport }) => ({
      ...{ type, host, port, transport },
      ...(type.startsWith('turn') && { secret: 'sixteen characters' }),
    }))
    const [gone] = (await freePorts(1)) as [number]
    const all = [...here, { type: 'stun', host: '127.0.0.1', port: gone }]
    const config = join(folder, 'check.yaml')
    const hosts = { localhost: { modules: { 'external-services': { services: all } } } }
    await writeFile(config, JSON.stringify({ data: join(folder, 'nothing'), hosts }))
    const { stdout } = spawnSync(process.execPath, ['--conditions=source', cli, 'check', '--config', config], {
      encoding: 'utf8',
      env: { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, 'certificates/localhost.crt') },
    })
    const told = stdout.split('\n').filter((line) => line.includes(' 127.0.0.1:'))
    expect(told.map((line) => line.replace(/:\d+ of/, ' of'))).toEqual([
      ...here.map(({ type }) => `ok    ${type} 127.0.0.1 of localhost: It answers.`),
      expect.stringContaining('fail  stun 127.0.0.1 of localhost: It does not answer, because nothing listens there'),
    ])
  })

  test('RFC 8489: the STUN service answers', () => {
    const { port } = find('stun', 'udp')
    const { stdout } = spawnSync('turnutils_stunclient', ['-p', String(port), '127.0.0.1'], { encoding: 'utf8' })
    expect(stdout).toContain('reflexive addr: 127.0.0.1')
  })
})

/** What turnutils_uclient says of packets that it sends to itself through the relay. */
function relay({ host, port, username, password }: ExternalService, how: readonly string[] = []): string {
  const options = ['-y', '-c', '-n', '2', '-m', '1', '-p', String(port), '-u', username!, '-w', password!]
  const { stdout, stderr } = spawnSync('turnutils_uclient', [...options, ...how, host], {
    encoding: 'utf8',
    timeout: 30_000,
  })
  return stdout + stderr
}
