// oxlint-disable-next-line import/no-unassigned-import -- its effect is what @peculiar/x509 needs
import 'reflect-metadata'
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'

const day = 86_400_000

/** Lifetime in milliseconds: 825 days, the most that all clients take. */
const lifetime = 825 * day

/** A P-256 key and a certificate that it has signed itself, as PEM. `name` is a domain in ASCII; `now` in milliseconds since the epoch. */
export async function selfSigned(name: string, now: number): Promise<{ certificate: string; key: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [name] }, { O: ['Jackdaw'] }],
    keys,
    signingAlgorithm: algorithm,
    // A client's clock may be behind.
    notBefore: new Date(now - day),
    notAfter: new Date(now - day + lifetime),
    extensions: [
      new SubjectAlternativeNameExtension([
        ...(/^[[\d.:]+\]?$/.test(name) ? [] : [{ type: 'dns' as const, value: name }]),
        ...addresses(name).map((value) => ({ type: 'ip' as const, value })),
      ]),
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
    ],
  })
  const key = await crypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { certificate: `${certificate.toString('pem')}\n`, key: `${PemConverter.encode(key, 'PRIVATE KEY')}\n` }
}

function addresses(name: string): string[] {
  if (name === 'localhost') return ['127.0.0.1', '::1']
  return /^[[\d.:]+\]?$/.test(name) ? [name.replace(/^\[|\]$/g, '')] : []
}
