import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

test('README: npm start in a fresh clone installs, makes what runs, and serves, whatever Node the machine has', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'jackdaw-clone-'))
  const clone = join(folder, 'jackdaw')
  for (const file of execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).split('\0'))
    if (file !== '') await cp(join(root, file), join(clone, file), { recursive: true })
  const local = { port: 0, address: '127.0.0.1' }
  const config = join(folder, 'jackdaw.yaml')
  await writeFile(
    config,
    JSON.stringify({ data: join(folder, 'data'), listen: { xmpp: local, xmpps: local, http: local, https: local } }),
  )
  const places = process.env.PATH!.split(delimiter).filter((place) => !place.includes('node_modules'))
  const child = spawn('npm', ['start', '--', '--config', config], {
    cwd: clone,
    env: { PATH: places.join(delimiter), HOME: process.env.HOME },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  try {
    const http = await new Promise<number>((resolve, reject) => {
      child.once('close', (code) => reject(new Error(`it ended with ${code}`)))
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (!line.startsWith('{')) return
        const { listening } = JSON.parse(line) as { listening?: { name: string; port: number }[] }
        if (listening) resolve(listening.find(({ name }) => name === 'http')!.port)
      })
    })
    expect(await (await fetch(`http://127.0.0.1:${http}/health`)).json()).toEqual({ status: 'ok' })
  } finally {
    if (child.exitCode === null) {
      const dead = once(child, 'close')
      process.kill(-child.pid!, 'SIGKILL')
      await dead
    }
    await rm(folder, { recursive: true, force: true })
  }
}, 120_000)
