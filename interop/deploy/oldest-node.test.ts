import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Client, tls } from '@jackdaw/testkit'
import { Ping } from '@jackdaw/xmpp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bundle } from '../../scripts/bundle.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const password = 'wherefore-art-thou'

let folder: string
let node: string
let cli: string
let version: string
let server: ChildProcess | undefined

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jackdaw-oldest-'))
  const { engines, optionalDependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Manifest
  version = `${engines.node.replace('>=', '')}.0`
  const name = Object.keys(optionalDependencies).find((one) => one.endsWith(`-${process.platform}-${process.arch}`))!
  await run('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', `${name}@${version}`])
  node = join(folder, 'node_modules', name, 'bin/node')
  // It tells its version from there.
  await copyFile(join(root, 'packages/server/package.json'), join(folder, 'package.json'))
  await bundle(join(folder, 'dist/bundle'))
  cli = join(folder, 'dist/bundle/cli.js')
}, 120_000)

afterAll(async () => {
  if (server?.exitCode === null) {
    const dead = once(server, 'close')
    server.kill('SIGKILL')
    await dead
  }
  await rm(folder, { recursive: true, force: true })
})

interface Manifest {
  readonly engines: { readonly node: string }
  readonly optionalDependencies: Readonly<Record<string, string>>
}

test('package.json "engines": on the oldest Node that may run it users log in, talk, and resume their sessions', async () => {
  expect((await run(node, ['--version'])).stdout).toBe(`v${version}\n`)
  const local = { port: 0, address: '127.0.0.1' }
  const config = join(folder, 'jackdaw.yaml')
  const listen = { xmpp: local, xmpps: local, http: local, https: local }
  await writeFile(config, JSON.stringify({ data: join(folder, 'data'), listen }))
  server = spawn(node, [cli, 'start', '--config', config], { stdio: ['ignore', 'pipe', 'pipe'] })
  let errors = ''
  server.stderr!.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const ports = await new Promise<Record<string, number>>((resolve, reject) => {
    server!.once('close', (code) => reject(new Error(`it ended with ${code}: ${errors}`)))
    createInterface({ input: server!.stdout! }).on('line', (line) => {
      const { listening } = JSON.parse(line) as { listening?: { name: string; port: number }[] }
      if (listening) resolve(Object.fromEntries(listening.map(({ name, port }) => [name, port])))
    })
  })
  for (const name of ['romeo', 'juliet']) {
    const adding = spawn(node, [cli, 'user', 'add', `${name}@localhost`, '--config', config])
    adding.stdin.end(`${password}\n`)
    expect(await once(adding, 'close')).toEqual([0, null])
  }
  const connect = tls(ports['xmpps']!)
  const romeo = new Client({ jid: 'romeo@localhost/r', password, resume: true, connect })
  const juliet = new Client({ jid: 'juliet@localhost/j', password, resume: true, connect })
  for (const client of [romeo, juliet]) {
    expect(await client.connect()).toBe('bound')
    client.send('<presence/>')
  }
  romeo.send(`<message to='juliet@localhost/j' type='chat'><body>But, soft!</body></message>`)
  let heard
  do heard = await juliet.stanza()
  while (heard.name !== 'message')
  expect(heard.child('body')?.text).toBe('But, soft!')
  await juliet.cut()
  expect(await juliet.connect()).toBe('resumed')
  await juliet.ask('get', Ping.write())
  expect(await (await fetch(`http://127.0.0.1:${ports['http']}/health`)).json()).toEqual({ status: 'ok' })
  expect(errors).toBe('')
}, 60_000)
