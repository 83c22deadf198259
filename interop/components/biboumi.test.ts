import { expect, test } from 'vitest'
import { hasSlixmpp } from '../clients/peer.ts'
import { Jackdaw } from '../jackdaw.ts'
import { runSteps } from '../script.ts'
import { hasBiboumi, Irc } from './biboumi.ts'

const password = 'wherefore-art-thou'
const domain = 'irc.localhost'
const secret = 'a secret that nobody guesses'

test.skipIf(!hasSlixmpp || !hasBiboumi)(
  'XEP-0114 with biboumi (Debian: biboumi, ngircd): two users of slixmpp meet in a channel of an IRC server; after kill -9 it comes back',
  async () => {
    const server = await Jackdaw.start({ localhost: { components: { [domain]: { secret, name: 'IRC' } } } })
    let irc: Irc | undefined
    try {
      for (const name of ['romeo', 'juliet']) await server.addUser(`${name}@localhost`, password)
      irc = await Irc.start(domain, secret, server.ports.component)
      const { xmpp: port } = server.ports
      const options = { port, password, certificate: server.certificate, domain, irc: irc.address }
      const { steps, complaints } = await runSteps(new URL('biboumi-chat.py', import.meta.url), options)
      expect(steps, complaints + irc.log).toEqual([
        'finds the gateway among the items of the server',
        'learns that it is a gateway to IRC',
        'enters a channel',
        'sees who enters',
        'is heard on IRC',
        'is heard by the other',
        'whispers',
        'takes another nickname',
        'sees who leaves',
        'finds what was said in the archive',
      ])
      await server.kill()
      await server.start()
      await irc.connected(2)
      expect(server.troubles).toEqual([])
    } finally {
      await irc?.stop()
      await server.stop()
    }
  },
)
