import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Jackdaw } from '../jackdaw.ts'
import { runActs } from '../script.ts'
import { hasSlixmpp } from './peer.ts'

const password = 'wherefore-art-thou'

/** What the script tries, in its order. */
const acts = [
  ['befriend', 'RFC 6121 §3.1: both see one another'],
  ['blocking', 'XEP-0191 §3: block, the pushes, the errors of both directions, unblock'],
  ['vcards', 'XEP-0054 §3: publish and retrieve'],
  [
    'vcard_avatar',
    'XEP-0153 §3, XEP-0398 §3.2: an avatar in the vCard, its hash in the presence, the same at its node',
  ],
  ['csi', 'XEP-0352 §3.2: an inactive client is not disturbed, and then given what it missed, in order'],
  ['carbons_and_archive', 'XEP-0280 §7, §8, XEP-0313 §4: a second device has copies, and finds what was said'],
  ['private_storage', 'XEP-0049 §2.3: bookmarks are kept'],
] as const

describe.skipIf(!hasSlixmpp)('slixmpp (Debian: python3-slixmpp): people', () => {
  let server: Jackdaw
  let told: Awaited<ReturnType<typeof runActs>>

  beforeAll(async () => {
    server = await Jackdaw.start()
    await Promise.all(['romeo', 'juliet'].map((name) => server.addUser(`${name}@localhost`, password)))
    const options = { password, port: server.ports.xmpp, certificate: server.certificate }
    told = await runActs(new URL('slixmpp-people.py', import.meta.url), options)
  }, 300_000)

  afterAll(() => server?.stop())

  test.each(acts)('%s — %s', (name) => {
    expect(told.outcomes.get(name)?.why, told.complaints).toBeNull()
  })

  test('the server had no trouble', () => {
    expect(server.troubles).toEqual([])
  })
})
