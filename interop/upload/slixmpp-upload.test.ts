import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request as httpsRequest } from 'node:https'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasSlixmpp } from '../clients/peer.ts'
import { Jackdaw } from '../jackdaw.ts'
import { runActs } from '../script.ts'

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
  let told: Awaited<ReturnType<typeof runActs>>

  beforeAll(async () => {
    server = await Jackdaw.start()
    await server.addUser('romeo@localhost', password)
    const options = {
      jid: 'romeo@localhost/r',
      password,
      port: server.ports.xmpp,
      certificate: server.certificate,
    }
    const script = new URL('slixmpp-upload.py', import.meta.url)
    told = await runActs(script, options, { SSL_CERT_FILE: server.certificate })
  }, 120_000)

  afterAll(() => server?.stop())

  test.each(acts)('%s — %s', (name) => {
    expect(told.outcomes.get(name)?.why, told.complaints).toBeNull()
  })

  test('a file outlasts kill -9', async () => {
    await server.kill()
    await server.start()
    const url = told.outcomes.get('upload')!.value as string
    const request = httpsRequest(url, { ca: readFileSync(server.certificate), agent: false }).end()
    const [response] = await once(request, 'response')
    const circle = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
    expect((await buffer(response)).equals(Buffer.concat(Array.from({ length: 8192 }, () => circle)))).toBe(true)
  })

  test('the server had no trouble', () => {
    expect(server.troubles).toEqual([])
  })
})
