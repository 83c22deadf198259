import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasSlixmpp } from '../clients/peer.ts'
import { Jackdaw } from '../jackdaw.ts'
import { runSteps } from '../script.ts'

const password = 'wherefore-art-thou'
const domain = 'fairies.localhost'
const secret = 'a secret that nobody guesses'
const butler = 'butler.localhost'
const duties = {
  privileges: { roster: 'both', message: 'outgoing', presence: 'managed_entity', iq: { 'jabber:iq:private': 'set' } },
  delegated: { 'urn:example:mood': [] as string[] },
} as const

describe.skipIf(!hasSlixmpp)('slixmpp (Debian: python3-slixmpp): a component', () => {
  let server: Jackdaw
  let options: object

  beforeAll(async () => {
    server = await Jackdaw.start({
      localhost: { components: { [domain]: { secret }, [butler]: { secret, ...duties } } },
    })
    for (const name of ['romeo', 'juliet']) await server.addUser(`${name}@localhost`, password)
    const { xmpp: port, component: componentPort } = server.ports
    options = { port, componentPort, password, certificate: server.certificate, domain, secret }
  })

  afterAll(() => server?.stop())

  test('XEP-0114 §3: talks with users, has contacts, is in a room, and is missed', async () => {
    const { steps, complaints } = await runSteps(new URL('slixmpp-component.py', import.meta.url), options)
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
    const { steps, complaints } = await runSteps(new URL('slixmpp-component.py', import.meta.url), {
      ...options,
      wrong: true,
    })
    expect(steps, complaints).toEqual(['is refused'])
  })

  test('XEP-0356, XEP-0355: is privileged, and answers in place of the server', async () => {
    const { steps, complaints } = await runSteps(new URL('slixmpp-privilege.py', import.meta.url), {
      ...options,
      domain: butler,
    })
    expect(steps, complaints).toEqual([
      'is told its privileges',
      'is told what is delegated to it',
      'sees who comes',
      'keeps a roster',
      'has no roster of who does not exist',
      'speaks for an account',
      'asks for an account',
      'answers for the server',
      'has the server say what it can do',
      'is missed',
    ])
    expect(server.troubles).toEqual([])
  })
})
