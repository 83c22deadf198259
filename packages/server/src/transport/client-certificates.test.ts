// oxlint-disable-next-line import/no-unassigned-import -- its effect is what @peculiar/x509 needs
import 'reflect-metadata'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { BasicConstraintsExtension, Extension, PemConverter, X509CertificateGenerator } from '@peculiar/x509'
import { Jid } from '@jackdaw/xmpp'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { createServer } from '../index.ts'
import { xmppAddresses } from './xmpp-addresses.ts'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const dates = { notBefore: new Date(Date.now() - 86_400_000), notAfter: new Date(Date.now() + 86_400_000) }
const pemOf = async (key: CryptoKey) => PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')
const makeKeys = () => crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])

/** One element of DER, of less than 64 KiB. */
function der(tag: number, ...content: Uint8Array[]): Uint8Array {
  const bytes = Buffer.concat(content)
  const length = bytes.length < 128 ? [bytes.length] : [0x82, bytes.length >> 8, bytes.length & 255]
  return Buffer.concat([Buffer.from([tag, ...length]), bytes])
}

function xmppAddr(jid: string): Uint8Array {
  const type = der(0x06, Buffer.from('2b06010505070805', 'hex'))
  return der(0xa0, type, der(0xa0, der(0x0c, Buffer.from(jid))))
}

/** An authority that makes certificates of the people it vouches for. */
async function authority(name: string) {
  const keys = await makeKeys()
  const own = await X509CertificateGenerator.createSelfSigned({
    ...dates,
    name: `CN=${name}`,
    keys,
    signingAlgorithm: algorithm,
    extensions: [new BasicConstraintsExtension(true, undefined, true)],
  })
  return {
    pem: own.toString('pem'),
    async vouches(...jids: string[]) {
      const subject = await makeKeys()
      const names = der(0x30, der(0x82, Buffer.from('localhost')), ...jids.map(xmppAddr))
      const made = await X509CertificateGenerator.create({
        ...dates,
        subject: `CN=${jids[0]}`,
        issuer: own.subject,
        signingKey: keys.privateKey,
        publicKey: subject.publicKey,
        signingAlgorithm: algorithm,
        extensions: [new Extension('2.5.29.17', false, names)],
      })
      return { cert: made.toString('pem'), key: await pemOf(subject.privateKey), raw: new Uint8Array(made.rawData) }
    },
  }
}

const header = (to: string) =>
  `<?xml version='1.0'?><stream:stream to='${to}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`
const external = (authzid = '') =>
  `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>${Buffer.from(authzid).toString('base64') || '='}</auth>`

/** Two hosts; the authority vouches for the users of the first. */
async function play() {
  const ours = await authority('ours')
  const folder = await mkdtemp(join(tmpdir(), 'jackdaw-'))
  const file = join(folder, 'authorities.pem')
  await writeFile(file, ours.pem)
  const server = await createServer(
    {
      data: join(folder, 'data'),
      hosts: { 'home.test': { clientAuthorities: file }, 'other.test': {} },
      listen: { xmpp: false, xmpps: { port: 0, address: '127.0.0.1' }, http: false, https: false },
      limits: { authenticationDelay: 0 },
    },
    { log: pino({ level: 'silent' }) },
  )
  const [listening] = await server.start()
  onTestFinished(async () => {
    await server.stop()
    await rm(folder, { recursive: true })
  })
  for (const domain of ['home.test', 'other.test'])
    await server.hosts.get(domain)!.accounts.create(Jid.parse(`romeo@${domain}`), 'pencil')

  /** What the server says to a client with that certificate, up to the answer to its login. */
  async function answer(credentials: { cert?: string; key?: string }, domain: string, authzid?: string) {
    const socket: TLSSocket = connect({
      host: '127.0.0.1',
      port: listening!.port,
      servername: domain,
      rejectUnauthorized: false,
      ...(credentials.cert && { cert: credentials.cert, key: credentials.key }),
    })
    let heard = ''
    socket.on('data', (chunk: Buffer) => (heard += chunk.toString())).on('error', () => {})
    const hears = async (pattern: RegExp) => {
      while (!pattern.test(heard)) await new Promise((resolve) => socket.once('data', resolve))
    }
    socket.write(header(domain))
    await hears(/<\/stream:features>/)
    const offers = heard.includes('<mechanism>EXTERNAL</mechanism>')
    socket.write(external(authzid))
    await hears(/<success|<\/failure>/)
    socket.destroy()
    return [offers, /<success/.test(heard) ? 'success' : /<failure[^>]*><([\w-]+)/.exec(heard)![1]]
  }
  return { ours, answer }
}

test('RFC 6120 §6.3.4, §13.8, XEP-0178: who shows a certificate of an authority of the host logs in as whom it names', async () => {
  const { ours, answer } = await play()
  const romeo = await ours.vouches('Romeo@home.test')
  expect(await answer(romeo, 'home.test')).toEqual([true, 'success'])
  expect(await answer(romeo, 'home.test', 'romeo@home.test')).toEqual([true, 'success'])
  expect(await answer(romeo, 'home.test', 'juliet@home.test')).toEqual([true, 'invalid-authzid'])
  expect(await answer(await ours.vouches('nobody@home.test'), 'home.test')).toEqual([true, 'not-authorized'])
})

test('XEP-0178 §2: of several addresses the client says which', async () => {
  const { ours, answer } = await play()
  const both = await ours.vouches('romeo@home.test', 'juliet@home.test')
  expect(await answer(both, 'home.test')).toEqual([true, 'invalid-authzid'])
  expect(await answer(both, 'home.test', 'romeo@home.test')).toEqual([true, 'success'])
})

test('RFC 6120 §13.7.2: EXTERNAL is not offered without a certificate, with one of somebody else, or of another host', async () => {
  const { ours, answer } = await play()
  const theirs = await authority('theirs')
  const romeo = await ours.vouches('romeo@home.test')
  const refused = [false, 'invalid-mechanism']
  expect(await answer({}, 'home.test')).toEqual(refused)
  expect(await answer(await theirs.vouches('romeo@home.test'), 'home.test')).toEqual(refused)
  expect(await answer(await ours.vouches('home.test', 'romeo@home.test/phone', '@'), 'home.test')).toEqual(refused)
  // The authority of one host says nothing about the users of another.
  const foreign = await ours.vouches('romeo@other.test')
  for (const domain of ['home.test', 'other.test']) expect(await answer(foreign, domain)).toEqual(refused)
  expect(await answer(romeo, 'other.test')).toEqual(refused)
})

test('RFC 6120 §13.7.1.4: addresses are read from the alternative names alone, whatever is left of a certificate', async () => {
  const { raw } = await (await authority('ours')).vouches('Romeo@home.test', 'a@b.test/c', 'home.test')
  expect(xmppAddresses(raw)).toEqual(['romeo@home.test'])
  for (let length = 0; length < raw.length; length++) expect(xmppAddresses(raw.subarray(0, length))).toEqual([])
})
