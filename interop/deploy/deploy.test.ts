import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Client, tls } from '@jackdaw/testkit'
import { Ping } from '@jackdaw/xmpp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { release } from '../../scripts/release.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
/** A machine with nothing else installed. */
const bare = { PATH: '/usr/bin:/bin', HOME: '/nonexistent' }
const password = 'wherefore-art-thou'

describe('a release, as the Dockerfile and docs/operation.md install it', () => {
  let folder: string
  let installed: string
  let jackdaw: string
  const processes: ChildProcess[] = []

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'jackdaw-release-'))
    installed = join(folder, 'jackdaw')
    jackdaw = join(installed, 'bin', 'jackdaw')
    await run(join(root, 'node_modules/.bin/tsc'), ['-b', 'packages/server'], { cwd: root })
    const leftover = join(root, 'packages/server/dist/bundle/leftover.js')
    await mkdir(dirname(leftover), { recursive: true })
    await writeFile(leftover, '')
    try {
      await release(installed)
    } finally {
      await rm(leftover)
    }
  }, 120_000)

  afterAll(async () => {
    for (const child of processes) await end(child)
    await rm(folder, { recursive: true, force: true })
  })

  async function end(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    const dead = once(child, 'close')
    child.kill('SIGKILL')
    await dead
  }

  /** Gives the ports, by name. */
  async function start(config: string): Promise<{ child: ChildProcess; ports: Readonly<Record<string, number>> }> {
    const child = spawn(jackdaw, ['start', '--config', config], { env: bare, stdio: ['ignore', 'pipe', 'inherit'] })
    processes.push(child)
    const ports = await new Promise<Record<string, number>>((resolve, reject) => {
      child.once('close', (code) => reject(new Error(`it ended with ${code}`)))
      createInterface({ input: child.stdout }).on('line', (line) => {
        const { listening } = JSON.parse(line) as { listening?: { name: string; port: number }[] }
        if (listening) resolve(Object.fromEntries(listening.map(({ name, port }) => [name, port])))
      })
    })
    return { child, ports }
  }

  async function configured(name: string): Promise<string> {
    const local = { port: 0, address: '127.0.0.1' }
    const listen = { xmpp: local, xmpps: local, http: local, https: local }
    await writeFile(join(folder, `${name}.yaml`), JSON.stringify({ data: join(folder, name), listen }))
    return join(folder, `${name}.yaml`)
  }

  test('it has what the server uses, and nothing of what it is built and tested with', async () => {
    const packages = readdirSync(join(installed, 'node_modules'))
    expect(packages).toEqual(expect.arrayContaining(['@jackdaw', 'pino', 'ws', 'zod']))
    for (const name of ['typescript', 'vitest', 'oxlint', 'converse.js', 'playwright-core', 'fast-check'])
      expect(packages).not.toContain(name)
    expect(readdirSync(join(installed, 'packages'))).toEqual(['server', 'xmpp'])
    expect(existsSync(join(installed, 'deploy', 'jackdaw.service'))).toBe(true)
    expect(readdirSync(join(installed, 'packages/server/dist/bundle'))).not.toContain('leftover.js')
    await expect(release(installed)).rejects.toThrow(`${installed} is not empty`)
  })

  test.skipIf(spawnSync('ldd', ['--version']).status !== 0)(
    'what its Node is linked with, the Dockerfile installs, and docs/operation.md names',
    () => {
      const { stdout } = spawnSync('ldd', [join(installed, 'node_modules/.bin/node')], { encoding: 'utf8' })
      const names = new Set([...stdout.matchAll(/^\s+(lib\w+(?:\+\+)?)\.so/gm)].map(([, name]) => name!))
      // Debian's libc6 and libgcc-s1, which are always there.
      for (const name of ['libc', 'libm', 'libdl', 'libpthread', 'librt', 'libgcc_s']) names.delete(name)
      const line = /^RUN apt-get .*$/m.exec(readFileSync(join(root, 'deploy/Dockerfile'), 'utf8'))![0]
      for (const name of names) expect(line).toContain(` ${name}`)
      // Debian's apt itself is written in C++.
      const page = readFileSync(join(root, 'docs/operation.md'), 'utf8')
      for (const name of names) if (name !== 'libstdc++') expect(page).toMatch(new RegExp(`apt install .*${name}`))
    },
  )

  test('it starts with nothing else on the machine; the HEALTHCHECK of the Dockerfile says whether it is well', async () => {
    const config = await configured('one')
    const { child, ports } = await start(config)
    const line = /^HEALTHCHECK .*?CMD (\[.*\])$/m.exec(readFileSync(join(root, 'deploy/Dockerfile'), 'utf8'))![1]!
    const [program, ...words] = (JSON.parse(line) as string[]).map((word) =>
      word.replace('/opt/jackdaw', installed).replace(':5280', `:${ports['http']}`),
    )
    const isWell = () => spawnSync(program!, words, { env: bare }).status
    expect(isWell()).toBe(0)
    expect((await run(jackdaw, ['check', '--config', config], { env: bare })).stdout).toMatch(/^ok {4}port 0 \(xmpp\)/m)
    child.kill('SIGTERM')
    expect(await once(child, 'close')).toEqual([0, null])
    expect(isWell()).toBe(1)
  })

  test('a backup that is made while people talk has all that was acknowledged before, and a server starts from it', async () => {
    const { child, ports } = await start(await configured('busy'))
    const at = ['--config', join(folder, 'busy.yaml')]
    for (const name of ['romeo', 'juliet']) {
      const adding = spawn(jackdaw, ['user', 'add', `${name}@localhost`, ...at], {
        env: bare,
        stdio: ['pipe', 'ignore', 'ignore'],
      })
      adding.stdin.end(`${password}\n`)
      await once(adding, 'close')
    }
    const romeo = new Client({ jid: 'romeo@localhost/r', password, resume: true, connect: tls(ports['xmpps']!) })
    await romeo.connect()
    const say = (from: number, count: number) => {
      for (let i = from; i < from + count; i++)
        romeo.send(`<message to='juliet@localhost' type='chat'><body>${i}</body></message>`)
    }
    say(0, 300)
    await romeo.ask('get', Ping.write())
    const copying = run(jackdaw, ['backup', join(folder, 'copy'), ...at], { env: bare })
    say(300, 300)
    expect((await copying).stdout).toContain(join(folder, 'copy'))
    await end(child)
    await romeo.cut()

    const { ports: again } = await start(await configured('copy'))
    const juliet = new Client({ jid: 'juliet@localhost/j', password, connect: tls(again['xmpps']!) })
    await juliet.connect()
    juliet.send('<presence/>')
    const bodies: string[] = []
    while (bodies.length < 300) {
      const stanza = await juliet.stanza()
      if (stanza.name === 'message') bodies.push(stanza.child('body')!.text)
    }
    expect(bodies).toEqual(Array.from({ length: 300 }, (_, i) => String(i)))
    await juliet.close()
  }, 60_000)

  test.skipIf(spawnSync('systemd-analyze', ['--version']).status !== 0)(
    'systemd (Debian: systemd): the unit is sound',
    async () => {
      const unit = readFileSync(join(root, 'deploy/jackdaw.service'), 'utf8').replaceAll('/opt/jackdaw', installed)
      await writeFile(join(folder, 'jackdaw.service'), unit)
      const words = ['verify', join(folder, 'jackdaw.service')]
      const { status, stderr } = spawnSync('systemd-analyze', words, { encoding: 'utf8' })
      expect([status, stderr]).toEqual([0, ''])
    },
  )
})
