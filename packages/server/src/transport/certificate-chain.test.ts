// oxlint-disable-next-line import/no-unassigned-import -- its effect is what @peculiar/x509 needs
import 'reflect-metadata'
import type { webcrypto } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BasicConstraintsExtension, PemConverter, X509CertificateGenerator } from '@peculiar/x509'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { certificatesIn, chainDoubt } from './certificate-chain.ts'
import { readCertificate } from './certificate-file.ts'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
interface Made {
  readonly pem: string
  readonly name: string
  readonly keys: webcrypto.CryptoKeyPair
}

async function make(name: string, issuer?: Made): Promise<Made> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.create({
    subject: `CN=${name}`,
    issuer: `CN=${issuer?.name ?? name}`,
    publicKey: keys.publicKey,
    signingKey: (issuer?.keys ?? keys).privateKey,
    signingAlgorithm: algorithm,
    extensions: [new BasicConstraintsExtension(name !== 'home.test')],
  })
  return { pem: `${certificate.toString('pem')}\n`, name, keys }
}

let root: Made
let between: Made
let own: Made
beforeAll(async () => {
  root = await make('Root')
  between = await make('Between', root)
  own = await make('home.test', between)
})
const doubt = (...made: Made[]) => chainDoubt('a.pem', made.map(({ pem }) => pem).join('\n'))

test('a whole chain, with and without the root, and a self-made certificate leave no doubt', () => {
  expect([doubt(own, between), doubt(own, between, root), doubt(root)]).toEqual([undefined, undefined, undefined])
  expect(certificatesIn(`${own.pem}words\n${between.pem}`)).toHaveLength(2)
})

test('a chain without the issuer is told', () => {
  expect(doubt(own)).toMatch(/^The file a\.pem lacks the certificate of the issuer \(Between\), .*: append it/)
})

test('a chain with a gap or in another order is told', () => {
  expect(doubt(own, root)).toContain('a.pem do not follow from one another')
  expect(doubt(own, root, between)).toContain('a.pem do not follow from one another')
})

test('the own certificate behind another one is no wrong key, and said so', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'jackdaw-chain-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const files = { certificate: join(folder, 'a.pem'), key: join(folder, 'a.key') }
  await writeFile(files.certificate, between.pem + own.pem)
  await writeFile(
    files.key,
    PemConverter.encode(await crypto.subtle.exportKey('pkcs8', own.keys.privateKey), 'PRIVATE KEY'),
  )
  const reading = readCertificate({ domain: 'home.test', files }, files, { minVersion: 'TLSv1.2', now: Date.now() })
  await expect(reading).rejects.toThrow(`${files.certificate} holds its certificates in the wrong order`)
})
