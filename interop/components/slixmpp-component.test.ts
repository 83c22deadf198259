import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasSlixmpp } from '../clients/peer.ts'
import { Jackdaw } from '../jackdaw.ts'
import { stepsOf } from './steps.ts'

const password = 'wherefore-art-thou'
const domain = 'fairies.localhost'
const secret = 'a secret that nobody guesses'

describe.skipIf(!hasSlixmpp)('slixmpp (Debian: python3-slixmpp): a component', () => {
  let server: Jackdaw
  let options: object

  beforeAll(async () => {
    server = await Jackdaw.start({ localhost: { components: { [domain]: { secret } } } })
    await server.addUser('romeo@localhost', password)
    const { xmpp: port, component: componentPort } = server.ports
    options = { port, componentPort, password, certificate: server.certificate, domain, secret }
  })

  afterAll(() => server?.stop())

  test('XEP-0114 §3: talks with users, has contacts, is in a room, and is missed', async () => {
    const { steps, complaints } = await stepsOf('slixmpp-component.py', options)
    expect(steps, complaints).toEqual([
      'connects',
      'is among the items of the server',
      'says what it is',
      'is pinged',
      'asks the server',
      'hears a user',
      'is heard',
      'is a contact',
      'has a contact',
      'is in a room',
      'is missed',
    ])
    expect(server.troubles).toEqual([])
  })

  test('XEP-0114 §3: not-authorized with another secret', async () => {
    const { steps, complaints } = await stepsOf('slixmpp-component.py', { ...options, wrong: true })
    expect(steps, complaints).toEqual(['is refused'])
  })
})
