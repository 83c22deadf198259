import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Jackdaw } from '../jackdaw.ts'
import { hasSlixmpp } from './peer.ts'

const password = 'wherefore-art-thou'
const script = fileURLToPath(new URL('slixmpp-push.py', import.meta.url))
const apps = { news: { secret: 'a secret of the app', http: true } }

describe.skipIf(!hasSlixmpp)('slixmpp (Debian: python3-slixmpp): push', () => {
  let server: Jackdaw
  /** Where the app is reached while nobody is connected. */
  const device = createServer()
  let url = ''

  beforeAll(async () => {
    device.listen(0, '127.0.0.1')
    await once(device, 'listening')
    url = `http://127.0.0.1:${(device.address() as AddressInfo).port}/`
    server = await Jackdaw.start({ localhost: { modules: { 'push-service': { apps, networks: ['loopback'] } } } })
    for (const name of ['romeo', 'juliet']) await server.addUser(`${name}@localhost`, password)
  }, 60_000)

  afterAll(async () => {
    device.close()
    await server?.stop()
  })

  const runs = (options: Record<string, string>) => {
    const { ports, certificate } = server
    const all = { password, port: ports.xmpp, certificate, url, ...options }
    return promisify(execFile)('/usr/bin/python3', ['-u', script, JSON.stringify(all)])
  }

  async function pushed(says: string) {
    const asked = once(device, 'request')
    await runs({ who: 'romeo', says })
    const [request, response] = await asked
    response.writeHead(204).end()
    return JSON.parse(await text(request))
  }

  test('XEP-0357 §4, §6: it registers, enables and goes; what comes is pushed, after kill -9 too', async () => {
    await runs({ who: 'juliet' })
    expect(await pushed('one')).toMatchObject({ data: { messages: '1' } })
    await server.kill()
    await server.start()
    expect(await pushed('two')).toMatchObject({ data: { messages: '2' } })
    expect(server.troubles).toEqual([])
  }, 120_000)
})
