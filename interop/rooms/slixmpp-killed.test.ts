import { expect, test } from 'vitest'
import { hasSlixmpp } from '../clients/peer.ts'
import { Jackdaw } from '../jackdaw.ts'
import { Script } from '../script.ts'

const file = new URL('slixmpp-killed.py', import.meta.url)
const password = 'wherefore-art-thou'

/** What the users found; they go on until they are ended. */
async function live(server: Jackdaw, phase: 'before' | 'after') {
  const options = { port: server.ports.xmpp, password, certificate: server.certificate, phase }
  const script = new Script(file, options)
  return { found: await script.first(), end: () => script.end() }
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
