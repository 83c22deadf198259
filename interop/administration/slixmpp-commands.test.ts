import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { hasSlixmpp } from '../clients/peer.ts'
import { Jackdaw } from '../jackdaw.ts'

const script = fileURLToPath(new URL('slixmpp-commands.py', import.meta.url))
const password = 'wherefore-art-thou'

test.skipIf(!hasSlixmpp)('XEP-0050, XEP-0133, XEP-0317: slixmpp (Debian: python3-slixmpp) administers', async () => {
  const server = await Jackdaw.start({ localhost: { roles: { admin: { accounts: ['crone@localhost'] } } } })
  try {
    for (const name of ['crone', 'hag']) await server.addUser(`${name}@localhost`, password)
    const options = { port: server.ports.xmpp, password, certificate: server.certificate }
    const child = spawn('/usr/bin/python3', ['-u', script, JSON.stringify(options)], { timeout: 90_000 })
    const complaints: string[] = []
    child.stderr.setEncoding('utf8').on('data', (text: string) => complaints.push(text))
    const steps: string[] = []
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { step, isRight } = JSON.parse(line) as { step: string; isRight: boolean }
      steps.push(isRight ? step : `${step}: WRONG`)
    })
    await once(child, 'close')
    expect(steps, complaints.join('')).toEqual([
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
