import { expect, test } from 'vitest'
import { hasSlixmpp } from '../clients/peer.ts'
import { Jackdaw } from '../jackdaw.ts'
import { runSteps } from '../script.ts'

const script = new URL('slixmpp-pubsub.py', import.meta.url)
const password = 'wherefore-art-thou'

test.skipIf(!hasSlixmpp)('slixmpp (Debian: python3-slixmpp): nodes, avatars and bookmarks', async () => {
  const server = await Jackdaw.start()
  try {
    for (const name of ['hamlet', 'francisco']) await server.addUser(`${name}@localhost`, password)
    const options = { port: server.ports.xmpp, password, certificate: server.certificate }
    const { steps, complaints } = await runSteps(script, options)
    expect(steps, complaints).toEqual([
      'finds the service',
      'makes a node',
      'reads its form',
      'finds the node',
      'subscribes',
      'hears an item',
      'reads all items',
      'reads the newest',
      'reads one',
      'is refused what it may not',
      'becomes a publisher',
      'lists subscribers',
      'hears a retraction',
      'hears a change of configuration',
      'hears a purge',
      'hears a deletion',
      'hears of an avatar',
      'reads the avatar',
      'hears of it when it comes',
      'keeps bookmarks in its node, and they are found as XEP-0402 has them',
      'reads them in private storage',
      'removes them there',
    ])
    expect(server.troubles).toEqual([])
  } finally {
    await server.stop()
  }
})
