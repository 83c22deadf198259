import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statfsSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { brief, now, scene } from './fixture.ts'
import { openFiles, resources } from './resources.ts'
import { secrets } from './secrets.ts'
import { uploads } from './uploads.ts'

const MiB = 1024 ** 2

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'jackdaw-check-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('what the system allows', () => {
  const look = async (files: number | undefined, memory = 4096) =>
    brief(await resources(scene(folder, { limits: { connections: 5000 } }), { files, memory: memory * MiB }))

  test('open files against the cap of connections', async () => {
    expect((await look(5499))[0]).toEqual(['warn', expect.stringContaining('set limits.connections to 4999.')])
    expect((await look(5500))[0]).toEqual(['ok', 'The system allows 5500, enough for 5000 connections.'])
    expect(await look(undefined)).toHaveLength(1)
  })
  test('memory', async () => {
    expect((await look(10_000, 200))[1]).toEqual(['warn', expect.stringContaining('about 128 sessions')])
    expect((await look(10_000))[1]).toEqual(['ok', '4096 MiB are there, enough for about 62464 sessions.'])
  })
  test.skipIf(process.platform !== 'linux')('those of another process are read', async () => {
    const child = spawn('/bin/sh', ['-c', 'ulimit -n 123; echo; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    try {
      await once(child.stdout, 'data')
      expect(openFiles(child.pid!)).toBe(123)
    } finally {
      child.kill('SIGKILL')
    }
    expect(openFiles(-1)).toBeUndefined()
  })
})

describe('files', () => {
  const look = async (modules: object, listen: object = {}, access?: () => never) =>
    brief(await uploads(scene(folder, { hosts: { localhost: { modules } as never }, listen }), access))
  const small = { maxFileSize: '1 MiB' }

  test('there is room; or there is no upload', async () => {
    const { bavail, bsize } = statfsSync(folder)
    const [[level, sentence]] = (await look({ upload: small })) as [[string, string]]
    expect(level).toBe('ok')
    expect(Number(/(\d+) MiB/.exec(sentence)![1])).toBeCloseTo((bavail * bsize) / MiB - 256, -3)
    expect(await look({ upload: false })).toEqual([])
  })
  test('no address, a quota below one file, and no room', async () => {
    const closed = { https: false }
    expect(await look({ upload: small }, closed)).toEqual([['warn', expect.stringContaining('set listen.https')]])
    for (const modules of [
      { upload: { ...small, url: 'https://files.example' } },
      { upload: small, 'host-meta': { url: 'https://chat.example' } },
    ])
      expect((await look(modules, closed))[0]![0]).toBe('ok')
    expect(await look({ upload: { maxFileSize: '2 MiB', quota: '1 MiB' } })).toEqual([
      [
        'warn',
        'One file may have 2 MiB, but all of an account together 1 MiB: raise modules.upload.quota, or lower modules.upload.maxFileSize.',
      ],
    ])
    expect(await look({ upload: { maxFileSize: '1000 GiB', quota: '1000 GiB' } })).toEqual([
      ['warn', expect.stringContaining('make room, or lower modules.upload.maxFileSize')],
    ])
  })
  test.skipIf(process.platform === 'win32')('a folder that others may read, and one of another user', async () => {
    const own = join(folder, 'files', 'localhost')
    mkdirSync(own, { recursive: true })
    chmodSync(own, 0o755)
    expect(await look({ upload: small })).toEqual([['fail', expect.stringContaining(`chmod 700 '${own}'`)]])
    chmodSync(own, 0o700)
    const refuse = () => {
      throw Object.assign(new Error('permission denied'), { code: 'EACCES' })
    }
    expect(await look({ upload: small }, {}, refuse)).toEqual([
      ['fail', expect.stringContaining('may not read and write')],
    ])
  })
})

describe.skipIf(process.platform === 'win32')('secrets', () => {
  test('a configuration with secrets is for its owner alone; one without may be read', async () => {
    const file = join(folder, 'jackdaw.yaml')
    writeFileSync(file, '')
    chmodSync(file, 0o644)
    const look = async (host: object) =>
      brief(await secrets(scene(folder, { hosts: { localhost: host as never } }, { file })))
    const services = [{ type: 'turn', host: 'turn.example', secret: 'x' }]
    for (const host of [
      { components: { 'irc.localhost': { secret: 'x' } } },
      { modules: { 'push-service': true } },
      { modules: { 'external-services': { services } } },
      { modules: { events: { webhooks: { crm: { url: 'https://a', secret: `whsec_${'A'.repeat(32)}` } } } } },
    ])
      expect(await look(host)).toEqual([
        ['fail', `Every user of this machine may look into ${file}: run chmod 600 '${file}'.`],
      ])
    expect(await look({ modules: { 'external-services': { services: [{ type: 'stun', host: 'a' }] } } })).toEqual([])
    chmodSync(file, 0o600)
    expect(await look({ modules: { 'push-service': true } })).toEqual([['ok', `${file} is for its owner alone.`]])
  })
  test('the key of login tokens: new, old, and open', async () => {
    const file = join(folder, 'tokens.key')
    writeFileSync(file, '', { mode: 0o600 })
    const look = async (days: number) => {
      utimesSync(file, now / 1000, (now - days * 86_400_000) / 1000)
      return brief(await secrets(scene(folder)))
    }
    expect(await look(729)).toEqual([['ok', expect.stringContaining('is for its owner alone')]])
    expect(await look(731)).toEqual([
      ['warn', expect.stringMatching(/^It was made on 2025-05-31: for a new one stop the server, remove /)],
    ])
    chmodSync(file, 0o644)
    expect(await look(0)).toEqual([['fail', expect.stringContaining('chmod 600')]])
  })
})
