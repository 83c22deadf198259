import { expect, test } from 'vitest'
import { hasSlixmpp } from '../clients/peer.ts'
import { Jackdaw } from '../jackdaw.ts'
import { runSteps } from '../script.ts'

const script = new URL('slixmpp-rooms.py', import.meta.url)
const password = 'wherefore-art-thou'

test.skipIf(!hasSlixmpp)('slixmpp (Debian: python3-slixmpp): the life of a room', async () => {
  const server = await Jackdaw.start()
  try {
    for (const name of ['crone', 'hag', 'macbeth']) await server.addUser(`${name}@localhost`, password)
    const options = { port: server.ports.xmpp, password, certificate: server.certificate }
    const { steps, complaints } = await runSteps(script, options)
    expect(steps, complaints).toEqual([
      'finds the service',
      'makes a room',
      'configures it by its form',
      'enters',
      'sees who enters',
      'hears a message',
      'is given an occupant-id',
      'is given a stanza-id',
      'hears a private message',
      'hears a subject',
      'pings itself',
      'sees a new nickname',
      'makes a member',
      'makes a moderator',
      'is refused what it may not',
      'is invited through the room',
      'hears that an invitation is declined',
      'is invited directly',
      'reads the archive',
      'finds a room for members only in its inbox',
      'has read it',
      'is kicked',
      'is banned',
      'destroys the room',
    ])
    expect(server.troubles).toEqual([])
  } finally {
    await server.stop()
  }
})
