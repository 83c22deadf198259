import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasSlixmpp } from '../clients/peer.ts'
import { Jackdaw } from '../jackdaw.ts'
import { hasSlapd, people, service, Slapd } from './slapd.ts'

const script = fileURLToPath(new URL('slixmpp-login.py', import.meta.url))
const password = 'wherefore-art-thou'

describe.skipIf(!hasSlixmpp || !hasSlapd)('slixmpp (Debian: python3-slixmpp) and OpenLDAP (Debian: slapd)', () => {
  let slapd: Slapd
  let server: Jackdaw

  beforeAll(async () => {
    slapd = await Slapd.start([{ uid: 'romeo', password }])
    const ldap = {
      url: `ldap://localhost:${slapd.port}`,
      ca: slapd.certificate,
      base: people,
      bindDn: service.dn,
      passwordFile: slapd.passwordFile,
    }
    server = await Jackdaw.start({ localhost: { accounts: { ldap } } })
  })
  afterAll(async () => {
    await server?.stop()
    await slapd?.remove()
  })

  async function login(name: string, secret = password): Promise<{ outcome: string; mechanisms: string[] }> {
    const { xmpp: port } = server.ports
    const options = { jid: `${name}@localhost/r`, password: secret, port, certificate: server.certificate }
    const { stdout } = await promisify(execFile)('/usr/bin/python3', [script, JSON.stringify(options)])
    return JSON.parse(stdout) as { outcome: string; mechanisms: string[] }
  }

  test('RFC 4616: who has the password of the directory is in, and PLAIN is all that is offered', async () => {
    expect(await login('romeo')).toEqual({ outcome: 'in', mechanisms: ['PLAIN'] })
  })

  test('RFC 6120 §6.5.8: who has another one, or is nobody, is not', async () => {
    expect(await login('romeo', 'something else')).toMatchObject({ outcome: 'not-authorized' })
    expect(await login('nobody')).toMatchObject({ outcome: 'not-authorized' })
  })

  test('RFC 6120 §6.5.10: without the directory nobody is in for a while', async () => {
    await slapd.stop()
    expect(await login('romeo')).toMatchObject({ outcome: 'temporary-auth-failure' })
    await slapd.start()
    expect(await login('romeo')).toMatchObject({ outcome: 'in' })
    // What is logged as an error is that, once.
    expect(server.troubles).toEqual([expect.stringContaining('does not answer')])
  })

  test('jackdaw check: whether the directory answers', async () => {
    expect(await server.check()).toContain(
      `accounts of localhost: the directory ldap://localhost:${slapd.port} answers`,
    )
    await slapd.stop()
    expect(await server.check()).toMatch(/^fail {2}accounts of localhost: .* does not answer \(.*ECONNREFUSED/m)
    await slapd.start()
  })
})
