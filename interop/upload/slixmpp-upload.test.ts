import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request as httpsRequest } from 'node:https'
import { createInterface } from 'node:readline'
import { buffer } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasSlixmpp } from '../clients/peer.ts'
import { Jackdaw } from '../jackdaw.ts'

const password = 'wherefore-art-thou'

/** What the script tries, in its order. */
const acts = [
  ['discovery', 'XEP-0363 §3: the service is found'],
  ['upload', 'XEP-0363 §4, §7: a file is put over HTTPS, and found with its name and type'],
  ['part', 'RFC 9110 §14.2: a part of a file'],
  ['script', 'XEP-0363 §9.1: what could run in a browser is a download'],
  ['too_large', 'XEP-0363 §6: the limit is known, and kept'],
] as const

const canPut = hasSlixmpp && spawnSync('/usr/bin/python3', ['-c', 'import aiohttp']).status === 0

describe.skipIf(!canPut)('slixmpp (Debian: python3-slixmpp, python3-aiohttp): files', () => {
  let server: Jackdaw
  const outcomes = new Map<string, { why: string | null; value?: unknown }>()
  let complaints = ''

  beforeAll(async () => {
    server = await Jackdaw.start()
    await server.addUser('romeo@localhost', password)
    const options = {
      jid: 'romeo@localhost/r',
      password,
      port: server.ports.xmpp,
      certificate: server.certificate,
    }
    const script = fileURLToPath(new URL('slixmpp-upload.py', import.meta.url))
    const peer = spawn('/usr/bin/python3', ['-u', script, JSON.stringify(options)], {
      env: { ...process.env, SSL_CERT_FILE: server.certificate },
    })
    peer.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text))
    createInterface({ input: peer.stdout }).on('line', (line) => {
      const { name, ...outcome } = JSON.parse(line) as { name: string; why: string | null; value?: unknown }
      outcomes.set(name, outcome)
    })
    await once(peer, 'close')
  }, 120_000)

  afterAll(() => server?.stop())

  test.each(acts)('%s — %s', (name) => {
    expect(outcomes.has(name), complaints).toBe(true)
    expect(outcomes.get(name)!.why).toBeNull()
  })

  test('a file outlasts kill -9', async () => {
    await server.kill()
    await server.start()
    const url = outcomes.get('upload')!.value as string
    const request = httpsRequest(url, { ca: readFileSync(server.certificate), agent: false }).end()
    const [response] = await once(request, 'response')
    const circle = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
    expect((await buffer(response)).equals(Buffer.concat(Array.from({ length: 8192 }, () => circle)))).toBe(true)
  })

  test('the server had no trouble', () => {
    expect(server.troubles).toEqual([])
  })
})
