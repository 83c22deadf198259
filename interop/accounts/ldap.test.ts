import { type Scenario, scenario } from '@jackdaw/testkit'
import { Jid, SaslError, StreamError } from '@jackdaw/xmpp'
import { Client } from 'ldapts'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { hasSlapd, people, type Person, root, service, Slapd } from './slapd.ts'

const password = 'the wine is red'

const persons: readonly Person[] = [
  { uid: 'romeo', password },
  { uid: 'Juliet', password: 'wherefore' },
  { uid: 'straße', password },
  { uid: 'strasse', password: 'another' },
  { uid: 'twice', password },
  { uid: 'twice', password: 'another' },
  { uid: 'keyless' },
  { uid: 'guest', password, more: ['employeeType: guest'] },
  { uid: 'a*(b)\\c', password },
  { uid: 'ﬁona', password },
  { uid: 'naïve', password: 'pässwörd' },
]

describe.skipIf(!hasSlapd)('OpenLDAP (Debian: slapd)', () => {
  let slapd: Slapd
  const running: Scenario[] = []

  beforeAll(async () => {
    slapd = await Slapd.start(persons)
  })
  afterEach(async () => {
    for (const s of running.splice(0)) await s.stop()
  })
  afterAll(() => slapd?.remove())

  async function stage(fields: object = {}, accounts: object = {}): Promise<Scenario> {
    const ldap = {
      url: `ldap://localhost:${slapd.port}`,
      ca: slapd.certificate,
      base: people,
      bindDn: service.dn,
      passwordFile: slapd.passwordFile,
      ...fields,
    }
    const s = await scenario({
      config: {
        limits: { authenticationDelay: 0, authenticationAttempts: 100 },
        hosts: { 'home.test': { accounts: { ldap, timeout: '2 s', ...accounts } } },
      },
    })
    running.push(s)
    return s
  }

  /** 'in', or with what it is refused. */
  async function login(s: Scenario, name: string, secret = password): Promise<string> {
    const client = s.client(name, undefined, { password: secret })
    const said: { it?: string } = {}
    client.connect().then(
      () => (said.it = 'in'),
      (error: unknown) =>
        (said.it = error instanceof SaslError || error instanceof StreamError ? error.condition : String(error)),
    )
    while (said.it === undefined) await s.clock.advance(0)
    await client.close()
    return said.it
  }

  const exists = async (s: Scenario, local: string) =>
    s.server.hosts.get('home.test')!.accounts.exists(Jid.of({ local, domain: 'home.test' }))

  /** Changes what the directory knows. */
  async function change(act: (client: Client) => Promise<void>): Promise<void> {
    const client = new Client({ url: `ldap://127.0.0.1:${slapd.port}` })
    await client.bind(root.dn, root.password)
    await act(client)
    await client.unbind()
  }

  test.each([
    ['STARTTLS', () => ({})],
    ['TLS from the beginning', () => ({ url: `ldaps://localhost:${slapd.tlsPort}` })],
    ['a filter', () => ({ filter: '(&(objectClass=inetOrgPerson)(!(employeeType=guest)))' })],
  ])('RFC 4513 §5.1.3, with %s: whose password is right logs in, and nobody else', async (how, fields) => {
    const s = await stage(fields())
    expect(await login(s, 'romeo')).toBe('in')
    expect(await login(s, 'juliet', 'wherefore')).toBe('in')
    expect(await login(s, 'naïve', 'pässwörd')).toBe('in')
    expect(await login(s, 'romeo', 'wherefore')).toBe('not-authorized')
    expect(await login(s, 'keyless')).toBe('not-authorized')
    expect(await login(s, 'nobody')).toBe('not-authorized')
    expect(await login(s, 'guest')).toBe(how === 'a filter' ? 'not-authorized' : 'in')
    expect(await login(s, 'romeo')).toBe('in')
  })

  test('RFC 4513 §5.1.2: an empty password, which slapd takes for nobody in particular, is none', async () => {
    const s = await stage()
    await change((client) => client.bind(`cn=person 0,${people}`, ''))
    const client = s.client('romeo')
    await client.open()
    const empty = Buffer.from('\0romeo\0').toString('base64')
    client.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${empty}</auth>`)
    const said: { it?: string } = {}
    void client.next().then((answer) => (said.it = SaslError.from(answer).condition))
    while (said.it === undefined) await s.clock.advance(0)
    expect(said.it).toBe('malformed-request')
  })

  test.each([
    '*',
    'rom*',
    'r*o',
    'romeo)(uid=*',
    '*)(uid=*))(|(uid=*',
    'romeo\\2a',
    '\\72omeo',
    'romeo\\',
    '(romeo)',
    'a*',
  ])('RFC 4515 §3: the name %j is nobody’s, whatever it says in a filter', async (name) => {
    const s = await stage()
    expect(await exists(s, name)).toBe(false)
    expect(await login(s, name)).toBe('not-authorized')
  })

  test('RFC 4515 §3: who is called so is found', async () => {
    const s = await stage()
    expect(await exists(s, 'a*(b)\\c')).toBe(true)
    expect(await login(s, 'a*(b)\\c')).toBe('in')
  })

  test('RFC 7622 §3.3: who is the same to the directory alone is not the same, and who is there twice is nobody', async () => {
    const s = await stage()
    expect(await login(s, 'straße')).toBe('in')
    expect(await login(s, 'straße', 'another')).toBe('not-authorized')
    expect(await login(s, 'strasse', 'another')).toBe('in')
    expect(await login(s, 'strasse')).toBe('not-authorized')
    // To the directory the ligature is two letters.
    expect([await exists(s, 'fiona'), await login(s, 'fiona')]).toEqual([false, 'not-authorized'])
    expect([await exists(s, 'twice'), await login(s, 'twice'), await login(s, 'twice', 'another')]).toEqual([
      false,
      'not-authorized',
      'not-authorized',
    ])
  })

  test('RFC 4511 §4.1.10: a referral leads nowhere', async () => {
    const s = await stage()
    expect(await exists(s, 'elsewhere')).toBe(false)
    const other = await stage({ base: `ou=elsewhere,${people}` })
    expect(await login(other, 'romeo')).toBe('temporary-auth-failure')
  })

  test.each([
    ['another authority', () => ({ ca: undefined })],
    ['another name', () => ({ url: `ldap://127.0.0.1:${slapd.port}` })],
    ['another name, TLS from the beginning', () => ({ url: `ldaps://127.0.0.1:${slapd.tlsPort}` })],
    ['no TLS where TLS is spoken', () => ({ url: `ldaps://localhost:${slapd.port}` })],
    ['another password of the service', () => ({ passwordFile: slapd.certificate })],
    ['a base that is not there', () => ({ base: `ou=nowhere,${people}` })],
    ['a filter that is none', () => ({ filter: '(uid=' })],
    ['nobody to look for users', () => ({ bindDn: undefined, passwordFile: undefined, base: `ou=nowhere,${people}` })],
  ])('RFC 4513 §3.1.3: with %s no password is sent, and nobody is said not to exist', async (_, fields) => {
    const s = await stage(fields())
    const before = slapd.log.length
    expect(await login(s, 'romeo')).toBe('temporary-auth-failure')
    await expect(exists(s, 'romeo')).rejects.toMatchObject({ condition: 'remote-server-timeout', type: 'wait' })
    expect(slapd.log.slice(before)).not.toContain('cn=person')
  })

  test('a directory that ends, or stands still, fails logins for a while; connections are opened anew', async () => {
    const s = await stage({}, { timeout: '500 ms' })
    expect(await login(s, 'romeo')).toBe('in')
    await slapd.stop()
    expect(await login(s, 'romeo')).toBe('temporary-auth-failure')
    await slapd.start()
    expect(await login(s, 'romeo')).toBe('in')
    slapd.pause()
    // The time-out of a new connection is the server's clock's, that of a question the library's.
    const said: { it?: unknown } = {}
    exists(s, 'somebody').then(
      (it) => (said.it = it),
      (error: unknown) => (said.it = error),
    )
    while (said.it === undefined) await s.clock.advance(10)
    expect(said.it).toMatchObject({ condition: 'remote-server-timeout', type: 'wait' })
    slapd.resume()
    expect(await login(s, 'romeo')).toBe('in')
  })

  test('many log in at once over few connections, each as who he is', async () => {
    const s = await stage({}, { parallel: 2 })
    const names = ['romeo', 'straße', 'guest', 'nobody', 'twice', 'strasse']
    const before = slapd.log.split('ACCEPT from').length
    const outcomes = await Promise.all(Array.from({ length: 30 }, (_, i) => login(s, names[i % names.length]!)))
    expect(outcomes).toEqual(Array.from({ length: 30 }, (_, i) => (i % names.length < 3 ? 'in' : 'not-authorized')))
    expect(slapd.log.split('ACCEPT from').length - before).toBeLessThanOrEqual(2)
  })

  test('a password that is changed, and somebody who is removed', async () => {
    const s = await stage({}, { knownTime: '1 min' })
    const { Attribute, Change } = await import('ldapts')
    const dn = `cn=person 7,${people}`
    const phone = await s.login('guest', 'phone')
    await change((client) =>
      client.modify(
        dn,
        new Change({ operation: 'replace', modification: new Attribute({ type: 'userPassword', values: ['other'] }) }),
      ),
    )
    expect([await login(s, 'guest'), await login(s, 'guest', 'other')]).toEqual(['not-authorized', 'in'])
    await change((client) => client.del(dn))
    await s.clock.advance(60_000)
    await phone.whenGone
    expect(phone.streamError?.condition).toBe('not-authorized')
    expect(await login(s, 'guest', 'other')).toBe('not-authorized')
  })
})
