import { createHash, createPublicKey, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { CertificateHost } from './certificate-file.ts'
import { Certificates } from './certificate.ts'
import { Doorway, HandClock, keptLog, network } from './fixture.ts'
import { selfSigned } from './self-signed.ts'

const day = 86_400_000
const opened: { close(): unknown }[] = []
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jackdaw certificates '))
})
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close()
  await rm(folder, { recursive: true })
})

/** The same for all who are opened here, as after a restart; others each day. */
const ticketKeys = (of: number) => Buffer.alloc(48, `${of}`)

async function open(hosts: readonly CertificateHost[], clock = new HandClock()) {
  const { log, lines } = keptLog()
  const certificates = await Certificates.open({ folder, hosts, minVersion: 'TLSv1.2', ticketKeys, clock, log })
  opened.push(certificates)
  return { certificates, clock, lines }
}

/** Configured files of a host. */
async function filesFor(
  domain: string,
  now = Date.now(),
): Promise<Required<Pick<CertificateHost, 'domain' | 'files'>>> {
  const files = { certificate: join(folder, `own-${domain}.pem`), key: join(folder, `own-${domain}-key.pem`) }
  await place(files, domain, now)
  return { domain, files }
}

async function place(files: { certificate: string; key: string }, domain: string, now = Date.now()) {
  const made = await selfSigned(domain, now)
  await writeFile(files.key, made.key)
  await writeFile(files.certificate, made.certificate)
  return new X509Certificate(made.certificate)
}

const openFiles = (files: { certificate: string; key: string }) => open([{ domain: 'home.test', files }])

/** A listener with these certificates. */
async function serve(secure: Certificates) {
  const doorway = new Doorway()
  const listener = await network().network.listenTcp(
    { address: '127.0.0.1', port: 0 },
    { secure, isDirectTls: true },
    doorway.accept,
  )
  opened.push(listener)
  const visit = async (servername?: string, session?: Buffer): Promise<TLSSocket> => {
    const client = connect({
      port: listener.port,
      rejectUnauthorized: false,
      ...(servername && { servername }),
      ...(session && { session }),
    })
    opened.push({ close: () => client.destroy() })
    await once(client, 'secureConnect')
    return client
  }
  return { doorway, visit }
}

const seen = (client: TLSSocket): string | undefined => client.getPeerX509Certificate()?.fingerprint256

test('a host without files gets a self-signed P-256 certificate that clients can trust by hand', async () => {
  const { certificates, lines } = await open([{ domain: 'localhost' }])
  const [file, key] = [join(folder, 'localhost.crt'), join(folder, 'localhost.key')]
  const certificate = new X509Certificate(await readFile(file))
  expect(certificate.subjectAltName).toBe('DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1')
  expect(certificate.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1')
  expect(certificate.validToDate.getTime() - certificate.validFromDate.getTime()).toBe(825 * day)
  expect((await stat(key)).mode & 0o777).toBe(0o600)
  expect(certificates.facts).toMatchObject([{ domain: 'localhost', file, isSelfMade: true, warnings: [] }])
  expect(lines.map(({ msg }) => msg)).toEqual(['a self-signed certificate has been made'])
  const { visit } = await serve(certificates)
  const port = (await visit()).remotePort!
  const strict = connect({ port, host: '127.0.0.1', ca: await readFile(file) })
  opened.push({ close: () => strict.destroy() })
  await once(strict, 'secureConnect')
  expect(strict.authorized).toBe(true)
})

test('a self-made certificate stays from start to start, until 30 days before its end', async () => {
  const first = await open([{ domain: 'home.test' }])
  const again = await open([{ domain: 'home.test' }])
  const print = first.certificates.facts[0]!.certificate.fingerprint256
  expect(again.certificates.facts[0]!.certificate.fingerprint256).toBe(print)
  const late = new HandClock()
  late.advance(795 * day)
  const renewed = await open([{ domain: 'home.test' }], late)
  expect(renewed.certificates.facts[0]!.certificate.fingerprint256).not.toBe(print)
})

test('a self-made certificate is renewed while the server runs', async () => {
  const { certificates, clock } = await open([{ domain: 'home.test' }])
  const before = certificates.facts[0]!.certificate
  clock.advance(793 * day)
  await certificates.reload()
  expect(certificates.facts[0]!.certificate.fingerprint256).toBe(before.fingerprint256)
  clock.advance(2 * day)
  await certificates.reload()
  expect(certificates.facts[0]!.certificate.validToDate.getTime()).toBeGreaterThan(before.validToDate.getTime())
})

test('a self-made pair of which half is missing is made anew; a foreign certificate in its place is left alone', async () => {
  await open([{ domain: 'home.test' }])
  await rm(join(folder, 'home.test.key'))
  const { certificates } = await open([{ domain: 'home.test' }])
  expect(certificates.facts[0]!.isSelfMade).toBe(true)
  await writeFile(join(folder, 'home.test.crt'), 'not ours')
  await expect(open([{ domain: 'home.test' }])).rejects.toThrow('home.test.crt holds no certificate in PEM form')
  expect(await readFile(join(folder, 'home.test.crt'), 'utf8')).toBe('not ours')
})

test('a certificate that another authority gave for the made key is served and never replaced', async () => {
  const { certificates } = await open([{ domain: 'home.test' }])
  const file = join(folder, 'home.test.crt')
  const key = await readFile(join(folder, 'home.test.key'), 'utf8')
  const given = await issued(certificates.facts[0]!.certificate, key)
  await writeFile(file, given)
  const again = await open([{ domain: 'home.test' }])
  expect(again.certificates.facts).toMatchObject([{ isSelfMade: false }])
  expect(await readFile(file, 'utf8')).toBe(given)
})

/** A certificate with the subject's name and key but another issuer, at its last day. */
async function issued(subject: X509Certificate, key: string): Promise<string> {
  const { X509CertificateGenerator } = await import('@peculiar/x509')
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const authority = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' })
  const made = await X509CertificateGenerator.create({
    subject: 'CN=home.test',
    issuer: 'CN=Authority',
    publicKey: await crypto.subtle.importKey('spki', Uint8Array.from(spki), algorithm, true, ['verify']),
    signingKey: authority.privateKey,
    signingAlgorithm: algorithm,
    notBefore: subject.validFromDate,
    notAfter: new Date(Date.now() + day),
  })
  return made.toString('pem')
}

test('changed files serve new connections without a restart, and old connections live on', async () => {
  const host = await filesFor('home.test')
  const { certificates, clock, lines } = await open([host])
  const { visit, doorway } = await serve(certificates)
  const old = await visit()
  const ear = await doorway.next()
  const next = await place(host.files, 'home.test')
  expect(seen(await visit())).toBe(certificates.facts[0]!.certificate.fingerprint256)
  clock.advance(5_000)
  await certificates.reload()
  expect(seen(await visit())).toBe(next.fingerprint256)
  expect(lines.map(({ msg }) => msg)).toEqual(['a certificate has been renewed'])
  old.write('still here')
  await ear.hears('still here')
  const hash = createHash('sha256').update(old.getPeerX509Certificate()!.raw).digest()
  expect(ear.transport.tls?.bindings.get('tls-server-end-point')).toEqual(hash)
})

test('the files are looked at every 5 s', async () => {
  const host = await filesFor('home.test')
  const { certificates, clock } = await open([host])
  for (let look = 0; look < 2; look++) {
    const next = await place(host.files, 'home.test')
    clock.advance(5_000)
    while (clock.alarms === 0) await new Promise((resolve) => setImmediate(resolve))
    expect(certificates.facts[0]!.certificate.fingerprint256).toBe(next.fingerprint256)
  }
  certificates.close()
  expect(clock.alarms).toBe(0)
})

test('a broken new file keeps the certificate in use and is told once', async () => {
  const host = await filesFor('home.test')
  const { certificates, lines } = await open([host])
  const { fingerprint256 } = certificates.facts[0]!.certificate
  await writeFile(host.files.certificate, 'broken')
  await certificates.reload()
  await certificates.reload()
  expect(certificates.facts[0]!.certificate.fingerprint256).toBe(fingerprint256)
  expect(lines).toMatchObject([
    {
      level: 50,
      msg: `The certificate of home.test cannot be used, because ${host.files.certificate} holds no certificate in PEM form: name the file that does in the configuration. The certificate in use is kept.`,
    },
  ])
  const next = await place(host.files, 'home.test')
  await certificates.reload()
  expect(certificates.facts[0]!.certificate.fingerprint256).toBe(next.fingerprint256)
})

test('an expired certificate is warned of and served', async () => {
  const host = await filesFor('home.test', Date.now() - 900 * day)
  const { certificates, lines } = await open([host])
  expect(lines).toMatchObject([
    { level: 40, msg: expect.stringMatching(/^The certificate of home.test expired on \d{4}-\d\d-\d\d: clients will/) },
  ])
  expect(certificates.facts[0]!.warnings.length).toBe(1)
  expect(seen(await (await serve(certificates)).visit())).toBe(certificates.facts[0]!.certificate.fingerprint256)
})

test('a certificate for another name, or from the future, is warned of', async () => {
  const { files } = await filesFor('away.test', Date.now() + 10 * day)
  const { certificates } = await open([{ domain: 'home.test', files }])
  expect(certificates.facts[0]!.warnings).toEqual([
    expect.stringContaining('is valid only from'),
    `The certificate in ${files.certificate} does not name home.test: clients will refuse it; get one that does.`,
  ])
})

test('a key that is not the certificate’s, a missing file, a key that is none: no start, and the reason', async () => {
  const host = await filesFor('home.test')
  const other = await filesFor('away.test')
  await expect(openFiles({ ...host.files, key: other.files.key })).rejects.toMatchObject({
    name: 'CertificateError',
    message: `The certificate of home.test cannot be used, because ${other.files.key} is not the key of ${host.files.certificate}: name the one that this certificate was made with.`,
  })
  await expect(openFiles({ ...host.files, key: host.files.certificate })).rejects.toThrow('holds no private key')
  await expect(openFiles({ ...host.files, key: join(folder, 'none') })).rejects.toThrow('none cannot be read')
})

test('a folder that cannot be made is told', async () => {
  const file = join(folder, 'file')
  await writeFile(file, '')
  const { log } = keptLog()
  const options = {
    folder: join(file, 'x'),
    hosts: [{ domain: 'home.test' }],
    minVersion: 'TLSv1.2',
    ticketKeys,
    log,
  } as const
  await expect(Certificates.open({ ...options, clock: new HandClock() })).rejects.toThrow(
    `The certificate of home.test cannot be`,
  )
})

test('RFC 6120 §13.7.1: each host has its own, found for its subdomains too and in any spelling', async () => {
  const { certificates } = await open([{ domain: 'home.test' }, { domain: 'münchen.test' }])
  const [home, munich] = [certificates.find('home.test'), certificates.find('münchen.test')]
  expect(home).toBe(certificates.fallback)
  expect(munich).not.toBe(home)
  expect(certificates.find('xn--mnchen-3ya.test')).toBe(munich)
  expect(certificates.find('Chat.XN--mnchen-3ya.test')).toBe(munich)
  expect(certificates.find('nobody.test')).toBeUndefined()
})

test('reload takes hosts in and out; one whose certificate is unusable changes nothing', async () => {
  const { certificates } = await open([{ domain: 'home.test' }])
  await certificates.reload([{ domain: 'home.test' }, { domain: 'away.test' }])
  expect(certificates.facts.map(({ domain }) => domain)).toEqual(['home.test', 'away.test'])
  const files = { certificate: join(folder, 'none'), key: join(folder, 'none') }
  await expect(certificates.reload([{ domain: 'new.test', files }])).rejects.toThrow('new.test')
  expect(certificates.facts.map(({ domain }) => domain)).toEqual(['home.test', 'away.test'])
  await certificates.reload([{ domain: 'away.test' }])
  expect(certificates.find('home.test')).toBeUndefined()
  expect(certificates.fallback).toBe(certificates.find('away.test'))
})

test('RFC 6120 §13.7: where there is but one certificate it is shown whatever name is asked for; from a reload on the name chooses', async () => {
  const { certificates } = await open([{ domain: 'home.test' }])
  const { visit } = await serve(certificates)
  const fingerprints = () => certificates.facts.map(({ certificate }) => certificate.fingerprint256)
  for (const name of [undefined, 'home.test', 'away.test']) expect(seen(await visit(name))).toBe(fingerprints()[0])
  await certificates.reload([{ domain: 'home.test' }, { domain: 'away.test' }])
  expect(seen(await visit('away.test'))).toBe(fingerprints()[1])
  expect(seen(await visit('nobody.test'))).toBe(fingerprints()[0])
  await certificates.reload([{ domain: 'away.test' }])
  expect(seen(await visit('home.test'))).toBe(fingerprints()[0])
})

test('clientAuthorities: a file that is missing or holds none is refused, with its name; a change is noticed', async () => {
  const files = await filesFor('home.test')
  const clientAuthorities = join(folder, 'authorities.pem')
  const refused = () =>
    expect(open([{ ...files, clientAuthorities }])).rejects.toThrow(
      expect.objectContaining({ name: 'CertificateError', message: expect.stringContaining(clientAuthorities) }),
    )
  await refused()
  for (const text of ['', 'hello', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n']) {
    await writeFile(clientAuthorities, text)
    await refused()
  }
  const { certificate } = await selfSigned('authority', Date.now())
  await writeFile(clientAuthorities, `# ours\n${certificate}`)
  const { certificates } = await open([{ ...files, clientAuthorities }])
  expect(certificates.asksClients).toBe(true)
  const before = certificates.find('home.test')
  await writeFile(clientAuthorities, certificate)
  await certificates.reload()
  expect(certificates.find('home.test')).not.toBe(before)
})

/** What a client needs to come again. */
async function ticketFrom({ doorway, visit }: Awaited<ReturnType<typeof serve>>, name: string): Promise<Buffer> {
  const client = await visit(name)
  const given = once(client, 'session')
  ;(await doorway.next()).transport.write('.')
  return (await given)[0]
}

test('RFC 8446 §2.2: a TLS session is resumed after a restart, until the keys of the next day', async () => {
  const ticket = await ticketFrom(await serve((await open([{ domain: 'home.test' }])).certificates), 'home.test')
  const { certificates, clock, lines } = await open([{ domain: 'home.test' }])
  const { visit } = await serve(certificates)
  const isResumed = async () => (await visit('home.test', ticket)).isSessionReused()
  expect(await isResumed()).toBe(true)
  clock.advance(day)
  await certificates.reload()
  expect(await isResumed()).toBe(false)
  expect(lines).toEqual([])
})

test('where clients show certificates no TLS session is resumed: a ticket knows no host', async () => {
  const clientAuthorities = join(folder, 'authorities.pem')
  await writeFile(clientAuthorities, (await selfSigned('authority.test', Date.now())).certificate)
  const hosts = [{ domain: 'home.test' }, { domain: 'away.test', clientAuthorities }]
  const { certificates } = await open([{ domain: 'home.test' }])
  const served = await serve(certificates)
  const before = await ticketFrom(served, 'home.test')
  await certificates.reload(hosts)
  const since = await ticketFrom(served, 'home.test')
  for (const [ticket, host] of [
    [before, 'home.test'],
    [since, 'home.test'],
    [since, 'away.test'],
  ] as const)
    expect((await served.visit(host, ticket)).isSessionReused()).toBe(false)
})
