import { expect, test } from 'vitest'
import { hasSlixmpp } from '../clients/peer.ts'
import { Jackdaw } from '../jackdaw.ts'
import { runSteps } from '../script.ts'

const script = new URL('slixmpp-commands.py', import.meta.url)
const password = 'wherefore-art-thou'

test.skipIf(!hasSlixmpp)('XEP-0050, XEP-0133, XEP-0317: slixmpp (Debian: python3-slixmpp) administers', async () => {
  const server = await Jackdaw.start({ localhost: { roles: { admin: { accounts: ['crone@localhost'] } } } })
  try {
    for (const name of ['crone', 'hag']) await server.addUser(`${name}@localhost`, password)
    const options = { port: server.ports.xmpp, password, certificate: server.certificate }
    const { steps, complaints } = await runSteps(script, options)
    expect(steps, complaints).toEqual([
      'finds the commands',
      'finds none as somebody else',
      'makes an account, which logs in',
      'counts the accounts',
      'tells everybody something',
      'disables the account, which is not let in',
      'enables it again',
      'sees its own sessions, and signs one out',
      'removes the account',
      'is refused as somebody else',
      'gives a hat, and sees it worn',
    ])
    expect(server.troubles).toEqual([])
  } finally {
    await server.stop()
  }
})
