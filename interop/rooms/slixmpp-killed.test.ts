import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { hasSlixmpp } from '../clients/peer.ts'
import { Jackdaw } from '../jackdaw.ts'

const script = fileURLToPath(new URL('slixmpp-killed.py', import.meta.url))
const password = 'wherefore-art-thou'

/** What the users found; they go on until they are ended. */
async function live(server: Jackdaw, phase: 'before' | 'after') {
  const options = { port: server.ports.xmpp, password, certificate: server.certificate, phase }
  const child = spawn('/usr/bin/python3', ['-u', script, JSON.stringify(options)], { timeout: 60_000 })
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text))
  const lines = createInterface({ input: child.stdout })
  const [line] = (await Promise.race([once(lines, 'line'), once(child, 'close')])) as [unknown]
  if (typeof line !== 'string') throw new Error(complaints)
  return { found: JSON.parse(line) as unknown, end: () => child.kill() }
}

test.skipIf(!hasSlixmpp)('slixmpp: what is unread of a room, and who was invited, outlasts kill -9', async () => {
  const server = await Jackdaw.start()
  try {
    for (const name of ['crone', 'macbeth', 'hag']) await server.addUser(`${name}@localhost`, password)
    const before = await live(server, 'before')
    expect(before.found).toEqual({ unread: ['2 three'] })
    await server.kill()
    before.end()
    await server.start()
    const after = await live(server, 'after')
    expect(after.found).toEqual({ unread: ['2 three'], declined: 'Busy' })
    after.end()
    expect(server.troubles).toEqual([])
  } finally {
    await server.stop()
  }
})
